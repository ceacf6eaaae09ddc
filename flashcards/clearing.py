"""Forgets what is over: visitors without an account who didn't come back, expired sessions, old mails."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import Session, User
from flashcards.models import Reminder, ReviewLog

CHUNK = 200


def clear_guests(idle_since: datetime) -> int:
    """Delete the guests who have answered nothing since then, with all that is theirs; return how many.

    A chunk is one transaction with its rows locked: a guest who signs up meanwhile is kept or waits.
    """
    recent = ReviewLog.objects.filter(learner=OuterRef("pk"), at__gte=idle_since)
    idle = User.objects.filter(~Exists(recent), is_guest=True, joined_at__lt=idle_since).order_by("pk")
    cleared = 0
    while True:
        with transaction.atomic():
            chunk = list(idle.select_for_update().values_list("pk", flat=True)[:CHUNK])
            User.objects.filter(pk__in=chunk).delete()
        cleared += len(chunk)
        if len(chunk) < CHUNK:
            return cleared


def clear_sessions(now: datetime) -> int:
    """Delete the sessions that have expired; return how many."""
    return Session.objects.filter(expire_date__lt=now).delete()[0]


def clear_mails(before: datetime) -> int:
    """Delete the record of mails whose day was over before then; return how many."""
    return Reminder.objects.filter(expires_at__lt=before).delete()[0]
