"""A cursor of PostgreSQL that lets it plan a statement once; imported only where there is a PostgreSQL."""

from typing import Any

from django.db.backends.postgresql.base import ServerBindingCursor


class PlannedCursor(ServerBindingCursor):
    """Sends values apart from the statement, which psycopg prepares when it has been sent a few times."""

    def _send_query_prepared(self, name: bytes, pgq: Any, *, binary: bool | None = None) -> None:
        # As psycopg does for what isn't prepared: else Django's log of statements would hold a None.
        self._query = pgq
        super()._send_query_prepared(name, pgq, binary=binary)  # type: ignore[misc]  # of the C class
