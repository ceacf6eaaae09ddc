"""One card's schedule as a fold of its events: the same `apply` answers a learner and replays the log."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from flashcards.scheduling import memory, sm2
from flashcards.scheduling.memory import Memory
from flashcards.scheduling.plan import NOTHING, Plan, planned_day

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
    PLAN = "plan"
    IMPORT = "import"


BUTTONS = {2: "Again", 3: "Hard", 4: "Good", 5: "Easy"}
ANSWERS = frozenset({Kind.REVIEW, Kind.DRILL, Kind.PRACTICE})


class ReplayError(ValueError):
    """A log that can't have happened, such as an undo of an event that isn't the latest."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A card's whole schedule for one learner; `due_on` is None for a card that is new.

    `own_due_on` is the due day that the plan moved the card away from, None when it stands on its own.
    """

    state: sm2.State = sm2.NEW
    due_on: date | None = None
    own_due_on: date | None = None
    introduced_on: date | None = None
    last_reviewed_on: date | None = None
    last_answered_at: datetime | None = None
    lapses: int = 0
    memory: Memory | None = None


NEW = Schedule()


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the log, as far as the schedule depends on it.

    `at` is the UTC instant, `study_day` the learner's day at that instant; `due_on` belongs to set_due,
    plan and import, `state` to import, `undoes` (a sequence number) to undo.
    """

    sequence: int
    kind: Kind
    at: datetime
    study_day: date
    grade: int | None = None
    due_on: date | None = None
    state: sm2.State | None = None
    undoes: int | None = None


def answer_kind(schedule: Schedule, today: date) -> Kind:
    """Return what an answer today would be: a review, a drill, or practice ahead of the card's own day."""
    if schedule.due_on is None or schedule.due_on <= today:
        ahead = schedule.own_due_on is not None and schedule.own_due_on > today
        return Kind.PRACTICE if ahead else Kind.REVIEW
    if schedule.state.drill and schedule.last_reviewed_on == today:
        return Kind.DRILL
    return Kind.PRACTICE


def apply(schedule: Schedule, event: Event) -> Schedule:
    """Return the schedule after one event (all but undo, which needs the history: see fold)."""
    match event.kind:
        case Kind.REVIEW:
            return _graded(schedule, event)
        case Kind.PRACTICE:
            return _practised(schedule, event)
        case Kind.DRILL:
            state = sm2.drill(schedule.state, _grade(event))
            return replace(
                schedule, state=state, last_answered_at=event.at, memory=_remembered(schedule, event)
            )
        case Kind.RESET:
            return NEW
        case Kind.SET_DUE | Kind.PLAN:
            return _put_on(schedule, event)
        case Kind.IMPORT:
            return _imported(event)
        case Kind.UNDO:
            raise ReplayError("An undo is applied by fold, which knows what came before.")


def moved(schedule: Schedule, plan: Plan, today: date, place: int) -> date | None:
    """Return the day to which the plan moves this schedule, None when it comes when it is due already.

    `place` is the card's place in its deck, as for planned_day.
    """
    if schedule.due_on is None:
        return None
    own = schedule.own_due_on or schedule.due_on
    seen_on = schedule.memory.last_on if schedule.memory else schedule.last_reviewed_on
    day = planned_day(plan, own, schedule.due_on, seen_on, today, place)
    return day if day != schedule.due_on else None


def preview(
    schedule: Schedule, today: date, at: datetime, plan: Plan = NOTHING, place: int = 0
) -> dict[int, Schedule]:
    """Return what each button's grade would make of the schedule if it were given now, plan included."""
    kind = answer_kind(schedule, today)
    return {
        grade: planned(apply(schedule, Event(0, kind, at, today, grade)), plan, today, at, place)
        for grade in BUTTONS
    }


def planned(schedule: Schedule, plan: Plan, today: date, at: datetime, place: int) -> Schedule:
    """Return the schedule as it is after the plan has moved it, where it does."""
    day = moved(schedule, plan, today, place)
    return apply(schedule, Event(0, Kind.PLAN, at, today, due_on=day)) if day else schedule


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


def standing(events: Iterable[Event]) -> list[int]:
    """Return the sequence numbers of the events that happened and were not undone, in order."""
    stack: list[int] = []
    for event in events:
        if event.kind is Kind.UNDO:
            stack.pop()
        else:
            stack.append(event.sequence)
    return stack


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
    state = sm2.review(schedule.state, grade)
    missed = not sm2.passed(grade) and schedule.state.repetitions >= 1
    return Schedule(
        state=state,
        due_on=event.study_day + timedelta(days=state.interval),
        introduced_on=schedule.introduced_on or event.study_day,
        last_reviewed_on=event.study_day,
        last_answered_at=event.at,
        lapses=schedule.lapses + missed,
        memory=_remembered(schedule, event),
    )


def _practised(schedule: Schedule, event: Event) -> Schedule:
    """A miss counts; a pass moves nothing, but a card that the plan had brought ahead goes back.

    That card was part of the day's queue, so it counts as reviewed, and below Good it comes again today.
    """
    grade = _grade(event)
    if not sm2.passed(grade):
        return _graded(schedule, event)
    practised = replace(schedule, memory=_remembered(schedule, event))
    if schedule.own_due_on is None or schedule.due_on is None or schedule.due_on > event.study_day:
        return practised
    return replace(
        practised,
        state=sm2.drill(schedule.state, grade),
        due_on=schedule.own_due_on,
        own_due_on=None,
        last_reviewed_on=event.study_day,
        last_answered_at=event.at,
    )


def _put_on(schedule: Schedule, event: Event) -> Schedule:
    """A day that the learner chose is the card's own from then on; the plan keeps the own day beside it."""
    own = schedule.own_due_on or schedule.due_on
    kept = own if event.kind is Kind.PLAN and event.due_on != own else None
    return replace(schedule, due_on=event.due_on, own_due_on=kept)


def _remembered(schedule: Schedule, event: Event) -> Memory:
    return memory.after(schedule.memory, _grade(event), event.study_day)


def _imported(event: Event) -> Schedule:
    if event.state is None or event.due_on is None:
        raise ReplayError(f"Event {event.sequence} imports a schedule without saying which.")
    return Schedule(
        state=event.state,
        due_on=event.due_on,
        introduced_on=event.study_day,
        memory=memory.assumed(event.state.interval, event.due_on - timedelta(days=event.state.interval)),
    )


def _grade(event: Event) -> int:
    if event.grade is None:
        raise ReplayError(f"Event {event.sequence} is an answer without a grade.")
    return event.grade
