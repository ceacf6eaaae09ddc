"""Today: what is due and how long it takes; and the summary when it is done."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_GET

from accounts.requests import LearnerRequest
from flashcards import breaks, catching_up, progress, queue, reviewing
from flashcards.scheduling import days
from flashcards.views import words
from flashcards.views.stage import Moment


@require_GET
def today(request: LearnerRequest) -> HttpResponse:
    """Say what is due now and offer to start."""
    moment = Moment.of(request)
    left = queue.counts(moment.learner, moment.today)
    context = {
        "nav": "today",
        "today": moment.today,
        "left": left,
        "minutes": progress.minutes(moment.learner, left.left, moment.today),
        **_planned(moment),
        **_catching_up(moment, left),
        **_ahead(moment, left),
    }
    return _fresh(render(request, "flashcards/today.html", context))


@require_GET
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
    return _fresh(render(request, "flashcards/done.html", context))


def _planned(moment: Moment) -> dict[str, object]:
    """Return whether this is a day of a break, and whether one lies ahead."""
    first = moment.learner.break_from
    return {
        "on_break": breaks.on_break(moment.learner, moment.today),
        "break_ahead": first is not None and first > moment.today,
    }


def _catching_up(moment: Moment, left: queue.Counts) -> dict[str, object]:
    """Return what was spread just now, with the way back, or else what could be spread after days away."""
    if not left.answers:
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


def _fresh(response: HttpResponse) -> HttpResponse:
    add_never_cache_headers(response)
    return response
