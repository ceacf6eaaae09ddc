"""Which migrations this release knows: a database that has others belongs to a newer one.

Migrations go forward only. An older release on a newer database would write rows that the newer one doesn't
expect, so `migrate`, `serve` and `restore` refuse it, and a web server that starts on it isn't ready. One
that runs on is: while a new release is rolled out, the old one serves a database that was just migrated.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

NAMED = 3


def known() -> set[str]:
    """Return "app.name" of every migration of this release, those that it has replaced included."""
    on_disk = MigrationLoader(None).disk_migrations
    replaced = (key for migration in on_disk.values() for key in migration.replaces)
    return {f"{app}.{name}" for app, name in (*on_disk, *replaced)}


def applied(connection: BaseDatabaseWrapper) -> list[str]:
    """Return "app.name" of every migration that this database has, sorted. Raises DatabaseError."""
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def unknown(migrations: Iterable[str]) -> list[str]:
    """Return those that this release doesn't know, sorted; with any there, they are of a newer release."""
    return sorted(set(migrations) - known())


def named(migrations: Sequence[str]) -> str:
    """Return the first few for a sentence."""
    more = len(migrations) - NAMED
    return ", ".join(migrations[:NAMED]) + (f" and {more} more" if more > 0 else "")


@register(Tags.database)
def not_newer(databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    """Find a database that is newer than this release; `migrate` runs this, and so does `serve`."""
    found = list[CheckMessage]()
    for alias in databases or ():
        try:
            newer = unknown(applied(connections[alias]))
        except DatabaseError:  # away, or empty in a way of its own: for others to say
            continue
        if newer:
            text = f"The database has migrations of a newer release: {named(newer)}. Nothing was changed."
            hint = "Run that release or a later one. Going back means restoring an older backup."
            found.append(Error(text, hint=hint, id="engram.E001"))
    return found
