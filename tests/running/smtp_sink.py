"""A mail server that keeps what it is given and fails as it is told: real SMTP, on the loopback only.

Whether it kept a mail and what it told the client are recorded apart. Where they differ, nobody could know
better than to send the mail again.
"""

import asyncio
import random
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path

from tests.running.faults import Rule, Stage
from tests.running.loops import Run, loop_in_a_thread, reset
from tests.running.well_formed import troubles

SCHEMA = """
    CREATE TABLE attempt (at REAL, stage TEXT, action TEXT, recipients TEXT, message_id TEXT, kept INTEGER,
        told TEXT, trouble TEXT, content BLOB)
"""
OK = "250 OK"
LONGEST_MAIL = 2**24


@dataclass(frozen=True, slots=True)
class Attempt:
    """A mail that came, or a failure on the way to it; `told` is the last answer's code, "" without one.

    `at` counts seconds since 1970, `recipients` are separated by blanks.
    """

    at: float
    stage: str
    action: str
    recipients: str
    message_id: str
    kept: int
    told: str
    trouble: str
    content: bytes


@dataclass(slots=True)
class Talk:
    """A connection, and the mail that is being handed over."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    recipients: list[str] = field(default_factory=list)
    content: bytes = b""

    def say(self, answer: str) -> None:
        self.writer.write(f"{answer}\r\n".encode())


class Left(Exception):
    """The talk is over."""


class Sink:
    """The server; the methods without an underscore may be called from another thread.

    `connections` counts those that were opened, `many_kept` the mails in the mailboxes.
    """

    def __init__(self, file: Path, seed: int, run: Run) -> None:
        self.rules: list[Rule] = []
        self._file, self._dice, self._run = file, random.Random(seed), run
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {SCHEMA}")
        self._talks = set[asyncio.StreamWriter]()
        self._server: asyncio.Server | None = None
        self.port = self.connections = self.many_kept = 0

    @property
    def url(self) -> str:
        """The address, as EMAIL_URL has it."""
        return f"smtp://127.0.0.1:{self.port}"

    def fail(self, *rules: Rule) -> None:
        """Let these rules hold from now on and no others; the first that applies decides."""
        self.rules = list(rules)

    def up(self) -> None:
        """Listen, always on the same port."""
        self._run(self._listen())

    def down(self) -> None:
        """Refuse connections, and cut those that there are."""
        self._run(self._refuse())

    def attempts(self) -> list[Attempt]:
        """Return all that was recorded."""
        with sqlite3.connect(self._file) as database:
            rows = [Attempt(*row) for row in database.execute("SELECT * FROM attempt ORDER BY rowid")]
        database.close()
        return rows

    def kept(self) -> list[Attempt]:
        """Return the mails that lie in a mailbox now."""
        return [attempt for attempt in self.attempts() if attempt.kept]

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, "127.0.0.1", self.port, backlog=512, limit=LONGEST_MAIL
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._talks:
            reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(writer)
        self.connections += 1
        try:
            with suppress(Left, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._talk(Talk(reader, writer))
        finally:
            self._talks.discard(writer)
            writer.close()

    async def _talk(self, talk: Talk) -> None:
        talk.say(await self._answer(talk, "connect", "220 sink ESMTP"))
        while line := await talk.reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                talk.say("250-sink\r\n250 8BITMIME")
            elif verb == b"MAIL":
                talk.recipients = []
                talk.say(await self._answer(talk, "mail", OK))
            elif verb == b"RCPT":
                await self._recipient(talk, line)
            elif verb == b"DATA":
                await self._data(talk)
            else:
                talk.say("221 Bye" if verb == b"QUIT" else OK)
            await talk.writer.drain()

    async def _recipient(self, talk: Talk, line: bytes) -> None:
        found = re.search(rb"<(.*)>", line)
        assert found, line
        talk.recipients.append(found[1].decode())
        answer = await self._answer(talk, "rcpt", OK)
        if answer != OK:
            talk.recipients.pop()
        talk.say(answer)

    async def _data(self, talk: Talk) -> None:
        answer = await self._answer(talk, "data", "354 Go on")
        talk.say(answer)
        if answer.startswith("354"):
            # A dot at the beginning of a line is doubled on the way (RFC 5321, 4.5.2).
            raw = await talk.reader.readuntil(b"\r\n.\r\n")
            talk.content = raw[:-3].replace(b"\r\n..", b"\r\n.")
            talk.say(await self._answer(talk, "end", OK))

    async def _answer(self, talk: Talk, stage: Stage, usual: str) -> str:
        """Return what to answer; raises Left when nothing can be answered any more."""
        rule = next((rule for rule in self.rules if rule.applies(stage, talk.recipients, self._dice)), None)
        if rule and rule.action == "delay":
            await asyncio.sleep(rule.seconds)
            gone = talk.reader.at_eof()
            self._record(talk, stage, "delay", kept=stage == "end" and not gone, told="" if gone else usual)
            return usual
        if rule is None:
            if stage == "end":
                self._record(talk, stage, "", kept=True, told=usual)
            return usual
        answer = f"{rule.code} as told" if rule.action == "reply" else ""
        self._record(talk, stage, rule.action, kept=rule.keeps, told=answer)
        if rule.action == "drop":
            reset(talk.writer)
        elif rule.action == "hang":
            await talk.reader.read()
        elif rule.code == 421:  # "closing transmission channel"
            talk.say(answer)
        else:
            return answer
        raise Left

    def _record(self, talk: Talk, stage: Stage, action: str, *, kept: bool, told: str) -> None:
        content = talk.content if stage == "end" else b""
        message_id = " ".join(BytesHeaderParser().parsebytes(content).get("Message-ID", "").split())
        trouble = "; ".join(troubles(content, talk.recipients)) if content else ""
        self.many_kept += kept
        whom = " ".join(talk.recipients)
        row = (time.time(), stage, action, whom, message_id, kept, told[:3], trouble, content)
        self._database.execute("INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _close(self) -> None:
        self.down()
        self._database.close()


@contextmanager
def smtp_sink(folder: Path, seed: int = 0) -> Iterator[Sink]:
    """Run a sink for the block; what it records is in a file in the folder."""
    with loop_in_a_thread() as run:
        sink = Sink(folder / "mails.sqlite3", seed, run)
        sink.up()
        try:
            yield sink
        finally:
            sink._close()
