"""What a learner does to a card: one function per thing that happens, one transaction each."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, QuerySet

from accounts.models import User
from flashcards import history, queue
from flashcards.models import Card, ReviewLog, ReviewState
from flashcards.scheduling import schedule, sm2
from flashcards.scheduling.schedule import Event, Kind, Schedule

FARTHEST_DUE = sm2.MAX_INTERVAL


class Refused(Exception):
    """Nothing was changed; the message tells the learner why, in one sentence."""


class Stale(Refused):
    """The card has moved on since the form was shown: another tab, another device, the back button."""


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


def grade_card(learner: User, card_id: int, answer: Answer, now: datetime) -> ReviewLog:
    """Grade a card once and return the log row; the same submission again returns the first one's row.

    Raises Missing, Stale when the card was answered, paused or retired since it was shown, or Refused
    when the submission belongs to another card. The row lock is held from the check to the write.
    """
    try:
        with transaction.atomic():
            state = _locked(learner, card_id)
            if state.version != answer.version:
                return _replayed(state, answer)
            today = queue.today_of(learner, now)
            _check_reachable(state, today)
            kind = schedule.answer_kind(history.schedule_of(state), _day(state, today))
            event = _event(state, kind, today, now, grade=answer.grade)
            return _write(learner, state, event, answer)
    except IntegrityError as error:
        if ReviewLog.objects.filter(learner=learner, submission=answer.submission).exists():
            raise Refused("That answer was already used for another card.") from error
        raise


def undo(learner: User, log_id: int, now: datetime) -> ReviewLog:
    """Undo this log row, which must be the learner's latest of today that still stands; return its undo.

    Undoing it a second time returns the first undo. Raises Refused when there is nothing to undo or a
    later answer came after it.
    """
    today = queue.today_of(learner, now)
    with transaction.atomic():
        target = ReviewLog.objects.filter(learner=learner, pk=log_id).select_related("state").first()
        if target is None:
            raise Refused("There is nothing to undo.")
        state = _locked(learner, target.state.card_id)
        if done := state.log.filter(kind=Kind.UNDO, undoes=target.sequence).first():
            return done
        latest = latest_standing(learner, today)
        if latest is None:
            raise Refused("There is nothing left to undo today.")
        if latest.pk != target.pk:
            raise Refused("A later answer came after that one. Undo the latest one first.")
        event = _event(state, Kind.UNDO, today, now, undoes=target.sequence)
        return _write(learner, state, event)


def last_event(learner: User, today: date) -> ReviewLog | None:
    """Return the learner's last event of today, undo included, with its card."""
    rows = _since(learner, today)
    return rows.select_related("state__card").order_by("-id").first()


def latest_standing(learner: User, today: date) -> ReviewLog | None:
    """Return the learner's latest event of today that has not been undone, with its card."""
    rows = history.standing(_since(learner, today))
    return rows.select_related("state__card").order_by("-id").first()


def reset(learner: User, card_id: int, version: int, now: datetime) -> ReviewLog:
    """Forget the card's schedule: it is new again; its log stays. Raises Stale, Missing or Refused."""
    today = queue.today_of(learner, now)
    with transaction.atomic():
        state = _started(learner, card_id, version)
        return _write(learner, state, _event(state, Kind.RESET, today, now))


def set_due(learner: User, card_id: int, version: int, due_on: date, now: datetime) -> ReviewLog:
    """Move the card's due day and nothing else. Raises Stale, Missing or Refused."""
    today = queue.today_of(learner, now)
    if not 0 <= (due_on - today).days <= FARTHEST_DUE:
        raise Refused("Choose a day from today to 100 years ahead.")
    with transaction.atomic():
        state = _started(learner, card_id, version)
        return _write(learner, state, _event(state, Kind.SET_DUE, today, now, due_on=due_on))


def suspend(learner: User, card_id: int) -> None:
    """Take the card out of the queue until it is released; its schedule stays."""
    _pause(learner, card_id, suspended=True)


def release(learner: User, card_id: int) -> None:
    """Put a suspended or buried card back."""
    _pause(learner, card_id, suspended=False, buried_on=None)


