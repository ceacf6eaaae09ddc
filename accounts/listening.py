"""Hears from Django and allauth what happens to accounts, and writes it down (accounts.events).

Signals are no way of ours to call each other. But log-in, second factors and passwords are allauth's, and
signals are how it tells. They are connected here and nowhere else; accounts/apps.py calls `connect`.
"""

from typing import Any

from allauth.account import signals as of_accounts
from allauth.mfa import signals as of_factors
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth import signals as of_django
from django.http import HttpRequest
from django.utils import timezone

from accounts import events, sessions
from accounts.events import Kind
from accounts.models import User

ADDED = {"totp": Kind.APP_ADDED, "webauthn": Kind.PASSKEY_ADDED, "recovery_codes": Kind.CODES_MADE}
REMOVED = {"totp": Kind.APP_REMOVED, "webauthn": Kind.PASSKEY_REMOVED, "recovery_codes": Kind.CODES_REMOVED}
USED = {"totp": Kind.APP_USED, "webauthn": Kind.PASSKEY_USED, "recovery_codes": Kind.CODE_USED}


def connect() -> None:
    """Listen from now on; a second call changes nothing."""
    signals = (
        (of_accounts.user_signed_up, signed_up),
        (of_accounts.user_logged_in, logged_in),
        (of_django.user_login_failed, login_failed),
        (of_django.user_logged_out, logged_out),
        (of_accounts.password_changed, password_changed),
        (of_accounts.password_set, password_changed),
        (of_accounts.password_reset, password_reset),
        (of_accounts.email_confirmed, address_confirmed),
        (of_accounts.email_changed, address_changed),
        (of_factors.authenticator_added, factor_added),
        (of_factors.authenticator_reset, factor_added),
        (of_factors.authenticator_removed, factor_removed),
        (of_factors.authenticator_used, factor_used),
        (of_factors.authentication_failed, factor_failed),
    )
    for signal, receiver in signals:
        signal.connect(receiver, dispatch_uid=f"accounts.listening.{receiver.__name__}")


def signed_up(request: HttpRequest, user: User, **_: Any) -> None:
    _write(request, user, Kind.SIGNED_UP)


def logged_in(request: HttpRequest, user: User, **_: Any) -> None:
    sessions.begin(request, timezone.now())
    _write(request, user, Kind.STAFF_LOGGED_IN if user.is_staff else Kind.LOGGED_IN)


def login_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Note it for every account with this address; with none, for nobody.

    That makes one statement either way, so that the log-in page takes as long. Signing up asks for a
    log-in first: there, an address that nobody has is no failure.
    """
    if request is None:
        return
    address = str(credentials.get("email") or "").lower()
    found = list(User.objects.filter(email=address, is_guest=False))
    there = request.resolver_match
    at_log_in = there is not None and there.view_name == "account_login"
    learners: list[User | None] = [*found] or ([None] if at_log_in else [])
    events.record(Kind.LOGIN_FAILED, learners, timezone.now(), events.source(request))


def logged_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    """Note it, and that this session is over; a guest who leaves has no account to note it for."""
    if user is None or not user.pk:
        return
    UserSession.objects.filter(session_key=request.session.session_key).delete()
    if not user.is_guest:
        _write(request, user, Kind.LOGGED_OUT)


def password_changed(request: HttpRequest, user: User, **_: Any) -> None:
    """Note it. All other sessions have ended with the old password; this one has a new key."""
    sessions.begin(request, timezone.now())
    _write(request, user, Kind.PASSWORD_CHANGED)


def password_reset(request: HttpRequest, user: User, **_: Any) -> None:
    UserSession.objects.filter(user=user).delete()
    _write(request, user, Kind.PASSWORD_RESET)


def address_confirmed(request: HttpRequest, email_address: Any, **_: Any) -> None:
    _write(request, email_address.user, Kind.ADDRESS_CONFIRMED)


def address_changed(request: HttpRequest, user: User, **_: Any) -> None:
    _write(request, user, Kind.ADDRESS_CHANGED)


def factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _write(request, user, ADDED[authenticator.type])


def factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _write(request, user, REMOVED[authenticator.type])


def factor_used(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _write(request, user, USED[authenticator.type])


def factor_failed(request: HttpRequest, user: User, **_: Any) -> None:
    _write(request, user, Kind.FACTOR_FAILED)


def _write(request: HttpRequest, learner: User, kind: Kind) -> None:
    events.record(kind, [learner], timezone.now(), events.source(request))
