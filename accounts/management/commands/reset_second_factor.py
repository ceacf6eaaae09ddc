"""Takes the second factor from an account whose owner can't show it any more."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import events, second_factor, sessions
from accounts.events import Kind
from accounts.models import User


class Command(BaseCommand):
    """The way for the last one of the staff; all others are helped in the admin."""

    help = "Remove the second factor of the accounts with this address, and sign them out everywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")

    def handle(self, *args: Any, **options: Any) -> None:
        learners = list(User.objects.filter(email=options["address"].lower(), is_guest=False))
        if not learners:
            raise CommandError("No account has this address.")
        reset = [learner for learner in learners if second_factor.remove_all(learner)]
        for learner in reset:
            sessions.end_all(learner)
        events.record(Kind.FACTORS_RESET, reset, timezone.now())
        self.stdout.write(f"Second factor removed from {len(reset)} of {len(learners)} accounts.")
