"""Gives each request a number, which stands in its answer, in its log lines and on the page of an error.

Here too each request gets its line in the log, and is counted for the operations page and for monitors.
"""

import logging
import re
import time
from collections.abc import Callable
from secrets import token_hex
from typing import Final

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse

from config import logs
from flashcards.models import Tally
from flashcards.operating import slow, tallies

HEADER: Final = "X-Request-ID"
WELL_FORMED: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
STATIC: Final = "static"
NOWHERE: Final = "nowhere"  # an address that the project doesn't have
PROBES: Final = {"healthz", "readyz", "metrics"}  # asked for every few seconds: a line only when they fail
BROKE: Final = 500

logger = logging.getLogger("engram.requests")


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Number, log, time and count requests; the outermost one, so that no answer goes without."""

    def answer(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        number = number_of(request)
        request.number = number  # type: ignore[attr-defined]
        before = logs.about.set({"id": number})
        found: slow.Slow = []
        watching = slow.watching(found, settings.SLOW_STATEMENT_MS)
        connection.execute_wrappers.append(watching)
        try:
            response = get_response(request)
            response[HEADER] = number
            _note(request, response.status_code, 1_000 * (time.perf_counter() - began), found)
        finally:
            connection.execute_wrappers.remove(watching)
            logs.about.reset(before)
        return response

    return answer


def number_of(request: HttpRequest) -> str:
    """Return the number that our own proxy gave this request, else a new one of 16 characters."""
    proxies = getattr(settings, "ALLAUTH_TRUSTED_PROXY_COUNT", 0)
    given = request.headers.get(HEADER, "") if proxies else ""
    return given if WELL_FORMED.fullmatch(given) else token_hex(8)


def view_of(request: HttpRequest) -> str:
    """Return the name of the view that answers: an address may hold tokens and numbers, this doesn't."""
    if request.resolver_match:
        return request.resolver_match.view_name or NOWHERE
    return STATIC if request.path_info.startswith(settings.STATIC_URL) else NOWHERE


def _note(request: HttpRequest, status: int, took: float, found: slow.Slow) -> None:
    view, at = view_of(request), time.time()
    tallies.note(Tally.Kind.REQUEST, view, f"{status // 100}xx", took, at)
    if status >= BROKE and (broke := getattr(request, "broke", "")):
        tallies.note(Tally.Kind.ERROR, view, broke, took, at)
    note_slow(found, view, at)
    if view not in PROBES or status >= BROKE:
        said = {"method": request.method, "view": view, "status": status, "ms": round(took, 1)}
        line = "%s %s %d in %.1f ms"
        logger.info(line, request.method, view, status, took, extra={"fields": said})


def note_slow(found: slow.Slow, where: str, at: float) -> None:
    """Count slow statements under their shape and the view or task that they belong to."""
    for sql, took in found:
        tallies.note(Tally.Kind.STATEMENT, slow.shape(sql), where, took, at)
