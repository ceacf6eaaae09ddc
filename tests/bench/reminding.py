"""A daily reminder, rendered, built and handed to a mail server, against bytes that are ready to be sent."""

import smtplib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import date
from typing import Any
from unittest.mock import patch

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from accounts.models import User
from flashcards import queue
from flashcards.models import Reminder
from flashcards.reminders import writing
from flashcards.reminders.writing import Written
from tests.bench.report import Row, ratio
from tests.bench.sinks import sink
from tests.bench.timing import in_turn
from tests.bench.world import World

MAILS = 100
UNIT = "x ready bytes by smtplib"
KIND = Reminder.Kind.DAILY
Write = Callable[[], Written]


def rows(world: World) -> Iterator[Row]:
    """Yield what a reminder takes over one kept connection, without the statements that claim and mark it."""
    single = world.small["PostgreSQL"]
    with single.database.chosen(), ExitStack() as stack:
        who = single.veteran
        render, write = ways_to_write(who, world.today)
        mail = built(who, render())
        keeping, bare = (stack.enter_context(sink(kind)) for kind in ("keeping", "bare"))
        rendered, whole, ready, rendered_bare, ready_bare = in_turn(
            sending(who, render, keeping, stack),
            sending(who, write, keeping, stack),
            sending_bytes(mail, keeping, stack),
            sending(who, render, bare, stack),
            sending_bytes(mail, bare, stack),
            rounds=MAILS,
        )
    size = f"{len(mail.message().as_bytes()) / 1e3:.1f} kB, to a server that reads and files each mail"
    yield ratio("reminder rendered, built, sent", rendered, ready, UNIT, 2.5, size)
    yield ratio("reminder with its words from the database", whole, ready, UNIT, seen="two statements more")
    least = "which says OK and no more"
    yield ratio("the same, to a server that keeps nothing", rendered_bare, ready_bare, UNIT, seen=least)


def ways_to_write(who: User, today: date) -> tuple[Write, Write]:
    """Return a function that renders the learner's words of today, and one that asks for them first."""
    looked = queue.look(who, today)

    def write() -> Written:
        return writing.daily(who, looked, today, last=False)

    with patch.object(writing, "rendered", wraps=writing.rendered) as called:
        write()
    kind, learner, context = called.call_args.args
    return (lambda: writing.rendered(kind, learner, context)), write


def built(who: User, written: Written) -> EmailMessage:
    """Return the mail as it leaves."""
    return writing.message(who, KIND, written, "<daily-2026-01-01-1@localhost>")


def sending(who: User, write: Write, port: int, stack: ExitStack) -> Callable[[], object]:
    """Return a function that writes, builds and sends a mail, all of them over one connection."""
    backend = stack.enter_context(closing(EmailBackend(host="127.0.0.1", port=port)))
    backend.open()
    return lambda: backend.send_messages([built(who, write())])


def sending_bytes(mail: EmailMessage, port: int, stack: ExitStack) -> Callable[[], object]:
    """Return a function that sends what the mail is on the wire, over a connection of its own."""
    connection = stack.enter_context(smtplib.SMTP("127.0.0.1", port))
    connection.ehlo()
    message: Any = mail.message()
    content = message.as_bytes(linesep="\r\n")
    return lambda: connection.sendmail("engram@localhost", mail.to, content)
