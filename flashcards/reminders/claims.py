"""Who may send a mail: one worker at a time, and only while the learner still wants it."""

from datetime import date, datetime, timedelta
from typing import Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, Subquery

from accounts.models import User
from flashcards import queue
from flashcards.models import Reminder
from flashcards.reminders import handing, urgency

Kind, State = Reminder.Kind, Reminder.State

# A talk with a mail server has some ten steps, each of which may take EMAIL_TIMEOUT.
STEPS: Final = 15


def lease() -> timedelta:
    """Return how long a claim holds: longer than any talk with a mail server can take."""
    return timedelta(seconds=STEPS * settings.EMAIL_TIMEOUT)


def claim(pk: int, now: datetime) -> Reminder | None:
    """Take the mail and return it with what is true of its learner now; None when it isn't to be had.

    `confirmed` says whether the learner's address is confirmed, `last_sent_at` when the latest mail of this
    kind left.
    """
    free = Reminder.objects.filter(handing.sendable(now), pk=pk)
    if not free.update(state=State.SENDING, lease_until=now + lease(), tries=F("tries") + 1):
        return None
    address = EmailAddress.objects.filter(
        user=OuterRef("learner"), email=OuterRef("learner__email"), verified=True
    )
    others = Reminder.objects.filter(learner=OuterRef("learner"), kind=OuterRef("kind"), state=State.SENT)
    latest = others.order_by().values("learner").annotate(at=Max("sent_at")).values("at")
    mine = Reminder.objects.select_related("learner")
    return mine.annotate(confirmed=Exists(address), last_sent_at=Subquery(latest)).filter(pk=pk).first()


def unwanted(mail: Reminder, today: date) -> str:
    """Return why this claimed mail isn't to be sent whatever is due, empty when it may be."""
    learner: User = mail.learner
    wanted = learner.reminders if mail.kind == Kind.DAILY else learner.weekly_summary
    if not (wanted and learner.is_active):
        return "turned off"
    if not mail.confirmed or learner.is_guest:  # type: ignore[attr-defined]  # claim() adds it
        return "no confirmed address"
    if learner.refused_email == learner.email:
        return "address refused before"
    if any(start and start > mail.intended_on for start in (learner.snoozed_to, learner.mail_from_on)):
        return "put off"
    last_sent_at: datetime | None = mail.last_sent_at  # type: ignore[attr-defined]
    if last_sent_at and queue.today_of(learner, last_sent_at) >= today:
        return "sent already this day"
    return ""


def finish(mail: Reminder, **columns: object) -> bool:
    """Let the claim go with these columns; False when it was somebody else's by now, and nothing changed.

    The number of tries tells one claim from the next.
    """
    mine = Reminder.objects.filter(Q(state=State.SENDING), pk=mail.pk, tries=mail.tries)
    return bool(mine.update(lease_until=None, **columns))


@transaction.atomic
def sent(mail: Reminder, now: datetime) -> None:
    """Mark it sent, and let the next daily mail wait longer when this one follows another unanswered."""
    if not finish(mail, state=State.SENT, sent_at=now, reason="") or mail.kind != Kind.DAILY:
        return
    before: int = mail.learner.mails_unanswered
    # Unless the learner has answered a card meanwhile.
    User.objects.filter(pk=mail.learner_id, mails_unanswered=before).update(
        mails_unanswered=before + 1, mail_from_on=urgency.next_mail_on(mail.intended_on, before + 1)
    )


@transaction.atomic
def refused(mail: Reminder, reason: str, *, address: bool) -> None:
    """Give the mail up; where the fault is the address's, no other mail goes there."""
    if finish(mail, state=State.REFUSED, reason=reason) and address:
        User.objects.filter(pk=mail.learner_id, email=mail.learner.email).update(
            refused_email=mail.learner.email
        )
