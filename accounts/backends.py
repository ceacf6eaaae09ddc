"""Who logs in with an address and a password."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.backends import ModelBackend
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from accounts.models import User


class AddressBackend(ModelBackend):
    """Log-in by address and password, where several accounts may carry the same address.

    allauth's own backend stops at the account that confirmed the address. A second account with a taken
    address would then open at sign-up and stay shut at the next log-in, and so tell that it is taken.
    """

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 (Django passes it)
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the account with this address and password; of two, the one that owns the address."""
        candidates = list(_with_address(str(kwargs.get("email") or username or "")))
        for user in candidates:
            if user.check_password(password or "") and self.user_can_authenticate(user):
                return user
        if not candidates:
            User().set_password(password)  # takes as long as to look at a real one
        return None


def _with_address(address: str) -> QuerySet[User]:
    confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
    return User.objects.filter(email=address.lower(), is_guest=False).order_by(Exists(confirmed).desc(), "pk")
