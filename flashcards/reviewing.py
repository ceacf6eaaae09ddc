"""What a learner does to a card: one function per thing that happens, one transaction each."""

from datetime import date, datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, Subquery

from accounts.models import User
from accounts.once import once
from accounts.rows import columns
from flashcards import batches, history, locking, planning, queue, recording, rollup
from flashcards.models import ReviewLog, ReviewState
from flashcards.recording import Answer, Missing, Refused
from flashcards.scheduling import schedule, sm2
from flashcards.scheduling.days import ONE_DAY
from flashcards.scheduling.schedule import Kind

__all__ = ["Answer", "Missing", "Refused", "Stale"]

FARTHEST_DUE = sm2.MAX_INTERVAL
# An event with its state and its card, and how the log names their columns.
WITH_ITS_CARD: Final = (
    ("", columns(ReviewLog, "l")),
    ("state__", locking.STATE),
    ("state__card__", locking.CARD),
)
NAMES: Final = [f"{prefix}{name}" for prefix, part in WITH_ITS_CARD for name in part.names]


class Stale(Refused):
    """The card has moved on since the form was shown: another tab, another device, the back button."""


def grade_card(learner: User, card_id: int, answer: Answer, now: datetime) -> ReviewLog:
    """Grade a card once and return the log row; the same submission again returns the first one's row.

    Raises Missing, Stale when the card was answered, paused or retired since it was shown, or Refused
    when the submission belongs to another card. The row lock is held from the check to the write.
    """
    try:
        with transaction.atomic():
            recording.answer_mails(learner)
            state = recording.locked(learner, card_id, new=answer.version == 0)
            if state.version != answer.version:
                return _replayed(state, answer)
            today = queue.today_of(learner, now)
            _check_reachable(state, today)
            day = recording.day_of(state, today)
            kind = schedule.answer_kind(history.schedule_of(state), day)
            event = recording.event_now(state, kind, today, now, grade=answer.grade)
            row = recording.record(learner, state, event, answer)
            rollup.add(learner, row, day)
            planning.store(learner, state, [row], now)
            return row
    except IntegrityError as error:
        if ReviewLog.objects.filter(learner=learner, submission=answer.submission).exists():
            raise Refused("That answer was already used for another card.") from error
        raise


@transaction.atomic
def undo(learner: User, log_id: int, now: datetime) -> ReviewLog:
    """Undo this log row, which must be the learner's latest of today that still stands; return its undo.

    What the plan moved after it goes back as well, and all of a batch is undone together. Undoing it a
    second time returns the first undo. Raises Refused when there is nothing to undo or a later answer
    came after it.
    """
    today = queue.today_of(learner, now)
    target = ReviewLog.objects.filter(learner=learner, pk=log_id).select_related("state").first()
    if target is None:
        raise Refused("There is nothing to undo.")
    if target.batch is not None:
        planning.hold(learner)  # first, as whoever moves many cards does
    state = recording.locked(learner, target.state.card_id)
    log = list(state.log.order_by("sequence"))
    if done := next((row for row in log if row.undoes == target.sequence), None):
        return done
    if target.batch is not None and learner.spreading is not None:
        raise Refused("These cards are still being moved. Undo it when that is done.")
    _check_latest(learner, target, today)
    if target.batch is not None:
        return _undo_batch(learner, target, today, now)
    rollup.take_back(learner, target, recording.day_of(state, today))
    past, undos = [history.event_of(row) for row in log], list[ReviewLog]()
    for sequence in history.down_to(past, target):
        undo_event = recording.event_now(state, Kind.UNDO, today, now, undoes=sequence)
        undos.append(recording.record(learner, state, undo_event, past=past))
        past.append(undo_event)
    planning.store(learner, state, undos, now)
    return undos[-1]


def last_event(learner: User, today: date) -> ReviewLog | None:
    """Return the learner's last event of today, undo included, with its card; the plan's moves are none."""
    return _latest(learner, today, standing=False)


def latest_standing(learner: User, today: date) -> ReviewLog | None:
    """Return the learner's latest event of today that has not been undone, with its card."""
    return _latest(learner, today, standing=True)


def reset(learner: User, card_id: int, version: int, now: datetime) -> ReviewLog:
    """Forget the card's schedule: it is new again; its log stays. Raises Stale, Missing or Refused."""
    today = queue.today_of(learner, now)
    with transaction.atomic():
        state = _started(learner, card_id, version)
        return recording.write(learner, state, recording.event_now(state, Kind.RESET, today, now))


