"""Django's backend for PostgreSQL, whose requests don't wait without end for a server that says nothing.

A server that is frozen, or behind a network that swallows everything, neither answers nor hangs up; its own
statement_timeout is frozen with it. So it is our side that looks at the clock.
"""

from types import SimpleNamespace
from typing import Any, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import PQGen

from config import patience

INTERVAL = 0.1  # psycopg's own: seconds between two looks at a socket that is silent
SHORTEST = 2  # seconds for a connection; libpq takes less for as much

T = TypeVar("T")


class Connection(psycopg.Connection[Any]):
    """A connection that is given up, and closed, when the request has no patience left."""

    @classmethod
    def connect(cls, *args: Any, **more: Any) -> "Connection":
        """Connect as psycopg does, in the time that is left."""
        left = _left()
        if left is not None:
            more["connect_timeout"] = max(SHORTEST, int(min(left, float(more.get("connect_timeout", left)))))
        with patience.waiting():
            return super().connect(*args, **more)

    def wait(self, gen: PQGen[T], interval: float = INTERVAL, timeout: float | None = None) -> T:
        """Wait for the server, no longer than the request may.

        What came after that would be the answer to an old question, so no other may be asked.
        """
        left = _left() if timeout is None else None
        try:
            with patience.waiting():
                return super().wait(gen, interval, timeout if left is None else left)
        except psycopg.OperationalError:
            if patience.left() == 0:
                self.close()
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own but for the connections."""

    Database: Any = SimpleNamespace(**(vars(psycopg) | {"connect": Connection.connect}))


def _left() -> float | None:
    left = patience.left()
    if left == 0:
        raise psycopg.OperationalError("This request has waited for the database long enough.")
    return left
