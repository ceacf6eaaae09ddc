from typing import Any

from django.core.management.base import BaseCommand, CommandError

from flashcards import replaying


class Command(BaseCommand):
    """Proves the one thing that every figure rests on: a stored schedule is its log folded."""

    help = "Compare every stored schedule with its log; exits 1 and lists the differences if there are any."

    def handle(self, *args: Any, **options: Any) -> None:
        report = replaying.check()
        for difference in report.differences:
            self.stdout.write(str(difference))
        if report.differing:
            raise CommandError(str(report))
        self.stdout.write(str(report))
