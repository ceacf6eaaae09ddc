"""Moves due days for what the learner has planned, an interview or a break, and back when it is over.

Cards are moved in portions, each in one transaction: the first one together with the change of the plan, the
others by moving.py. `planned_up_to` of the learner's row says how far that has come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from flashcards import history, locking, queue, recording, rollup
from flashcards.models import Interview, ReviewLog, ReviewState
from flashcards.scheduling import schedule
from flashcards.scheduling.plan import Plan
from flashcards.scheduling.schedule import Kind

LOOKED_AT: Final = 10  # times as many cards as are moved: to look at one costs little
KEPT: Final = (*rollup.PLANNED, "planned_up_to", "spreading")


@dataclass(frozen=True, slots=True)
class Moved:
    """How many cards a change of the plan moved: `ahead` of their own days, `behind` them, `back` on them.

    There may be `more` to come, in later transactions.
    """

    ahead: int
    behind: int
    back: int
    more: bool = False


def plan_of(learner: User) -> Plan:
    """Return what the learner's due days are worked out for."""
    return Plan(learner.interview_on, learner.break_from, learner.break_until)


def hold(learner: User, *, or_leave: bool = False) -> bool:
    """Lock the learner's row and read the plan afresh, so that changes of it wait for each other.

    The lock is the weaker one: answers, whose rows only refer to the learner, don't wait for it. Returns
    whether it was got, which is only in doubt for who would rather leave than wait.
    """
    rows = User.objects.select_for_update(no_key=True, skip_locked=or_leave)
    try:
        learner.refresh_from_db(fields=KEPT, from_queryset=rows)
    except User.DoesNotExist:
        if or_leave:
            return False
        raise
    return True


def read(learner: User) -> None:
    """Read the plan as it is now."""
    learner.refresh_from_db(fields=rollup.PLANNED)


def store(learner: User, state: ReviewState, events: Sequence[ReviewLog], now: datetime) -> None:
    """Store recorded events of a locked card and, with them, its move to where the plan wants it then.

    The plan must have been read under the card's lock, as the roll-up does. Who moves cards for a change of
    it waits for that lock and looks at the card afterwards, so that one of the two moves it.
    """
    move = _moved(learner, state, events[-1].study_day, now)
    recording.store(state, *events, *([move] if move else []))


def follow(learner: User, state: ReviewState, today: date, now: datetime) -> ReviewLog | None:
    """Move this locked card where the plan wants it after a change; return the move, None if it stays.

    The plan must have been read under the card's lock, as for store().
    """
    move = _move(learner, state, today, now)
    return recording.write(learner, state, move) if move else None


def settle(learner: User, today: date, now: datetime) -> None:
    """Once an interview's day is over, plan for the next one, or put the cards back on their own days."""
    if learner.interview_on is not None and learner.interview_on < today:
        replan(learner, today, now)


@transaction.atomic
def replan(learner: User, today: date, now: datetime) -> Moved:
    """Take the nearest interview for the plan and move the first cards as it wants; return how many moved.

    Only due days change. The learner's row is locked first, so that two of these wait for each other. Cards
    that an earlier change has still to move are moved with the others. While cards are being spread, or put
    back, all have to wait for that.
    """
    hold(learner)
    coming = Interview.objects.filter(learner=learner, on__gte=today).order_by("on")
    learner.interview_on = coming.values_list("on", flat=True).first()
    learner.planned_up_to = 0
    if learner.spreading is None:
        return _next_portion(learner, today, now)
    learner.save(update_fields=["interview_on", "planned_up_to"])
    return Moved(0, 0, 0, more=True)


@transaction.atomic
def go_on(learner: User, today: date, now: datetime) -> None:
    """Move the next cards of a learner who has some to be moved, unless somebody else is just doing it."""
    if not hold(learner, or_leave=True) or learner.planned_up_to is None or learner.spreading:
        return
    if learner.interview_on is not None and learner.interview_on < today:
        replan(learner, today, now)
    else:
        _next_portion(learner, today, now)


def is_moving(learner: User) -> bool:
    """Whether cards of the learner's are still to be moved, by the plan or by a spreading or its undo."""
    return learner.planned_up_to is not None or learner.spreading is not None


def wait_for_answers(learner: User, after: int = 0) -> list[int]:
    """Lock the learner's next cards after this key, all that one portion looks at; return the keys in order.

    An answer under way may be about to make a card movable, so also those are locked that aren't.
    """
    mine = _after(learner, after).order_by("card_id").values_list("card_id", flat=True)
    return list(mine.select_for_update()[: LOOKED_AT * settings.CARDS_AT_ONCE])


def _next_portion(learner: User, today: date, now: datetime) -> Moved:
    """Move the next cards as the plan wants them now, and note in the learner's row how far that came."""
    most, after = settings.CARDS_AT_ONCE, learner.planned_up_to or 0
    keys = wait_for_answers(learner, after)
    last = max(keys, default=after)
    within = _movable(learner).filter(card__gt=after, card__lte=last)
    found = list(locking.many(within).order_by("card_id")[: most + 1])
    moves = [row for state in found[:most] if (row := _moved(learner, state, today, now))]
    states = [row.state for row in moves]
    if moves:
        recording.write_all(learner, states, moves, today)
    if found[most:]:
        learner.planned_up_to = found[most - 1].card_id
    else:
        full = len(keys) == LOOKED_AT * most
        learner.planned_up_to = last if full and _after(learner, last).exists() else None
    learner.save(update_fields=["interview_on", "planned_up_to"])
    return _counted(states, more=learner.planned_up_to is not None)


def _after(learner: User, key: int) -> QuerySet[ReviewState]:
    return ReviewState.objects.filter(learner=learner, card__gt=key)


def _movable(learner: User) -> QuerySet[ReviewState]:
    """Return the cards that the plan may move or has moved: all others are due when they should be."""
    plan = plan_of(learner)
    wanted = Q(own_due_on__isnull=False)
    if plan.interview_on:
        wanted |= Q(due_on__gte=plan.interview_on)
    if plan.break_from:
        wanted |= Q(due_on__range=(plan.break_from, plan.break_until))
    return queue.active(learner).filter(wanted)


def _move(learner: User, state: ReviewState, today: date, now: datetime) -> schedule.Event | None:
    held = history.schedule_of(state)
    day = schedule.moved(held, plan_of(learner), today, state.card.position)
    return recording.event_now(state, Kind.PLAN, today, now, due_on=day) if day else None


def _moved(learner: User, state: ReviewState, today: date, now: datetime) -> ReviewLog | None:
    move = _move(learner, state, today, now)
    return recording.record(learner, state, move) if move else None


def _counted(states: list[ReviewState], *, more: bool) -> Moved:
    back = sum(1 for state in states if state.own_due_on is None)
    days = [(state.due_on, state.own_due_on) for state in states]
    ahead = sum(1 for due_on, own_due_on in days if due_on and own_due_on and due_on < own_due_on)
    return Moved(ahead=ahead, behind=len(states) - ahead - back, back=back, more=more)
