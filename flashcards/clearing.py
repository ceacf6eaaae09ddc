"""Forgets what is over: what deleted accounts left, visitors who didn't come back, old sessions and mails."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import Session, User
from flashcards.models import Reminder, ReviewLog, ReviewState

CHUNK = 200
ROWS = 2_000  # that one statement deletes: on SQLite all others wait meanwhile


def clear_gone(most: int) -> bool:
    """Delete about so many of the rows that deleted accounts left; tell whether more are left.

    Answers go before the schedules they hang on, and what has no row left goes itself. Each portion is
    deleted for good; two at a time do no harm.
    """
    for gone in User.objects.filter(gone_at__isnull=False).order_by("gone_at"):
        for model in (ReviewLog, ReviewState):
            while portion := list(model.objects.filter(learner=gone).values_list("pk", flat=True)[:ROWS]):
                if most <= 0:
                    return True
                model.objects.filter(pk__in=portion).delete()
                most -= ROWS
        gone.delete()
    return False


def clear_guests(idle_since: datetime) -> int:
    """Delete the guests who have answered nothing since then, with all that is theirs; return how many.

    A chunk is one transaction with its rows locked: a guest who signs up meanwhile is kept or waits.
    """
    recent = ReviewLog.objects.filter(learner=OuterRef("pk"), at__gte=idle_since)
    guests = User.objects.filter(is_guest=True, joined_at__lt=idle_since, gone_at=None)
    idle = guests.filter(~Exists(recent)).order_by("pk")
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
