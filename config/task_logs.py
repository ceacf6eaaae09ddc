"""Celery's lines in our form, each with its task's id; and tasks timed and counted as requests are.

Beat and the sweep start all tasks: a run has an id of its own, and what it hands out carries that as its
`parent`, in the headers that Celery sends along anyway.
"""

import logging
import logging.config
import time
from datetime import UTC, datetime
from typing import Any, Final

from celery import signals
from django.conf import settings
from django.db import DatabaseError, connection

from config import logs
from config.request_ids import note_slow
from flashcards.models import Tally
from flashcards.operating import slow, tallies

EVERY: Final = 60  # seconds between two writes of a process

logger = logging.getLogger("engram.tasks")
_written = 0.0  # on the monotonic clock


@signals.setup_logging.connect
def configure(**_: Any) -> None:
    """Keep Django's configuration in place of Celery's own: LOG_LEVEL counts, not the command line."""
    logging.config.dictConfig(settings.LOGGING)


@signals.task_prerun.connect
def begin(task: Any, task_id: str, **_: Any) -> None:
    """Name the task in each line from here on, and watch its statements."""
    parent = task.request.parent_id
    task.request.began = time.perf_counter()
    found: slow.Slow = []
    task.request.slow = found
    task.request.before = logs.about.set({"id": task_id} | ({"parent": parent} if parent else {}))
    task.request.watching = slow.watching(found, settings.SLOW_STATEMENT_MS)
    connection.execute_wrappers.append(task.request.watching)


@signals.task_postrun.connect
def end(task: Any, state: str | None = None, **_: Any) -> None:
    """Log and count the task."""
    took, at = 1_000 * (time.perf_counter() - task.request.began), time.time()
    connection.execute_wrappers.remove(task.request.watching)
    outcome = "done" if state == "SUCCESS" else "failed"
    tallies.note(Tally.Kind.TASK, task.name, outcome, took, at)
    note_slow(task.request.slow, task.name, at)
    said = {"task": task.name, "outcome": outcome, "ms": round(took, 1)}
    logger.info("%s %s in %.1f ms", task.name, outcome, took, extra={"fields": said})
    logs.about.reset(task.request.before)
    if time.monotonic() - _written > EVERY:
        write()


@signals.worker_process_shutdown.connect
@signals.worker_shutdown.connect
def write(**_: Any) -> None:
    """Add what this process has counted to the table; nobody waits for it."""
    global _written  # noqa: PLW0603 - of this process alone
    _written = time.monotonic()
    try:
        tallies.write(datetime.now(UTC))
    except DatabaseError:
        logger.warning("The figures of this minute couldn’t be written; they wait for the next.")
