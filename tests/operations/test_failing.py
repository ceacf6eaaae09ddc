"""A request that fails says whether what it sent was saved, and says so only where that is sure."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from accounts.models import User
from flashcards.models import ReviewLog
from tests.making import card, learner
from tests.visiting import HTMX, html_of, shown_errors_to, words_of

pytestmark = pytest.mark.django_db(transaction=True)

SURE, UNSURE = "What you just sent was not saved.", "We can’t tell whether what you just sent was saved."
AWAY = OperationalError("no route to the host called secret")


@pytest.fixture
def who() -> User:
    return learner()


@pytest.fixture
def device(who: User) -> Client:
    return shown_errors_to(who)


@pytest.fixture
def key() -> UUID:
    return uuid4()


@pytest.fixture
def grade(device: Client, key: UUID) -> Callable[..., Any]:
    """Answer the only card, always with the same submission, while something goes wrong."""
    what = card()

    def send(goes_wrong: Callable[..., Any], **more: Any) -> Any:
        values = {"grade": 4, "submission": key, "version": 0}
        with connection.execute_wrapper(goes_wrong):
            return device.post(f"/review/{what.pk}/grade/", values, **more)

    return send


def failing(error: Exception, when: Callable[[str], bool]) -> Callable[..., Any]:
    """Return a wrapper that lets statements fail before they reach the database."""

    def execute(run: Callable[..., Any], sql: str, *more: Any) -> Any:
        if when(sql):
            raise error
        return run(sql, *more)

    return execute


def at_the_log(sql: str) -> bool:
    return sql.startswith("INSERT") and "reviewlog" in sql


def at_the_next_card() -> Callable[[str], bool]:
    """Return what notices the first statement after the answer's transaction."""
    written = list[str]()

    def notice(sql: str) -> bool:
        written.extend([sql] * at_the_log(sql))
        return bool(written) and not connection.in_atomic_block

    return notice


@pytest.mark.parametrize("error", [AWAY, InterfaceError("closed")])
def test_what_fails_before_its_commit_is_said_not_to_be_saved_and_is_not(error, grade, who):
    response = grade(failing(error, at_the_log))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert SURE in words_of(html_of(response))
    assert not ReviewLog.objects.exists()
    assert not who.states.exists()


def test_what_fails_after_its_commit_is_not_said_not_to_be_saved(grade, key):
    response = grade(failing(AWAY, at_the_next_card()), headers=HTMX)
    assert response.status_code == 503
    assert UNSURE in html_of(response)
    assert SURE not in html_of(response)
    assert ReviewLog.objects.get().submission == key


@pytest.fixture
def asked_again(who: User) -> Callable[..., Any]:
    """Give the password once more, which the session notes as the last thing, while something goes wrong."""
    who.set_password("correct horse battery")
    who.save()
    device = shown_errors_to(who)

    def send(goes_wrong: Callable[..., Any]) -> Any:
        with connection.execute_wrapper(goes_wrong):
            return device.post("/accounts/reauthenticate/", {"password": "correct horse battery"})

    return send


def at_the_session(sql: str) -> bool:
    return sql.startswith("UPDATE") and "accounts_session" in sql


def test_a_session_that_cannot_be_saved_is_an_outage_and_no_mistake_of_the_browser(asked_again):
    response = asked_again(failing(AWAY, at_the_session))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert SURE in words_of(html_of(response))
    assert asked_again(failing(AWAY, at_the_log)).status_code == 302  # which no log-in writes


def test_a_session_that_has_ended_meanwhile_is_no_outage(asked_again):
    def ended(run: Callable[..., Any], sql: str, *more: Any) -> Any:
        if at_the_session(sql):
            run("DELETE FROM accounts_session", [], *more[1:])
        return run(sql, *more)

    assert asked_again(ended).status_code == 400


def test_htmx_gets_the_sentences_alone(grade):
    response = grade(failing(AWAY, at_the_log), headers=HTMX)
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert html_of(response).startswith("Engram’s server can’t reach a part of itself just now. What you")


def test_no_page_of_an_error_tells_what_the_error_says(grade):
    assert "secret" not in html_of(grade(failing(AWAY, at_the_log)))


def test_a_bug_is_no_outage(grade):
    response = grade(failing(ValueError(), at_the_log))
    assert response.status_code == 500
    assert "Retry-After" not in response
    words = words_of(html_of(response))
    assert "Something broke on our side" in words
    assert SURE in words
    assert response["X-Request-ID"] in words


def test_a_statement_that_is_not_right_is_a_bug(grade):
    def misspelt(run: Callable[..., Any], sql: str, *more: Any) -> Any:
        return run("SELECT nothing FROM nowhere" if at_the_log(sql) else sql, *more)

    assert grade(misspelt).status_code == 500


def test_who_only_reads_is_not_told_of_saving(device):
    with connection.execute_wrapper(failing(AWAY, bool)):
        response = device.get("/today/")
    assert response.status_code == 503
    assert "saved" not in html_of(response)
