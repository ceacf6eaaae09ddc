"""What a learner does from a mail, without a log-in: stop that kind of mail, or put mails off."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Case, F, PositiveSmallIntegerField, Value, When

from accounts.models import User
from accounts.reminder_settings import STOPPED_AFTER
from flashcards.models import Reminder


def reader(learner_id: int) -> User | None:
    """Return the learner, also one whose account is closed: it may be opened again, and a wish counts."""
    return User.objects.filter(pk=learner_id, is_guest=False).first()


def stop(learner: User, kind: Reminder.Kind) -> None:
    """Let no more mails of this kind go to the learner; what is listed already isn't sent either."""
    field = "reminders" if kind is Reminder.Kind.DAILY else "weekly_summary"
    User.objects.filter(pk=learner.pk).update(**{field: False})


def snooze(learner: User, days: int, now: datetime) -> date:
    """Put all mails off by so many local days from today; return the first day on which one may come.

    Mails that had stopped because none was answered come again then: whoever puts them off reads them.
    """
    first = now.astimezone(ZoneInfo(learner.time_zone)).date() + timedelta(days=days)
    stopped = When(mails_unanswered__gte=STOPPED_AFTER, then=Value(0))
    unanswered = Case(stopped, default=F("mails_unanswered"), output_field=PositiveSmallIntegerField())
    User.objects.filter(pk=learner.pk).update(
        snoozed_to=first, mail_from_on=first, mails_unanswered=unanswered
    )
    return first
