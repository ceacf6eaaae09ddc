"""A learner's own note on a card: written, previewed, saved, and never lost to a second tab."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.redirects import SeeOther, next_page
from accounts.requests import LearnerRequest
from flashcards import browsing, notes, rendering
from flashcards.forms import NoteForm
from flashcards.models import Card
from flashcards.views.cards import card_or_404
from flashcards.views.stage import Moment


@require_http_methods(["GET", "HEAD", "POST"])
def note(request: LearnerRequest, card_id: int) -> HttpResponse:
    """Show the note in a form; a POST saves it, or shows what it will look like."""
    moment = Moment.of(request)
    card = card_or_404(moment, card_id)
    stored = browsing.note_of(card)
    if request.method != "POST":
        text = stored.text if stored else ""
        return _page(request, card, NoteForm(initial={"text": text, "seen": notes.edition(stored)}))
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _page(request, card, form, status=422)
    try:
        if "preview" in request.POST:
            html = rendering.markdown_html(form.cleaned_data["text"])
            return _page(request, card, form, preview=html, previewed=True)
        return _save(request, moment, card, form)
    except rendering.TextError as error:
        form.add_error("text", str(error))
        return _page(request, card, form, status=422)


def _save(request: LearnerRequest, moment: Moment, card: Card, form: NoteForm) -> HttpResponse:
    text, seen = form.cleaned_data["text"], form.cleaned_data["seen"]
    try:
        notes.save(moment.learner, card.pk, text, seen)
    except notes.Conflict as conflict:
        again = NoteForm(initial={"text": text, "seen": notes.edition(conflict.current)})
        return _page(request, card, again, conflict=True, stored=conflict.current, status=409)
    messages.success(request, "Your note is saved." if text.strip() else "The note is empty, so it’s gone.")
    return SeeOther(next_page(request, reverse("card", args=[card.pk])))


def _page(
    request: LearnerRequest, card: Card, form: NoteForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    back = next_page(request, reverse("card", args=[card.pk]))
    context = {"nav": "browse", "card": card, "form": form, "next": back, **more}
    return render(request, "flashcards/note.html", context, status=status)
