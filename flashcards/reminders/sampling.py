"""One mail on request: what would come now, so that a learner can see it."""

from dataclasses import dataclass
from datetime import date
from email.utils import make_msgid
from typing import Final
from urllib.parse import urlsplit

from allauth.account.models import EmailAddress
from django.conf import settings

from accounts.models import User
from flashcards import queue
from flashcards.models import Reminder
from flashcards.reminders import trouble, urgency, wanted, writing
from flashcards.reminders.trouble import Trouble

NOT_CONFIRMED: Final = "no confirmed address"
REFUSED: Final = "address refused"


@dataclass(frozen=True, slots=True)
class Sample:
    """What came of the request: `why_not` is "" when a mail was sent; `cards` are left to answer today."""

    why_not: str
    cards: int


def send_now(learner: User, today: date) -> Sample:
    """Send the daily reminder that would come now, with a Message-ID of its own, or say why none would.

    Hour, weekdays, snooze and whether reminders are on don't count: the learner asks. Raises one of
    trouble.ERRORS when it can't be sent now; an address that is refused is remembered, as with any mail.
    """
    looked = counts, _ = queue.look(learner, today)
    if reason := _unreachable(learner) or wanted.why_not(learner, counts, today):
        return Sample(reason, counts.left)
    last = urgency.is_last(learner.mails_unanswered)
    written = writing.daily(learner, looked, today, last=last)
    message_id = make_msgid(domain=urlsplit(settings.BASE_URL).hostname)
    try:
        writing.message(learner, Reminder.Kind.DAILY, written, message_id).send()
    except trouble.ERRORS as error:
        if trouble.classify(error)[0] is not Trouble.ADDRESS:
            raise
        User.objects.filter(pk=learner.pk, email=learner.email).update(refused_email=learner.email)
        return Sample(REFUSED, counts.left)
    return Sample("", counts.left)


def _unreachable(learner: User) -> str:
    confirmed = EmailAddress.objects.filter(user=learner, email=learner.email, verified=True)
    if not confirmed.exists():
        return NOT_CONFIRMED
    return REFUSED if learner.refused_email == learner.email else ""
