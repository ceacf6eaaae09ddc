"""Sends the mails of a portion: each is claimed, looked at afresh, written, sent and marked.

A mail leaves outside any transaction and is marked right after it; so a worker that dies in between sends it
again, with the same Message-ID. Until the lease is over nobody else can claim it.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.core import mail

from flashcards import planning, queue
from flashcards.models import Reminder
from flashcards.reminders import claims, handing, trouble, urgency, wanted, weekly, writing
from flashcards.reminders.trouble import Trouble
from flashcards.reminders.writing import Written

PAUSES: Final = [timedelta(seconds=seconds) for seconds in (15, 60, 120, 240)]
MOST_FAILURES: Final = 2  # in a row, then the mail server is taken to be down
DOWN: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(seconds=45)  # for a portion; what is left of it is handed out anew

Clock = Callable[[], datetime]
State = Reminder.State
logger = logging.getLogger(__name__)


def send(ids: list[int], clock: Clock) -> Counter[str]:
    """Send what of these reminders is due, over one connection; return how many ended in which state.

    A mail that fails for now counts as "due". When the mail server can't be reached, the rest waits too.
    """
    outcomes = Counter[str]()
    began, failures = clock(), 0
    connection = mail.get_connection()
    try:
        for place, pk in enumerate(ids):
            now = clock()
            if failures == MOST_FAILURES or now - began > LONGEST:
                handing.take_back(ids[place:], now + DOWN if failures else now)
                break
            outcome, reached = _send_one(pk, connection, clock)
            failures = 0 if reached else failures + 1
            if not reached:
                _hang_up(connection)
            outcomes.update([outcome] if outcome else [])
    finally:
        _hang_up(connection)
    return outcomes


def _send_one(pk: int, connection: Any, clock: Clock) -> tuple[str, bool]:
    """Return the state in which the mail ends (empty: it wasn't to be had), and whether the server talked."""
    now = clock()
    claimed = claims.claim(pk, now)
    if claimed is None:
        return "", True
    try:
        written = _write(claimed, now)
    except Exception:  # a fault in one learner's mail must not keep the others of the portion waiting
        logger.exception("Mail %s could not be written", pk)
        return _again(claimed, "could not be written", clock()), True
    if isinstance(written, str):
        claims.finish(claimed, state=State.SKIPPED, reason=written)
        return State.SKIPPED, True
    try:
        message = writing.message(claimed.learner, claimed.kind, written, claimed.message_id)
        connection.open()  # or each mail would have a connection of its own
        connection.send_messages([message])
    except trouble.ERRORS as error:
        return _failed(claimed, error, clock())
    claims.sent(claimed, clock())
    return State.SENT, True


def _write(claimed: Reminder, now: datetime) -> Written | str:
    """Return the mail, or why there is none."""
    learner = claimed.learner
    today = queue.today_of(learner, now)
    if reason := claims.unwanted(claimed, today):
        return reason
    planning.settle(learner, today, now)
    return _daily(claimed, today) if claimed.kind == Reminder.Kind.DAILY else _weekly(claimed, today)


def _daily(claimed: Reminder, today: date) -> Written | str:
    learner = claimed.learner
    looked = queue.look(learner, today)
    if reason := wanted.why_not(learner, looked[0], today):
        return reason
    return writing.daily(learner, looked, today, last=urgency.is_last(learner.mails_unanswered))


def _weekly(claimed: Reminder, today: date) -> Written | str:
    return weekly.weekly(claimed.learner, today) or "nothing to sum up"


def _failed(claimed: Reminder, error: Exception, now: datetime) -> tuple[str, bool]:
    kind, reason = trouble.classify(error)
    match kind:
        case Trouble.ADDRESS | Trouble.MESSAGE:
            claims.refused(claimed, reason, address=kind is Trouble.ADDRESS)
            return State.REFUSED, True
        case _:
            return _again(claimed, reason, now), kind is not Trouble.UNREACHABLE


def _again(claimed: Reminder, reason: str, now: datetime) -> str:
    """Let it be tried again after a pause that grows with the tries."""
    pause = PAUSES[min(claimed.tries, len(PAUSES)) - 1]
    claims.finish(claimed, state=State.DUE, queued_at=None, next_try_at=now + pause, reason=reason)
    return State.DUE


def _hang_up(connection: Any) -> None:
    """Close it; a server that doesn't answer the goodbye has taken the mails all the same."""
    try:
        connection.close()
    except trouble.ERRORS:
        logger.info("The mail server broke off at the goodbye")
