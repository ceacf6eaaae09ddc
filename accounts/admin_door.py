"""Who gets into the admin: staff who have shown a second factor in this session. Others are led to one."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts import second_factor
from accounts.redirects import next_page

SET_UP = "The admin asks for a second factor. Set one up, then open it again."


def admits(request: HttpRequest) -> bool:
    """Tell whether this session may use the admin."""
    return second_factor.admits_staff(request)


@never_cache
@login_not_required
def log_in(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Lead whoever asks for the admin to what is still missing: the log-in, a code, or a second factor."""
    user = request.user
    wanted = next_page(request, reverse("admin:index"))
    if not user.is_authenticated or user.is_guest:
        return redirect_to_login(wanted, resolve_url(settings.LOGIN_URL))
    if not user.is_staff:
        raise PermissionDenied
    if admits(request):
        return redirect(wanted)
    kinds = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    if Authenticator.Type.TOTP in kinds:
        return redirect_to_login(wanted, reverse("mfa_reauthenticate"))
    if Authenticator.Type.WEBAUTHN in kinds:
        return redirect_to_login(wanted, reverse("mfa_reauthenticate_webauthn"))
    messages.info(request, SET_UP)
    return redirect("mfa_index")


def change_password(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Lead to the page that all others change their password on: it ends their sessions and is noted."""
    return redirect("account_change_password")
