from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from config import backing_up, here, postgresql_backup, sqlite_backup
from flashcards.operating import releases


class Command(BaseCommand):
    """Brings a backup back: whatever speaks against it is found before anything is touched."""

    help = "Fill the empty database from a backup, migrate it to this release and check every schedule."
    requires_system_checks = []  # the database may be damaged, or not there at all

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="a file that `backup` has written")
        parser.add_argument(
            "--replace",
            action="store_true",
            help="though people have accounts in the database, replace all of it",
        )
        parser.add_argument(
            "--other-key",
            action="store_true",
            help="though second factors can’t be read under this SECRET_KEY",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        path = options["path"]
        try:
            manifest = backing_up.checked(path)
            _refuse_what_does_not_fit(manifest, other_key=options["other_key"])
            if not (options["replace"] or here.is_empty()):
                raise backing_up.Unusable(
                    "People have accounts in this database, or it can’t be read. --replace puts it aside."
                )
            self.stdout.write(_restore_sqlite(path) if here.is_sqlite() else _restore_postgresql(path))
        except (backing_up.Unusable, backing_up.CannotBackUp, DatabaseError, OSError) as error:
            raise CommandError(f"Nothing was restored. {error}") from error
        if not here.is_sqlite():
            call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write(f"Restored what {path} knew at {manifest.made_at}.")
        call_command("check_schedules", stdout=self.stdout)


def _refuse_what_does_not_fit(manifest: backing_up.Manifest, *, other_key: bool) -> None:
    if manifest.engine != connection.vendor:
        raise backing_up.Unusable(
            f"The backup is of {manifest.engine}, and DATABASE_URL names {connection.vendor}."
        )
    if newer := releases.unknown(manifest.migrations):
        raise backing_up.Unusable(
            f"The backup is of a newer release, with {releases.named(newer)}. Install that one first."
        )
    if not (other_key or here.has_key(manifest.key)):
        raise backing_up.Unusable(
            "The backup was made under another SECRET_KEY, without which second factors can’t be read. Set "
            "that one (embedded, it is the file secret_key in var/), or go on without them by --other-key."
        )


def _restore_sqlite(path: Path) -> str:
    """Migrate the new file before it takes the place of the old one; say where that is now."""
    place = here.sqlite_file()
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.with_name(f"{place.name}.before-{timezone.now():%Y-%m-%dT%H%M%SZ}")
    connection.close()
    with TemporaryDirectory(prefix=".engram-restore-", dir=place.parent) as folder:
        file = backing_up.unpacked(path, Path(folder))
        sqlite_backup.check(file)
        connection.settings_dict["NAME"] = str(file)  # as default: released migrations may know no other
        try:
            call_command("migrate", interactive=False, verbosity=0)
        finally:
            connection.close()
            connection.settings_dict["NAME"] = str(place)
        had_one = sqlite_backup.put(file, place, aside)
    return f"The old database is now {aside}." if had_one else f"The database is {place}."


def _restore_postgresql(path: Path) -> str:
    with TemporaryDirectory(prefix="engram-restore-") as folder:
        file = backing_up.unpacked(path, Path(folder))
        postgresql_backup.check(file)
        postgresql_backup.put(file)
    return "All tables were replaced in one transaction."
