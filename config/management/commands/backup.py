from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from config import backing_up, here, postgresql_backup, sqlite_backup
from flashcards.operating import releases


class Command(BaseCommand):
    """Keeps what is known now in one file that can be checked; docs/backups.md says how to live with it."""

    help = "Write the whole database, as it is at one instant, to a new file; Engram may run meanwhile."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path", type=Path, help="the new file, or a folder that gets one named by the time"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            target = backing_up.destination(options["path"], now)
            check = sqlite_backup.check if here.is_sqlite() else postgresql_backup.check
            backing_up.write(target, lambda file: _dump(file, f"{now:%Y-%m-%d %H:%M:%S} UTC"), check)
        except (backing_up.CannotBackUp, DatabaseError) as error:
            raise CommandError(f"No backup was made. {error}") from error
        size = target.stat().st_size / 1_000_000
        self.stdout.write(f"Backed up to {target}, read back and whole: {size:.1f} MB.")


def _dump(file: Path, made_at: str) -> backing_up.Manifest:
    if here.is_sqlite():
        migrations = sqlite_backup.dump(here.sqlite_file(), file)
    else:
        migrations = releases.applied(connection)
        postgresql_backup.dump(file)
        if releases.applied(connection) != migrations:
            raise backing_up.CannotBackUp("The database was migrated meanwhile; try again.")
    return backing_up.Manifest(connection.vendor, made_at, migrations, here.key())
