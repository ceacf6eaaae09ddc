"""What a card can become: the chance that an answer is right, and what a right and a wrong one make of it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from flashcards.scheduling import memory, sm2
from flashcards.scheduling.memory import DECAY, FACTOR, Memory

PASS: Final = 4
MISS: Final = 2
_DAY_0: Final = date(2000, 1, 1)  # any day does: only the days between two answers count


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """What an answer left of a card, as if it was given on day 0; `memory` None: there was no answer.

    Compared by identity, so that it is quick to look up what was worked out from it before.
    """

    state: sm2.State
    memory: Memory | None


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
    on, grade = _DAY_0 + timedelta(max(0, days)), PASS if right else MISS
    held = memory.after(at.memory, grade, on)
    if right:
        return point(at.state if ahead else sm2.review(at.state, grade), held)
    return point(sm2.drill(sm2.review(at.state, grade), PASS), memory.after(held, PASS, on))
