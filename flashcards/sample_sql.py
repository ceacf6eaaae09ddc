"""The statement behind a sample of a learner's rows: looked up by keys, and added up where they lie.

By hand, and for both databases, as in many_sql.py. Only sums and the lowest few come back: to bring all rows
here and add them up took as long as to find them. Recall is what recall.on and memory.recall say; a test
compares.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from django.db import connection

from accounts.models import User
from flashcards import recall
from flashcards.forecasting import BANDS
from flashcards.many_sql import CARDS, MINE, STATES, TOPIC, TOPICS, as_date, as_day, asked
from flashcards.models import Topic
from flashcards.scheduling import memory
from flashcards.scheduling.days import ONE_DAY

LOWEST: Final = 20
# PostgreSQL takes the topics at once; to look each up by its key took half as long as the cards themselves.
PLACES: Final = f"place(topic, unit) AS {{kept}} (SELECT t.id, {{unit}} FROM {TOPICS} t)"
EVERY: Final = f"""
    WITH RECURSIVE {{places}}, every(card) AS (
        SELECT CAST(%(first)s AS bigint)
        UNION ALL SELECT card + %(step)s FROM every WHERE card + %(step)s <= %(last)s
    ), looked AS MATERIALIZED (
        SELECT {{looked}} FROM every JOIN {STATES} s ON s.card_id = every.card AND {MINE}
            JOIN {CARDS} c ON c.id = s.card_id JOIN place p ON p.topic = c.topic_id
        WHERE NOT c.retired AND p.unit NOT IN ({{whole}})
        UNION ALL
        SELECT {{looked}} FROM {CARDS} c JOIN {STATES} s ON s.card_id = c.id AND {MINE}
            JOIN place p ON p.topic = c.topic_id
        WHERE c.retired = %(no)s
            AND c.topic_id IN (SELECT t.id FROM {TOPICS} t WHERE {{unit}} IN ({{whole}}))
    )
"""
ALL: Final = f"""
    WITH {{places}}, looked AS MATERIALIZED (
        SELECT {{looked}} FROM {STATES} s JOIN {CARDS} c ON c.id = s.card_id
            JOIN place p ON p.topic = c.topic_id
        WHERE {MINE} AND NOT c.retired
    )
"""
# What is buried today is due tomorrow (see recall.due), so it is settled as if it weren't only today.
LOOKED: Final = """
    p.unit, p.topic, s.card_id AS card, s.suspended, s.lapses, s.due_on, s.buried_on,
    CASE WHEN NOT s.suspended THEN {chance} END AS chance,
    CASE WHEN NOT s.suspended AND (
        s.due_on >= %(until)s
        OR s.due_on <= %(today)s AND s.buried_on = %(today)s AND %(tomorrow)s >= %(until)s
    ) THEN {settled} END AS settled
"""
COUNTS: Final = [f"count(CASE WHEN chance >= {least} THEN 1 END)" for least in BANDS]
SUMS: Final = f"""
    SELECT unit, 0, count(*),
        count(CASE WHEN card >= %(first)s AND (card - %(first)s) %% %(step)s = 0 THEN 1 END),
        count(CASE WHEN suspended THEN 1 END),
        count(CASE WHEN NOT suspended AND due_on IS NOT NULL THEN 1 END),
        count(chance), coalesce(sum(chance), 0.0), coalesce(sum(chance * chance), 0.0),
        coalesce(sum(settled), 0.0), {", ".join(COUNTS)},
        CAST(NULL AS date), CAST(NULL AS date), {", ".join(["NULL"] * (1 + len(TOPIC)))}
    FROM looked GROUP BY unit
    UNION ALL SELECT l.card, 1, l.lapses, 0, 0, 0, 0, l.chance, 0.0, 0.0, {", ".join("0" for _ in COUNTS)},
        l.due_on, l.buried_on, c.question, {TOPIC}
    FROM (
        SELECT * FROM looked WHERE chance IS NOT NULL AND topic NOT IN ({{left_out}})
        ORDER BY chance, lapses DESC, card LIMIT {LOWEST}
    ) l JOIN {CARDS} c ON c.id = l.card JOIN {TOPICS} t ON t.id = l.topic
