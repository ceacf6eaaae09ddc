"""Gives a command a real PostgreSQL and a real Redis, on free ports, and takes both down again.

    python -m tests.running.with_services COMMAND... [--then COMMAND...]

DATABASE_URL and REDIS_URL name the servers for the command; one that is set already is used as it is, and
nothing is started for it. A command after `--then` runs only if the one before succeeded. The exit status is
that of the last command that ran.

This is a command around pytest and not a fixture, because Django's settings read the environment before any
fixture runs, and because the workers of pytest-xdist have to share the servers.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from config.supervising import die_with_parent
from tests.running import postgresql, redis_server, servers

NO_TESTS_COLLECTED = 5  # pytest's exit status; with ARGS="-k something" the next database may still have some
ROOM_IN_MEMORY = 500_000_000
HELP = {
    "DATABASE_URL": "No PostgreSQL found: run `make test`, `apt-get install postgresql` or set DATABASE_URL.",
    "REDIS_URL": "No Redis found: run `make test`, `apt-get install redis-server`, or set REDIS_URL.",
}


def main(words: list[str]) -> int:
    """Start what is missing, run the commands, stop what was started."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        environment = os.environ | {"PYTEST_DEBUG_TEMPROOT": str(folder)}
        began = time.monotonic()
        started = []
        for variable, start in (("DATABASE_URL", postgresql.start), ("REDIS_URL", redis_server.start)):
            if not environment.get(variable):
                server = start_in(folder / variable.lower(), start) or sys.exit(HELP[variable])
                stack.callback(servers.stop, server.process)
                started.append(server)
                environment[variable] = server.url
        for server in started:
            servers.wait_until_it_answers(server)
        report(started, time.monotonic() - began)
        return run_in_turn(split_at_then(words), environment)


def leave(number: int, _frame: FrameType | None) -> None:
    """Turn a signal into an exception, so that everything is taken down on the way out."""
    sys.exit(128 + number)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="engram-services-", dir=memory_folder()))
    # PostgreSQL may have to run as another user, who needs to pass through.
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def memory_folder() -> str | None:
    """Return a folder in memory with room for a cluster, if programs may run there; else None."""
    folder = Path("/dev/shm")
    if not os.access(folder, os.W_OK) or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return None
    return str(folder) if shutil.disk_usage(folder).free > ROOM_IN_MEMORY else None


def start_in(folder: Path, start: Callable[[Path], servers.Server | None]) -> servers.Server | None:
    folder.mkdir()
    return start(folder)


def report(started: list[servers.Server], seconds: float) -> None:
    if started:
        names = " and ".join(server.name for server in started)
        print(f"{names} started for this run in {seconds:.1f} s", file=sys.stderr, flush=True)


def split_at_then(words: list[str]) -> list[list[str]]:
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "--then":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def run_in_turn(commands: list[list[str]], environment: dict[str, str]) -> int:
    status = 0
    for command in commands:
        status = run(command, environment)
        if status not in (0, NO_TESTS_COLLECTED):
            break
    return status


def run(command: list[str], environment: dict[str, str]) -> int:
    """Run one command; Ctrl-C reaches it by the terminal, and we wait for its last words."""
    signal.signal(signal.SIGINT, lambda *_: None)
    child = subprocess.Popen(command, env=environment, preexec_fn=die_with_parent(signal.SIGTERM))
    try:
        status = child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if sys.argv[1:] else __doc__)
