"""Every page asks for a learner unless its view says otherwise; the learner's zone is the clock's zone."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import middleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django_htmx.http import HttpResponseClientRedirect

from accounts import sessions
from accounts.adapter import is_guest
from accounts.redirects import next_page, page_of
from accounts.session_store import learner_of

FOR_ACCOUNTS = {
    "account_change_password",
    "account_email",
    "account_reauthenticate",
    "account_set_password",
    "confirm-again",
    "security",
    "end-session",
    "end-other-sessions",
}
FOR_VISITORS = {"account_login", "account_signup", "mfa_login_webauthn"}
AT_LOG_IN = {"mfa_authenticate", "mfa_login_webauthn"}


class AuthenticationMiddleware(middleware.AuthenticationMiddleware):
    """Sets the request's user, who was read together with the session."""

    def process_request(self, request: HttpRequest) -> None:
        """Do as Django does, but ask the session first."""
        super().process_request(request)
        request.user = SimpleLazyObject(partial(learner_of, request))  # type: ignore[assignment]


class LoginRequiredMiddleware(middleware.LoginRequiredMiddleware):
    """Sends visitors to the log-in page and, after it, back to the page they were on.

    An htmx request is answered with a redirect of the whole page; a plain 302 would be followed and put
    into the card. After an expired POST the way back is the page with the form, never the POST's address.
    """

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        """Return the way to where this learner can go on, or None when this page is theirs."""
        page = request.resolver_match.view_name if request.resolver_match else ""
        if page in AT_LOG_IN and is_guest(request):
            # Half logged in to an account; if it goes no further, a guest still.
            request.user = AnonymousUser()
            request.guest_waits = True  # type: ignore[attr-defined]
        if is_guest(request) and (page in FOR_ACCOUNTS or page.startswith(("mfa_", "usersessions_"))):
            return redirect("account_signup")
        if page in FOR_VISITORS and request.user.is_authenticated and not is_guest(request):
            return redirect(next_page(request, resolve_url(settings.LOGIN_REDIRECT_URL)))
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponseBase:
        """Return the redirect to log-in; whoever was logged in a moment ago is told that it has ended.

        That shows by a session's cookie, or by a form or htmx: only a page of ours sends those here.
        """
        if settings.SESSION_COOKIE_NAME in request.COOKIES or request.method == "POST":
            messages.info(request, "You were signed out. Log in and you’ll be back at your card.")
        response = redirect_to_login(page_of(request), str(settings.LOGIN_URL))
        if getattr(request, "htmx", False):
            return HttpResponseClientRedirect(response.url, status=204)
        return response


def time_zone(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Show times in the learner's zone; a visitor sees UTC."""

    def middleware(request: HttpRequest) -> HttpResponse:
        zone = request.user.time_zone if request.user.is_authenticated else "UTC"
        with timezone.override(zone):
            return get_response(request)

    return middleware


def session_in_use(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Note, once an hour, that a session is still in use: the list of a learner's devices says so."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            sessions.touch(request, timezone.now())
        return get_response(request)

    return middleware
