"""The review stage: one card with its buttons, as a page or as the fragment that htmx swaps in."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.db import OperationalError
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import User
from accounts.redirects import SeeOther
from accounts.requests import LearnerRequest
from flashcards import cards, planning, practice, queue, reviewing
from flashcards.models import ReviewLog, ReviewState
from flashcards.queue import BEGINNER_ANSWERS, Counts, Item
from flashcards.scheduling import schedule
from flashcards.scheduling.schedule import Kind
from flashcards.views import words


@dataclass(frozen=True, slots=True)
class Moment:
    """For whom and when a page is made; the clock is read once, at the door.

    Whatever the learner's plan has to do because a day is over is done before anything is shown.
    """

    learner: User
    now: datetime
    today: date

    @classmethod
    def of(cls, request: LearnerRequest) -> "Moment":
        """Return the request's learner at this instant; where nothing can be written, what is can be read."""
        now = timezone.now()
        today = queue.today_of(request.user, now)
        try:
            planning.settle(request.user, today, now)
        except OperationalError:
            if request.method != "GET":
                raise
        return cls(request.user, now, today)


def next_review(
    request: LearnerRequest,
    moment: Moment,
    latest: ReviewLog | None = None,
    undo: ReviewLog | None = None,
    **more: Any,
) -> HttpResponse:
    """Show the next card of today, or lead to the summary when there is none.

    `latest` is the event just written, `undo` that if it took one back; looked up when none is given. `more`
    is as for show().
    """
    left, item = queue.look(moment.learner, moment.today)
    if latest is None:
        last = undo or reviewing.last_event(moment.learner, moment.today)
        taken_back = last is not None and last.kind == Kind.UNDO
        again = _to_grade_again(moment, last) if last and taken_back else None
        latest = reviewing.latest_standing(moment.learner, moment.today) if taken_back else last
        item, more = again or item, {"undone": again is not None} | more
    if item is None:
        return finish(request, reverse("done"), more.get("notice", ""))
    return show(request, moment, item, left, latest=latest, **more)


def put_aside(moment: Moment, card_id: int) -> ReviewState | None:
    """Return the card's state if it really is out of today's queue, for the way back in the notice."""
    out = Q(suspended=True) | Q(buried_on=moment.today)
    mine = ReviewState.objects.filter(out, learner=moment.learner, card=card_id)
    return mine.select_related("card").first()


def _to_grade_again(moment: Moment, undo: ReviewLog) -> Item | None:
    """Return the card whose answer was taken back; None if it was no answer, or the card is paused since."""
    held = undo.state
    if held.suspended or held.buried_on == moment.today or not undo.took_back_an_answer:
        return None
    return queue.item(moment.learner, held.card_id, moment.today)


def next_practice(
    request: LearnerRequest, moment: Moment, topic: str, undo: ReviewLog | None = None, **more: Any
) -> HttpResponse:
    """Show the next card to practise in a topic ("" is all), or lead to the deck when there is none."""
    card = practice.next_card(moment.learner, moment.today, topic)
    item = queue.item(moment.learner, card, moment.today) if card else None
    last = None if more.get("latest") else undo or reviewing.last_event(moment.learner, moment.today)
    again = _to_grade_again(moment, last) if last and last.kind == Kind.UNDO else None
    if again and again.kind == Kind.PRACTICE and topic in ("", again.card.topic.key):
        item, more = again, {"undone": True} | more
    if item is None:
        return finish(request, reverse("decks"), "That was all there is to practise here today.")
    left = queue.counts(moment.learner, moment.today)
    return show(request, moment, item, left, flow="practice", topic=topic, **more)


def page_of(topic: str | None, **asked: object) -> str:
    """Return the address of the review, or of the practice of this topic ("" is all)."""
    page, asked = ("review", asked) if topic is None else ("practice", {"topic": topic} | asked)
    return f"{reverse(page)}?{urlencode(asked)}" if asked else reverse(page)


def show(
    request: LearnerRequest, moment: Moment, item: Item, left: Counts, *, status: int = 200, **more: Any
) -> HttpResponse:
    """Render a card with its buttons: the whole page, or the stage alone for htmx.

    `more` goes to the template: `side` "q" or "a", `latest` the event that undo takes back, `notice` a
    sentence, `flow` and `topic` where the answer leads; `here` is that page's address.
    """
    context = {
        "item": item,
        "html": cards.rendered(item.card),
        "kind": words.kind(item),
        "seen": words.seen(item, moment.today),
        "buttons": words.buttons(item, moment.today, moment.now, planning.plan_of(moment.learner)),
        "beginner": left.answers < BEGINNER_ANSWERS,
        "leech": schedule.is_leech(item.schedule.lapses),
        "left": left,
        "submission": uuid4(),
        "side": "q",
        "flow": "review",
        "here": page_of(more.get("topic")),
        **_said(more.get("latest")),
        **more,
    }
    whole = not request.htmx or request.htmx.history_restore_request
    template = "flashcards/review.html" if whole else "flashcards/_stage_swap.html"
    response = render(request, template, context, status=status)
    add_never_cache_headers(response)
    patch_vary_headers(response, ["HX-Request"])
    return response


def finish(request: LearnerRequest, url: str, notice: str = "") -> HttpResponse:
    """Leave the stage for another page, which shows the notice."""
    if notice:
        messages.warning(request, notice)
    return HttpResponseClientRedirect(url) if request.htmx else SeeOther(url)


def _said(latest: ReviewLog | None) -> dict[str, Any]:
    if latest is None:
        return {}
    return {"outcome": words.outcome(latest), "missed_often": words.missed_often(latest)}
