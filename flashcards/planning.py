"""Moves due days for what the learner has planned, an interview or a break, and back when it is over."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from flashcards import history, locking, queue, recording, rollup
from flashcards.models import Interview, ReviewLog, ReviewState
from flashcards.scheduling import schedule
from flashcards.scheduling.plan import Plan
from flashcards.scheduling.schedule import Kind


@dataclass(frozen=True, slots=True)
class Moved:
    """How many cards a change of the plan moved: `ahead` of their own days, `behind` them, `back` on them."""

    ahead: int
    behind: int
    back: int


def plan_of(learner: User) -> Plan:
    """Return what the learner's due days are worked out for."""
    return Plan(learner.interview_on, learner.break_from, learner.break_until)


def hold(learner: User) -> None:
    """Lock the learner's row and read the plan afresh, so that changes of it wait for each other.

    The lock is the weaker one: answers, whose rows only refer to the learner, don't wait for it.
    """
    learner.refresh_from_db(fields=rollup.PLANNED, from_queryset=User.objects.select_for_update(no_key=True))


def read(learner: User) -> None:
    """Read the plan as it is now."""
    learner.refresh_from_db(fields=rollup.PLANNED)


def follow(learner: User, state: ReviewState, today: date, now: datetime) -> ReviewLog | None:
    """Move this locked card where the plan wants it after an event; return the move, None if it stays.

    The plan must have been read under the card's lock, by read() or by recording.write(). Whoever changes it
    meanwhile waits for that lock and looks at the card afterwards, so that one of the two moves it.
    """
    move = _move(learner, state, today, now)
    return recording.write(learner, state, move) if move else None


def settle(learner: User, today: date, now: datetime) -> None:
    """Once an interview's day is over, plan for the next one, or put the cards back on their own days."""
    if learner.interview_on is not None and learner.interview_on < today:
        replan(learner, today, now)


@transaction.atomic
def replan(learner: User, today: date, now: datetime) -> Moved:
    """Take the nearest interview for the plan and move every card as it wants; return how many moved.

    Only due days change. The learner's row is locked first, so that two of these wait for each other.
    """
    hold(learner)
    coming = Interview.objects.filter(learner=learner, on__gte=today).order_by("on")
    learner.interview_on = coming.values_list("on", flat=True).first()
    learner.save(update_fields=["interview_on"])
    wait_for_answers(learner)
    rows = [_moved(learner, state, today, now) for state in locking.many(_movable(learner))]
    moves = [row for row in rows if row]
    states = [row.state for row in moves]
    if moves:
        recording.write_all(learner, states, moves, today)
    return _counted(states)


def wait_for_answers(learner: User) -> None:
    """Lock every card of the learner: an answer under way may be about to make one movable."""
    mine = ReviewState.objects.filter(learner=learner).order_by("pk").values_list("pk")
    list(mine.select_for_update())


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


def _counted(states: list[ReviewState]) -> Moved:
    back = sum(1 for state in states if state.own_due_on is None)
    days = [(state.due_on, state.own_due_on) for state in states]
    ahead = sum(1 for due_on, own_due_on in days if due_on and own_due_on and due_on < own_due_on)
    return Moved(ahead=ahead, behind=len(states) - ahead - back, back=back)
