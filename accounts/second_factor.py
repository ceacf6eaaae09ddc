"""Second factors: whether a learner has one, whether this session was proven by one, and taking one away."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase

from accounts import sealing
from accounts.models import User

# Recovery codes come with one of these, and go with the last of them.
FACTORS: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_one(learner: User) -> bool:
    """Tell whether logging in asks for more than the password."""
    return bool(Authenticator.objects.filter(user=learner, type__in=FACTORS).exists())


def proves(request: HttpRequest) -> bool:
    """Tell whether the learner has shown, in this session, a second factor that they still have."""
    if not request.user.is_authenticated:
        return False
    records = get_authentication_records(request, request.user)
    shown = [record.get("id") for record in records if record.get("method") == "mfa"]
    return bool(shown) and Authenticator.objects.filter(user=request.user, pk__in=shown).exists()


def admits_staff(request: HttpRequest) -> bool:
    """Tell whether this session may see what is for staff."""
    user = request.user
    return user.is_authenticated and user.is_active and user.is_staff and proves(request)


def staff_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Return the view for staff with a second factor; for everyone else nothing is there."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not admits_staff(request):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def needs_confirmed_address(learner: User) -> bool:
    """Tell whether the learner's address waits to be confirmed.

    A second factor on a mistyped address would lock its owner out for good, with no mail to ask by.
    """
    return bool(EmailAddress.objects.filter(user=learner, email=learner.email, verified=False).exists())


def remove_all(learner: User) -> int:
    """Take away every second factor and the recovery codes; return how many there were."""
    return int(Authenticator.objects.filter(user=learner).delete()[0])


def spend(authenticator: Authenticator, code: str) -> bool:
    """Take an authenticator app's code as used; False for one no newer than the last used (RFC 6238, 5.2).

    allauth keeps used codes in the cache for half a minute, but a code counts for three half minutes, and
    each process may have a cache of its own.
    """
    with transaction.atomic():
        kept = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        secret = sealing.opened(kept.data["secret"])
        fitting = [step for step in totp.yield_hotp_counters_from_time() if _fits(secret, step, code)]
        if not fitting or max(fitting) <= kept.data.get("last_step", 0):
            return False
        kept.data["last_step"] = max(fitting)
        kept.save(update_fields=["data"])
    authenticator.data = kept.data
    return True


def _fits(secret: str, step: int, code: str) -> bool:
    value = totp.format_hotp_value(totp.hotp_value(secret, step))
    return bool(totp.compare_user_code(actual=code, expected=value))
