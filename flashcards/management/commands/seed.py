from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from flashcards import seeding
from flashcards.deckfiles import SeedError


class Command(BaseCommand):
    """Loads decks; docs/cards.md says how the files are written."""

    help = "Make the decks what their fixture files say, as often as you like; schedules stay as they are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", nargs="*", type=Path, help="fixture files (default: fixtures/*.json)")

    def handle(self, *args: Any, **options: Any) -> None:
        paths = options["path"] or sorted((settings.BASE_DIR / "fixtures").glob("*.json"))
        try:
            self.stdout.write(str(seeding.seed(paths)))
        except SeedError as error:
            raise CommandError(f"Nothing was changed. {error}") from error
