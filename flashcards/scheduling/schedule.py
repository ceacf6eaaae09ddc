"""One card's schedule as a fold of its events: the same `apply` answers a learner and replays the log."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from flashcards.scheduling import sm2

SCHEDULER = "sm2"
SCHEDULER_VERSION = 1
LEECH_AFTER = 8
LEECH_EVERY = 4


class Kind(StrEnum):
    """What can happen to a card's schedule."""

    REVIEW = "review"
    DRILL = "drill"
    PRACTICE = "practice"
    UNDO = "undo"
    RESET = "reset"
    SET_DUE = "set_due"
    IMPORT = "import"


BUTTONS = {2: "Again", 3: "Hard", 4: "Good", 5: "Easy"}
ANSWERS = frozenset({Kind.REVIEW, Kind.DRILL, Kind.PRACTICE})


class ReplayError(ValueError):
    """A log that can't have happened, such as an undo of an event that isn't the latest."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A card's whole schedule for one learner; `due_on` is None for a card that is new."""

    memory: sm2.State = sm2.NEW
    due_on: date | None = None
    introduced_on: date | None = None
    last_reviewed_on: date | None = None
    last_answered_at: datetime | None = None
    lapses: int = 0


NEW = Schedule()


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the log, as far as the schedule depends on it.

    `at` is the UTC instant, `study_day` the learner's day at that instant; `due_on` belongs to set_due
    and import, `memory` to import, `undoes` (a sequence number) to undo.
    """

    sequence: int
    kind: Kind
    at: datetime
    study_day: date
    grade: int | None = None
    due_on: date | None = None
    memory: sm2.State | None = None
    undoes: int | None = None


def answer_kind(schedule: Schedule, today: date) -> Kind:
    """Return what an answer given today would be: a review, a drill, or practice ahead of the due day."""
    if schedule.due_on is None or schedule.due_on <= today:
        return Kind.REVIEW
    if schedule.memory.drill and schedule.last_reviewed_on == today:
        return Kind.DRILL
    return Kind.PRACTICE


def apply(schedule: Schedule, event: Event) -> Schedule:
    """Return the schedule after one event (all but undo, which needs the history: see fold)."""
    match event.kind:
        case Kind.REVIEW:
            return _graded(schedule, event)
        case Kind.PRACTICE:
            return schedule if sm2.passed(_grade(event)) else _graded(schedule, event)
        case Kind.DRILL:
            memory = sm2.drill(schedule.memory, _grade(event))
            return replace(schedule, memory=memory, last_answered_at=event.at)
        case Kind.RESET:
            return NEW
        case Kind.SET_DUE:
            return replace(schedule, due_on=event.due_on)
        case Kind.IMPORT:
            return _imported(event)
        case Kind.UNDO:
            raise ReplayError("An undo is applied by fold, which knows what came before.")


def preview(schedule: Schedule, today: date, at: datetime) -> dict[int, Schedule]:
    """Return what each button's grade would make of the schedule if it were given now."""
    kind = answer_kind(schedule, today)
    return {grade: apply(schedule, Event(0, kind, at, today, grade)) for grade in BUTTONS}


def fold(events: Iterable[Event]) -> Schedule:
    """Return the schedule that a card's events, in order of sequence, lead to.

    Raises ReplayError where the sequence has a gap or an undo names anything but the latest event that
    still stands.
    """
    schedule, standing = NEW, list[tuple[int, Schedule]]()
    for place, event in enumerate(events, start=1):
        if event.sequence != place:
            raise ReplayError(f"Event {place} carries the sequence number {event.sequence}.")
        if event.kind is Kind.UNDO:
            if not standing or standing[-1][0] != event.undoes:
                raise ReplayError(f"Event {place} undoes {event.undoes}, which is not the latest.")
            schedule = standing.pop()[1]
        else:
            standing.append((event.sequence, schedule))
            schedule = apply(schedule, event)
    return schedule


def is_leech(lapses: int) -> bool:
    """Whether a card has been missed so often that it should be rewritten, split or suspended."""
    return lapses >= LEECH_AFTER


def becomes_leech(lapses: int) -> bool:
    """Whether this lapse is one at which the learner is told (8, 12, 16, ...)."""
    return is_leech(lapses) and (lapses - LEECH_AFTER) % LEECH_EVERY == 0


def shuffle_key(learner: int, card: int, due_on: date) -> int:
    """Return a stable 31-bit number that orders a learner's cards inside one due day."""
    digest = blake2b(f"{learner}:{card}:{due_on}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) >> 1


def _graded(schedule: Schedule, event: Event) -> Schedule:
    grade = _grade(event)
    memory = sm2.review(schedule.memory, grade)
    missed = not sm2.passed(grade) and schedule.memory.repetitions >= 1
    return Schedule(
        memory=memory,
        due_on=event.study_day + timedelta(days=memory.interval),
        introduced_on=schedule.introduced_on or event.study_day,
        last_reviewed_on=event.study_day,
        last_answered_at=event.at,
        lapses=schedule.lapses + missed,
    )


def _imported(event: Event) -> Schedule:
    if event.memory is None or event.due_on is None:
        raise ReplayError(f"Event {event.sequence} imports a schedule without saying which.")
    return Schedule(memory=event.memory, due_on=event.due_on, introduced_on=event.study_day)


def _grade(event: Event) -> int:
    if event.grade is None:
        raise ReplayError(f"Event {event.sequence} is an answer without a grade.")
    return event.grade
