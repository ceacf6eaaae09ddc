"""Hands what is due to workers in small portions, and again when nothing came of it."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from flashcards.models import Reminder

CHUNK: Final = 50
# The broker may lose a task. A portion that only waits for a busy worker is then handed out twice, which is
# harmless: each mail is claimed by one worker.
LOST_AFTER: Final = timedelta(seconds=30)


def sendable(now: datetime) -> Q:
    """Return what may be claimed: due and its time has come, or held by somebody who is taken for dead."""
    due = Q(state=Reminder.State.DUE, next_try_at__lte=now)
    left_behind = Q(state=Reminder.State.SENDING, lease_until__lte=now)
    return (due | left_behind) & Q(expires_at__gt=now)


def hand_out(now: datetime, chunks: int) -> list[list[int]]:
    """Return up to so many portions of reminder ids, oldest first, and note that they were handed out.

    Several callers at once get different ones.
    """
    with transaction.atomic():
        ids = list(_unhanded(now).values_list("pk", flat=True)[: chunks * CHUNK])
        Reminder.objects.filter(pk__in=ids).update(queued_at=now)
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]


def take_back(ids: list[int], next_try_at: datetime) -> None:
    """Let these be handed out again, from that instant on; whatever has begun or ended meanwhile stays."""
    untouched = Reminder.objects.filter(pk__in=ids, state=Reminder.State.DUE)
    untouched.update(queued_at=None, next_try_at=next_try_at)


def _unhanded(now: datetime) -> QuerySet[Reminder]:
    # next_try_at is named for the index, which the two states share.
    open_ones = Reminder.objects.filter(
        sendable(now), next_try_at__lte=now, state__in=[Reminder.State.DUE, Reminder.State.SENDING]
    )
    lost = Q(queued_at__isnull=True) | Q(queued_at__lte=now - LOST_AFTER)
    return open_ones.filter(lost).select_for_update(skip_locked=True).order_by("next_try_at", "pk")
