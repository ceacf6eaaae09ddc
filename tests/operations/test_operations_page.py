"""The operations page: what staff see, and that nobody else sees that it is there."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from flashcards.drawing import traffic
from flashcards.operating import tallies
from flashcards.operating.reading import Moment
from flashcards.reminders import watching
from tests import making
from tests.accounts.people import proven
from tests.visiting import cells_of, client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db
PAGE = "/staff/operations/"


@pytest.fixture(autouse=True)
def _nothing_counted():
    tallies._counted.clear()
    yield
    tallies._counted.clear()


def staff() -> Client:
    who = making.learner(is_staff=True)
    return proven(client_of(who), who)


def counted(kind: str, name: str, outcome: str, *times: float) -> None:
    """Store what took so many ms, two minutes ago."""
    at = (datetime.now(UTC) - timedelta(minutes=2)).timestamp()
    for ms in times:
        tallies.note(kind, name, outcome, ms, at)
    tallies.write(datetime.now(UTC))


def section(html: str, key: str) -> str:
    """Return a table of the page, or the section that holds one."""
    found = re.search(rf'<(table|section)[^>]*id="{key}".*?</\1>', html, re.DOTALL)
    assert found, key
    return found[0]


def test_it_tells_requests_tasks_errors_and_slow_statements():
    counted("request", "grade", "3xx", *[5] * 90, *[40] * 10)
    counted("request", "grade", "5xx", 1_400)
    counted("task", "clear", "done", 300)
    counted("error", "grade", "OperationalError", 5)
    counted("statement", "SELECT ? FROM t", "browse", 2_500, 1_000)
    html = html_of(staff().get(PAGE))
    assert cells_of(section(html, "views")) == [["grade", "101", "1", "≤ 10 ms", "≤ 50 ms", "1.4 s"]]
    assert cells_of(section(html, "tasks")) == [["clear", "1", "0", "≤ 500 ms", "≤ 500 ms", "300 ms"]]
    assert cells_of(section(html, "broken")) == [["grade", "OperationalError", "1"]]
    assert cells_of(section(html, "statements")) == [["SELECT ? FROM t", "browse", "2", "3.5 s", "2.5 s"]]
    assert "101 requests in the last hour, 1 of them broke; 101 in the busiest minute." in html
    assert "2 minutes ago: 101 requests, 1 broke" in html


def test_it_tells_the_heartbeat_the_database_the_memory_and_the_versions():
    watching.beat(watching.HEARTBEAT, datetime.now(UTC) - timedelta(seconds=40))
    words = words_of(html_of(staff().get(PAGE)))
    assert "All is well: tasks come through, and no mail is late." in words
    assert re.search(r"Last task 4\d seconds ago", words)
    assert {"sqlite": "SQLite 3.", "postgresql": "PostgreSQL "}[connection.vendor] in words
    assert re.search(r"[\d.]+\sMB in \d+ web process", words)
    assert re.search(r"Engram \d+\.\d+\.\d+, Django 5\.2\.\d+, Python 3\.", words)


def test_it_holds_before_anything_has_happened_and_warns_that_no_task_comes_through():
    html = html_of(staff().get(PAGE))
    assert "note--warn" in html
    assert "No request in the last hour." in html
    assert "None was slow." in html
    assert "No worker has told of a task in the last hour." in html


def test_what_was_stored_by_others_cant_become_markup():
    counted("statement", "SELECT '<b>x</b>' < 3", "browse", 900)
    assert "<b>x</b>" not in html_of(staff().get(PAGE))


def test_the_number_of_statements_doesnt_grow_with_what_there_is():
    client = staff()
    few = statements(client, PAGE)
    for number in range(40):
        counted("request", f"view{number}", "2xx", 5)
        counted("statement", f"SELECT {number}", "browse", 900)
    assert statements(client, PAGE) == few <= 18


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "delete"])
def test_to_everyone_else_it_is_like_a_page_that_does_not_exist(method):
    unproven = client_of(making.learner(is_staff=True))
    for client in (client_of(making.learner()), Client(enforce_csrf_checks=True), unproven):
        page, missing = (getattr(client, method)(path) for path in (PAGE, "/staff/nothing/"))
        assert page.status_code == missing.status_code == 404
        assert page.content == missing.content


def test_staff_can_only_look():
    assert staff().post(PAGE).status_code == 405


@pytest.mark.parametrize(
    ("most", "top"), [(0, 2), (1, 2), (3, 4), (101, 200), (1_000, 1_000), (70_001, 10**5)]
)
def test_the_drawing_reaches_a_round_number_above_its_highest_bar(most, top):
    assert traffic._ticks(most)[-1] == top
    drawn = traffic.hour([Moment(0, most, 0)] * 60, "Said.").__html__()
    assert f"{top:,}" in drawn
    assert "<desc" in drawn
