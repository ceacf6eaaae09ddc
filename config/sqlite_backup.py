"""SQLite's part of backups: a copy of one instant while others write, and a file put in another's place."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from config import backing_up

SECONDS: Final = 20  # to wait for a lock
BESIDES: Final = ("-wal", "-shm", "-journal")
MIGRATIONS: Final = "SELECT app || '.' || name FROM django_migrations ORDER BY 1"


def dump(source: Path, target: Path) -> list[str]:
    """Write everything that is committed now into the new file; return its migrations.

    It reads as a transaction does, so writers neither wait nor show. Raises CannotBackUp.
    """
    if not source.exists():
        raise backing_up.CannotBackUp(f"There is no database {source} yet.")
    try:
        with closing(sqlite3.connect(source, timeout=SECONDS)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
        with closing(sqlite3.connect(target)) as copy:
            return [name for (name,) in copy.execute(MIGRATIONS)]
    except sqlite3.Error as error:
        raise backing_up.CannotBackUp(f"{source} can’t be copied: {error}.") from error


def check(file: Path) -> None:
    """Let SQLite look through the whole file, foreign keys included. Raises Unusable."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
            dangling = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise backing_up.Unusable(f"The database in it can’t be read: {error}.") from error
    if found != "ok":
        raise backing_up.Unusable(f"The database in it is damaged: {found}.")
    if dangling:
        raise backing_up.Unusable(
            f"A row of {dangling[0]} in it refers to one of {dangling[2]} that is gone."
        )


def put(new: Path, place: Path, aside: Path) -> bool:
    """Put the new file into its place, the old one aside; return whether there was an old one.

    Raises Unusable, with nothing changed, while another program has the old one open: it would go on to
    write into a file that nobody reads.
    """
    if not place.exists():
        _move(new, place)
        return False
    try:
        with closing(sqlite3.connect(place, timeout=1, isolation_level=None)) as old:
            # Only its last user gets it out of WAL mode; then all of it is in the one file.
            old.execute("PRAGMA journal_mode=DELETE")
            old.execute("BEGIN EXCLUSIVE")
            place.rename(aside)
            _move(new, place)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise backing_up.Unusable("Engram is running on this database. Stop it first.") from error
        raise backing_up.Unusable(f"{place} can’t be put aside: {error}.") from error
    except sqlite3.DatabaseError:  # it is damaged, which may be why we are here
        for end in BESIDES:
            if (beside := place.with_name(place.name + end)).exists():
                beside.rename(aside.with_name(aside.name + end))
        place.rename(aside)
        _move(new, place)
    return True


def _move(new: Path, place: Path) -> None:
    new.replace(place)
    backing_up.sync_folder(place.parent)
