"""Browse: find cards by words, topic and state."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.requests import LearnerRequest
from flashcards import browsing, standings
from flashcards.forms import BrowseForm
from flashcards.models import Topic
from flashcards.views.stage import Moment

PAGE = 50


@require_safe
def browse(request: LearnerRequest) -> HttpResponse:
    """Show the cards that match; htmx gets the results alone, a restored history entry the whole page."""
    moment = Moment.of(request)
    topics = browsing.topics()
    form = BrowseForm(request.GET, topics)
    search = form.search()
    found = browsing.find(moment.learner, search, moment.today)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "nav": "browse",
        "today": moment.today,
        "form": form,
        "page": page,
        "rows": [browsing.row(card, moment.today, search.words) for card in page],
        "search": search,
        "topics": topics,
        "query": _query(request),
        "nothing": "" if page.paginator.count else _nothing(search, topics),
    }
    part = request.htmx and not request.htmx.history_restore_request
    template = "flashcards/_browse_results.html" if part else "flashcards/browse.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _query(request: LearnerRequest) -> str:
    """Return the query string without its page, ready for `page=` to follow."""
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()


def _nothing(search: browsing.Search, topics: list[Topic]) -> str:
    """Return the sentence that repeats what was asked for and not found."""
    what = {
        "": "cards",
        standings.Standing.LEARNING: "cards to repeat today",
        standings.Standing.REVIEW: "cards scheduled for later",
        standings.MISSED_OFTEN: "often missed cards",
    }.get(search.state, f"{search.state} cards")
    where = "".join(f" in {topic.name}" for topic in topics if topic.key == search.topic)
    match = f" match “{search.text}”" if search.text else ""
    return f"No {what}{where}{match}."
