"""How far cards are that a plan moves, which shows itself anew; each look moves some of them."""

from contextlib import suppress

from django.db import OperationalError
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.redirects import SeeOther
from accounts.requests import LearnerRequest
from flashcards import moving
from flashcards.moving import Progress
from flashcards.views.stage import Moment

MOVED = "moved"  # what the browser hears when all cards are where they belong


@never_cache
@require_safe
def how_far(request: LearnerRequest) -> HttpResponse:
    """Show htmx how far it is, nothing when it is done; without htmx, a page that says so."""
    if not request.htmx:
        return SeeOther(reverse("interviews"))
    context = shown(Moment.of(request))
    if context["moving"]:
        return render(request, "flashcards/_moving.html", context)
    return HttpResponse(headers={"HX-Trigger": MOVED})


def shown(moment: Moment) -> dict[str, Progress | None]:
    """Move some cards, if any are to be moved, and return what a page shows of it.

    Where nothing can be written, what is can be read.
    """
    with suppress(OperationalError):
        moving.go_on(moment.learner, moment.today, moment.now)
    return {"moving": moving.progress(moment.learner)}
