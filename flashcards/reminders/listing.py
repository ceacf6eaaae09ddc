"""Lists the mails that are to be sent: one statement over all learners, whatever their number."""

from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Concat, Substr

from accounts import time_zones
from flashcards.models import Reminder
from flashcards.reminders.coming import Come, come
from flashcards.reminders.urgency import BACK_OFF
from flashcards.scheduling.days import ONE_DAY

MONDAY: Final = 0
RECENT: Final = timedelta(minutes=30)
TOO_LATE: Final = "too late"
COLUMNS: Final = "zone, day, written, weekday, first_slot, last_slot, expires_at"

# First whose time of day has come, who wants mail on this weekday, isn't in a break and hasn't put it off
# (materialized, or PostgreSQL would begin with all addresses); then who of them has a confirmed address that
# was never refused (counted, for the same reason: it is then looked up for each of them). What is due is seen
# when the mail is sent.
LIST: Final = """
    INSERT INTO flashcards_reminder
        (learner_id, kind, intended_on, state, message_id, expires_at, next_try_at, tries, reason)
    WITH come ({columns}) AS (VALUES {rows}),
    whose AS MATERIALIZED (
        SELECT u.id, u.email, u.refused_email, come.day, come.written, come.expires_at
        FROM come JOIN accounts_user AS u
            ON u.time_zone = come.zone AND u.remind_at BETWEEN come.first_slot AND come.last_slot
        WHERE u.{wanted} AND u.is_active
            AND u.mails_unanswered <= %s
            AND (u.snoozed_to IS NULL OR u.snoozed_to <= come.day)
            AND (u.mail_from_on IS NULL OR u.mail_from_on <= come.day)
            AND (u.break_from IS NULL OR come.day NOT BETWEEN u.break_from AND u.break_until)
            {days}
    )
    SELECT id, %s, day, 'due', '<' || %s || '-' || written || '-' || id || '@' || %s || '>',
        expires_at, %s, 0, ''
    FROM whose
    WHERE (SELECT count(*) FROM account_emailaddress AS a
            WHERE a.user_id = whose.id AND a.email = whose.email AND a.verified
                AND a.email <> whose.refused_email) > 0
        AND NOT EXISTS (SELECT 1 FROM flashcards_reminder AS r
            WHERE r.learner_id = whose.id AND r.intended_on = whose.day AND r.kind = %s)
    ON CONFLICT DO NOTHING
"""


def plan(now: datetime, back: timedelta = ONE_DAY) -> int:
    """List every mail whose local half hour has come in the time `back`; return how many are new.

    `back` is a day at most; a short one is cheap. Any number of runs, side by side too, lists each mail once:
    a row is unique by learner, intended date and kind.
    """
    moments = come(time_zones.known(), now, back)
    mondays = [moment for moment in moments if moment.day.weekday() == MONDAY]
    with transaction.atomic():
        daily = _list(
            Reminder.Kind.DAILY, "reminders", moments, now, "AND (u.remind_days & come.weekday) <> 0"
        )
        return daily + _list(Reminder.Kind.WEEKLY, "weekly_summary", mondays, now)


def skip_expired(now: datetime) -> int:
    """Give up the mails whose day is over; return how many. None of them is sent later in a burst."""
    untouched = Q(state=Reminder.State.DUE) | Q(state=Reminder.State.SENDING, lease_until__lte=now)
    late = Reminder.objects.filter(untouched, expires_at__lte=now)
    trouble = Case(When(reason="", then=Value("")), default=Concat(Value(": "), F("reason")))
    reason = Substr(Concat(Value(TOO_LATE), trouble), 1, 200)
    return late.update(state=Reminder.State.SKIPPED, lease_until=None, reason=reason)


def _list(kind: str, wanted: str, moments: list[Come], now: datetime, days: str = "") -> int:
    """Run the statement for one kind; `wanted` is its switch, `days` a condition of its own."""
    if not moments:
        return 0
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(moments))
    statement = LIST.format(columns=COLUMNS, rows=rows, wanted=wanted, days=days)
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    values = [value for moment in moments for value in _row(moment)]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, len(BACK_OFF), kind, kind, host, _stored(now), kind])
        return int(cursor.rowcount)


def _row(come: Come) -> tuple[Any, ...]:
    weekday = 1 << come.day.weekday()
    day, expires_at = _stored(come.day), _stored(come.expires_at)
    return come.zone, day, come.day.isoformat(), weekday, come.first, come.last, expires_at


def _stored(value: date | datetime) -> Any:
    """Return a day or an instant as this database takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value)
