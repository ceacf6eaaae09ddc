"""How far cards are that a plan or a spreading moves: pages say it, and what they ask for moves some more."""

from contextlib import suppress

from django.db import OperationalError
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.redirects import SeeOther, next_page
from accounts.requests import LearnerRequest
from flashcards import moving
from flashcards.moving import Progress
from flashcards.views.stage import Moment

MOVED = "moved"  # what the browser hears when all cards are where they belong


@never_cache
@require_safe
def how_far(request: LearnerRequest) -> HttpResponse:
    """Move some cards, if anything can be written now, and show htmx how far it is, nothing when done.

    Without htmx, go back to the page that says so.
    """
    moment = Moment.of(request)
    with suppress(OperationalError):
        moving.go_on(moment.learner, moment.today, moment.now)
    if not request.htmx:
        return SeeOther(next_page(request, reverse("interviews")))
    context = shown(moment)
    if context["moving"]:
        return render(request, "flashcards/_moving.html", context)
    return HttpResponse(headers={"HX-Trigger": MOVED})


def shown(moment: Moment) -> dict[str, Progress | None]:
    """Return what a page shows of it; it moves none itself, so that it comes as soon as ever."""
    return {"moving": moving.progress(moment.learner)}
