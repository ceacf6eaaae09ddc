"""What staff do for learners who can't get in; each is noted for the learner, with who did it.

Each function returns whether there was anything to do.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.http import HttpRequest

from accounts import events, second_factor, sessions
from accounts.events import Kind
from accounts.models import User

Help: TypeAlias = Callable[[HttpRequest, User, User, datetime], bool]


def send_confirmation(request: HttpRequest, learner: User, by: User, now: datetime) -> bool:
    """Send the mail that confirms the address once more, if it isn't confirmed."""
    waiting = EmailAddress.objects.filter(user=learner, email=learner.email, verified=False).first()
    if waiting is None or not learner.email:
        return False
    waiting.send_confirmation(request)
    events.record(Kind.CONFIRMATION_SENT, [learner], now, by=by)
    return True


def unlock(request: HttpRequest, learner: User, by: User, now: datetime) -> bool:
    """Forget the failed log-ins and codes of this account, so that the next attempt counts."""
    if learner.is_guest:
        return False
    for key in (learner.email.lower(), f"mfa-auth-user-{learner.pk}"):
        ratelimit.clear(request, action="login_failed", key=key)
    events.record(Kind.UNLOCKED, [learner], now, by=by)
    return True


def reset_second_factor(request: HttpRequest, learner: User, by: User, now: datetime) -> bool:
    """Take away all second factors, end all sessions, and tell the learner by mail."""
    if not second_factor.remove_all(learner):
        return False
    sessions.end_all(learner)
    events.record(Kind.FACTORS_RESET, [learner], now, by=by)
    get_adapter(request).send_mail("account/email/factors_reset", learner.email, {})
    return True


def sign_out(_request: HttpRequest, learner: User, by: User, now: datetime) -> bool:
    """End all sessions of an account; a guest's isn't ended, for nothing would lead back to it."""
    if learner.is_guest:
        return False
    sessions.end_all(learner)
    events.record(Kind.SESSIONS_ENDED, [learner], now, by=by)
    return True
