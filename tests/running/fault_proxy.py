"""Stands between a client and a server, and cuts, swallows or refuses what passes, on the loopback only."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from tests.running.loops import Run, loop_in_a_thread, reset

Way = Literal["to the server", "to the client"]
BOTH: frozenset[Way] = frozenset({"to the server", "to the client"})
ROOM = 65_536  # bytes that are passed on at once


@dataclass(slots=True)
class Trap:
    """Cuts a connection when these bytes come along this way, so many times.

    Where they are passed on, the server does what they ask for, and the client never hears its answer;
    otherwise they're lost.
    """

    pattern: bytes
    way: Way
    passed_on: bool = False
    times: int = 1
    sprung: int = field(default=0, init=False)

    def springs(self, way: Way, data: bytes) -> bool:
        """Whether this is it; counts how often it was."""
        if way != self.way or self.sprung == self.times or self.pattern not in data:
            return False
        self.sprung += 1
        return True


@dataclass(eq=False, slots=True)
class Link:
    """A client's connection and the one to the server that belongs to it; `doomed` ends with the answer."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    doomed: bool = False

    def cut(self) -> None:
        reset(self.client)
        reset(self.server)


class Proxy:
    """The middleman; the methods without an underscore may be called from another thread.

    `target` is the server's port, which may change; `swallowed` names the ways on which nothing gets through,
    without a word.
    """

    def __init__(self, target: int, run: Run) -> None:
        self.target = target
        self.swallowed: frozenset[Way] = frozenset()
        self.traps: list[Trap] = []
        self.port = 0
        self._run = run
        self._links = set[Link]()
        self._server: asyncio.Server | None = None

    def open(self) -> None:
        """Let clients in, always on the same port."""
        self._run(self._listen())

    def close(self) -> None:
        """Refuse clients, and cut those that there are."""
        self._run(self._refuse())

    def cut(self) -> None:
        """Cut all connections; new ones are let in."""
        self._run(self._cut())

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=128)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._cut()

    async def _cut(self) -> None:
        for link in self._links:
            link.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, requests = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            reset(writer)
            return
        link = Link(writer, requests)
        self._links.add(link)
        try:
            with suppress(asyncio.CancelledError):
                await asyncio.gather(
                    self._pass_on(link, "to the server", reader, requests),
                    self._pass_on(link, "to the client", answers, writer),
                )
        finally:
            self._links.discard(link)
            link.cut()

    async def _pass_on(
        self, link: Link, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(ROOM):
                if way in self.swallowed:
                    continue
                trap = next((trap for trap in self.traps if trap.springs(way, data)), None)
                if link.doomed or (trap and not trap.passed_on):
                    break
                link.doomed = trap is not None
                writer.write(data)
                await writer.drain()
        link.cut()


@contextmanager
def fault_proxy(target: int) -> Iterator[Proxy]:
    """Run a proxy to this port of our own machine for the block."""
    with loop_in_a_thread() as run:
        proxy = Proxy(target, run)
        proxy.open()
        try:
            yield proxy
        finally:
            proxy.close()
