"""What the database, the queue and this machine say of themselves."""

import os
import platform
import resource
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import django
from django.conf import settings
from django.db import connection

QUEUES: Final = ("celery", "mails")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Database:
    """Which database this is, its size in bytes, and how many connections to it are in which state.

    `most` is how many it takes; there is none where it is a file.
    """

    name: str
    size: int
    connections: dict[str, int]
    most: int | None


def database() -> Database:
    """Return what the database says of itself, in two short statements at most."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT sqlite_version(), page_count * page_size FROM pragma_page_count, pragma_page_size"
            )
            version, size = cursor.fetchone()
            return Database(f"SQLite {version}", size, {}, None)
        cursor.execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database()), "
            "current_setting('max_connections')::int"
        )
        version, size, most = cursor.fetchone()
        cursor.execute(
            "SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() GROUP BY 1 ORDER BY 1"
        )
        return Database(f"PostgreSQL {version.split()[0]}", size, dict(cursor.fetchall()), most)


def waiting() -> dict[str, int] | None:
    """Return how many tasks wait in each queue; None when the queue can't be asked, or isn't known here.

    Takes a second at most. Workers and their queue may be the business of other machines alone.
    """
    url = os.environ.get("CELERY_BROKER_URL") or settings.REDIS_URL
    if not url:
        return None
    import redis  # noqa: PLC0415 - pages do without

    plain = url.replace("redis+socket://", "unix://", 1)
    try:
        with redis.Redis.from_url(plain, socket_timeout=1, socket_connect_timeout=1) as client:
            return {queue: int(client.llen(queue)) for queue in QUEUES}
    except redis.RedisError:
        return None


def resident() -> tuple[int, int]:
    """Return how many web processes answer beside this one, it included, and their memory in bytes.

    They are the children of one parent. Where the system doesn't say so, this process is told alone, at its
    highest.
    """
    try:
        parent = os.getppid()
        family = [pid for pid in _processes() if _parent_of(pid) == parent]
        return len(family), sum(_resident_of(pid) for pid in family)
    except OSError:
        return 1, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024


def versions() -> dict[str, str]:
    """Return which releases work together here."""
    return {"engram": _engram(), "django": django.get_version(), "python": platform.python_version()}


@cache
def _engram() -> str:
    """Return our own release, as pyproject.toml names it."""
    try:
        project = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())
    except OSError:
        return "unknown"
    return str(project["project"]["version"])


def _processes() -> list[Path]:
    return [path for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _parent_of(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has just ended
        return 0


def _resident_of(process: Path) -> int:
    try:
        return int((process / "statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0
