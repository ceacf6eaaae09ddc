"""Pages that say the same to everyone: landing, help, about."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from flashcards.models import Card, Topic

MOST_TOPICS = 12


@require_safe
@login_not_required
def landing(request: HttpRequest) -> HttpResponse:
    """Say what Engram is and let a visitor begin; a learner goes on to today."""
    if request.user.is_authenticated:
        return redirect("today")
    topics = Topic.objects.order_by("deck_id", "position")
    count = topics.count()
    context = {
        "topics": topics[:MOST_TOPICS],
        "topic_count": count,
        "more": max(0, count - MOST_TOPICS),
        "cards": _cards(),
    }
    return render(request, "flashcards/landing.html", context)


@require_safe
@login_not_required
def help_page(request: HttpRequest) -> HttpResponse:
    """Explain the keys, the schedule and what to do when something looks odd."""
    return render(request, "flashcards/help.html", {"nav": "help"})


@require_safe
@login_not_required
def about(request: HttpRequest) -> HttpResponse:
    """Say what this is made of and whose algorithm it is."""
    return render(request, "flashcards/about.html", {"cards": _cards()})


def _cards() -> int:
    return Card.objects.filter(retired=False).count()
