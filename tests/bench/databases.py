"""Several databases in one run: PostgreSQL databases and SQLite files, opened as settings.py does."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch
from urllib.parse import urlsplit

from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from config import database_settings

Said = TypeVar("Said")


@dataclass(frozen=True, slots=True)
class Database:
    """A database that can take Django's default place, one at a time."""

    url: str
    wrapper: BaseDatabaseWrapper

    @contextmanager
    def chosen(self) -> Iterator[None]:
        """Let everything in this block ask this database."""
        before = connections["default"]
        connections["default"] = self.wrapper
        try:
            yield
        finally:
            connections["default"] = before

    def asked(self, act: Callable[[], Said]) -> Callable[[], Said]:
        """Return the act as one on this database."""

        def once() -> Said:
            with self.chosen():
                return act()

        return once


def postgresql(name: str, copy_of: Database | None = None) -> Database:
    """Create a database beside the one of DATABASE_URL, with our tables and cards, or with another's rows."""
    pattern = "template1"
    if copy_of:
        copy_of.wrapper.close()  # a template may have no visitors
        pattern = str(copy_of.wrapper.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{pattern}"')
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    return _opened(url, fill=copy_of is None)


def sqlite(file: Path) -> Database:
    """Create an SQLite file with our tables and cards."""
    return _opened(f"sqlite:///{file}", fill=True)


def _opened(url: str, *, fill: bool) -> Database:
    described = database_settings.from_url(url)
    if url.startswith("postgres"):
        described["OPTIONS"]["options"] += " -c statement_timeout=0"  # ten million rows take their time
    with patch.dict(connections.databases, default=described):
        connections.configure_settings(connections.databases)
        database = Database(url, connections.create_connection("default"))
    if fill:
        with database.chosen():
            call_command("migrate", verbosity=0)
            call_command("seed", stdout=Path(os.devnull).open("w"))  # noqa: SIM115
    return database
