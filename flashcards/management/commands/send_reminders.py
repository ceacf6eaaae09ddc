from argparse import ArgumentParser
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from flashcards.reminders import handing, listing, sending


class Command(BaseCommand):
    """Needs no broker and no worker."""

    help = (
        "One whole tick by hand: list the mails whose time has come, then send what is due, in this process."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--now",
            type=instant,
            help="the instant to take for now, such as 2026-12-24T08:00+01:00; else UTC",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given: datetime | None = options["now"]
        clock: sending.Clock = (lambda: given) if given else timezone.now
        listed = listing.plan(clock())
        outcomes = Counter(skipped=listing.skip_expired(clock()))
        while portions := handing.hand_out(clock(), chunks=1):
            outcomes += sending.send(portions[0], clock)
        said = ", ".join(f"{count} {state}" for state, count in sorted((+outcomes).items()))
        self.stdout.write(f"{listed} listed; {said or 'nothing to send'}.")


def instant(text: str) -> datetime:
    """Return the instant that somebody typed; without an offset it is UTC. Raises CommandError."""
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(
            f"“{text}” is no date and time; one is 2026-12-24T08:00 or 2026-12-24T08:00+01:00."
        )
    return found if found.tzinfo else found.replace(tzinfo=UTC)
