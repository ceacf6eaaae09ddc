"""Writes what a web process has counted to the database, once a minute, from a thread of its own.

So no request waits for it, and a process that nobody asks for anything writes its last figures too.
"""

import atexit
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any, Final

from django.db import DatabaseError, connections

from flashcards.operating import tallies

EVERY: Final = 60  # seconds

logger = logging.getLogger(__name__)


def kept(application: Callable[..., Any]) -> Callable[..., Any]:
    """Return the WSGI application, which begins to write with its first request: a fork has no threads."""
    begun_in = 0

    def answer(environ: Any, start_response: Any) -> Any:
        nonlocal begun_in
        if begun_in != os.getpid():
            begun_in = os.getpid()
            begin()
        return application(environ, start_response)

    return answer


def begin() -> None:
    """Start the thread; the last figures are written when the process ends."""
    ended = Event()
    thread = Thread(target=_keep_writing, args=(ended,), name="tallies", daemon=True)
    thread.start()

    def end() -> None:
        ended.set()
        thread.join(5)

    atexit.register(end)


def _keep_writing(ended: Event) -> None:
    while not ended.wait(EVERY):
        write()
    write()


def write() -> None:
    """Write the figures over a connection of its own; one that fails is tried again a minute later."""
    try:
        tallies.write(datetime.now(UTC))
    except DatabaseError:
        logger.warning("The figures of this minute couldn’t be written; they wait for the next.")
    finally:
        connections.close_all()
