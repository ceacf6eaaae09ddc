"""Practice ahead of the schedule, in all topics or one."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.requests import LearnerRequest
from flashcards.views import stage
from flashcards.views.stage import Moment


@require_safe
def practice(request: LearnerRequest) -> HttpResponse:
    """Show the next card to practise; `?topic=` keeps to one topic, `?side=a` shows the answer."""
    side = "a" if request.GET.get("side") == "a" else "q"
    return stage.next_practice(request, Moment.of(request), request.GET.get("topic", ""), side=side)
