"""Between the rows and the pure core: a state row as a Schedule, a log row as an Event, and back."""

from collections.abc import Sequence
from datetime import date

from django.db.models import Exists, OuterRef, QuerySet

from flashcards.models import ReviewLog, ReviewState
from flashcards.scheduling import memory, schedule, sm2
from flashcards.scheduling.memory import Memory
from flashcards.scheduling.schedule import Event, Kind, Schedule


def sm2_of(row: ReviewState | ReviewLog) -> sm2.State:
    """Return what SM-2 knows of the card, as this row stores it."""
    return sm2.State(row.repetitions, row.ease, row.interval, row.drill)


def schedule_of(state: ReviewState) -> Schedule:
    """Return the stored schedule."""
    return Schedule(
        state=sm2_of(state),
        due_on=state.due_on,
        own_due_on=state.own_due_on,
        introduced_on=state.introduced_on,
        last_reviewed_on=state.last_reviewed_on,
        last_answered_at=state.last_answered_at,
        lapses=state.lapses,
        memory=memory_of(state),
    )


def memory_of(state: ReviewState) -> Memory | None:
    """Return what FSRS remembers of the card, None before its first answer."""
    return memory.stored(state.stability, state.difficulty, state.remembered_on)


def event_of(row: ReviewLog) -> Event:
    """Return the logged event; only set_due, plan and import carry a day of their own."""
    kind = Kind(row.kind)
    return Event(
        sequence=row.sequence,
        kind=kind,
        at=row.at,
        study_day=row.study_day,
        grade=row.grade,
        due_on=row.due_on if kind in (Kind.SET_DUE, Kind.PLAN, Kind.IMPORT) else None,
        state=sm2_of(row) if kind is Kind.IMPORT else None,
        undoes=row.undoes,
    )


def events_of(state: ReviewState) -> list[Event]:
    """Return the card's events in order of sequence, ready to be folded."""
    return [event_of(row) for row in state.log.order_by("sequence")]


def down_to(past: Sequence[Event], target: ReviewLog) -> list[int]:
    """Return the numbers of the events to undo, latest first: what stands since the target, then itself."""
    return [number for number in reversed(schedule.standing(past)) if number >= target.sequence]


def standing(rows: QuerySet[ReviewLog]) -> QuerySet[ReviewLog]:
    """Return those of these events that happened and were not undone."""
    undone = ReviewLog.objects.filter(state=OuterRef("state"), kind=Kind.UNDO, undoes=OuterRef("sequence"))
    return rows.filter(~Exists(undone)).exclude(kind=Kind.UNDO)


def put(state: ReviewState, new: Schedule) -> None:
    """Set the state's columns to a schedule (without saving)."""
    state.repetitions, state.ease, state.interval, state.drill = new.state
    state.due_on = new.due_on
    state.own_due_on = new.own_due_on
    state.introduced_on = new.introduced_on
    state.last_reviewed_on = new.last_reviewed_on
    state.last_answered_at = new.last_answered_at
    state.lapses = new.lapses
    state.stability, state.difficulty, state.remembered_on = new.memory or (None, None, None)
    state.shuffle = shuffle_of(state, new.due_on)


def shuffle_of(state: ReviewState, due_on: date | None) -> int:
    """Return where the card stands among those due on the same day."""
    return schedule.shuffle_key(state.learner_id, state.card_id, due_on) if due_on else 0
