"""Today: what is due and how long it takes; and the summary when it is done."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import LearnerRequest
from flashcards import breaks, catching_up, planning, progress, queue, reviewing
from flashcards.scheduling import days
from flashcards.views import moving, words
from flashcards.views.stage import Moment


@never_cache
@require_safe
def today(request: LearnerRequest) -> HttpResponse:
    """Say what is due now and offer to start."""
    moment = Moment.of(request)
    moving_now = moving.shown(moment)
    left = queue.counts(moment.learner, moment.today)
    context = {
        "nav": "today",
        "today": moment.today,
        "left": left,
        **moving_now,
        "minutes": progress.minutes(moment.learner, left.left, moment.today),
        **_planned(moment),
        **_catching_up(moment, left),
        **_ahead(moment, left),
    }
    return render(request, "flashcards/today.html", context)


@never_cache
@require_safe
def done(request: LearnerRequest) -> HttpResponse:
    """Sum up the study day: what was answered, what to look at, what tomorrow brings."""
    moment = Moment.of(request)
    left = queue.counts(moment.learner, moment.today)
    context = {
        "nav": "today",
        "today": moment.today,
        "left": left,
        "summary": progress.summary(moment.learner, moment.today),
        "latest": reviewing.latest_standing(moment.learner, moment.today),
        **_ahead(moment, left),
    }
    return render(request, "flashcards/done.html", context)


def _planned(moment: Moment) -> dict[str, object]:
    """Return whether this is a day of a break, and whether one lies ahead."""
    on_break = breaks.on_break(moment.learner, moment.today)
    return {
        "on_break": on_break,
        "break_ahead": not on_break and breaks.is_planned(moment.learner, moment.today),
    }


def _catching_up(moment: Moment, left: queue.Counts) -> dict[str, object]:
    """Return what was spread just now, with the way back, or else what could be spread after days away."""
    if not left.answers or planning.is_moving(moment.learner):
        return {}
    latest = reviewing.latest_standing(moment.learner, moment.today)
    if latest is not None and latest.batch is not None:
        return {"spread": latest, "outcome": words.outcome(latest)}
    if latest is not None and latest.grade is not None:
        return {}
    return {"offer": catching_up.offer(moment.learner, left.waiting, moment.today)}


def _ahead(moment: Moment, left: queue.Counts) -> dict[str, object]:
    """Return what comes after today, for a page on which nothing is left."""
    if left.left:
        return {}
    tomorrow = progress.tomorrow(moment.learner, moment.today)
    next_day = moment.today + days.ONE_DAY
    return {
        "tomorrow": tomorrow,
        "tomorrow_minutes": progress.minutes(moment.learner, tomorrow.left, moment.today),
        "next_day_start": days.day_start(next_day, moment.learner.time_zone, moment.learner.day_start),
        "one_more": left.first_new,
    }
