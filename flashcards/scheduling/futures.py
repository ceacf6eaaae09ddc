"""What a card can become: the chance that an answer is right, and what a right and a wrong one make of it.

The runs ask this thousands of times for a page, so FSRS-6's formulas stand here once more, without the
package's cards and clocks around them; a test holds them against memory.after, to the last bit.
"""

from dataclasses import dataclass, field
from datetime import date
from math import e
from typing import Final

from flashcards.scheduling import memory, sm2
from flashcards.scheduling.memory import DECAY, FACTOR, PARAMETERS, Memory

PASS: Final = 4
MISS: Final = 2
_DAY_0: Final = date(2000, 1, 1)  # any day does: only the days between two answers count
_AGAIN, _GOOD, _EASY = 1, 3, 4  # FSRS' numbers for what PASS and MISS are to it, and for its easiest
_LEAST_STABLE: Final = 0.001
_LEAST_HARD, _HARDEST = 1.0, 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """What an answer left of a card, as if it was given on day 0; `memory` None: there was no answer.

    Compared by identity, so that it is quick to look up what was worked out from it before: `known`, by the
    days since, holds a chance and the points after a wrong and a right answer, then those of one ahead.
    """

    state: sm2.State
    memory: Memory | None
    known: dict[int, tuple[float, list["Point | None"]]] = field(default_factory=dict, repr=False)

    def after(self, days: int) -> tuple[float, list["Point | None"]]:
        """Return what is known of an answer this many days later; the points that aren't yet are None."""
        found = self.known.get(days)
        if found is None:
            found = self.known[days] = (chance(self, days), [None, None, None, None])
        return found


def point(state: sm2.State, held: Memory | None) -> Point:
    """Return the point where a card stands, on no particular day."""
    return Point(state, held and held._replace(last_on=_DAY_0))


def chance(at: Point, days: int) -> float:
    """Return the chance of recall this many days after the last answer: 0 when there was none."""
    return recall(at.memory.stability, days) if at.memory else 0.0


def recall(stability: float, days: int) -> float:
    """Return what memory.recall does, days after the last answer; a day that went back counts as none."""
    return float((1 + FACTOR * max(0, days) / stability) ** DECAY)


def answered(at: Point, days: int, right: bool, ahead: bool) -> Point:
    """Return the point after an answer: Good, or Again and then the drill that the same day asks for.

    `ahead`: a plan brought the card before its own due day, where a right answer moves no interval.
    """
    held = _after(at.memory, max(0, days), right)
    if right:
        return Point(at.state if ahead else sm2.review(at.state, PASS), held)
    return Point(sm2.drill(sm2.review(at.state, MISS), PASS), _after(held, 0, True))


def _after(before: Memory | None, days: int, right: bool) -> Memory:
    """Return what memory.after does for PASS or MISS, that many days after an answer on day 0."""
    if before is None:
        return memory.after(None, PASS if right else MISS, _DAY_0)
    rating = _GOOD if right else _AGAIN
    if days < 1:
        stability = _same_day(before.stability, rating)
    else:
        stability = (_recalled if right else _forgotten)(before, recall(before.stability, days))
    return Memory(max(stability, _LEAST_STABLE), _difficulty(before.difficulty, rating), _DAY_0)


def _same_day(stability: float, rating: int) -> float:
    w = PARAMETERS
    grown = (e ** (w[17] * (rating - 3 + w[18]))) * (stability ** -w[19])
    return float(stability * (max(grown, 1.0) if rating > _AGAIN else grown))


def _recalled(before: Memory, chance: float) -> float:
    w, stability = PARAMETERS, before.stability
    return float(
        stability
        * (
            1
            + (e ** (w[8]))
            * (11 - before.difficulty)
            * (stability ** -w[9])
            * ((e ** ((1 - chance) * w[10])) - 1)
        )
    )


def _forgotten(before: Memory, chance: float) -> float:
    w, stability = PARAMETERS, before.stability
    lasting = (
        w[11]
        * (before.difficulty ** -w[12])
        * (((stability + 1) ** (w[13])) - 1)
        * (e ** ((1 - chance) * w[14]))
    )
    return float(min(lasting, stability / (e ** (w[17] * w[18]))))


def _difficulty(before: float, rating: int) -> float:
    w = PARAMETERS
    easiest = w[4] - (e ** (w[5] * (_EASY - 1))) + 1
    moved = before + (10.0 - before) * -(w[6] * (rating - 3)) / 9.0
    return float(min(max(w[7] * easiest + (1 - w[7]) * moved, _LEAST_HARD), _HARDEST))
