"""Whether all that Engram needs does its work, in few words that tell a stranger nothing."""

import threading
from datetime import datetime
from typing import Final

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from flashcards.models import Heartbeat
from flashcards.operating import releases
from flashcards.reminders import watching

DATABASE: Final = "database: no answer"
MIGRATIONS: Final = "migrations: some are missing"
NEWER: Final = "migrations: the database is of a newer release"
TASKS: Final = "tasks: none comes through"

_looking = threading.Lock()
_migrated = threading.Event()  # what has been applied stays so for as long as this release runs


def missing(now: datetime, *, tasks: bool = True) -> list[str]:
    """Return a sentence for each thing that isn't as it should be; with everything well in one statement.

    Whether the migrations are those of this release is looked up until they are: a server that was ready
    stays so while a newer release is rolled out. `tasks` may be left out.
    """
    try:
        beat_at = Heartbeat.objects.filter(name=watching.HEARTBEAT).values_list("at", flat=True).first()
    except DatabaseError:
        return [_why_not()]
    found = _schema()
    silent = beat_at is None or now - beat_at >= watching.longest_silence()
    return [*found, TASKS] if tasks and silent else found


def _schema() -> list[str]:
    """Return what is wrong with the migrations. Raises DatabaseError."""
    if not _migrated.is_set():
        with _looking:
            if releases.unknown(releases.applied(connection)):
                return [NEWER]
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return [MIGRATIONS]
            _migrated.set()
    return []


def _why_not() -> str:
    """Tell a database that is away from one without our tables."""
    try:
        return next(iter(_schema()), DATABASE)
    except DatabaseError:
        return DATABASE
