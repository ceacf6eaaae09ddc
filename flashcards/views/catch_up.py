"""The page that spreads what waits over the next days, with a preview, and the way back."""

from uuid import uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.redirects import SeeOther
from accounts.requests import LearnerRequest
from flashcards import batches, catching_up, moving, queue, reviewing
from flashcards.catching_up import Spread
from flashcards.forms import UndoForm
from flashcards.models import ReviewLog
from flashcards.views import moving as moves
from flashcards.views.stage import Moment
from flashcards.wording import OTHERS_FOLLOW, counted


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def catch_up(request: LearnerRequest) -> HttpResponse:
    """Show what spreading over 3, 5 or 7 days (`?days=`) would do; do it."""
    moment = Moment.of(request)
    if request.method != "POST":
        return _page(request, moment, _days(request.GET.get("days", "")))
    asked = _days(request.POST.get("days", ""))
    if asked is None:
        return _page(request, moment, None, refused="Choose 3, 5 or 7 days.", status=422)
    try:
        if not catching_up.spread(moment.learner, asked, uuid4(), moment.now):
            messages.info(request, "No card had to move: what is due now is for today.")
    except reviewing.Refused as refused:
        messages.warning(request, str(refused))
    return SeeOther(reverse("today"))


@require_POST
def undo(request: LearnerRequest) -> HttpResponse:
    """Put the cards that were spread back where they were."""
    moment = Moment.of(request)
    form = UndoForm(request.POST)
    try:
        if not form.is_valid():
            raise reviewing.Refused("There is nothing to undo.")
        row = reviewing.undo(moment.learner, form.cleaned_data["log"], moment.now)
    except reviewing.Refused as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, _undone(moment, row))
    return SeeOther(reverse("today"))


def _undone(moment: Moment, row: ReviewLog) -> str:
    if row.batch is None:
        return "Undone."
    under_way = batches.is_undoing(moment.learner) and moving.progress(moment.learner)
    cards = under_way.done if under_way else catching_up.moved_by(moment.learner.pk, row.batch).cards
    said = f"{counted(cards, 'card')} {'is' if cards == 1 else 'are'} due again."
    return f"So far, {said} {OTHERS_FOLLOW}" if under_way else f"Undone: {said}"


def _days(typed: str) -> int | None:
    """Return the number of days that was asked for, None when it isn't one of the choices."""
    return next((choice for choice in catching_up.CHOICES if typed == str(choice)), None)


def _shown(offered: tuple[Spread, ...], asked: int | None, pace: catching_up.Pace) -> Spread:
    """Return the choice to show; where the one asked for has no more days than a shorter one, that one."""
    fitting = [each for each in offered if asked is not None and each.asked <= asked]
    return fitting[-1] if fitting else catching_up.suggested(offered, pace)


def _page(
    request: LearnerRequest, moment: Moment, asked: int | None, *, refused: str = "", status: int = 200
) -> HttpResponse:
    moving_now = moves.shown(moment)
    waiting = queue.due(moment.learner, moment.today).count()
    offered = catching_up.choices(moment.learner, waiting, moment.today)
    pace = catching_up.pace(moment.learner, moment.today)
    context = {
        "nav": "today",
        "today": moment.today,
        "waiting": waiting,
        "usual": round(pace.usual) if pace.last_on else None,
        "choices": offered,
        "shown": _shown(offered, asked, pace),
        "refused": refused,
        **moving_now,
    }
    return render(request, "flashcards/catch_up.html", context, status=status)
