"""The form that ends an account."""

from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.core.exceptions import ValidationError

from accounts.forms import word
from accounts.models import User

WORD = "delete"


class DeleteForm(forms.Form):
    """The password, for accounts that have one, and a word that nobody types by mistake."""

    password = forms.CharField(label="Password", strip=False, widget=forms.PasswordInput)
    confirm = forms.CharField(label="Confirmation")

    def __init__(self, *args: Any, learner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.learner = learner
        if learner.has_usable_password():
            word(self, "password", "Password", "current-password")
        else:
            del self.fields["password"]
        word(self, "confirm", "Confirmation", "off", f"Type “{WORD}”. There’s no way back.")
        self.fields["confirm"].widget.attrs |= {"class": "in in--md", "autocapitalize": "off"}

    def clean_confirm(self) -> str:
        """Return the word; whoever types it in capitals or with the quotation marks means it too."""
        typed: str = self.cleaned_data["confirm"].strip(" “”\"'").lower()
        if typed != WORD:
            raise ValidationError(f"Type the word “{WORD}” to confirm.", code="not_meant")
        return typed

    def clean(self) -> dict[str, Any]:
        """Return the data; the password is looked at last, so that a missing word costs no attempt."""
        cleaned: dict[str, Any] = super().clean() or {}
        if "password" in cleaned and "confirm" in cleaned:
            self._check(cleaned["password"])
        return cleaned

    def _check(self, password: str) -> None:
        try:
            right = get_adapter().reauthenticate(self.learner, password)
        except ValidationError as too_many:
            self.add_error("password", too_many)
            return
        if not right:
            self.add_error("password", get_adapter().error_messages["incorrect_password"])
