"""A planned break: what would come in it comes in the week after it, and cancelling puts everything back."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max, Min, QuerySet
from django.utils.dateformat import format as format_date

from accounts.models import User
from flashcards import planning, queue, rollup
from flashcards.models import Interview, ReviewState
from flashcards.recording import Refused
from flashcards.scheduling import days
from flashcards.scheduling.plan import Plan

LONGEST = 60
FARTHEST = 365


@dataclass(frozen=True, slots=True)
class Break:
    """A break from its `first` to its `last` day, both inside, and what it moves.

    `cards` would have come in it and come from `back_from` until `back_until` instead (None without cards).
    While cards are still being moved, that is so far.
    """

    first: date
    last: date
    cards: int
    back_from: date | None
    back_until: date | None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What cancelling did, in cards: `back` on their own days, `kept` because their own day is over.

    Where there are `more` to be moved, `back` is so far, and nothing can be said of the others yet.
    """

    back: int
    kept: int
    more: bool = False


def on_break(learner: User, today: date) -> bool:
    """Whether this study day lies in the learner's planned break: nothing is asked, nothing is mailed."""
    return planning.plan_of(learner).in_break(today)


def is_planned(learner: User, today: date) -> bool:
    """Whether a break is on or lies ahead."""
    return learner.break_until is not None and learner.break_until >= today


def coming(learner: User, today: date) -> Break | None:
    """Return the break that is on or lies ahead, None when there is none or it is over."""
    first, last = learner.break_from, learner.break_until
    if first is None or last is None or not is_planned(learner, today):
        return None
    moved = _moved(learner, first, last)
    found = moved.aggregate(cards=Count("pk"), back_from=Min("due_on"), back_until=Max("due_on"))
    return Break(first, last, **found)


def first_day(learner: User, asked: date, today: date) -> date:
    """Return the first day of a break that is asked for: one that is on goes on, and keeps its first day.

    Otherwise the days that it has had already would count against the streak.
    """
    if learner.break_from is None or learner.break_until is None or not on_break(learner, today):
        return asked
    touches = learner.break_from <= asked <= learner.break_until + days.ONE_DAY
    return learner.break_from if touches else asked


@transaction.atomic
def plan(learner: User, first: date, last: date, now: datetime) -> Break | None:
    """Plan a break in place of any other and move what falls inside; return it as coming() does.

    Both days lie inside it; the form has checked that they are in order and not over. Raises Refused when
    the next interview is in the break or on the day after it, so that nothing could be moved before it.
    """
    today = queue.today_of(learner, now)
    planning.hold(learner)
    first = first_day(learner, first, today)
    _check_interview(learner, first, last, today)
    _set(learner, first, last, today)
    planning.replan(learner, today, now)
    return coming(learner, today)


@transaction.atomic
def cancel(learner: User, now: datetime) -> Cancelled | None:
    """Cancel the break, or end the one that is on, and put the cards back; None when there is no break.

    The days that it has had already stay a break, and a card whose own day was among them keeps its new one.
    """
    today = queue.today_of(learner, now)
    planning.hold(learner)
    ended = coming(learner, today)
    if ended is None:
        return None
    begun = ended.first < today
    _set(learner, ended.first if begun else None, today - days.ONE_DAY if begun else None, today)
    moved = planning.replan(learner, today, now)
    if moved.more:
        return Cancelled(moved.back, 0, more=True)
    kept = _moved(learner, ended.first, ended.last).count()
    return Cancelled(ended.cards - kept, kept)


def _moved(learner: User, first: date, last: date) -> QuerySet[ReviewState]:
    """Return the cards whose own day is one of these and that come after them instead."""
    return queue.active(learner).filter(own_due_on__range=(first, last), due_on__gt=last)


def _set(learner: User, first: date | None, last: date | None, today: date) -> None:
    # Whether the streak goes on is judged by the break as it was until now. An answer under way would wait
    # for the day's row that begins here while this waits for its card, so the cards are locked first.
    planning.wait_for_answers(learner)
    rollup.begin(learner, today)
    learner.break_from, learner.break_until = first, last
    learner.save(update_fields=["break_from", "break_until"])


def _check_interview(learner: User, first: date, last: date, today: date) -> None:
    ahead = Interview.objects.filter(learner=learner, on__gte=today).order_by("on", "pk")
    interview = ahead.first()
    if interview is None or not Plan(None, first, last).crowds_out(interview.on):
        return
    where = "falls inside this break" if interview.on <= last else "is on the day right after this break"
    end = interview.on - timedelta(days=2)
    until = f"Let the break end by {format_date(end, 'j F')}, or begin" if end >= first else "Begin the break"
    raise Refused(
        f"Your interview at {interview.company} on {format_date(interview.on, 'j F')} {where}, "
        f"so no day is left before it for the cards. {until} after the interview."
    )
