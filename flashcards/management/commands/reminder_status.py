from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from flashcards.reminders import watching
from flashcards.reminders.watching import Reason, Status, lasting


class Command(BaseCommand):
    """For cron and monitors: the staff page as plain text."""

    help = (
        "Say how mails do. Exits 1 when no task has come through the queue for 150 seconds, or when a mail "
        "has been waiting for more than 5 minutes."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        status = watching.status(timezone.now())
        self.stdout.write("\n".join(lines(status)))
        if not status.well:
            raise CommandError(watching.says(status))
        self.stdout.write(watching.says(status))


def lines(status: Status) -> list[str]:
    """Return the figures, one a line."""
    counts = ", ".join(f"{mails:,} {state}" for state, mails in status.states.items())
    return [
        f"Mails meant for {status.since} and later: {counts}",
        f"Last task: {'never' if status.silence is None else f'{lasting(status.silence)} ago'}",
        f"Late: {status.late:,}" + (f", the oldest by {lasting(status.oldest)}" if status.oldest else ""),
        _lag(status),
        *(_line(reason) for reason in (*status.troubles, *status.skipped)),
    ]


def _lag(status: Status) -> str:
    if status.typical_lag is None or status.worst_lag is None:
        return "Lag: nothing sent yet"
    typical, worst = lasting(status.typical_lag), lasting(status.worst_lag)
    return f"Lag of the latest {status.measured:,} sent: {typical} as a rule, {worst} at worst"


def _line(reason: Reason) -> str:
    return f"{reason.mails:,} {reason.state}: {reason.reason}"
