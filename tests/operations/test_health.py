"""/healthz says that the server is there, /readyz that all it needs is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flashcards.operating import readiness
from flashcards.reminders import watching
from tests.visiting import html_of

WELL = (200, "ready\n")
SILENT = "tasks: none comes through\n"


@pytest.fixture(autouse=True)
def _looks_again():
    readiness._migrated.clear()
    yield
    readiness._migrated.clear()


def beat(ago: timedelta = timedelta()) -> None:
    watching.beat(watching.HEARTBEAT, timezone.now() - ago)


def asked(query: str = "") -> tuple[int, str]:
    answer = Client().get(f"/readyz{query}")
    return answer.status_code, html_of(answer)


@pytest.mark.django_db
def test_it_is_ready_when_the_database_answers_and_a_task_has_just_come_through():
    beat()
    assert asked() == WELL


@pytest.mark.django_db
def test_it_isnt_before_the_first_task_nor_when_the_last_was_long_ago():
    assert asked() == (503, SILENT)
    beat(timedelta(seconds=149))
    assert asked() == WELL
    beat(timedelta(seconds=151))
    assert asked() == (503, SILENT)


@pytest.mark.django_db
def test_whoever_only_serves_pages_may_leave_the_tasks_out():
    assert asked("?without=tasks") == WELL
    assert asked("?without=everything") == (503, SILENT)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_nobody_keeps_the_answer_and_nobody_has_to_log_in(address):
    beat()
    answer = Client().get(address)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert not answer.cookies
    assert Client().post(address).status_code == 405


@pytest.mark.django_db
def test_once_the_migrations_are_known_to_be_there_it_takes_one_statement():
    beat()
    asked()
    with CaptureQueriesContext(connection) as captured:
        assert asked() == WELL
    assert len(captured) == 1


@pytest.mark.django_db
def test_healthz_asks_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert html_of(Client().get("/healthz")) == "ok\n"


@pytest.fixture
def _brought_forward_again():
    yield
    call_command("migrate", verbosity=0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_brought_forward_again")
def test_a_missing_migration_is_told_and_nothing_more():
    beat()
    call_command("migrate", "flashcards", "0004", verbosity=0)
    assert asked() == (503, "migrations: some are missing\n")
    call_command("migrate", "flashcards", "0003", verbosity=0)
    assert asked() == (503, "migrations: some are missing\n")


@pytest.mark.django_db
def test_a_server_that_starts_on_a_database_of_a_newer_release_isnt_ready_and_one_that_was_stays_so():
    beat()
    newer = MigrationRecorder.Migration.objects.create(app="flashcards", name="9999_the_future")
    assert asked() == (503, "migrations: the database is of a newer release\n")
    newer.delete()
    assert asked() == WELL
    newer.save()
    assert asked() == WELL


class Away:
    """A database that doesn't answer."""

    def __call__(self, *_: Any) -> Any:
        from django.db import OperationalError  # noqa: PLC0415

        raise OperationalError("no route to the host called secret")


@pytest.mark.django_db
def test_a_database_that_is_away_is_told_in_words_that_tell_a_stranger_nothing():
    with connection.execute_wrapper(Away()):
        assert asked() == (503, "database: no answer\n")


def test_the_clock_of_a_heartbeat_from_the_future_counts_as_one(db):
    watching.beat(watching.HEARTBEAT, datetime(2100, 1, 1, tzinfo=UTC))
    assert asked() == WELL