"""


class Low(NamedTuple):
    """A started card with its chance of recall on the lead's day; the lowest comes first."""

    recall: float
    misses: int  # negative
    card: int
    due_on: date | None
    question: str
    topic: Topic


class Sums(NamedTuple):
    """What the rows of one unit come to.

    Of `rows`, `aligned` ones lie at keys that were tried, `suspended` and `scheduled` ones are counted. The
    others are of active cards on the lead's day: `started` ones, the sum of their chances and of the squares,
    and that of the chances of those that don't come up. `from_least` counts those from each band up.
    """

    rows: int
    aligned: int
    suspended: int
    scheduled: int
    started: int
    recalled: float
    squares: float
    settled: float
    from_least: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose rows are looked at, by topic or by deck, and for which days.

    `on` is the lead's day, `until` that before which cards come up; the lowest aren't of `left_out` topics.
    """

    learner: User
    today: date
    on: date
    until: date
    by_topic: bool
    left_out: list[int]


def every(what: Asked) -> tuple[dict[int, Sums], list[Low]]:
    """Return what all of the learner's rows come to by unit, and the lowest."""
    return _read(ALL, what, (), {"first": 0, "step": 1})


def every_kth(
    what: Asked, first: int, last: int, step: int, whole: Iterable[int]
) -> tuple[dict[int, Sums], list[Low]]:
    """Return that of the cards with the keys `first`, `first + step`, ..., and of all `whole` units."""
    return _read(EVERY, what, whole, {"first": first, "last": last, "step": step, "no": False})


def _read(
    rows: str, what: Asked, whole: Iterable[int], given: dict[str, Any]
) -> tuple[dict[int, Sums], list[Low]]:
    unit = "t.id" if what.by_topic else "t.deck_id"
    kept = "MATERIALIZED" if connection.vendor == "postgresql" else ""
    looked = LOOKED.format(chance=_recall("%(on)s"), settled=_recall("%(until)s"))
    places = PLACES.format(kept=kept, unit=unit)
    statement = rows.format(looked=looked, places=places, unit=unit, whole=_listed(whole))
    statement += SUMS.format(left_out=_listed(what.left_out))
    days = {"today": what.today, "tomorrow": what.today + ONE_DAY, "on": what.on, "until": what.until}
    given |= {"learner": what.learner.pk, **{name: as_day(day) for name, day in days.items()}}
    sums, lowest = dict[int, Sums](), list[Low]()
    for key, low, *values in asked(statement, given):
        if low:
            lowest.append(_low(key, values, what.today))
        else:
            sums[key] = Sums._make((*values[:8], tuple(values[8 : 8 + len(BANDS)])))
    return sums, sorted(lowest, key=lambda low: low[:3])


def _low(card: int, values: list[Any], today: date) -> Low:
    lapses, chance, (due, buried, question, *topic) = values[0], values[5], values[8 + len(BANDS) :]
    due_on = as_date(due)
    if due_on is not None and due_on <= today and as_date(buried) == today:
        due_on = today + ONE_DAY
    return Low(chance, -lapses, card, due_on, question, TOPIC.row(topic))


def _recall(on: str) -> str:
    """Return the chance of recall on a day as SQL, null without a memory."""
    if connection.vendor == "sqlite":
        days, power = f"max(0, julianday({on}) - julianday(s.remembered_on))", recall.power_of_sqlite()
    else:
        days, power = f"greatest(0, {on} - s.remembered_on)", "power"
    return f"{power}(1.0 + {memory.FACTOR!r} * {days} / s.stability, {memory.DECAY!r})"


def _listed(keys: Iterable[int]) -> str:
    return ", ".join(map(str, [0, *keys]))
