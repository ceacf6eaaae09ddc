"""What Engram does differently from allauth: guests, links in mails, and what a form may give away."""

import logging
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import devices, events, mailing, sealing, sessions
from accounts.events import Kind
from accounts.models import User
from accounts.reminder_settings import hour_of, not_before

logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """allauth's behaviour, but for what docs/decisions/0004-accounts.md lists."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "duplicate_email": "You’ve entered this address already.",
        "email_password_mismatch": "The address or the password isn’t right.",
        "enter_current_password": "This isn’t your current password.",
        "incorrect_password": "This isn’t your password.",
        "rate_limited": "Too many attempts. Wait five minutes, then try again.",
        "too_many_login_attempts": "Too many failed attempts. Wait five minutes, then try again.",
    }

    def new_user(self, request: HttpRequest) -> User:
        """Return a new learner, or the guest of this session about to become one, with all they did."""
        user = User.objects.locked_guest(request.user) or User()
        user.is_guest = False
        return user

    def save_user(self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True) -> User:
        """Return the saved learner; a new one gets the browser's zone, a guest has one already.

        An hour for reminders that has passed today counts from tomorrow.
        """
        if not user.pk:
            user.time_zone = form.cleaned_data.get("time_zone") or user.time_zone
        user.reminders = bool(form.cleaned_data.get("reminders"))
        user.snoozed_to = not_before(user, timezone.now(), anew=True) if user.reminders else None
        saved: User = super().save_user(request, user, form, commit)
        return saved

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        """Confirm it; allauth would drop the others then, of which one may wait to take over from this."""
        if email_address.email != email_address.user.email:
            return bool(super().confirm_email(request, email_address) and begin_mails(email_address.user))
        confirmed = bool(email_address.set_verified() and begin_mails(email_address.user))
        outcome = "email_confirmed" if confirmed else "email_confirmation_failed"
        level = messages.SUCCESS if confirmed else messages.ERROR
        learner = email_address.user
        if confirmed:
            events.record(Kind.ADDRESS_CONFIRMED, [learner], timezone.now(), events.source(request))
        about = {"email": email_address.email, "learner": learner, "hour": hour_of(learner)}
        self.add_message(request, level, f"account/messages/{outcome}.txt", about)
        return confirmed

    def logout(self, request: HttpRequest) -> None:
        """Log out, but a guest only on the page made for it: nothing else leads back to a guest's cards.

        allauth also logs out whoever opens a link from a mail that was meant for somebody else.
        """
        there = request.resolver_match
        if not is_guest(request) or (there and there.view_name == "account_logout"):
            super().logout(request)

    def reauthenticate(self, user: User, password: str) -> bool:
        """Tell whether it is this account's password, and count and note it when it isn't.

        allauth would log in afresh, which may find another account with the same address.
        """
        request = current.request
        self.pre_authenticate(request, email=user.email)
        if not user.check_password(password):
            events.record(Kind.PASSWORD_REFUSED, [user], timezone.now(), events.source(request))
            return False
        self._rollback_login_failed_rl_usage()
        return True

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Return the ways to show that it's still the learner, in our words."""
        words = {
            "reauthenticate": "Use your password",
            "mfa_reauthenticate": "Use a code",
            "mfa_reauthenticate:webauthn": "Use a passkey",
        }
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [method | {"description": words[method["id"]]} for method in methods]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Return where the change began."""
        return reverse("settings")

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """Send the link; to an address that somebody has confirmed, say instead that it was used again.

        One mail either way, so that the form takes as long for both.
        """
        address = emailconfirmation.email_address
        if address.can_set_verified():
            super().send_confirmation_mail(request, emailconfirmation, signup)
        else:
            self.send_mail("account/email/account_already_exists", address.email, {})

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send it, or say on the next page that it couldn't be sent; links are built from BASE_URL."""
        context = {"email": email, "base_url": settings.BASE_URL} | context
        try:
            self.render_mail(template_prefix, email, context).send()
        except mailing.ERRORS:
            logger.exception("The mail %s could not be sent", template_prefix)
            messages.warning(self.request, "Our mail couldn’t be sent just now. Try again in a few minutes.")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Return what failed log-ins are counted by: the address alone.

        allauth adds the Host header, which whoever guesses passwords can change with each guess.
        """
        return str(credentials.get("email", "")).lower()


class SecondFactorAdapter(DefaultMFAAdapter):
    """Our words and our address; secrets are sealed before they are stored."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_generate_recovery_codes": "Recovery codes stand in for a second factor: set one up first.",
        "incorrect_code": "That isn’t right. Try again.",
    }

    def encrypt(self, text: str) -> str:
        """Return the secret as it is stored."""
        return sealing.sealed(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Return the stored secret."""
        return sealing.opened(encrypted_text)

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002
        """Return the browser it is made in, as a first name for a passkey."""
        return devices.named(current.request.headers.get("User-Agent", ""))

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return whom passkeys are for: the site at BASE_URL, whatever the Host header says."""
        return {"id": urlsplit(settings.BASE_URL).hostname or "", "name": "Engram"}


class SessionsAdapter(DefaultUserSessionsAdapter):
    """Signing out all other devices really does, whether or not they were noted."""

    def end_sessions(self, others: Any) -> None:
        """End all sessions but this one, and note that."""
        request = current.request
        sessions.end_others(request, request.user)
        events.record(Kind.SESSIONS_ENDED, [request.user], timezone.now(), events.source(request))


def begin_mails(learner: User) -> bool:
    """Let the mails to an address that was just confirmed begin tomorrow if today's hour has passed; true."""
    with transaction.atomic():
        kept = User.objects.select_for_update(no_key=True).get(pk=learner.pk)
        kept.snoozed_to = not_before(kept, timezone.now())
        kept.save(update_fields=["snoozed_to"])
    return True


def is_guest(request: HttpRequest) -> bool:
    """Tell whether this is a visitor who studies without an account."""
    return request.user.is_authenticated and request.user.is_guest
