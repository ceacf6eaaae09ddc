"""Many cards moved as one batch, by a spreading or by its undo, and in portions where they are very many.

Each portion is a transaction under the learner's row, which keeps in `spreading` what is left to be done. A
spreading goes from the end of the queue: a portion takes what is last in it then, and puts it on the last
places that are left. The undo goes from the last event of the batch to its first.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch, QuerySet

from accounts.models import User
from flashcards import history, locking, planning, queue, recording
from flashcards.models import ReviewLog, ReviewState
from flashcards.scheduling.schedule import Kind


@dataclass(frozen=True, slots=True)
class Places:
    """What a spreading has left: its batch, the day it was asked for, and a later day for each card."""

    batch: UUID
    on: date
    days: tuple[date, ...]

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Places":
        """Return what the learner's row keeps."""
        days = (date.fromisoformat(day) for day, cards in kept["places"] for _ in range(cards))
        return cls(UUID(kept["batch"]), date.fromisoformat(kept["on"]), tuple(days))

    def kept(self) -> dict[str, Any] | None:
        """Return what the learner's row is to keep, None when nothing is left."""
        if not self.days:
            return None
        places = [[str(day), self.days.count(day)] for day in dict.fromkeys(self.days)]
        return {"batch": str(self.batch), "on": str(self.on), "places": places}


@dataclass(frozen=True, slots=True)
class Moves:
    """Some moves of a batch, latest first, with the locked cards by key; there are more before `before`."""

    rows: list[ReviewLog]
    states: dict[int, ReviewState]
    before: int | None


def kept(learner: User) -> dict[str, Any]:
    """Return what the learner's row keeps of a batch that is under way."""
    return learner.spreading or {}


def is_spreading(learner: User) -> bool:
    """Whether cards of a spreading are still to be moved."""
    return "places" in kept(learner)


def is_undoing(learner: User) -> bool:
    """Whether moves of a batch are still to be undone."""
    return "before" in kept(learner)


def under_way(learner: User) -> QuerySet[ReviewLog]:
    """Return the moves of the batch that is being written or undone."""
    mine = ReviewLog.objects.filter(learner=learner, batch=kept(learner)["batch"])
    return mine.exclude(kind=Kind.UNDO)


@transaction.atomic
def go_on(learner: User, today: date, now: datetime) -> None:
    """Do the next portion of the batch that is under way, unless somebody else is just doing it."""
    if not planning.hold(learner, or_leave=True):
        return
    if is_spreading(learner):
        left = Places.of(kept(learner))
        keys = last_due(learner, left.on, settings.CARDS_AT_ONCE)
        put(learner, left, locked(learner, left.on, keys), now)
    elif is_undoing(learner):
        moves = last_moves(learner, kept(learner)["batch"], kept(learner)["before"])
        undo(learner, moves, today, now)


def last_due(learner: User, on: date, cards: int) -> list[int]:
    """Return the keys of the last so many rows of a day's queue."""
    last = queue.due(learner, on).order_by("-due_on", "-shuffle", "-pk")
    return list(last.values_list("pk", flat=True)[:cards])


def locked(learner: User, on: date, keys: list[int]) -> list[ReviewState]:
    """Return these rows of a day's queue, locked, in its order, but those that were just answered."""
    states = locking.many(queue.due(learner, on).filter(pk__in=keys))
    return sorted(states, key=lambda state: (state.due_on, state.shuffle, state.pk))


def put(learner: User, left: Places, found: list[ReviewState], now: datetime) -> int:
    """Put the last of these locked cards on the last places, keep the others, and return how many moved."""
    cards = min(settings.CARDS_AT_ONCE, len(left.days), len(found))
    last = zip(found[len(found) - cards :], left.days[len(left.days) - cards :], strict=True)
    rows = [_move(learner, state, day, left.batch, now) for state, day in last]
    if rows:
        recording.write_all(learner, [row.state for row in rows], rows, queue.today_of(learner, now))
    _keep(learner, Places(left.batch, left.on, left.days[: len(left.days) - cards] if rows else ()).kept())
    return len(rows)


def last_moves(learner: User, batch: str, before: int) -> Moves:
    """Return the batch's last moves before this key, their cards locked."""
    most, mine = settings.CARDS_AT_ONCE, ReviewLog.objects.filter(learner=learner, batch=batch)
    rows = list(mine.filter(pk__lt=before).exclude(kind=Kind.UNDO).order_by("-pk")[: most + 1])
    whole_logs = Prefetch("log", ReviewLog.objects.order_by("sequence"))
    touched = ReviewState.objects.filter(pk__in=[row.state_id for row in rows[:most]])
    states = {state.pk: state for state in locking.many(touched.prefetch_related(whole_logs))}
    return Moves(rows[:most], states, rows[most - 1].pk if rows[most:] else None)


def undo(learner: User, moves: Moves, today: date, now: datetime) -> dict[int, ReviewLog]:
    """Undo these moves, that of the latest last; return the undos by the key of what they undid.

    What the plan has moved since goes back as well. A card that was answered since is left as it is. When
    no more moves are left, the plan moves its cards.
    """
    undone, undos = dict[int, ReviewLog](), list[ReviewLog]()
    for row in reversed(moves.rows):
        if written := _undone(learner, row, moves.states[row.state_id], today, now):
            undos += written
            undone[row.pk] = written[-1]
    if undos:
        recording.write_all(learner, {row.state_id: row.state for row in undos}.values(), undos, today)
    batch = moves.rows[0].batch if moves.rows else None
    _keep(learner, {"batch": str(batch), "before": moves.before} if moves.before else None)
    if moves.before is None:
        planning.replan(learner, today, now)
    return undone


def _undone(learner: User, row: ReviewLog, state: ReviewState, today: date, now: datetime) -> list[ReviewLog]:
    """Record the undos of a move and of what the plan did after it; none when an answer came after it."""
    past = [history.event_of(event) for event in state.log.all()]
    numbers, undos = history.down_to(past, row), list[ReviewLog]()
    if any(past[number - 1].kind is not Kind.PLAN for number in numbers if number != row.sequence):
        return undos
    for sequence in numbers:
        event = recording.event_now(state, Kind.UNDO, today, now, undoes=sequence)
        undos.append(recording.record(learner, state, event, batch=row.batch, past=past))
        past.append(event)
    return undos


def _move(learner: User, state: ReviewState, day: date, batch: UUID, now: datetime) -> ReviewLog:
    """Record that this locked card comes on another day; one that the plan has moved keeps its own day."""
    today = queue.today_of(learner, now)
    kind = Kind.PLAN if state.own_due_on else Kind.SET_DUE
    event = recording.event_now(state, kind, today, now, due_on=day)
    return recording.record(learner, state, event, batch=batch)


def _keep(learner: User, left: dict[str, Any] | None) -> None:
    if left != learner.spreading:
        learner.spreading = left
        learner.save(update_fields=["spreading"])
