"""What workers do; beat's times are in config/celery.py. A task may run twice or side by side: no harm."""

import time
from datetime import timedelta
from functools import partial
from typing import Any

from celery import current_app, shared_task
from django.utils import timezone

from accounts import events
from flashcards import clearing, moving
from flashcards.reminders import handing, listing, sending, watching

# So many portions may wait for a worker; what is due beyond that is handed out when they are done.
MOST_WAITING = 100
QUEUE = "mails"
GUESTS_KEPT = timedelta(days=30)
MAILS_KEPT = timedelta(days=90)
ROWS_A_MINUTE = 200_000  # of deleted accounts; some ten seconds' work
EVENTS_KEPT = timedelta(days=90)  # no shorter than a session lasts
# Cards are moved for so long in one go, with pauses in seconds: longer than another writer waits in between.
MOVING = timedelta(seconds=10)
PAUSE = 0.12


@shared_task(name="reminders.plan")
def plan_reminders() -> None:
    """List the mails whose time has just come, and show that tasks come through."""
    now = timezone.now()
    listing.plan(now, listing.RECENT)
    watching.beat(watching.HEARTBEAT, now)


@shared_task(name="reminders.plan_day")
def plan_reminders_of_the_day() -> None:
    """List the mails whose time came at any hour of the day: there may have been no worker for hours."""
    listing.plan(timezone.now())


@shared_task(name="reminders.sweep")
def sweep_reminders() -> None:
    """Give up what is too late, and hand the rest to workers, again when a portion was lost."""
    now = timezone.now()
    listing.skip_expired(now)
    for portion in handing.hand_out(now, MOST_WAITING - _waiting()):
        send_reminders.delay(portion)


@shared_task(name="reminders.send")
def send_reminders(ids: list[int]) -> None:
    """Send these mails, as far as they are due."""
    sending.send(ids, timezone.now)


@shared_task(name="cards.move")
def move_cards() -> None:
    """Move cards that a plan or a spreading of many has still to move."""
    moving.work(timezone.now, MOVING, partial(time.sleep, PAUSE))


@shared_task(name="clear")
def clear() -> None:
    """Delete what nobody needs: visitors who didn’t come back, old sessions, mails and account events."""
    now = timezone.now()
    clearing.clear_guests(now - GUESTS_KEPT)
    clearing.clear_sessions(now)
    clearing.clear_mails(now - MAILS_KEPT)
    events.clear(now - EVENTS_KEPT)


@shared_task(name="clear.gone")
def clear_gone() -> None:
    """Delete some of the rows that deleted accounts left."""
    clearing.clear_gone(ROWS_A_MINUTE)


def _waiting() -> int:
    with current_app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        waiting: int = channel.queue_declare(QUEUE).message_count
        return min(waiting, MOST_WAITING)
