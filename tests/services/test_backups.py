"""A backup holds all that was acknowledged before it began, and only a whole one that fits is restored."""

import json
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from config import backing_up
from tests.services.grade_storm import studying
from tests.services.one_site import Site, site
from tests.services.own_cluster import cluster

ON_SQLITE = connection.vendor == "sqlite"


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> Iterator[list[Site]]:
    """An Engram that served learners while it was backed up, and an empty machine."""
    with ExitStack() as stack:
        folders = [tmp_path_factory.mktemp(name) for name in ("old", "new")]
        urls = ["", ""]
        if not ON_SQLITE:
            server = stack.enter_context(cluster()).server
            with psycopg.connect(server.url, autocommit=True) as asking:
                asking.execute("CREATE DATABASE empty")
            urls = [server.url, server.url.removesuffix("postgres") + "empty"]
        yield [Site(folder, url) for folder, url in zip(folders, urls, strict=True)]


@pytest.fixture(scope="module")
def backed_up(places) -> tuple[Path, set[tuple[UUID, int]]]:
    """The backup, and the answers acknowledged before it began."""
    old = places[0]
    file = old.folder / "taken.tar"
    with site(old.folder, old.url) as one, studying(one, 300) as book:
        while len(book.told) < 100 and not book.full.wait(0.02):
            pass
        before = set(book.kept().items())
        assert "read back and whole" in one.done("backup", str(file))
        assert len(book.kept()) > len(before), "nobody was answering meanwhile"
    return file, before


def test_an_empty_machine_gets_every_answer_acknowledged_before_the_backup_began(places, backed_up):
    file, before = backed_up
    new = places[1]
    said = new.done("restore", str(file))
    assert len(before) >= 90
    assert before <= set(new.log())
    assert "all equal" in said
    new.done("check_schedules")
    new.done("migrate", "--check")
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list(file.parent.glob(".engram-*"))


def test_a_database_with_people_gives_way_only_when_told_to_and_sqlites_is_kept(places, backed_up):
    file, _ = backed_up
    old = places[0]
    before = sorted(old.log())
    assert "--replace" in refused(old, "restore", str(file))
    assert sorted(old.log()) == before
    old.done("restore", str(file), "--replace")
    assert set(old.log()) <= set(before)
    if ON_SQLITE:
        running = sqlite3.connect(old.folder / "engram.sqlite3")
        running.execute("SELECT count(*) FROM accounts_user").fetchone()
        assert "Stop it first" in refused(old, "restore", str(file), "--replace")
        running.close()
        [aside] = old.folder.glob("engram.sqlite3.before-*")
        aside.replace(old.folder / "engram.sqlite3")
        assert sorted(old.log()) == before


def test_what_was_cut_changed_or_never_a_backup_is_refused_and_nothing_is_touched(
    places, backed_up, tmp_path
):
    whole = backed_up[0].read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    spoilt = {
        "no whole backup": (whole[:-1], whole[:middle], b"", b"SQLite format 3\0" * 99),
        "damaged": (flipped, b"\1" + whole[1:]),
    }
    before = sorted(places[0].log())
    file = tmp_path / "spoilt.tar"
    for sentence, contents in spoilt.items():
        for content in contents:
            file.write_bytes(content)
            assert sentence in refused(places[0], "restore", str(file), "--replace")
    assert sorted(places[0].log()) == before


def test_what_does_not_fit_this_installation_is_refused(places, backed_up, tmp_path):
    before = sorted(places[0].log())
    newer = altered(backed_up[0], tmp_path / "newer.tar", migrations=["flashcards.9999_the_future"])
    assert "newer release, with flashcards.9999" in refused(places[0], "restore", str(newer), "--replace")
    other = altered(backed_up[0], tmp_path / "other.tar", engine="postgresql" if ON_SQLITE else "sqlite")
    assert "DATABASE_URL" in refused(places[0], "restore", str(other), "--replace")
    foreign = altered(backed_up[0], tmp_path / "foreign.tar", key="another")
    assert "SECRET_KEY" in refused(places[0], "restore", str(foreign), "--replace")
    later = altered(backed_up[0], tmp_path / "later.tar", format=2)
    assert "another form" in refused(places[0], "restore", str(later), "--replace")
    assert sorted(places[0].log()) == before


def test_a_backup_overwrites_nothing_and_names_itself_in_a_folder(places, backed_up, tmp_path):
    assert "exists already" in refused(places[0], "backup", str(backed_up[0]))
    places[0].done("backup", str(tmp_path))
    [file] = tmp_path.iterdir()
    assert file.name.startswith("engram-20")
    assert backing_up.checked(file).engine == connection.vendor


def test_a_database_of_a_newer_release_is_neither_migrated_nor_served(places, backed_up):
    with future(places[0]):
        for words in (("migrate",), ("serve", "--bind", "127.0.0.1:0")):
            assert "flashcards.9999_the_future" in refused(places[0], *words)


# The last one: it leaves the old place at the older schema.
def test_a_backup_of_an_older_schema_is_restored_and_brought_forward_by_the_one_command(
    places, backed_up, tmp_path
):
    old, new = places
    old.done("migrate", "flashcards", "0001", "--verbosity", "0")
    file = tmp_path / "older.tar"
    old.done("backup", str(file))
    assert "flashcards.0002_dashboard" not in backing_up.checked(file).migrations
    assert "all equal" in new.done("restore", str(file), "--replace")
    assert sorted(new.log()) == sorted(old.log())
    new.done("migrate", "--check")


def refused(one: Site, *words: str) -> str:
    """Run a command that has to fail with a sentence; return what it says."""
    run = one.manage(*words)
    assert run.returncode == 1, run.stdout
    assert "Traceback" not in run.stderr
    return run.stderr


def altered(file: Path, target: Path, **values: object) -> Path:
    """Write a whole backup that says something else of itself."""
    manifest = target.with_name("manifest.json")
    with tarfile.open(file) as archive, tarfile.open(target, "w") as other:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            if member.name == backing_up.MANIFEST:
                manifest.write_text(json.dumps(json.load(content) | values))
                other.add(manifest, backing_up.MANIFEST)
            else:
                other.addfile(member, content)
    total = sha256(target.read_bytes()).hexdigest().encode()
    with target.open("ab") as end:
        end.write(backing_up.LAST_LINE % total)
    return target


@contextmanager
def future(one: Site) -> Iterator[None]:
    """Let the database have a migration of a later release."""
    columns = "(app, name, applied) VALUES ('flashcards', '9999_the_future', '2026-01-01')"
    execute(one, f"INSERT INTO django_migrations {columns}")
    yield
    execute(one, "DELETE FROM django_migrations WHERE name = '9999_the_future'")


def execute(one: Site, statement: str) -> None:
    code = f"from django.db import connection; connection.cursor().execute({statement!r})"
    one.done("shell", "--verbosity", "0", "--command", code)