def bury(learner: User, card_id: int, now: datetime) -> None:
    """Take the card out of the queue until the next study day; its schedule stays."""
    _pause(learner, card_id, buried_on=queue.today_of(learner, now))


def _since(learner: User, today: date) -> QuerySet[ReviewLog]:
    """Return the events of today, and of a later day where the clock or a traveller's date went back."""
    return ReviewLog.objects.filter(learner=learner, study_day__gte=today)


@transaction.atomic
def _pause(learner: User, card_id: int, **flags: object) -> None:
    state = _locked(learner, card_id)
    ReviewState.objects.filter(pk=state.pk).update(**flags)


def _locked(learner: User, card_id: int) -> ReviewState:
    """Return the learner's row for this card, locked; a new card gets its row here."""
    last_event = ReviewLog.objects.filter(state=OuterRef("pk")).order_by("-sequence")
    rows = ReviewState.objects.select_for_update(of=("self",)).select_related("card")
    mine = rows.filter(learner=learner, card=card_id).annotate(last_day=last_event.values("study_day")[:1])
    if state := mine.first():
        return state
    if not Card.objects.filter(pk=card_id).exists():
        raise Missing("This card no longer exists.")
    # Of two first answers at once, both try to insert and one row wins; both then queue for its lock.
    row = ReviewState(learner=learner, card_id=card_id)
    ReviewState.objects.bulk_create([row], ignore_conflicts=True)
    return mine.get()


def _started(learner: User, card_id: int, version: int) -> ReviewState:
    state = _locked(learner, card_id)
    if state.version != version:
        raise Stale("This card changed in the meantime. Have a look and try again.")
    if state.due_on is None:
        raise Refused("This card is new: there is no schedule to change yet.")
    return state


def _check_reachable(state: ReviewState, today: date) -> None:
    if state.card.retired:
        raise Stale("That card has left the deck. Here’s the next one.")
    if state.suspended or state.buried_on == today:
        raise Stale("That card is paused. Here’s the next one.")


def _replayed(state: ReviewState, answer: Answer) -> ReviewLog:
    first = state.log.filter(submission=answer.submission).first()
    if first is not None and first.grade == answer.grade:
        return first
    raise Stale("You already graded this card, so we kept that. Here’s the next one.")


def _day(state: ReviewState, today: date) -> date:
    """Return the study day of an event now: a card's day never goes back, even when the clock does."""
    last: date | None = getattr(state, "last_day", None)  # by _locked
    return max(today, last or today)


def _event(
    state: ReviewState,
    kind: Kind,
    today: date,
    now: datetime,
    *,
    grade: int | None = None,
    due_on: date | None = None,
    undoes: int | None = None,
) -> Event:
    return Event(
        sequence=state.version + 1,
        kind=kind,
        at=now,
        study_day=_day(state, today),
        grade=grade,
        due_on=due_on,
        undoes=undoes,
    )


def _write(learner: User, state: ReviewState, event: Event, answer: Answer | None = None) -> ReviewLog:
    """Store the state after the event, and the event: the only place that does either."""
    interval_before = state.interval
    history.put(state, _after(state, event))
    state.version = event.sequence
    state.save()
    return ReviewLog.objects.create(
        learner=learner,
        state=state,
        sequence=event.sequence,
        kind=event.kind,
        grade=event.grade,
        at=event.at,
        zone=learner.time_zone,
        study_day=event.study_day,
        thinking_ms=answer.thinking_ms if answer else None,
        reading_ms=answer.reading_ms if answer else None,
        submission=answer.submission if answer else None,
        undoes=event.undoes,
        interval_before=interval_before,
        repetitions=state.repetitions,
        ease=state.ease,
        interval=state.interval,
        drill=state.drill,
        due_on=state.due_on,
        lapses=state.lapses,
        scheduler=schedule.SCHEDULER,
        scheduler_version=schedule.SCHEDULER_VERSION,
    )


def _after(state: ReviewState, event: Event) -> Schedule:
    if event.kind is Kind.UNDO:
        return schedule.fold([*history.events_of(state), event])
    return schedule.apply(history.schedule_of(state), event)
