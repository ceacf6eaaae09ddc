"""What FSRS-6 remembers of a card, and the chance that the learner will recall it on a given day.

The model is the `fsrs` package's, with its default parameters and no fuzz; times are whole study days.
Grades 0 to 2 are its Again, 3 its Hard, 4 its Good, 5 its Easy.
"""

from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple

from fsrs import Card, Rating, Scheduler, State

_MODEL: Final = Scheduler(enable_fuzzing=False)
_NOON: Final = time(12, tzinfo=UTC)  # any hour does: FSRS counts whole days between two answers
_NEVER: Final = datetime.min.replace(tzinfo=UTC)  # given as the due time, or the package asks the clock
_LOWEST_GRADE: Final = {Rating.Easy: 5, Rating.Good: 4, Rating.Hard: 3}

# Recall after t days is (1 + FACTOR t / stability) ** DECAY: 0.9 when t is the stability.
PARAMETERS: Final = _MODEL.parameters
DECAY: Final = -PARAMETERS[20]
FACTOR: Final = 0.9 ** (1 / DECAY) - 1


class Memory(NamedTuple):
    """A card's memory state after an answer: stability in days, difficulty 1 to 10, the answer's day."""

    stability: float
    difficulty: float
    last_on: date


def stored(stability: float | None, difficulty: float | None, last_on: date | None) -> Memory | None:
    """Return the memory that these columns hold, None when they are empty."""
    if stability is None or difficulty is None or last_on is None:
        return None
    return Memory(stability, difficulty, last_on)


def after(before: Memory | None, grade: int, on: date) -> Memory:
    """Return the memory after an answer with grade 0 to 5 on study day `on`; None before the first."""
    answered, _ = _MODEL.review_card(_card(before), _rating(grade), datetime.combine(on, _NOON))
    assert answered.stability is not None
    assert answered.difficulty is not None
    return Memory(answered.stability, answered.difficulty, on)


def recall(memory: Memory, on: date) -> float:
    """Return the predicted chance of recall on study day `on`: 1 on the day of the last answer."""
    return _MODEL.get_card_retrievability(_card(memory), datetime.combine(on, _NOON))


def prediction(memory: Memory | None, on: date) -> float | None:
    """Return what can be predicted of an answer on `on`: None for a first one, or a second in a day."""
    return recall(memory, on) if memory is not None and memory.last_on < on else None


def assumed(interval: int, on: date) -> Memory:
    """Return the memory to assume of a card that came with an interval in days but without its answers.

    FSRS' stability is the interval after which 9 of 10 are recalled, so the interval stands in for it.
    """
    return Memory(float(interval), after(None, 4, on).difficulty, on)


def _card(memory: Memory | None) -> Card:
    if memory is None:
        return Card(card_id=0, due=_NEVER)
    return Card(
        card_id=0,
        due=_NEVER,
        state=State.Review,
        stability=memory.stability,
        difficulty=memory.difficulty,
        last_review=datetime.combine(memory.last_on, _NOON),
    )


def _rating(grade: int) -> Rating:
    return next((rating for rating, lowest in _LOWEST_GRADE.items() if grade >= lowest), Rating.Again)
