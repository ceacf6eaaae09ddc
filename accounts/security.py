"""The pages on who else may be in the account, and on its end."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import deleting, events, sessions
from accounts.delete_form import DeleteForm
from accounts.events import Kind
from accounts.redirects import SeeOther
from accounts.requests import LearnerRequest

MOST_EVENTS = 50
GONE = "Your account is deleted, and everything that was in it."
GUEST_GONE = "What you did here as a visitor is deleted."
CLEARING = (
    "Your account is deleted. You have answered so much that clearing it takes a few minutes more; "
    "none of it names you."
)


@never_cache
@require_safe
def security(request: LearnerRequest) -> HttpResponse:
    """Show what protects the account, where it is open, and what has happened to it."""
    kinds = set(Authenticator.objects.filter(user=request.user).values_list("type", flat=True))
    context = {
        "app": Authenticator.Type.TOTP in kinds,
        "passkey": Authenticator.Type.WEBAUTHN in kinds,
        "codes": Authenticator.Type.RECOVERY_CODES in kinds,
        "sessions": sessions.of_learner(request, request.user),
        "events": events.recent(request.user, MOST_EVENTS).select_related("by"),
        "here": events.source(request).session,
        "nav": "settings",
    }
    return render(request, "accounts/security.html", context)


@require_POST
def end_other_sessions(request: LearnerRequest) -> HttpResponse:
    """Sign out every other device."""
    sessions.end_others(request, request.user)
    events.record(Kind.SESSIONS_ENDED, [request.user], timezone.now(), events.source(request))
    messages.success(request, "Every other device is signed out.")
    return SeeOther(resolve_url("security"))


@require_POST
def end_session(request: LearnerRequest, pk: int) -> HttpResponse:
    """Sign out one device of the learner's."""
    if not sessions.end_one(request.user, pk):
        raise Http404
    events.record(Kind.SESSION_ENDED, [request.user], timezone.now(), events.source(request))
    messages.success(request, "That device is signed out.")
    return SeeOther(resolve_url("security"))


def _without_password(request: LearnerRequest) -> bool:
    return not request.user.has_usable_password()


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(enabled=_without_password)  # type: ignore[untyped-decorator]
def delete(request: LearnerRequest) -> HttpResponse:
    """Say what goes, and delete the account when it is meant."""
    form = DeleteForm(request.POST or None, learner=request.user)
    if request.method != "POST" or not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "accounts/delete.html", {"form": form, "nav": "settings"}, status=status)
    address = request.user.email
    outcome = deleting.delete(request.user, timezone.now())
    # Not `logout`, which would note that a learner who is no more has left.
    request.session.flush()
    anybody: Any = AnonymousUser()
    request.user = anybody
    if address:
        get_adapter(request).send_mail("account/email/account_deleted", address, {})
    whole = GONE if address else GUEST_GONE
    messages.success(request, CLEARING if outcome is deleting.Outcome.CLEARING else whole)
    return SeeOther(resolve_url("landing"))
