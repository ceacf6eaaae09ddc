"""Moves due days for what the learner has planned, an interview or a break, and back when it is over."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from flashcards import history, recording
from flashcards.models import Interview, ReviewLog, ReviewState
from flashcards.scheduling import schedule
from flashcards.scheduling.plan import Plan
from flashcards.scheduling.schedule import Kind


def plan_of(learner: User) -> Plan:
    """Return what the learner's due days are worked out for."""
    return Plan(learner.interview_on, learner.break_from, learner.break_until)


def follow(learner: User, state: ReviewState, today: date, now: datetime) -> ReviewLog | None:
    """Move this locked card where the plan wants it after an event; return the move, None if it stays."""
    move = _move(learner, state, today, now)
    return recording.write(learner, state, move) if move else None


def settle(learner: User, today: date, now: datetime) -> None:
    """Once an interview's day is over, plan for the next one, or put the cards back on their own days."""
    if learner.interview_on is not None and learner.interview_on < today:
        replan(learner, today, now)


@transaction.atomic
def replan(learner: User, today: date, now: datetime) -> int:
    """Take the nearest interview for the plan and move every card as it wants; return how many moved.

    Only due days change. The learner's row is locked first, so that two of these wait for each other.
    """
    User.objects.select_for_update().get(pk=learner.pk)
    coming = Interview.objects.filter(learner=learner, on__gte=today).order_by("on")
    learner.interview_on = coming.values_list("on", flat=True).first()
    learner.save(update_fields=["interview_on"])
    moved: list[tuple[ReviewState, ReviewLog]] = []
    for state in recording.lockable(_movable(learner)):
        if move := _move(learner, state, today, now):
            moved.append((state, recording.record(learner, state, move)))
    if moved:
        recording.write_all(learner, [state for state, _ in moved], [row for _, row in moved], today)
    return len(moved)


def _movable(learner: User) -> QuerySet[ReviewState]:
    """Return the cards that the plan may move or has moved: all others are due when they should be."""
    plan = plan_of(learner)
    wanted = Q(own_due_on__isnull=False)
    if plan.interview_on:
        wanted |= Q(due_on__gte=plan.interview_on)
    if plan.break_from:
        wanted |= Q(due_on__range=(plan.break_from, plan.break_until))
    return ReviewState.objects.filter(wanted, learner=learner, suspended=False, card__retired=False)


def _move(learner: User, state: ReviewState, today: date, now: datetime) -> schedule.Event | None:
    held = history.schedule_of(state)
    day = schedule.moved(held, plan_of(learner), today, state.card.position)
    return recording.event_now(state, Kind.PLAN, today, now, due_on=day) if day else None
