"""A disk without room: what was acknowledged stays, what wasn't is said not to be saved, and all can be read.

SQLite says so itself, beyond a size of its file that we set. PostgreSQL has no such limit, and a small disk
takes root to mount; so there each table answers with the error that PostgreSQL has for a full disk.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from allauth.usersessions.models import UserSession
from django.db import OperationalError, connection
from django.test import Client

from accounts import sessions
from accounts.models import User
from flashcards.models import Card, ReviewLog
from tests.making import deck, learner, proven
from tests.matrix import rows
from tests.visiting import HTMX, html_of, shown_errors_to, words_of

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ["/", "/today/", "/review/", "/dashboard/", "/decks/", "/browse/", "/settings/", "/settings/export/"]
REFUSES = """
    CREATE FUNCTION no_room() RETURNS trigger AS $$ BEGIN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
    END $$ LANGUAGE plpgsql
"""
NOT_SAVED = (
    "There’s no room left on Engram’s server to save anything. "
    "What you just sent was not saved. Everything you did before is safe. Try again in a moment."
)


@contextmanager
def no_room() -> Iterator[None]:
    """Let the disk be full while the block runs."""
    fill, empty = (_fill_sqlite, _empty_sqlite) if connection.vendor == "sqlite" else (_refuse, _take_again)
    fill()
    try:
        yield
    finally:
        empty()


def _fill_sqlite() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE filling (content BLOB)")
        [pages] = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages + 4}")
        for size in (4_000, 1):
            one = f"INSERT INTO filling VALUES (zeroblob({size}))"
            with pytest.raises(OperationalError, match="full"):
                cursor.executemany(one, [[]] * 10_000)


def _empty_sqlite() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA max_page_count = {2**30}")
        cursor.execute("DROP TABLE filling")
        assert cursor.execute("PRAGMA quick_check").fetchall() == [("ok",)]


def _refuse() -> None:
    with connection.cursor() as cursor:
        cursor.execute(REFUSES)
        for table in connection.introspection.table_names(cursor):
            when = f'BEFORE INSERT OR UPDATE ON "{table}" FOR EACH ROW'
            cursor.execute(f"CREATE TRIGGER no_room {when} EXECUTE FUNCTION no_room()")


def _take_again() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION no_room CASCADE")


@pytest.fixture
def who() -> User:
    return learner()


@pytest.fixture
def device(who: User) -> Client:
    return shown_errors_to(who)


def sending(client: Client) -> Callable[..., tuple[int, str]]:
    def send(card: Card, submission: UUID, **more: Any) -> tuple[int, str]:
        """Answer a new card; return status and body, after a look at what an outage says."""
        values = {"grade": 4, "submission": submission, "version": 0}
        response = client.post(f"/review/{card.pk}/grade/", values, **more)
        if response.status_code == 503:
            assert response["Retry-After"] == "5"
            assert response["Cache-Control"] == "no-store"
        return response.status_code, html_of(response)

    return send


def stored() -> list[UUID | None]:
    return list(ReviewLog.objects.values_list("submission", flat=True))


def test_every_answer_until_the_disk_is_full_is_kept_and_the_next_is_said_not_to_be(who, device):
    send, sent = sending(device), [(card, uuid4()) for card in deck(80)]
    with no_room():
        kept = list[UUID]()
        for card, submission in sent:
            before = rows.digest()
            status, page = send(card, submission)
            if status == 503:
                break
            kept.append(submission)
        else:
            pytest.fail("the disk was never full")
        assert NOT_SAVED in words_of(page)
        assert "Traceback" not in page
        assert rows.digest() == before
        assert send(card, submission, headers=HTMX) == (503, NOT_SAVED)
        assert Counter(stored()) == Counter(kept)
    assert [send(card, submission)[0] for _ in range(2)] == [303, 303]
    assert Counter(stored()) == Counter([*kept, submission])
    proven(who)


def test_while_nothing_can_be_written_everything_can_be_read(who, device):
    deck(3)
    session = device.session
    session[sessions.SEEN] = int(time.time()) - 7_200  # a note of its use is due
    session.save()
    now = datetime.now(UTC)
    UserSession.objects.create(
        user=who, session_key=session.session_key, ip="192.0.2.0", user_agent="", last_seen_at=now
    )
    # And so is what the plan does after an interview.
    User.objects.filter(pk=who.pk).update(interview_on=(now - timedelta(days=9)).date())
    with no_room():
        statuses = {url: device.get(url, follow=True).status_code for url in PAGES}
    assert statuses == dict.fromkeys(PAGES, 200)
