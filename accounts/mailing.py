"""What building and sending a mail may raise, whatever carries it."""

from email.errors import MessageError
from importlib import import_module
from typing import Final

from django.conf import settings


def _of_provider() -> tuple[type[Exception], ...]:
    # A process that uses no provider doesn't import anymail, which takes 0.3 s.
    return (import_module("anymail.exceptions").AnymailError,) if settings.ANYMAIL else ()


# smtplib's and requests' errors are OSErrors.
ERRORS: Final[tuple[type[Exception], ...]] = (OSError, ValueError, MessageError, *_of_provider())
