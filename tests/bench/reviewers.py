"""Learners who review without a pause for thought, each over a kept connection of their own, in one thread.

The client is on the same cores as the server, so it does little: it writes what a browser would write, reads
the answer and finds the form in it. Revealing a card asks no server.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urlencode

from tests.bench.server import ACTION, FIELD

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
LONGEST = 2**20
HERE, DONE = 200, 303

Renew = Callable[[], Awaitable[object]]


class Broken(Exception):
    """An answer that no learner should get."""


@dataclass(slots=True)
class Taken:
    """What came of the requests: milliseconds of each page and each grade, and what went wrong."""

    pages: list[float] = field(default_factory=list)
    grades: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Line:
    """A connection to the server on this port, opened anew when the server has closed it meanwhile."""

    port: int
    cookies: str
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: str = "") -> tuple[int, str, float]:
        """Return the status, the text and how many milliseconds until its last byte."""
        if self.reader is None or self.writer is None or self.reader.at_eof():
            self.close()
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=LONGEST)
        began = perf_counter()
        self.writer.write(self._request(method, path, body))
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        text = await self.reader.readexactly(int(length[1]) if length else 0)
        return int(head[9:12]), text.decode(), 1_000 * (perf_counter() - began)

    def close(self) -> None:
        """Hang up."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None

    def _request(self, method: str, path: str, body: str) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Cookie: {self.cookies}"]
        if body:
            form = "Content-Type: application/x-www-form-urlencoded"
            lines += ["HX-Request: true", form, f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", body]).encode()


async def review(line: Line, renew: Renew, until: float, taken: Taken) -> None:
    """Open the page and grade its card, again and again until this instant of perf_counter."""
    while perf_counter() < until:
        try:
            await _one_card(line, renew, taken)
        except (Broken, OSError, asyncio.IncompleteReadError) as error:
            taken.errors.append(f"{type(error).__name__} {error}")
            line.close()
    line.close()


async def _one_card(line: Line, renew: Renew, taken: Taken) -> None:
    status, page, milliseconds = await line.ask("GET", "/review/")
    if status == DONE:  # nothing is left for today
        await renew()
        return
    action = ACTION.search(page)
    if status != HERE or not action:
        raise Broken(f"page: {status}")
    taken.pages.append(milliseconds)
    form = urlencode(dict(FIELD.findall(page)) | {"grade": 4})
    status, _, milliseconds = await line.ask("POST", action[1], form)
    if status != HERE:
        raise Broken(f"grade: {status}")
    taken.grades.append(milliseconds)
