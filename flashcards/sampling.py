"""A sample of a learner's rows, of bounded size, and what its cards come to on a day.

Of up to MOST_STATES rows all are read; of more, those of every k-th key, which stand for as many places as
there are in between. Each day begins at another key, so that in k days every card is looked at once. k is a
prime: were it the length of a topic, the sample would have only the first cards of topics, or only the last.
"""

from dataclasses import dataclass
from math import isqrt
from typing import Final

from flashcards import many_sql, sample_sql
from flashcards.forecasting import BANDS
from flashcards.many_sql import Facts
from flashcards.sample_sql import Asked, Low, Sums

SAMPLE: Final = 1_000  # rows that are looked at, of more than MOST_STATES
THIN: Final = 4  # with fewer than a fourth of these found, keys lie far apart: more are tried, once,
MOST_TRIED: Final = 16  # up to so many times as many
NOTHING: Final = Sums(0, 0, 0, 0, 0, 0.0, 0.0, 0.0, (0,) * len(BANDS))


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows found at `places` of the keys between the learner's first and last, about one in `step`.

    Of the `whole` units there are all, and none of these are counted among the keys. There are the sums of
    each unit that has rows, and the lowest cards.
    """

    sums: dict[int, Sums]
    lowest: list[Low]
    places: int
    step: float = 1.0
    whole: frozenset[int] = frozenset()

    def of(self, unit: int) -> Sums:
        """Return what the rows of this unit come to."""
        return self.sums.get(unit, NOTHING)

    def factor(self, unit: int) -> float:
        """Return how many cards of this unit a row of it stands for."""
        return 1.0 if unit in self.whole else self.step


def sample(what: Asked, facts: Facts, whole: frozenset[int]) -> Sample:
    """Return the learner's rows, or so many of them, in one statement, or two where keys lie far apart.

    Of these units all are read.
    """
    if facts.states <= many_sql.MOST_STATES:
        sums, lowest = sample_sql.every(what)
        return Sample(sums, lowest, sum(unit.rows for unit in sums.values()))
    keys = facts.last - facts.first + 1

    def read(step: int) -> Sample:
        first = facts.first + what.today.toordinal() % step
        sums, lowest = sample_sql.every_kth(what, first, facts.last, step, whole)
        inside = [sums[unit] for unit in whole if unit in sums]
        drawn = len(range(first, facts.last + 1, step)) - sum(unit.aligned for unit in inside)
        left = keys - sum(unit.rows for unit in inside)
        return Sample(sums, lowest, drawn, max(1.0, left / max(1, drawn)), whole)

    step = _prime(-(-keys // SAMPLE))
    found = read(step)
    looked = sum(unit.rows for unit in found.sums.values())
    if step > 1 and THIN * looked < SAMPLE:
        found = read(_prime(max(1, step * looked // SAMPLE, step // MOST_TRIED)))
    return found


def _prime(most: int) -> int:
    """Return the largest prime up to a number, and 1 for 1."""
    return next((n for n in range(most, 1, -1) if all(n % factor for factor in range(2, isqrt(n) + 1))), 1)
