"""What the weekly summary sums up: a week's answers, what they did for readiness, and the days ahead.

Readiness then is that of the same cards on the same day, worked out from what had been answered before the
week began: the log of the cards that the week touched is folded up to there, all others are as they were.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from math import fsum
from operator import attrgetter
from typing import Any, Final

from django.db.models import Count, Q, Sum

from accounts.models import User
from flashcards import history, queue, readiness
from flashcards.figures import Rate
from flashcards.models import DayStat, Interview, ReviewLog
from flashcards.readiness import Lead, Readiness
from flashcards.scheduling import memory, schedule
from flashcards.scheduling.days import ONE_DAY
from flashcards.scheduling.memory import Memory
from flashcards.scheduling.schedule import Kind

WEEK: Final = timedelta(days=7)
MOST_INTERVIEWS: Final = 3
MEMORY: Final = ("stability", "difficulty", "remembered_on")


@dataclass(frozen=True, slots=True)
class Week:
    """What was answered from Monday to Sunday; undone answers don't count.

    `answers` were given to `cards` on `days_studied` days; `started` of the cards were new.
    """

    first: date
    last: date
    days_studied: int
    answers: int
    cards: int
    started: int
    rate: Rate


@dataclass(frozen=True, slots=True)
class Ready:
    """How many of the cards that count, `of`, would be recalled on the day `on` if the learner stopped.

    `now`: today. `then`: before the week began.
    """

    on: date
    now: float
    then: float
    of: int


@dataclass(frozen=True, slots=True)
class DayLoad:
    """Cards that come on a day: those scheduled now, and all that are expected with new ones and repeats."""

    day: date
    scheduled: int
    expected: int


@dataclass(frozen=True, slots=True)
class Load:
    """What comes on each of the next seven days, fewer when the interview is before; in all `total` cards.

    `late` of them were due before today.
    """

    late: int
    days: tuple[DayLoad, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A week, and what lies ahead of it; `interviews` are the days of the next three, nearest first."""

    week: Week
    ready: Ready
    load: Load
    interviews: tuple[date, ...]


def summary(learner: User, today: date) -> Summary | None:
    """Return the latest week that is over, in ten statements; None when nothing was answered in it.

    It ends on the Sunday before `today`, or today if that is a Sunday: a mail at an hour before the learner's
    day begins leaves on Monday's date, while the study day is still Sunday.
    """
    week = _week(learner, today + ONE_DAY - WEEK - (today + ONE_DAY).weekday() * ONE_DAY)
    if week is None:
        return None
    lead = readiness.leading(learner, today)
    ready = readiness.readiness(learner, lead, today)
    gained = _gained(learner, lead, week.first) * ready.scale
    coming = Interview.objects.filter(learner=learner, on__gte=today).order_by("on")
    return Summary(
        week=week,
        ready=Ready(lead.on, ready.recalled, min(max(0.0, ready.recalled - gained), ready.of), ready.of),
        load=_load(learner, lead, today, ready),
        interviews=tuple(coming.values_list("on", flat=True).distinct()[:MOST_INTERVIEWS]),
    )


def _week(learner: User, first: date) -> Week | None:
    last = first + WEEK - ONE_DAY
    days = DayStat.objects.filter(learner=learner, day__range=(first, last), answers__gt=0)
    sums = ("answers", "recalled", "tested")
    stats = days.aggregate(n=Count("pk"), **{name: Sum(name, default=0) for name in sums})
    if not stats["n"]:
        return None
    answers = ReviewLog.objects.filter(
        learner=learner, study_day__range=(first, last), kind__in=schedule.ANSWERS
    )
    new = Q(kind=Kind.REVIEW, interval_before=0)
    cards = history.standing(answers).aggregate(
        n=Count("state", distinct=True), new=Count("state", distinct=True, filter=new)
    )
    rate = Rate(stats["recalled"], stats["tested"])
    return Week(first, last, stats["n"], stats["answers"], cards["n"], cards["new"], rate)


def _gained(learner: User, lead: Lead, first: date) -> float:
    """Return the weight by which what happened since `first` raised the sum of chances on the lead's day."""
    since = ReviewLog.objects.filter(learner=learner, study_day__gte=first).values("state")
    touched = queue.active(learner).filter(pk__in=since)
    before = _memories_before(learner, touched.values("pk"), first)
    return fsum(
        lead.weight(state.card.topic_id)
        * (_chance(history.memory_of(state), lead.on) - _chance(before.get(state.pk), lead.on))
        for state in touched.select_related("card").only("card__topic", *MEMORY)
    )


def _memories_before(learner: User, states: Any, first: date) -> dict[int, Memory | None]:
    """Return what was remembered of each card before `first`; its study days never go back."""
    rows = ReviewLog.objects.filter(learner=learner, state__in=states, study_day__lt=first)
    by_state = groupby(rows.order_by("state_id", "sequence").iterator(), key=attrgetter("state_id"))
    return {pk: schedule.fold(map(history.event_of, log)).memory for pk, log in by_state}


def _chance(held: Memory | None, on: date) -> float:
    return memory.recall(held, on) if held else 0.0


def _load(learner: User, lead: Lead, today: date, ready: Readiness) -> Load:
    ahead = readiness.ahead(learner, lead, today, ready)
    days = tuple(
        DayLoad(day.day, day.scheduled, round(day.scheduled + day.extra))
        for day in ahead.days
        if day.day < today + WEEK
    )
    return Load(ahead.late, days, ahead.late + sum(day.expected for day in days))
