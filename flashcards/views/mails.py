"""Where the links of our mails lead, without a log-in; and one mail on request.

Mail scanners open every link, so a GET changes nothing. The token is the secret, so a POST needs neither a
cookie nor a CSRF token, as the one-click button of a mail program has none (RFC 8058).
"""

import logging
from typing import NoReturn

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.redirects import SeeOther
from accounts.requests import LearnerRequest
from flashcards.reminders import links, sampling, stopping, trouble, wanted
from flashcards.reminders.sampling import Sample
from flashcards.views.stage import Moment
from flashcards.wording import counted

ONE_CLICK = ("List-Unsubscribe", "One-Click")
SNOOZES = {"day": 1, "week": 7}

logger = logging.getLogger(__name__)


@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Offer to stop one kind of mail; stop it when a mail program or the page's own button asks for it."""
    learner_id, kind = links.unsubscriber(token) or _nothing_here()
    learner = stopping.reader(learner_id) or _nothing_here()
    context = {"daily": kind == kind.DAILY} | _whose(request, learner)
    if request.method != "POST":
        return render(request, "flashcards/unsubscribe.html", context)
    name, value = ONE_CLICK
    if request.POST.get(name) != value:
        return render(request, "flashcards/unsubscribe.html", context | {"unclear": True}, status=400)
    stopping.stop(learner, kind)
    return render(request, "flashcards/unsubscribe.html", context | {"stopped": True})


@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def snooze(request: HttpRequest, token: str) -> HttpResponse:
    """Offer to put mails off until tomorrow or for a week, and do it."""
    learner = stopping.reader(links.snoozer(token) or _nothing_here()) or _nothing_here()
    context = {"week_first": request.GET.get("for") == "week"} | _whose(request, learner)
    if request.method != "POST":
        return render(request, "flashcards/snooze.html", context)
    days = SNOOZES.get(request.POST.get("for", ""))
    if days is None:
        return render(request, "flashcards/snooze.html", context | {"unclear": True}, status=400)
    first = stopping.snooze(learner, days, timezone.now())
    return render(request, "flashcards/snooze.html", context | {"first": first})


@require_POST
def send_one_now(request: LearnerRequest) -> HttpResponse:
    """Mail the learner what would come now, and say what came of it."""
    back = SeeOther(reverse("settings"))
    if request.user.is_guest:
        messages.warning(request, "Reminders go to an e-mail address. Sign up first, then try one.")
        return back
    if not ratelimit.consume(request, action="send_one_now"):
        messages.warning(request, "That’s as many as we send within an hour. Try again later.")
        return back
    moment = Moment.of(request)
    try:
        sample = sampling.send_now(moment.learner, moment.today)
    except trouble.ERRORS:
        logger.exception("A mail on request could not be sent")
        messages.warning(request, "Our mail couldn’t be sent just now. Try again in a few minutes.")
        return back
    if sample.why_not:
        messages.info(request, _why_not(moment.learner, sample))
    else:
        messages.success(request, f"Sent to {moment.learner.email}: what would come now.")
    return back


def _nothing_here() -> NoReturn:
    raise Http404("No such token")


def _whose(request: HttpRequest, learner: User) -> dict[str, bool]:
    """Tell whether somebody else is logged in here than the one the mail went to."""
    return {"somebody_else": request.user.is_authenticated and request.user.pk != learner.pk}


def _why_not(learner: User, sample: Sample) -> str:
    """Say in a sentence why no mail was sent."""
    return {
        sampling.NOT_CONFIRMED: "Your address isn’t confirmed yet, so we sent nothing.",
        sampling.REFUSED: f"Mail to {learner.email} came back, so we sent nothing.",
        wanted.IN_A_BREAK: "You’re in a break, so no mail would come now.",
        wanted.NOTHING_DUE: "0 cards are due, so no mail would come now.",
        wanted.STUDIED: "You’ve studied today, so no mail would come now.",
        wanted.TOO_FEW: f"{counted(sample.cards, 'card')} to answer today, fewer than the "
        f"{learner.remind_from_cards} you asked for, so no mail would come now.",
    }[sample.why_not]
