"""The links of our mails that work without a log-in: each holds a signed token that never expires.

A token names the learner, and for unsubscribing the list. One purpose's token is worth nothing for another.
"""

from typing import Final

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from flashcards.models import Reminder

SEPARATOR: Final = "."
UNSUBSCRIBE: Final = Signer(salt="reminders.unsubscribe", sep=SEPARATOR)
SNOOZE: Final = Signer(salt="reminders.snooze", sep=SEPARATOR)


def unsubscribe_url(learner_id: int, kind: str) -> str:
    """Return the absolute address at which this learner stops this kind of mail (RFC 8058)."""
    return _absolute("unsubscribe", UNSUBSCRIBE.sign(f"{learner_id}{SEPARATOR}{kind}"))


def snooze_url(learner_id: int) -> str:
    """Return the absolute address at which this learner puts mails off."""
    return _absolute("snooze", SNOOZE.sign(str(learner_id)))


def unsubscriber(token: str) -> tuple[int, Reminder.Kind] | None:
    """Return the learner's id and the kind of mail that a token was made for; None when we didn't make it."""
    try:
        learner_id, kind = UNSUBSCRIBE.unsign(token).split(SEPARATOR)
    except BadSignature:
        return None
    return int(learner_id), Reminder.Kind(kind)


def snoozer(token: str) -> int | None:
    """Return the id of the learner that a token was made for; None when we didn't make it."""
    try:
        return int(SNOOZE.unsign(token))
    except BadSignature:
        return None


def _absolute(name: str, token: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=[token])}"
