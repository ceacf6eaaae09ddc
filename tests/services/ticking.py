"""Does in our own process what beat has workers do, at any instant, also side by side."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Barrier
from typing import TypeVar

from django.db import connection

from accounts.models import User
from flashcards.models import Reminder
from flashcards.reminders import handing, listing, sending
from tests.running.smtp_sink import Attempt, Sink

MINUTE = timedelta(minutes=1)
TIMEOUT = 0.3  # seconds, of each step of a talk with the mail server
SECONDS = 30  # for what takes a moment

T = TypeVar("T")


def tick(now: datetime) -> None:
    """List what has come at this instant, skip what is too late, and send the rest."""
    listing.plan(now)
    listing.skip_expired(now)
    for portion in handing.hand_out(now, 100):
        sending.send(portion, lambda: now)


def ticks(since: datetime, minutes: int, step: int = 1) -> None:
    """Do it again and again, `step` minutes apart."""
    for minute in range(0, minutes, step):
        tick(since + minute * MINUTE)


def row(who: User) -> Reminder:
    """Return the learner's only mail."""
    return Reminder.objects.get(learner=who)


def got(sink: Sink, who: User) -> list[Attempt]:
    """Return the mails in the learner's mailbox, each as it should be."""
    mails = [mail for mail in sink.kept() if mail.recipients == who.email]
    assert [mail.trouble for mail in mails] == [""] * len(mails)
    return mails


@contextmanager
def beside(act: Callable[[], object]) -> Iterator[None]:
    """Do this while the block runs, on a connection to the database of its own, and wait for its end."""

    def alone() -> None:
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(alone)
        yield
        done.result(SECONDS)


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Do all of this in the same moment and return what comes of it."""
    meeting = Barrier(len(acts))

    def one(act: Callable[[], T]) -> T:
        try:
            connection.ensure_connection()
            meeting.wait(SECONDS)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))
