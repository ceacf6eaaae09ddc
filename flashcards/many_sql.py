"""The statements behind a forecast for very many cards: what indexes count, and the cards that come up.

By hand, and for both databases: each asks one index for so many places and looks those up. Left to choose,
PostgreSQL would rather read a table of 200,000 short rows than look up a few hundred.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from django.db import connection

from accounts.models import User
from accounts.rows import columns, prepared, table
from flashcards.models import Card, Deck, ReviewState, Topic
from flashcards.scheduling.days import ONE_DAY

TOPIC, DECK = columns(Topic, "t", but=("card_count",)), columns(Deck, "d", but=("description",))
CARDS, STATES, TOPICS = table(Card), table(ReviewState), table(Topic)
MOST_STATES: Final = 4_000  # of a learner with no more rows than these, all are read
SHUFFLES: Final = 2**31
SPARE: Final = (
    1.3  # so many times as many cards are read as are to be taken, for days by chance short of some
)

# Of a unit that is one topic, the least of its columns are that topic's.
UNITS: Final = f"""
    SELECT u.topics, u.topic IS NOT NULL, CAST(sum(u.cards) AS bigint),
        {", ".join(f'min(u."{name}")' for name in TOPIC.names)},
        {", ".join(f'min(d."{name}")' for name in DECK.names)}
    FROM (
        SELECT {TOPIC}, CASE WHEN %(each)s OR n.topics <= %(most)s THEN t.id END AS topic, n.topics,
            coalesce(t.card_count, (
                SELECT count(*) FROM {CARDS} c WHERE c.retired = %(no)s AND c.topic_id = t.id
            )) AS cards
        FROM {TOPICS} t CROSS JOIN (SELECT count(*) AS topics FROM {TOPICS}) n
    ) u JOIN {table(Deck)} d ON d.id = u.deck_id
    GROUP BY u.topics, u.deck_id, u.topic ORDER BY u.deck_id, min(u."position")
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
COMING: Final = f"""
    SELECT {{place}}, s.due_on, s.buried_on, s.shuffle, s.own_due_on, s.repetitions, s.ease,
        s.interval, s.drill, s.stability, s.difficulty, s.remembered_on
    FROM {STATES} s {{cards}} WHERE {ACTIVE} AND {{days}} AND s.shuffle < %(below)s AND NOT {{retired}}
"""
PLACED: Final = "c.topic_id, c.position", f"JOIN {CARDS} c ON c.id = s.card_id", "c.retired"
# The few retired cards are looked up at once, where each card's own row would be read for nothing else.
UNPLACED: Final = (
    "0, 0",
    "",
    f"EXISTS (SELECT 1 FROM {CARDS} c WHERE c.retired = %(yes)s AND c.id = s.card_id)",
)


class Coming(NamedTuple):
    """A learner's row of a card that comes up, with what is needed of the card."""

    topic: int
    position: int
    due_on: date
    buried_on: date | None
    shuffle: int
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
        return self[5:]

    def due(self, today: date) -> date:
        """Return the due day: what is buried today is due tomorrow (see recall.due)."""
        return today + ONE_DAY if self.buried_on == today and self.due_on <= today else self.due_on


@dataclass(frozen=True, slots=True)
class Unit:
    """A topic, or all of a deck where topics are many, and how many cards it has that aren't retired.

    The rows themselves are made when asked for, from the columns of both.
    """

    pk: int
    deck_pk: int
    by_topic: bool
    cards: int
    values: Sequence[Any]

    def topic(self) -> Topic:
        """Return the topic."""
        return TOPIC.row(self.values[: len(TOPIC)])

    def deck(self) -> Deck:
        """Return its deck."""
        return DECK.row(self.values[len(TOPIC) :])


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


def units(most_topics: int, *, each: bool) -> tuple[list[Unit], int]:
    """Return every topic in order, or every deck if topics are more than so many, and the number of topics.

    `each`: the topics in any case.
    """
    deck_place = TOPIC.names.index("deck_id")
    topic_place = TOPIC.names.index("id")
    rows = asked(UNITS, {"each": each, "most": most_topics, "no": False})
    found = [
        Unit(values[topic_place if single else deck_place], values[deck_place], bool(single), cards, values)
        for _, single, cards, *values in rows
    ]
    return found, rows[0][0] if rows else 0


def facts(learner: User, today: date, last: date) -> Facts:
    """Return what indexes say, with the cards due until the last day."""
    given = {"learner": learner.pk, "yes": True, "no": False, "last": as_day(last)}
    given |= {"most": MOST_STATES + 1, "today": as_day(today), "yesterday": as_day(today - ONE_DAY)}
    due, one = Counter[date](), dict[str, int]()
    for kind, day, count in asked(FACTS, given, by_value=True):
        on = as_date(day)
        if on is None:
            one[kind] = count or 0
        elif kind == "buried":
            due[on] -= count
            due[today + ONE_DAY] += count
        else:
            due[on] += count if kind == "due" else -count
    return Facts(due, **one)


def coming(
    learner: User, today: date, days: Iterable[date], until: date, share: float, *, placed: bool
) -> list[Coming]:
    """Return this share of the cards that come up on these days before the last, and some more, in no order.

    `shuffle` has drawn them: it is a hash, so those below a bound are of any kind. All late days are one. Not
    `placed`: without topic and position, which are 0.
    """
    below = min(SHUFFLES, round(SPARE * share * SHUFFLES))
    given = {"learner": learner.pk, "below": below, "today": as_day(today), "yes": True}
    ahead = [day for day in days if today <= day < until]
    given |= {f"day{n}": as_day(day) for n, day in enumerate(ahead)}
    listed = ", ".join(f"%(day{n})s" for n in range(len(ahead))) or "NULL"
    place, cards, retired = PLACED if placed else UNPLACED
    statement = " UNION ALL ".join(
        COMING.format(place=place, cards=cards, retired=retired, days=which)
        for which in (f"s.due_on IN ({listed})", "s.due_on < %(today)s")
    )
    dates = [column for column, name in enumerate(Coming._fields) if name.endswith("_on")]
    rows = [list(row) for row in asked(statement, given, by_value=True)]
    for row in rows if connection.vendor == "sqlite" else ():
        for column in dates:
            row[column] = as_date(row[column])
    return [Coming._make(row) for row in rows]


def asked(statement: str, given: dict[str, Any], *, by_value: bool = False) -> list[Any]:
    """Return all rows, as the database gives them.

    `by_value`: PostgreSQL needs the values for its plan. Of days that it doesn't know, it would expect a
    third of all rows, and read them.
    """
    with connection.cursor() if by_value else prepared() as cursor:
        cursor.execute(statement, given)
        return list(cursor.fetchall())


def as_day(day: date) -> Any:
    """Return the day as the database takes it."""
    return connection.ops.adapt_datefield_value(day)


def as_date(value: date | str | None) -> date | None:
    """Return the day as it is here: SQLite's are texts."""
    return date.fromisoformat(value) if isinstance(value, str) else value
