"""allauth's forms of the second factor, in our words and with our conditions."""

from typing import Any

from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.exceptions import ValidationError

from accounts import second_factor
from accounts.forms import word
from accounts.models import User

CONFIRM_FIRST = "Confirm your address first: settings has the button."
USED = "This code was used already. Wait for the next one."
NAME_HINT = "So that you know it again: the device, or where you keep it."


def code_field(form: forms.Form, label: str, hint: str = "") -> None:
    """Label the field for a code, and let phones offer the keys and the code for it."""
    word(form, "code", label, "one-time-code", hint)
    form.fields["code"].widget.attrs |= {"class": "in in--md", "spellcheck": "false", "autocapitalize": "off"}


def name_field(form: forms.Form) -> None:
    form.fields["name"] = forms.CharField(label="Name", help_text=NAME_HINT, max_length=60, required=False)
    form.fields["name"].widget.attrs |= {"class": "in in--md", "autocomplete": "off"}


def require_confirmed_address(learner: User) -> None:
    """Raise ValidationError while the learner's address waits to be confirmed."""
    if second_factor.needs_confirmed_address(learner):
        raise ValidationError(CONFIRM_FIRST, code="unconfirmed")


class OnceOnly:
    """A code of an authenticator app counts once, whatever the clocks."""

    authenticator: Authenticator

    def clean_code(self) -> str:
        """Return the code, spent."""
        code: str = super().clean_code()  # type: ignore[misc]
        mine = self.authenticator
        if mine.type == Authenticator.Type.TOTP and not second_factor.spend(mine, code):
            raise ValidationError(USED, code="used")
        return code


class AuthenticateForm(OnceOnly, base.AuthenticateForm):
    """The code at log-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code_field(self, "Code", "Six digits from your authenticator app, or one of your recovery codes.")


class ReauthenticateForm(OnceOnly, base.ReauthenticateForm):
    """The code before something that changes the account."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code_field(self, "Code", "Six digits from your authenticator app, or one of your recovery codes.")


class ActivateTOTPForm(totp.ActivateTOTPForm):
    """The first code of a new authenticator app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code_field(self, "Code that the app shows now")

    def clean_code(self) -> str:
        """Return the code, which proves that the app has the secret."""
        require_confirmed_address(self.user)
        code: str = super().clean_code()
        return code


class AddPasskeyForm(webauthn.AddWebAuthnForm):
    """A new passkey: always one that can log in by itself, with the device's own lock."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("passwordless", None)
        name_field(self)
        self.fields["credential"].error_messages["required"] = "Your browser has made no passkey."

    def clean(self) -> dict[str, Any]:
        """Return the data; allauth compares the answer of the device with what was asked."""
        require_confirmed_address(self.user)
        self.cleaned_data["passwordless"] = True
        cleaned: dict[str, Any] = super().clean()
        return cleaned


class RenamePasskeyForm(webauthn.EditWebAuthnForm):
    """Another name for a passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_field(self)
        self.fields["name"].required = True
        self.fields["name"].error_messages["required"] = "Name is missing."
