"""SM-2 in integers: P. A. Wozniak, "Optimization of learning" (1990), section 3.2; see docs/sm2.md."""

from typing import NamedTuple

FIRST_EASE = 250
MIN_EASE = 130
MAX_INTERVAL = 36_500
EASE_CHANGE = {3: -14, 4: 0, 5: +10}


class State(NamedTuple):
    """What SM-2 knows of one card.

    `repetitions` in a row without a miss, `ease` in hundredths (250 is 2.50), `interval` in days
    (0: never reviewed), `drill`: the card owes another answer on the same study day.
    """

    repetitions: int
    ease: int
    interval: int
    drill: bool


NEW = State(repetitions=0, ease=FIRST_EASE, interval=0, drill=False)


class GradeError(ValueError):
    """The grade is not one of the whole numbers 0 to 5."""


def passed(grade: int) -> bool:
    """Whether the grade means that the answer was recalled (3, 4, 5)."""
    return _checked(grade) >= 3


def review(state: State, grade: int, max_interval: int = MAX_INTERVAL) -> State:
    """Return the state after a graded review; the interval grows by the ease from before this grade.

    Raises GradeError for anything but an integer 0 to 5.
    """
    if not passed(grade):
        return State(0, state.ease, 1, drill=True)
    repetitions = state.repetitions + 1
    interval = {1: 1, 2: 6}.get(repetitions) or -(-state.interval * state.ease // 100)
    ease = max(MIN_EASE, state.ease + EASE_CHANGE[grade])
    return State(repetitions, ease, max(1, min(interval, max_interval)), drill=grade < 4)


def drill(state: State, grade: int) -> State:
    """Return the state after a same-day repeat: only the drill flag follows the grade."""
    return state._replace(drill=_checked(grade) < 4)


def _checked(grade: int) -> int:
    if type(grade) is not int or not 0 <= grade <= 5:
        raise GradeError(f"A grade is a whole number from 0 to 5, not {grade!r}.")
    return grade
