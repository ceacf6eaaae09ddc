"""Decks: their topics with counts, and one deck's cards in order."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.requests import LearnerRequest
from flashcards import browsing, queue, standings
from flashcards.finding import Search
from flashcards.models import Deck
from flashcards.views.stage import Moment

PAGE = 100
TOPICS = 50


@require_safe
def decks(request: LearnerRequest) -> HttpResponse:
    """List the decks with the counts of their topics, a page of topics at a time."""
    moment = Moment.of(request)
    page = Paginator(standings.topics(), TOPICS).get_page(request.GET.get("page"))
    context = {"nav": "decks", "page": page, "decks": standings.decks(moment.learner, moment.today, page)}
    return render(request, "flashcards/decks.html", context)


@require_safe
def deck(request: LearnerRequest, key: str) -> HttpResponse:
    """Show a deck's cards in order under their topics, a page at a time."""
    moment = Moment.of(request)
    shown = get_object_or_404(Deck, key=key)
    page = Paginator(browsing.keys_in_deck(shown), PAGE).get_page(request.GET.get("page"))
    cards = browsing.with_keys(moment.learner, Search(), moment.today, list(page))
    rows = [browsing.row(card, moment.today) for card in cards]
    on_page = {row.card.topic_id: row.card.topic for row in rows}
    counts = standings.topic_counts(moment.learner, on_page.values(), moment.today)
    waiting = queue.due(moment.learner, moment.today) | queue.drills(moment.learner, moment.today)
    context = {
        "nav": "decks",
        "today": moment.today,
        "deck": shown,
        "cards": page.paginator.count,
        "due": waiting.filter(card__topic__deck=shown).exists(),
        "page": page,
        "topics": [(count, _inside(count, rows)) for count in counts],
    }
    return render(request, "flashcards/deck.html", context)


def _inside(count: standings.TopicCounts, rows: list[browsing.Row]) -> list[browsing.Row]:
    return [row for row in rows if row.card.topic_id == count.topic.pk]
