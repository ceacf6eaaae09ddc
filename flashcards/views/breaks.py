"""The page on which a break is planned, changed and cancelled."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.redirects import SeeOther, next_page
from accounts.requests import LearnerRequest
from flashcards import breaks
from flashcards.break_forms import BreakForm
from flashcards.breaks import Cancelled
from flashcards.recording import Refused
from flashcards.views import moving
from flashcards.views.stage import Moment
from flashcards.wording import OTHERS_FOLLOW, counted


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def plan(request: LearnerRequest) -> HttpResponse:
    """Show the planned break and the form; plan what was sent."""
    moment = Moment.of(request)
    if request.method != "POST":
        return _page(request, moment)
    form = BreakForm(request.POST, learner=moment.learner, today=moment.today)
    if form.is_valid():
        sent = form.cleaned_data
        try:
            breaks.plan(moment.learner, sent["break_from"], sent["break_until"], moment.now)
        except Refused as refused:
            form.add_error("break_until", str(refused))
        else:
            messages.success(request, "Your break is planned.")
            return SeeOther(reverse("break"))
    return _page(request, moment, form, status=422)


@require_POST
def cancel(request: LearnerRequest) -> HttpResponse:
    """Cancel the break, or end the one that is on."""
    moment = Moment.of(request)
    was_on = breaks.on_break(moment.learner, moment.today)
    cancelled = breaks.cancel(moment.learner, moment.now)
    if cancelled is None:
        messages.info(request, "There’s no break to cancel.")
    else:
        ended = "Your break has ended." if was_on else "Your break is cancelled."
        messages.success(request, " ".join([ended, *_what_moved(cancelled)]))
    return SeeOther(next_page(request, reverse("break")))


def _what_moved(cancelled: Cancelled) -> list[str]:
    """Say what came of the cards, in up to three sentences."""
    said = list[str]()
    if cancelled.back:
        are = "is back on its own day" if cancelled.back == 1 else "are back on their own days"
        so_far = "So far, " if cancelled.more else ""
        said.append(f"{so_far}{counted(cancelled.back, 'card')} {are}.")
    if cancelled.kept:
        keep = "keeps its" if cancelled.kept == 1 else "keep their"
        said.append(f"{counted(cancelled.kept, 'card')} whose own day has passed {keep} new one.")
    return [*said, OTHERS_FOLLOW] if cancelled.more else said


def _page(
    request: LearnerRequest, moment: Moment, form: BreakForm | None = None, *, status: int = 200
) -> HttpResponse:
    moving_now = moving.shown(moment)
    planned = breaks.coming(moment.learner, moment.today)
    initial = {"break_from": planned.first, "break_until": planned.last} if planned else {}
    context = {
        "nav": "today",
        "today": moment.today,
        "planned": planned,
        "on_break": breaks.on_break(moment.learner, moment.today),
        "longest": breaks.LONGEST,
        "form": form or BreakForm(initial=initial, learner=moment.learner, today=moment.today),
        **moving_now,
    }
    return render(request, "flashcards/break.html", context, status=status)
