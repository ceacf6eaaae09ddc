"""Practice ahead of the schedule, in all topics or one."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.requests import LearnerRequest
from flashcards.views import stage
from flashcards.views.stage import Moment


@require_safe
def practice(request: LearnerRequest) -> HttpResponse:
    """Show the next card to practise; `?topic=` keeps to one topic, `?side=a` shows the answer."""
    moment, side = Moment.of(request), "a" if request.GET.get("side") == "a" else "q"
    wanted = request.GET.get("aside", "")
    aside = stage.put_aside(moment, int(wanted)) if wanted.isdecimal() else None
    return stage.next_practice(request, moment, request.GET.get("topic", ""), side=side, aside=aside)
