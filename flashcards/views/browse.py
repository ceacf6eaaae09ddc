"""Browse: find cards by words, topic and state."""

import re
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.requests import LearnerRequest
from flashcards import browsing, finding, standings
from flashcards.finding import Found, Part, Search
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
    found, page = _found(moment, search, request.GET)
    cards = browsing.with_keys(moment.learner, search, moment.today, list(page)) if found else list(page)
    context = {
        "nav": "browse",
        "today": moment.today,
        "form": form,
        "page": page,
        "rows": [browsing.row(card, moment.today, search.words) for card in cards],
        "found": found,
        "search": search,
        "topics": topics,
        "query": _query(request),
        "search_query": _query(request, "part"),
        "nothing": "" if page.paginator.count else _nothing(search, topics, found.part if found else None),
    }
    part = request.htmx and not request.htmx.history_restore_request
    template = "flashcards/_browse_results.html" if part else "flashcards/browse.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _found(moment: Moment, search: Search, asked: QueryDict) -> tuple[Found | None, Page[Any]]:
    """Return a page of the cards that match; among very many, of their keys, and what was found."""
    learner, today, number = moment.learner, moment.today, asked.get("page")
    if not finding.are_many():
        return None, Paginator(browsing.find(learner, search, today), PAGE).get_page(number)
    part = asked.get("part", "")
    found = finding.among_many(learner, search, today, int(part) if re.fullmatch(r"\d{1,6}", part) else 1)
    return found, Paginator(found.keys, PAGE).get_page(number)


def _query(request: LearnerRequest, *without: str) -> str:
    """Return the query string without its page and these, ready for `page=` to follow."""
    query = request.GET.copy()
    for name in ("page", *without):
        query.pop(name, None)
    return query.urlencode()


def _nothing(search: Search, topics: list[Topic], part: Part | None) -> str:
    """Return the sentence that repeats what was asked for and not found."""
    what = {
        "": "cards",
        standings.Standing.LEARNING: "cards to repeat today",
        standings.Standing.REVIEW: "cards scheduled for later",
        standings.MISSED_OFTEN: "often missed cards",
    }.get(search.state, f"{search.state} cards")
    where = "".join(f" in {topic.name}" for topic in topics if topic.key == search.topic)
    match = f" match “{search.text}”" if search.text else ""
    looked = f" among the cards {part.first:,} to {part.last:,} of {part.cards:,}" if part else ""
    return f"No {what}{where}{match}{looked}."
