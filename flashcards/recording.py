"""The only writer of schedules: stores the state after an event, the event, and the day it counts for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from accounts import rows
from accounts.models import User
from flashcards import history, locking, rollup
from flashcards.models import ReviewLog, ReviewState
from flashcards.scheduling import memory, schedule
from flashcards.scheduling.schedule import Event, Kind, Schedule

CHUNK = 500
AFTER = ("repetitions", "ease", "interval", "drill", "due_on", "lapses")
MOVED = ("due_on", "own_due_on", "shuffle", "version")


class Refused(Exception):
    """Nothing was changed; the message tells the learner why, in one sentence."""


class Missing(Refused):
    """There is no such card."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the form sent: the grade, the key made when the card was shown, and the version shown.

    `thinking_ms` is the time to the reveal, `reading_ms` from there to the grade; None if not measured.
    """

    grade: int
    submission: UUID
    version: int
    thinking_ms: int | None = None
    reading_ms: int | None = None


def locked(learner: User, card_id: int, *, new: bool = False) -> ReviewState:
    """Return the learner's row for this card, locked; a new card gets its row here. Raises Missing.

    `new` says that there is probably none yet: then it is made first, and looked for where that fails.
    """
    state = None if new else locking.one(learner, card_id)
    state = state or locking.made(learner, card_id) or locking.one(learner, card_id)
    if state is None:
        raise Missing("This card no longer exists.")
    return state


def event_now(
    state: ReviewState,
    kind: Kind,
    today: date,
    now: datetime,
    *,
    grade: int | None = None,
    due_on: date | None = None,
    undoes: int | None = None,
) -> Event:
    """Return the next event of a locked row."""
    return Event(
        sequence=state.version + 1,
        kind=kind,
        at=now,
        study_day=day_of(state, today),
        grade=grade,
        due_on=due_on,
        undoes=undoes,
    )


def day_of(state: ReviewState, today: date) -> date:
    """Return the study day of an event now: a card's day never goes back, even when the clock does."""
    last: date | None = getattr(state, "last_day", None)
    return max(today, last or today)


def answer_mails(learner: User) -> None:
    """Let mails come every day again.

    It locks the learner's row: to be done before any card is locked, in which order all do who move many.
    """
    if learner.mails_unanswered:
        learner.mails_unanswered, learner.mail_from_on = 0, None
        learner.save(update_fields=["mails_unanswered", "mail_from_on"])


def write(learner: User, state: ReviewState, event: Event) -> ReviewLog:
    """Store what one event makes of a locked row; return its log row.

    The learner's plan is read afresh, since it is under the card's lock that it may be followed.
    """
    row = record(learner, state, event)
    rollup.add(learner, row, event.study_day)
    store(state, row)
    return row


def store(state: ReviewState, *events: ReviewLog) -> None:
    """Store recorded events of a card, in their order, with the state that they lead to.

    Their day has to be begun before, which the roll-up does.
    """
    rows.update(state)
    rows.insert(*events)


def write_all(learner: User, states: Iterable[ReviewState], events: Iterable[ReviewLog], today: date) -> None:
    """Store many recorded events that have only moved due days, with the states that they changed."""
    rollup.begin(learner, today)
    # An upsert of rows that exist: one plain statement, where bulk_update writes a CASE for each row.
    ReviewState.objects.bulk_create(
        states, update_conflicts=True, unique_fields=["id"], update_fields=MOVED, batch_size=CHUNK
    )
    ReviewLog.objects.bulk_create(events, batch_size=CHUNK)


def record(
    learner: User,
    state: ReviewState,
    event: Event,
    answer: Answer | None = None,
    batch: UUID | None = None,
    past: Sequence[Event] = (),
) -> ReviewLog:
    """Set the row's columns to what they are after the event, without saving; return the log row to save.

    An undo needs the card's past.
    """
    before = history.schedule_of(state)
    undo = event.kind is Kind.UNDO
    history.put(state, schedule.fold([*past, event]) if undo else schedule.apply(before, event))
    state.version = event.sequence
    timed = (answer.thinking_ms, answer.reading_ms) if answer else (None, None)
    row = ReviewLog(
        learner=learner,
        state=state,
        sequence=event.sequence,
        kind=event.kind,
        grade=event.grade,
        at=event.at,
        zone=learner.time_zone,
        study_day=event.study_day,
        thinking_ms=timed[0],
        reading_ms=timed[1],
        submission=answer.submission if answer else None,
        undoes=event.undoes,
        batch=batch,
        predicted=None if event.grade is None else memory.prediction(before.memory, event.study_day),
        for_retention=_for_retention(state, before, event),
        interval_before=before.state.interval,
        **{name: getattr(state, name) for name in AFTER},
        scheduler=schedule.SCHEDULER,
        scheduler_version=schedule.SCHEDULER_VERSION,
    )
    state.last_day = event.study_day  # type: ignore[attr-defined]  # as locking has it
    return row


def _for_retention(state: ReviewState, before: Schedule, event: Event) -> bool:
    """Whether this is the study day's first review of a card that had an interval (see ReviewLog)."""
    if event.kind is not Kind.REVIEW or not before.state.interval:
        return False
    if getattr(state, "last_day", None) != event.study_day:
        return True
    today = ReviewLog.objects.filter(state=state, study_day=event.study_day, for_retention=True)
    return not history.standing(today).exists()
