"""A PostgreSQL that may be killed: every commit is written before it is acknowledged."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.running import postgresql, servers, with_services

OTHERS = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


@dataclass(slots=True)
class Cluster:
    """A running cluster, and what can be done to it."""

    server: servers.Server
    folder: Path

    def terminate(self) -> None:
        """Let the server end every connection, in mid statement."""
        with psycopg.connect(self.server.url) as connection:
            connection.execute(f"SELECT pg_terminate_backend(pid) {OTHERS}")

    def kill_backend(self) -> None:
        """Kill one of its processes: it ends all others and recovers from its log."""
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            while not (pids := connection.execute(f"SELECT pid {OTHERS}").fetchall()):
                time.sleep(0.05)  # the web server is just starting
            os.kill(pids[0][0], signal.SIGKILL)

    def crash(self) -> None:
        """Stop it at once, without any order, and start it again: it recovers from its log."""
        self.server.process.send_signal(signal.SIGQUIT)
        self.server.process.wait()
        command = [str(word) for word in self.server.process.args]  # type: ignore[union-attr]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.folder)}
        process = servers.start_process(command, self.server.log, environment, servers.unprivileged_account())
        old = self.server
        self.server = servers.Server(old.name, old.url, process, old.log, old.probe, old.not_yet)
        servers.wait_until_it_answers(self.server)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run one for the block.

    The tests' own doesn't wait for its log; a role's setting wins over that. What a killed process has handed
    to the kernel isn't lost, so the disk needn't be waited for.
    """
    with with_services.temporary_folder() as folder:
        server = with_services.start_in(folder / "cluster", postgresql.start)
        assert server is not None
        one = Cluster(server, folder / "cluster")
        try:
            servers.wait_until_it_answers(server)
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute(f"ALTER ROLE {postgresql.ROLE} SET synchronous_commit = on")
            yield one
        finally:
            servers.stop(one.server.process)
