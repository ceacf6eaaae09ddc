"""The statements behind a forecast for very many cards: what indexes count, and a sample read by keys.

By hand, and for both databases: each asks one index for so many places and looks those up. Left to choose,
PostgreSQL would rather read a table of 200,000 rows than look up 2,000.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from django.db import connection

from accounts.models import User
from accounts.rows import columns, table
from flashcards.models import Card, Deck, ReviewState, Topic
from flashcards.scheduling.days import ONE_DAY

TOPIC, DECK = columns(Topic, "t"), columns(Deck, "d", but=("description",))
CARDS, STATES = table(Card), table(ReviewState)
MOST_STATES: Final = 4_000  # of a learner with no more rows than these, all are read
SHUFFLES: Final = 2**31

TOPICS: Final = f"""
    SELECT {TOPIC}, {DECK},
        (SELECT count(*) FROM {CARDS} c WHERE c.retired = %(no)s AND c.topic_id = t.id) AS cards
    FROM {table(Topic)} t JOIN {table(Deck)} d ON d.id = t.deck_id ORDER BY t.deck_id, t.position
"""
# A CROSS JOIN keeps SQLite from beginning with the rows, of which there are many, not with the retired cards.
# Late days are one; what is buried today or retired is told apart, since the index of due days knows neither.
DAY: Final = "CASE WHEN s.due_on < %(today)s THEN %(yesterday)s ELSE s.due_on END"
MINE: Final = "s.learner_id = %(learner)s"
ACTIVE: Final = f"{MINE} AND NOT s.suspended"
QUEUED: Final = f"{ACTIVE} AND s.due_on <= %(last)s"
FACTS: Final = f"""
    SELECT 'due', s.day, count(*) FROM (SELECT {DAY} AS day FROM {STATES} s WHERE {QUEUED}) s GROUP BY s.day
    UNION ALL SELECT 'retired', s.day, count(*) FROM (
        SELECT {DAY} AS day FROM {CARDS} c CROSS JOIN {STATES} s
        WHERE c.retired = %(yes)s AND s.card_id = c.id AND {QUEUED}
    ) s GROUP BY s.day
    UNION ALL SELECT 'buried', s.day, count(*) FROM (
        SELECT {DAY} AS day FROM {STATES} s
        WHERE {ACTIVE} AND s.due_on <= %(today)s AND s.buried_on = %(today)s
            AND NOT EXISTS (SELECT 1 FROM {CARDS} c WHERE c.id = s.card_id AND c.retired)
    ) s GROUP BY s.day
    UNION ALL SELECT 'first', NULL, min(s.card_id) FROM {STATES} s WHERE {MINE}
    UNION ALL SELECT 'last', NULL, max(s.card_id) FROM {STATES} s WHERE {MINE}
    UNION ALL SELECT 'states', NULL, count(*) FROM (
        SELECT 1 FROM {STATES} s WHERE {MINE} LIMIT %(most)s
    ) s
    UNION ALL SELECT 'answered', NULL, count(*) FROM {STATES} s
        WHERE {MINE} AND s.last_reviewed_on = %(today)s
    UNION ALL SELECT 'introduced', NULL, count(*) FROM {STATES} s
        WHERE {MINE} AND s.last_reviewed_on = %(today)s AND s.introduced_on = %(today)s
"""
LOOKED: Final = """
    c.topic_id, s.card_id, c.position, c.question, s.suspended, s.lapses, s.due_on, s.buried_on, s.own_due_on,
    s.repetitions, s.ease, s.interval, s.drill, s.stability, s.difficulty, s.remembered_on
"""
ALL: Final = f"""
    SELECT {LOOKED} FROM {STATES} s JOIN {CARDS} c ON c.id = s.card_id WHERE {MINE} AND NOT c.retired
"""
EVERY: Final = f"""
    WITH RECURSIVE every(card) AS (
        SELECT CAST(%(first)s AS bigint)
        UNION ALL SELECT card + %(step)s FROM every WHERE card + %(step)s <= %(last)s
    )
    SELECT {LOOKED} FROM every JOIN {STATES} s ON s.card_id = every.card AND {MINE}
    JOIN {CARDS} c ON c.id = s.card_id WHERE NOT c.retired AND c.topic_id NOT IN (%%s)
    UNION ALL
    SELECT {LOOKED} FROM {CARDS} c JOIN {STATES} s ON s.card_id = c.id AND {MINE}
    WHERE c.retired = %(no)s AND c.topic_id IN (%%s)
