"""What whoever sent a request that failed is told: whether it was saved, and whether to try again.

"Not saved" is said only where it is true: where nothing was committed, and no commit was on its way when the
database went away. Else we say that we can't tell.
"""

import re
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from traceback import walk_tb
from typing import Any, Final

from django.db import Error, InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.template import loader
from redis import RedisError

from config import patience

PLAIN: Final = "text/plain; charset=utf-8"
BROKE, OUTAGE = 500, 503
RETRY_AFTER: Final = 5  # seconds
READING: Final = ("GET", "HEAD", "OPTIONS")
WRITES: Final = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
NO_ROOM: Final = "53100"  # PostgreSQL's disk_full
COMMIT: Final = BaseDatabaseWrapper.__dict__["_commit"].__code__  # what every commit passes through
STOPPED: Final = "57"  # the class of errors by which PostgreSQL tells that it is being stopped

BUG: Final = "Something broke on our side."
AWAY: Final = "Engram’s server can’t reach a part of itself just now."
FULL: Final = "There’s no room left on Engram’s server to save anything."
SURE: Final = "What you just sent was not saved. Everything you did before is safe."
UNSURE: Final = (
    "We can’t tell whether what you just sent was saved. Have a look before you send it again; "
    "the answer to a card never counts twice."
)
READ: Final = "Everything you did before is safe."
AGAIN: Final = "Try again in a moment."


@dataclass(eq=False, slots=True)
class Saved:
    """What became of a request's writes: `committed` some, or `asked` for one without hearing the answer.

    It is a wrapper for `connection.execute_wrapper`.
    """

    committed: bool = False
    asked: bool = False

    def __call__(self, run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Run the statement and remember it if it writes."""
        if not WRITES.match(sql):
            return run(sql, params, many, context)
        try:
            done = run(sql, params, many, context)
        except Error as error:
            self.asked |= not (context["connection"].in_atomic_block or _refused(error))
            raise
        # Outside of a transaction it is called at once; inside, after the commit and not after a rollback.
        context["connection"].on_commit(self.note)
        return done

    def note(self) -> None:
        """Remember that something is saved for good."""
        self.committed = True

    def perhaps(self, error: BaseException | None) -> bool:
        """Whether something may have been saved before or although this error came."""
        return self.committed or self.asked or (_at_commit(error) and not _refused(error))


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Watch what a request saves, for the page that it may fail with, and let it fail in time."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        saved = request.saved = Saved()  # type: ignore[attr-defined]
        connection.execute_wrappers.append(saved)
        try:
            with patience.limited():
                response = get_response(request)
        finally:
            connection.execute_wrappers.remove(saved)
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = patience.each(iter(response))
        return response

    return answer


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that something broke, with the request's number, or that a part of the server is away.

    Needs neither session nor database. htmx gets the sentences alone, which the page's script shows.
    """
    error = sys.exc_info()[1]
    request.broke = type(error).__name__ if error else "unknown"  # type: ignore[attr-defined]
    outage = reason(error)
    heading, lines = outage or BUG, [_fate(request, error)] + [AGAIN] * bool(outage)
    status = OUTAGE if outage else BROKE
    if request.headers.get("HX-Request"):
        response = HttpResponse(" ".join([heading, *lines]), status=status, content_type=PLAIN)
    else:
        context = {"heading": heading, "lines": lines, "number": getattr(request, "number", "")}
        response = HttpResponse(loader.get_template("500.html").render(context), status=status)
    response["Cache-Control"] = "no-store"
    if outage:
        response["Retry-After"] = str(RETRY_AFTER)
    return response


def reason(error: BaseException | None) -> str:
    """Return why the server can't do its work for now; nothing where it is a bug of ours."""
    if isinstance(error, RedisError):
        return AWAY
    if not isinstance(error, (OperationalError, InterfaceError)):
        return ""
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    if code == sqlite3.SQLITE_ERROR:  # a statement that isn't right
        return ""
    return FULL if code == sqlite3.SQLITE_FULL or getattr(cause, "sqlstate", "") == NO_ROOM else AWAY


def _fate(request: HttpRequest, error: BaseException | None) -> str:
    if request.method in READING:
        return READ
    saved = getattr(request, "saved", None)
    return UNSURE if saved is None or saved.perhaps(error) else SURE


def _refused(error: BaseException | None) -> bool:
    """Whether the database itself said no; a connection that broke leaves it open."""
    cause = error.__cause__ if error else None
    state = getattr(cause, "sqlstate", None) or STOPPED
    return hasattr(cause, "sqlite_errorcode") or not state.startswith(STOPPED)


def _at_commit(error: BaseException | None) -> bool:
    frames = walk_tb(error.__traceback__) if error else ()
    return any(frame.f_code is COMMIT for frame, _ in frames)
