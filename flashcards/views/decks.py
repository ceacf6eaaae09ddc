"""Decks: their topics with counts, and one deck's cards in order."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.requests import LearnerRequest
from flashcards import browsing, standings
from flashcards.models import Deck
from flashcards.views.stage import Moment

PAGE = 100


@require_safe
def decks(request: LearnerRequest) -> HttpResponse:
    """List every deck with the counts of its topics."""
    moment = Moment.of(request)
    context = {"nav": "decks", "decks": standings.decks(moment.learner, moment.today)}
    return render(request, "flashcards/decks.html", context)


@require_safe
def deck(request: LearnerRequest, key: str) -> HttpResponse:
    """Show a deck's cards in order under their topics, a page at a time."""
    moment = Moment.of(request)
    shown = get_object_or_404(Deck, key=key)
    counts = standings.topic_counts(moment.learner, shown, moment.today)
    page = Paginator(browsing.in_deck(moment.learner, shown), PAGE).get_page(request.GET.get("page"))
    rows = [browsing.row(card, moment.today) for card in page]
    context = {
        "nav": "decks",
        "today": moment.today,
        "deck": shown,
        "cards": sum(count.cards for count in counts),
        "due": sum(count.due for count in counts),
        "page": page,
        "topics": [(count, inside) for count in counts if (inside := _inside(count, rows))],
    }
    return render(request, "flashcards/deck.html", context)


def _inside(count: standings.TopicCounts, rows: list[browsing.Row]) -> list[browsing.Row]:
    return [row for row in rows if row.card.topic_id == count.topic.pk]
