"""The card page: the whole card, its schedule, its past, and what can be done with it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.views.decorators.http import require_POST, require_safe

from accounts.redirects import SeeOther, next_page
from accounts.requests import LearnerRequest
from flashcards import browsing, card_history, cards, reviewing
from flashcards.forms import DueForm, VersionForm
from flashcards.models import Card, ReviewLog
from flashcards.views.stage import Moment

PAGE = 100


@require_safe
def card(request: LearnerRequest, card_id: int) -> HttpResponse:
    """Show the card."""
    moment = Moment.of(request)
    return _page(request, moment, card_or_404(moment, card_id))


@require_POST
def suspend(request: LearnerRequest, card_id: int) -> HttpResponse:
    """Take the card out of the queue until it is released."""
    moment = Moment.of(request)
    sentence = "Suspended: this card won’t come up until you release it."
    return _act(
        request, moment, card_id, lambda: reviewing.suspend(moment.learner, card_id, moment.now), sentence
    )


@require_POST
def release(request: LearnerRequest, card_id: int) -> HttpResponse:
    """Put a suspended or buried card back."""
    moment = Moment.of(request)
    sentence = "This card is back in the queue."
    return _act(
        request, moment, card_id, lambda: reviewing.release(moment.learner, card_id, moment.now), sentence
    )


@require_POST
def bury(request: LearnerRequest, card_id: int) -> HttpResponse:
    """Take the card out of the queue until the next study day."""
    moment = Moment.of(request)
    return _act(
        request,
        moment,
        card_id,
        lambda: reviewing.bury(moment.learner, card_id, moment.now),
        "Buried: this card comes back tomorrow.",
    )


@require_POST
def reset(request: LearnerRequest, card_id: int) -> HttpResponse:
    """Make the card new again; its history stays."""
    moment = Moment.of(request)
    form = VersionForm(request.POST)
    if not form.is_valid():
        refused = form.errors["version"][0]
        return _page(request, moment, card_or_404(moment, card_id), refused=refused, status=422)
    version = form.cleaned_data["version"]
    sentence = "This card is new again. Its history is kept."
    return _act(
        request,
        moment,
        card_id,
        lambda: reviewing.reset(moment.learner, card_id, version, moment.now),
        sentence,
    )


@require_POST
def set_due(request: LearnerRequest, card_id: int) -> HttpResponse:
    """Move the card's due day."""
    moment = Moment.of(request)
    form = DueForm(request.POST, today=moment.today)
    if not form.is_valid():
        form.fields["due_on"].widget.attrs["autofocus"] = True  # it may be far down the page
        return _page(request, moment, card_or_404(moment, card_id), due_form=form, status=422)
    version, due_on = form.cleaned_data["version"], form.cleaned_data["due_on"]
    return _act(
        request,
        moment,
        card_id,
        lambda: reviewing.set_due(moment.learner, card_id, version, due_on, moment.now),
        f"Due on {format_date(due_on, 'j F Y')}.",
    )


def card_or_404(moment: Moment, card_id: int) -> Card:
    """Return the card, or answer that there is none, which a card of nobody's business gets as well."""
    found = browsing.card_of(moment.learner, card_id)
    if found is None:
        raise Http404
    return found


def _act(
    request: LearnerRequest, moment: Moment, card_id: int, act: Callable[[], object], sentence: str
) -> HttpResponse:
    """Do it and go on to the form's next page; what is refused is said on the card page (409)."""
    found = card_or_404(moment, card_id)
    if found.retired:
        refused = "This card has left the deck, so it isn’t scheduled any more."
        return _page(request, moment, found, refused=refused, status=409)
    try:
        act()
    except reviewing.Missing:
        raise Http404 from None
    except reviewing.Refused as refusal:
        now_shown, typed = card_or_404(moment, card_id), request.POST.get("due_on", "")
        return _page(request, moment, now_shown, refused=str(refusal), typed=typed, status=409)
    messages.success(request, sentence)
    return SeeOther(next_page(request, reverse("card", args=[card_id])))


def _page(
    request: LearnerRequest, moment: Moment, found: Card, *, typed: str = "", status: int = 200, **more: Any
) -> HttpResponse:
    """Render the card page; `more` may hold a `refused` sentence and a `due_form` with errors.

    `typed` is a due day to keep in a fresh form, which carries the version that the page now shows.
    """
    row = browsing.row(found, moment.today)
    initial = {"version": row.state.version if row.state else 0, "due_on": typed or None}
    past = browsing.past(row.state) if row.state else ReviewLog.objects.none()
    interview_on = moment.learner.interview_on
    context = {
        "nav": "browse",
        "today": moment.today,
        "row": row,
        "card": found,
        "html": cards.rendered(found),
        "note": browsing.note_of(found),
        "due_form": DueForm(initial=initial, today=moment.today),
        "past": Paginator(past, PAGE).get_page(request.GET.get("page")),
        "curve": card_history.recall_history(row.state, moment.today, interview_on) if row.state else None,
        **more,
    }
    return render(request, "flashcards/card.html", context, status=status)
