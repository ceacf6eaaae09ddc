"""A web server of its own on a database of its own, in processes that may be killed."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import psycopg

from tests.running import servers

ROOT = Path(__file__).resolve().parents[2]
LOG = "SELECT submission, grade, at FROM flashcards_reviewlog WHERE submission IS NOT NULL"
WEB = (
    *("gunicorn", "config.wsgi:application", "--workers", "2", "--threads", "4", "--graceful-timeout", "5"),
    *("--worker-class", "config.web_worker.DrainingWorker", "--no-control-socket", "--log-level", "warning"),
)
# In one process, which takes longer to start than all of it.
SET_UP = "from django.core.management import call_command as do; do('migrate', verbosity=0); do('seed')"


@dataclass(slots=True)
class Site:
    """A web server on a database; `url` is empty for SQLite in the folder."""

    folder: Path
    url: str = ""
    port: int = field(default_factory=servers.free_port)
    web: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """Return what its processes find."""
        return os.environ | {
            "BASE_URL": f"http://localhost:{self.port}",
            "DATABASE_URL": self.url,
            "DEBUG": "0",
            "REDIS_URL": "",
            "SECRET_KEY": "for-tests-only",
            "VAR_DIR": str(self.folder),
        }

    def start(self) -> None:
        """Start the web server, with a group of its own."""
        command = [sys.executable, "-m", *WEB, "--bind", f"127.0.0.1:{self.port}"]
        with (self.folder / "web.log").open("ab") as log:
            self.web = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(), stdout=log, stderr=log, process_group=0
            )

    def stop(self) -> None:
        """Kill the web server with all its workers."""
        if self.web is not None:
            os.killpg(self.web.pid, 9)
            self.web.wait()

    def restart(self) -> None:
        """Kill all of it and start it anew."""
        self.stop()
        self.start()

    def kill_worker(self) -> None:
        """Kill one of its workers; it starts another itself."""
        assert self.web is not None
        listed = subprocess.run(
            ["pgrep", "-P", str(self.web.pid)], capture_output=True, text=True, check=False
        )
        for pid in listed.stdout.split()[:1]:
            os.kill(int(pid), 9)

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Django's on this database."""
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False
        )

    def done(self, *words: str) -> str:
        """Run a command that has to succeed; return what it says."""
        run = self.manage(*words)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def log(self) -> list[tuple[UUID, int]]:
        """Return submission and grade of every answer that the database holds."""
        return [(UUID(str(key)), grade) for key, grade, _ in self._rows()]

    def times(self) -> dict[UUID, datetime]:
        """Return when each of these answers was taken in."""
        return {
            UUID(str(key)): datetime.fromisoformat(at).replace(tzinfo=UTC) if isinstance(at, str) else at
            for key, _, at in self._rows()
        }

    def _rows(self) -> list[tuple[Any, ...]]:
        if self.url:
            with psycopg.connect(self.url) as connection:
                return connection.execute(LOG).fetchall()
        with closing(sqlite3.connect(self.folder / "engram.sqlite3", timeout=20)) as connection:
            return connection.execute(LOG).fetchall()


@cache
def static_files() -> TemporaryDirectory[str]:
    """Return a folder with the files that a server's pages name, made once: it takes the longest of all."""
    folder: TemporaryDirectory[str] = TemporaryDirectory(prefix="engram-static-")
    anything = Site(Path(folder.name), "postgres://nobody@localhost/none")
    anything.done("collectstatic", "--no-input", "--verbosity", "0")
    return folder


@contextmanager
def site(folder: Path, url: str = "") -> Iterator[Site]:
    """Serve an empty Engram with its decks for the block."""
    one = Site(folder, url)
    if url:
        (folder / "static").symlink_to(Path(static_files().name) / "static")
    one.done("shell", "--verbosity", "0", "--command", SET_UP)
    one.start()
    try:
        yield one
    finally:
        one.stop()
