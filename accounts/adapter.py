"""What Engram does differently from allauth: guests, links in mails, and what a form may give away."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import mailing
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
