from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from flashcards import clearing


class Command(BaseCommand):
    """To be run once a day."""

    help = (
        "Delete visitors without an account who have not answered a card for 30 days, expired sessions, and "
        "what deleted accounts left."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=30, help="days without an answer (default: 30)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1:
            raise CommandError("Give --days 1 or more.")
        now = timezone.now()
        while clearing.clear_gone(clearing.ROWS):
            pass
        guests = clearing.clear_guests(now - timedelta(days=options["days"]))
        self.stdout.write(f"{guests} guests and {clearing.clear_sessions(now)} expired sessions deleted.")
