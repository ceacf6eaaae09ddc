"""Whether all that Engram needs does its work, in few words that tell a stranger nothing."""

import threading
from datetime import datetime
from typing import Final

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from flashcards.models import Heartbeat
from flashcards.reminders import watching

DATABASE: Final = "database: no answer"
MIGRATIONS: Final = "migrations: some are missing"
TASKS: Final = "tasks: none comes through"

_looking = threading.Lock()
_migrated = threading.Event()  # what has been applied stays so for as long as this release runs


def missing(now: datetime, *, tasks: bool = True) -> list[str]:
    """Return a sentence for each thing that isn't as it should be; with everything well in one statement.

    Whether migrations are missing is looked up until they aren't. `tasks` may be left out.
    """
    try:
        beat_at = Heartbeat.objects.filter(name=watching.HEARTBEAT).values_list("at", flat=True).first()
    except DatabaseError:
        return [_why_not()]
    found = [] if migrated() else [MIGRATIONS]
    silent = beat_at is None or now - beat_at >= watching.longest_silence()
    return [*found, TASKS] if tasks and silent else found


def migrated() -> bool:
    """Tell whether every migration of this release has been applied."""
    if not _migrated.is_set():
        with _looking:
            executor = MigrationExecutor(connection)
            if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
                _migrated.set()
    return _migrated.is_set()


def _why_not() -> str:
    """Tell a database that is away from one without our tables."""
    try:
        return DATABASE if migrated() else MIGRATIONS
    except DatabaseError:
        return DATABASE
