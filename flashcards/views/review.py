"""The daily review: a question, its answer, four grades, and the way back."""

from django.core.validators import slug_re
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.redirects import SeeOther
from accounts.requests import LearnerRequest
from flashcards import queue, reviewing
from flashcards.forms import AnswerForm, UndoForm
from flashcards.views import stage
from flashcards.views.stage import Moment


@require_safe
def review(request: LearnerRequest) -> HttpResponse:
    """Show the next card of today, or the one asked for by `?card=`; `?side=a` shows its answer."""
    moment = Moment.of(request)
    side = "a" if request.GET.get("side") == "a" else "q"
    if wanted := request.GET.get("card"):
        return _chosen(request, moment, wanted, side)
    aside = request.GET.get("aside", "")
    return stage.next_review(
        request, moment, side=side, aside=stage.put_aside(moment, int(aside)) if aside.isdecimal() else None
    )


@require_http_methods(["GET", "HEAD", "POST"])
def grade(request: LearnerRequest, card_id: int) -> HttpResponse:
    """Grade the card and go on to the next; a GET, as after a log-in, only leads back to the review."""
    if request.method != "POST":
        return redirect("review")
    moment = Moment.of(request)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return stage.next_review(request, moment, notice=form.sentence(), status=422)
    try:
        row = reviewing.grade_card(moment.learner, card_id, form.answer(), moment.now)
    except reviewing.Missing as gone:
        raise Http404(str(gone)) from gone
    except reviewing.Refused as refused:
        status = 409 if isinstance(refused, reviewing.Stale) else 422
        return stage.next_review(request, moment, notice=str(refused), status=status)
    practising, topic = form.cleaned_data["flow"] == "practice", form.cleaned_data["topic"]
    if not request.htmx:
        return SeeOther(stage.page_of(topic if practising else None))
    if practising:
        return stage.next_practice(request, moment, topic, latest=row)
    return stage.next_review(request, moment, latest=row if row.sequence == row.state.version else None)


@require_POST
def undo(request: LearnerRequest) -> HttpResponse:
    """Take back the latest answer and show that card's answer side again; or another event, and go on."""
    moment = Moment.of(request)
    form = UndoForm(request.POST)
    try:
        if not form.is_valid():
            raise reviewing.Refused("There is nothing to undo.")
        row = reviewing.undo(moment.learner, form.cleaned_data["log"], moment.now)
    except reviewing.Refused as refused:
        return stage.next_review(request, moment, notice=str(refused), status=409)
    side = "a" if row.took_back_an_answer else "q"
    topic = _practised(request)
    if not request.htmx:
        return SeeOther(stage.page_of(topic, side=side))
    undone_now = row if row.at == moment.now else None  # a second press gets the first one's undo
    if topic is not None:
        return stage.next_practice(request, moment, topic, undo=undone_now, side=side)
    return stage.next_review(request, moment, undo=undone_now, side=side)


@require_POST
def set_aside(request: LearnerRequest, card_id: int, how: str) -> HttpResponse:
    """Bury the card until the next study day, or suspend it until it is released, and go on."""
    moment = Moment.of(request)
    try:
        if how == "bury":
            reviewing.bury(moment.learner, card_id, moment.now)
        else:
            reviewing.suspend(moment.learner, card_id, moment.now)
    except reviewing.Missing as gone:
        raise Http404(str(gone)) from gone
    topic = _practised(request)
    if not request.htmx:
        return SeeOther(stage.page_of(topic, aside=card_id))
    if topic is not None:
        return stage.next_practice(request, moment, topic, aside=stage.put_aside(moment, card_id))
    return stage.next_review(request, moment, aside=stage.put_aside(moment, card_id))


def _chosen(request: LearnerRequest, moment: Moment, wanted: str, side: str) -> HttpResponse:
    """Show the card that the learner asked for, whatever the queue would show."""
    item = queue.item(moment.learner, int(wanted), moment.today) if wanted.isdecimal() else None
    if item is None:
        raise Http404("There is no such card.")
    left = queue.counts(moment.learner, moment.today)
    return stage.show(request, moment, item, left, side=side, chosen=True)


def _practised(request: LearnerRequest) -> str | None:
    """Return the topic ("" is all) that a form of the practice came from, None for one of the review."""
    topic = request.POST.get("topic", "")
    return (topic if slug_re.match(topic) else "") if request.POST.get("flow") == "practice" else None
