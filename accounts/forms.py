"""Sign-up, and allauth's forms in our words."""

from typing import Any

from allauth.account import forms as allauth
from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase

from accounts.models import User, validate_time_zone

ADDRESS = "E-mail address"
AT_LEAST = "At least 8 characters. A few words in a row are good and easy to keep."


def word(form: forms.Form, name: str, label: str, autocomplete: str, hint: str = "") -> None:
    """Label a field of allauth's; its placeholder goes, for it would vanish at the first letter."""
    field = form.fields[name]
    field.label, field.help_text = label, hint
    field.error_messages["required"] = f"{label} is missing."
    field.error_messages["invalid"] = "This isn’t an e-mail address; one looks like ada@example.org."
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs |= {"autocomplete": autocomplete, "class": "in"}


class LoginForm(allauth.LoginForm):
    """Address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        word(self, "login", ADDRESS, "username")
        word(self, "password", "Password", "current-password")


class SignupForm(allauth.SignupForm):
    """Address, password, and whether reminders are wanted; the browser adds its time zone where it can."""

    time_zone = forms.CharField(
        required=False, widget=forms.HiddenInput(attrs={"data-time-zone": True}), empty_value="UTC"
    )
    reminders = forms.BooleanField(
        label="Reminders",
        required=False,
        help_text="Send me a short mail at 08:00 when cards are due; I can stop it with one click",
    )

    field_order = ["email", "password1", "reminders"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        word(self, "email", ADDRESS, "username", "For log-in, and for a mail when you forget your password.")
        word(self, "password1", "Password", "new-password", AT_LEAST)

    def clean_time_zone(self) -> str:
        """Return the browser's zone, or UTC when it is unknown to us: settings can change it."""
        return zone_or_utc(self.cleaned_data["time_zone"])

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponseBase | None]:
        """Return the account; a form that is sent twice opens one."""
        with transaction.atomic():
            guest = User.objects.locked_guest(request.user)  # a second press waits here for the first
            if known := self._known(request):
                lost = " What you did as a visitor isn’t in it." if guest else ""
                messages.info(request, f"Your account was there already: you’re logged in to it.{lost}")
                return known, None
            saved: tuple[User | None, HttpResponseBase | None] = super().try_save(request)
        address = self.cleaned_data["email"]
        messages.success(request, f"Your account is ready. We’re sending a mail to {address}: open its link.")
        return saved

    def _known(self, request: HttpRequest) -> User | None:
        """Return the account that has this address and this password: whoever knows both may log in.

        Guessing here is no quicker than on the log-in page.
        """
        email = self.cleaned_data["email"]
        if not ratelimit.consume(request, action="signup_again", key=email):
            return None
        user = authenticate(request, email=email, password=self.cleaned_data["password1"])
        assert user is None or isinstance(user, User)
        return user


class ResetPasswordForm(allauth.ResetPasswordForm):
    """The address that gets a link."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        word(self, "email", ADDRESS, "username")


class ResetPasswordKeyForm(allauth.ResetPasswordKeyForm):
    """The new password, typed once: it can be looked at."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        word(self, "password1", "New password", "new-password", AT_LEAST)


class SetPasswordForm(allauth.SetPasswordForm):
    """A first password, for an account that was made without one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        word(self, "password1", "Password", "new-password", AT_LEAST)


class ChangePasswordForm(allauth.ChangePasswordForm):
    """The old password and the new one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        word(self, "oldpassword", "Current password", "current-password")
        word(self, "password1", "New password", "new-password", AT_LEAST)


class ReauthenticateForm(allauth.ReauthenticateForm):
    """The password again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        word(self, "password", "Password", "current-password")


class ChangeAddressForm(allauth.AddEmailForm):
    """A new address, which takes the old one's place once it is confirmed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        word(self, "email", "New e-mail address", "email")

    def save(self, request: HttpRequest) -> EmailAddress:
        """Return the waiting address, in place of one that waited before.

        allauth would drop the current address too while it is unconfirmed, and leave the account with none.
        """
        waiting = EmailAddress.objects.filter(user=self.user, verified=False)
        waiting.exclude(email=self.user.email).delete()
        return EmailAddress.objects.add_email(request, self.user, self.cleaned_data["email"], confirm=True)


def zone_or_utc(name: str) -> str:
    """Return the zone that a browser named, or UTC when we don't know it."""
    try:
        validate_time_zone(name)
    except ValidationError:
        return "UTC"
    return name