def set_due(learner: User, card_id: int, version: int, due_on: date, now: datetime) -> ReviewLog:
    """Move the card's due day and nothing else. Raises Stale, Missing or Refused."""
    today = queue.today_of(learner, now)
    if not 0 <= (due_on - today).days <= FARTHEST_DUE:
        raise Refused("Choose a day from today to 100 years ahead.")
    with transaction.atomic():
        state = _started(learner, card_id, version)
        event = recording.event_now(state, Kind.SET_DUE, today, now, due_on=due_on)
        return recording.write(learner, state, event)


def suspend(learner: User, card_id: int, now: datetime) -> None:
    """Take the card out of the queue until it is released; its schedule stays."""
    _pause(learner, card_id, now, suspended=True)


def release(learner: User, card_id: int, now: datetime) -> None:
    """Put a suspended or buried card back, on the day that the plan wants it."""
    _pause(learner, card_id, now, suspended=False, buried_on=None)


def bury(learner: User, card_id: int, now: datetime) -> None:
    """Take the card out of the queue until the next study day; its schedule stays."""
    _pause(learner, card_id, now, buried_on=queue.today_of(learner, now))


def _latest(learner: User, today: date, *, standing: bool) -> ReviewLog | None:
    """Return the latest event of today, or of a later day where the clock or a traveller's date went back.

    It comes with its card, which has no long texts. The plan's moves are no events, nor is a batch before it
    is whole: a spreading or its undo that is under way.
    """
    batches_under_way = (learner.spreading["batch"],) if learner.spreading else ()
    found = _events(learner=learner.pk, today=today, standing=(standing,), but=batches_under_way)
    if not found:
        return None
    rest = iter(found[0])
    parts: list[Any] = [part.made([next(rest) for _ in part.names]) for _, part in WITH_ITS_CARD]
    row, row.state, row.state.card = parts[0], parts[1], parts[2]
    latest: ReviewLog = row
    return latest


@once
def _events(
    learner: int, today: date, standing: tuple[bool], but: tuple[str, ...]
) -> QuerySet[ReviewLog, Any]:
    """Return the latest of these events with its card, which the others, maybe very many, need not.

    Today's lie in the order of their keys in the index of days. Of later days there are few; without the sum,
    SQLite would look for them among all that the learner has ever answered, and without an end to them
    PostgreSQL, which plans this for any day, would expect a third of all that there is.
    """
    mine = ReviewLog.objects.filter(learner=learner)
    rows = mine.exclude(kind=Kind.PLAN, batch=None).exclude(batch__in=but)
    rows = history.standing(rows) if standing[0] else rows
    of_today = rows.filter(study_day=today).order_by("-id").values("pk")[:1]
    after_today = rows.filter(study_day__range=(today + ONE_DAY, date.max))
    later = after_today.order_by((F("id") + 0).desc()).values("pk")[:1]
    either = ReviewLog.objects.filter(Q(pk=Subquery(of_today)) | Q(pk=Subquery(later)))
    return either.order_by("-id").values_list(*NAMES)[:1]


@transaction.atomic
def _pause(learner: User, card_id: int, now: datetime, **flags: object) -> None:
    state = recording.locked(learner, card_id)
    today = queue.today_of(learner, now)
    rollup.begin(learner, today)
    ReviewState.objects.filter(pk=state.pk).update(**flags)
    if flags.get("suspended") is False:
        state.suspended, state.buried_on = False, None
        planning.read(learner)
        planning.follow(learner, state, today, now)


def _started(learner: User, card_id: int, version: int) -> ReviewState:
    state = recording.locked(learner, card_id)
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


def _check_latest(learner: User, target: ReviewLog, today: date) -> None:
    latest = latest_standing(learner, today)
    if latest is None:
        raise Refused("There is nothing left to undo today.")
    if latest.pk != target.pk:
        raise Refused("A later answer came after that one. Undo the latest one first.")


def _undo_batch(learner: User, target: ReviewLog, today: date, now: datetime) -> ReviewLog:
    """Undo every event of the target's batch, or the last of very many; return the target's undo."""
    portion = batches.last_moves(learner, str(target.batch), before=target.pk + 1)
    _check_latest(learner, target, today)  # again: an answer may have come before all were locked
    return batches.undo(learner, portion, today, now)[target.pk]
