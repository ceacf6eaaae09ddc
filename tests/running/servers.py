"""A server process that ends with the one who started it, however that one ends."""

import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from config.supervising import die_with_parent

SECONDS_TO_START = 30
SECONDS_TO_STOP = 10


@dataclass(frozen=True)
class Server:
    """A started server: its address, how to ask whether it answers, and the error that means "not yet"."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    log: Path
    probe: Callable[[], object]
    not_yet: type[Exception]


class Account(NamedTuple):
    """The user and groups that a server runs as; all None: ours."""

    user: int | None = None
    group: int | None = None
    extra_groups: tuple[int, ...] | None = None


OURSELVES = Account()


def start_process(
    command: list[str],
    log: Path,
    environment: dict[str, str] | None = None,
    account: Account = OURSELVES,
) -> subprocess.Popen[bytes]:
    """Start a server in its own process group, so that Ctrl-C reaches the tests first."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            process_group=0,
            # It runs after the change of user, which would undo it.
            preexec_fn=die_with_parent(signal.SIGINT),
            user=account.user,
            group=account.group,
            extra_groups=account.extra_groups,
        )


def unprivileged_account() -> Account:
    """Return whom to become when we are root, because PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return OURSELVES
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return Account(entry.pw_uid, entry.pw_gid, ())


def run_as(account: Account, command: list[str], environment: dict[str, str]) -> None:
    """Run a command to its end; when it fails, say what it said and stop."""
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        user=account.user,
        group=account.group,
        extra_groups=account.extra_groups,
    )
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_it_answers(server: Server) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            server.probe()
        except server.not_yet as error:
            if server.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{server.name} didn't start: {error}\n{server.log.read_text()}")
            time.sleep(0.02)
        else:
            return


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