"""
PLAY: Final = f"""
    SELECT {LOOKED} FROM (
        SELECT id, place FROM (
            SELECT s.id, row_number() OVER (ORDER BY s.due_on, s.shuffle, s.id) AS place FROM {STATES} s
            WHERE {ACTIVE} AND s.due_on < %(until)s AND s.shuffle < %(below)s
        ) s WHERE place %% %(step)s = %(phase)s
    ) p JOIN {STATES} s ON s.id = p.id JOIN {CARDS} c ON c.id = s.card_id
    WHERE NOT c.retired ORDER BY p.place
"""


class Row(NamedTuple):
    """A learner's row with what is needed of its card."""

    topic: int
    card: int
    position: int
    question: str
    suspended: bool
    lapses: int
    due_on: date | None
    buried_on: date | None
    own_due_on: date | None
    repetitions: int
    ease: int
    interval: int
    drill: bool
    stability: float | None
    difficulty: float | None
    remembered_on: date | None

    def schedule(self) -> tuple[date | None, int, int, int, bool, float | None, float | None, date | None]:
        """Return the columns from `own_due_on` on, as the runs take them."""
        return self[8:]

    def due(self, today: date) -> date | None:
        """Return the due day: what is buried today is due tomorrow (see recall.due)."""
        buried = self.buried_on == today and self.due_on is not None and self.due_on <= today
        return today + ONE_DAY if buried else self.due_on


class Counted(NamedTuple):
    """A topic and how many cards it has that aren't retired; the rows themselves are made when asked for."""

    pk: int
    deck_pk: int
    cards: int
    values: Sequence[Any]

    def topic(self) -> Topic:
        """Return the topic."""
        return TOPIC.row(self.values[: len(TOPIC)])

    def deck(self) -> Deck:
        """Return its deck."""
        return DECK.row(self.values[len(TOPIC) : -1])


@dataclass(frozen=True, slots=True)
class Facts:
    """What indexes say of a learner.

    `due` counts the active cards due on each day, the late ones under yesterday. The learner's rows are of
    cards from `first` to `last`; `states` counts them, up to one more than are read. `answered` and
    `introduced` are today's.
    """

    due: Counter[date]
    first: int
    last: int
    states: int
    answered: int
    introduced: int


def topics() -> list[Counted]:
    """Return every topic in order."""
    place, deck_place = TOPIC.names.index("id"), len(TOPIC) + DECK.names.index("id")
    return [Counted(row[place], row[deck_place], row[-1], row) for row in _asked(TOPICS, {"no": False})]


def facts(learner: User, today: date, last: date) -> Facts:
    """Return what indexes say, with the cards due until the last day."""
    given = {"learner": learner.pk, "yes": True, "no": False, "last": _day(last)}
    given |= {"most": MOST_STATES + 1, "today": _day(today), "yesterday": _day(today - ONE_DAY)}
    due, one = Counter[date](), dict[str, int]()
    for kind, day, count in _asked(FACTS, given):
        on = _date(day)
        if on is None:
            one[kind] = count or 0
        elif kind == "buried":
            due[on] -= count
            due[today + ONE_DAY] += count
        else:
            due[on] += count if kind == "due" else -count
    return Facts(due, **one)


def every(learner: User) -> list[Row]:
    """Return all of the learner's rows whose cards aren't retired."""
    return _rows(_asked(ALL, {"learner": learner.pk}))


def every_kth(learner: User, first: int, last: int, step: int, whole: Iterable[int]) -> list[Row]:
    """Return those of the cards with the keys `first`, `first + step`, ..., and all of the `whole` topics."""
    given = {"learner": learner.pk, "first": first, "last": last, "step": step, "no": False}
    return _rows(_asked(EVERY.replace("%%s", ", ".join(map(str, [0, *whole]))), given))


def coming(learner: User, until: date, share: float, step: int) -> list[Row]:
    """Return every k-th of the cards due before a day, by due day; of a share of them, drawn by `shuffle`."""
    given = {"learner": learner.pk, "until": _day(until), "below": int(SHUFFLES * share)}
    return _rows(_asked(PLAY, given | {"step": step, "phase": (step + 1) // 2 % step}))


def _asked(statement: str, given: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return list(cursor.fetchall())


def _rows(values: Iterable[tuple[Any, ...]]) -> list[Row]:
    """Return the rows; SQLite's dates are texts."""
    if connection.vendor != "sqlite":
        return [Row._make(row) for row in values]
    dates = [place for place, name in enumerate(Row._fields) if name.endswith("_on")]
    rows = [list(row) for row in values]
    for row in rows:
        for place in dates:
            row[place] = _date(row[place])
    return [Row._make(row) for row in rows]


def _day(day: date) -> Any:
    return connection.ops.adapt_datefield_value(day)


def _date(value: date | str | None) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value
