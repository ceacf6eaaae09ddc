"""The interviews: listed, added, changed and deleted; and how many new cards a day the next one needs."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.redirects import SeeOther
from accounts.requests import LearnerRequest
from flashcards import interviews, queue
from flashcards.interview_forms import InterviewForm, PaceForm
from flashcards.interviews import Change, Missing, Pace, Refused
from flashcards.models import Interview
from flashcards.views import interview_words as words
from flashcards.views import moving
from flashcards.views.stage import Moment


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def all_of_them(request: LearnerRequest) -> HttpResponse:
    """Show the interviews and a form for another one; a POST adds it."""
    moment = Moment.of(request)
    if request.method != "POST":
        return _list(request, moment, _form(moment))
    form = _form(moment, request)
    if form.is_valid():
        try:
            change = interviews.add(moment.learner, form.wanted(), moment.now)
        except Refused as refused:
            form.add_error("on", str(refused))
        else:
            return _done(request, moment, "Interview added.", change)
    return _list(request, moment, form, status=422)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: LearnerRequest, pk: int) -> HttpResponse:
    """Show an interview in a form; a POST changes it."""
    moment = Moment.of(request)
    interview = _found(moment, pk)
    if request.method != "POST":
        return _edit(request, moment, interview, _form(moment, interview=interview))
    form = _form(moment, request, interview)
    if form.is_valid():
        try:
            change = interviews.change(moment.learner, pk, form.wanted(), moment.now)
        except Missing as gone:
            raise Http404(str(gone)) from gone
        except Refused as refused:
            form.add_error("on", str(refused))
        else:
            return _done(request, moment, "Interview changed.", change)
    return _edit(request, moment, interview, form, status=422)


@require_POST
def delete(request: LearnerRequest, pk: int) -> HttpResponse:
    """Delete an interview; the cards that came for it go back."""
    moment = Moment.of(request)
    try:
        change = interviews.delete(moment.learner, pk, moment.now)
    except Missing as gone:
        raise Http404(str(gone)) from gone
    return _done(request, moment, "Interview deleted.", change)


@never_cache
@require_POST
def pace(request: LearnerRequest) -> HttpResponse:
    """Set the new cards a day that the page offered."""
    moment = Moment.of(request)
    form = PaceForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"New cards a day must be a whole number from 1 to {interviews.MOST_A_DAY}.")
        return _list(request, moment, _form(moment), status=422)
    a_day = form.cleaned_data["new_cards_per_day"]
    interviews.set_pace(moment.learner, a_day)
    messages.success(request, f"From now on you get {words.new_cards(a_day)} a day.")
    return SeeOther(reverse("interviews"))


def _found(moment: Moment, pk: int) -> Interview:
    try:
        return interviews.find(moment.learner, pk)
    except Missing as gone:
        raise Http404(str(gone)) from gone


def _form(
    moment: Moment, request: LearnerRequest | None = None, interview: Interview | None = None
) -> InterviewForm:
    topics, more = interviews.topics(interview)
    return InterviewForm(
        request.POST if request else None,
        learner=moment.learner,
        today=moment.today,
        topics=topics,
        more=more,
        interview=interview,
    )


def _list(request: LearnerRequest, moment: Moment, form: InterviewForm, *, status: int = 200) -> HttpResponse:
    moving_now = moving.shown(moment)
    coming = interviews.coming(moment.learner, moment.today)
    past = interviews.past(moment.learner, moment.today)
    pace_now = _pace(moment, coming[0]) if coming else None
    context = {
        "nav": "dashboard",
        "coming": [words.row(interview, moment.today) for interview in coming],
        "past": [words.row(interview, moment.today) for interview in past],
        "pace": pace_now,
        "pace_says": words.needed(pace_now) if pace_now else "",
        "form": form,
        **moving_now,
    }
    return render(request, "flashcards/interviews.html", context, status=status)


def _pace(moment: Moment, interview: Interview) -> Pace | None:
    started = queue.counts(moment.learner, moment.today).started
    return interviews.pace(moment.learner, interview, started, moment.today)


def _edit(
    request: LearnerRequest, moment: Moment, interview: Interview, form: InterviewForm, *, status: int = 200
) -> HttpResponse:
    context = {"nav": "dashboard", "interview": interview, "form": form}
    return render(request, "flashcards/interview.html", context, status=status)


def _done(request: LearnerRequest, moment: Moment, what: str, change: Change) -> HttpResponse:
    messages.success(request, f"{what} {words.moves(change, moment.today)}")
    return SeeOther(reverse("interviews"))
