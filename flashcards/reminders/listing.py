"""Lists the mails that are to be sent: a statement of each kind over all learners, whatever their number."""

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
COLUMNS: Final = "zone, day, written, weekday, slot, expires_at"
MOST_ROWS: Final = 5_000  # of these in a statement: SQLite takes no more than 32,766 values

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
            ON u.time_zone = come.zone AND u.remind_at = come.slot
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
# From one zone to the next by the index of those who want this kind: a look for each zone among them.
ZONES: Final = """
    WITH RECURSIVE used (zone) AS (
        SELECT min(u.time_zone) FROM accounts_user AS u WHERE u.{wanted} AND u.is_active
        UNION ALL
        SELECT (SELECT min(u.time_zone) FROM accounts_user AS u
            WHERE u.{wanted} AND u.is_active AND u.time_zone > used.zone)
        FROM used WHERE used.zone IS NOT NULL
    )
    SELECT zone FROM used WHERE zone IS NOT NULL
"""


def plan(now: datetime, back: timedelta = ONE_DAY) -> int:
    """List every mail whose local half hour has come in the time `back`; return how many are new.

    `back` is a day at most; a short one is cheap. Any number of runs, side by side too, lists each mail once:
    a row is unique by learner, intended date and kind.
    """
    with transaction.atomic():
        daily = come(_zones("reminders"), now, back)
        weekly = [each for each in come(_zones("weekly_summary"), now, back) if each.day.weekday() == MONDAY]
        listed = _list(
            Reminder.Kind.DAILY, "reminders", daily, now, "AND (u.remind_days & come.weekday) <> 0"
        )
        return listed + _list(Reminder.Kind.WEEKLY, "weekly_summary", weekly, now)


def skip_expired(now: datetime) -> int:
    """Give up the mails whose day is over; return how many. None of them is sent later in a burst."""
    untouched = Q(state=Reminder.State.DUE) | Q(state=Reminder.State.SENDING, lease_until__lte=now)
    late = Reminder.objects.filter(untouched, expires_at__lte=now)
    trouble = Case(When(reason="", then=Value("")), default=Concat(Value(": "), F("reason")))
    reason = Substr(Concat(Value(TOO_LATE), trouble), 1, 200)
    return late.update(state=Reminder.State.SKIPPED, lease_until=None, reason=reason)


def _zones(wanted: str) -> frozenset[str]:
    """Return the zones of the learners who have this switch on, as far as this machine knows them."""
    with connection.cursor() as cursor:
        cursor.execute(ZONES.format(wanted=wanted))
        return time_zones.known().intersection(zone for (zone,) in cursor.fetchall())


def _list(kind: str, wanted: str, moments: list[Come], now: datetime, days: str = "") -> int:
    """List those of one kind; `wanted` is its switch, `days` a condition of its own."""
    rows = [row for moment in moments for row in _rows(moment)]
    portions = (rows[start : start + MOST_ROWS] for start in range(0, len(rows), MOST_ROWS))
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    rest = [len(BACK_OFF), kind, kind, host, _stored(now), kind]
    listed = 0
    with connection.cursor() as cursor:
        for portion in portions:
            marks = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(portion))
            statement = LIST.format(columns=COLUMNS, rows=marks, wanted=wanted, days=days)
            cursor.execute(statement, [value for row in portion for value in row] + rest)
            listed += cursor.rowcount
    return listed


def _rows(come: Come) -> list[tuple[Any, ...]]:
    """Return a row for each slot: asked for one by one, learners are looked up, and not all looked at."""
    weekday = 1 << come.day.weekday()
    day, written, expires_at = _stored(come.day), come.day.isoformat(), _stored(come.expires_at)
    slots = range(come.first, come.last + 1)
    return [(come.zone, day, written, weekday, slot, expires_at) for slot in slots]


def _stored(value: date | datetime) -> Any:
    """Return a day or an instant as this database takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value)
