"""A sample of a learner's rows, of bounded size, and what its cards come to on a day.

Of up to MOST_STATES rows all are read; of more, those of every k-th key, which stand for as many places as
there are in between. Each day begins at another key, so that in k days every card is looked at once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from accounts.models import User
from flashcards import many_sql
from flashcards.many_sql import Facts, Row
from flashcards.recall import Lead
from flashcards.scheduling import futures

SAMPLE: Final = 2_000  # rows that are looked at, of more than MOST_STATES
THIN: Final = 4  # with fewer than a fourth of these found, keys lie far apart: more are tried, once,
MOST_TRIED: Final = 16  # up to so many times as many


class Low(NamedTuple):
    """A started card with its chance of recall on the lead's day; the lowest comes first."""

    recall: float
    misses: int  # negative
    card: int
    row: Row


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows found at `places` of the keys between the learner's first and last, about one in `step`.

    Of the `whole` topics there are all, and none of these are counted among the keys.
    """

    rows: list[Row]
    places: int
    step: float = 1.0
    whole: frozenset[int] = frozenset()

    def factor(self, topic: int) -> float:
        """Return how many cards of this topic a row of it stands for."""
        return 1.0 if topic in self.whole else self.step


@dataclass(frozen=True, slots=True)
class Seen:
    """What these rows come to: the suspended and the scheduled ones by topic, and each started card."""

    suspended: Counter[int]
    scheduled: Counter[int]
    lows: list[Low]


def sample(learner: User, facts: Facts, today: date, whole: frozenset[int]) -> Sample:
    """Return the learner's rows, or so many of them, in one statement, or two where keys lie far apart.

    Of these topics all are read.
    """
    if facts.states <= many_sql.MOST_STATES:
        rows = many_sql.every(learner)
        return Sample(rows, len(rows))
    keys = facts.last - facts.first + 1

    def read(step: int) -> Sample:
        first = facts.first + today.toordinal() % step
        places = len(range(first, facts.last + 1, step))
        rows = many_sql.every_kth(learner, first, facts.last, step, whole)
        inside = [row.card - first for row in rows if row.topic in whole]
        drawn = places - sum(1 for place in inside if place >= 0 and place % step == 0)
        return Sample(rows, drawn, max(1.0, (keys - len(inside)) / max(1, drawn)), whole)

    step = -(-keys // SAMPLE)
    found = read(step)
    if step > 1 and THIN * len(found.rows) < SAMPLE:
        found = read(max(1, step * len(found.rows) // SAMPLE, step // MOST_TRIED))
    return found


def seen(rows: Sequence[Row], lead: Lead) -> Seen:
    """Return what these rows come to on the lead's day."""
    active = [row for row in rows if not row.suspended]
    return Seen(
        suspended=Counter(row.topic for row in rows if row.suspended),
        scheduled=Counter(row.topic for row in active if row.due_on is not None),
        lows=[
            Low(recall, -row.lapses, row.card, row)
            for row in active
            if (recall := chance(row, lead.on)) is not None
        ],
    )


def chance(row: Row, on: date) -> float | None:
    """Return the chance of recall on a day, None without a memory."""
    if row.stability is None or row.remembered_on is None:
        return None
    return futures.recall(row.stability, (on - row.remembered_on).days)
