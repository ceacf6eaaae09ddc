"""A database of an earlier release comes forward with its data."""

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from accounts.models import Session
from flashcards import replaying, reviewing
from flashcards.models import DayStat, ReviewLog, ReviewState
from tests import making
from tests.making import at, day, graded

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE_THE_DASHBOARD = [("flashcards", "0001_initial"), ("accounts", "0001_initial")]


@pytest.fixture(autouse=True)
def brought_forward_again():
    yield
    call_command("migrate", verbosity=0)


def stored(model: Any, *names: str) -> list[tuple[Any, ...]]:
    return list(model.objects.order_by("pk").values_list("pk", *names))


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Return all that the migration has to work out again."""
    return {
        "states": stored(ReviewState, "stability", "difficulty", "remembered_on"),
        "log": stored(ReviewLog, "predicted", "for_retention"),
        "days": sorted(
            DayStat.objects.filter(answers__gt=0).values_list(
                "learner", "day", "answers", "tested", "recalled", "mature_tested", "mature_recalled"
            )
        ),
    }


def months_of_study() -> None:
    for who, grades in ((making.learner(), (4, 5, 2, 4, 4, 3, 5)), (making.learner(), (2, 4, 4, 4, 5))):
        for what in making.deck(3):
            making.answered(who, what, *grades)
    who, (undone, reset, twice) = making.learner(), making.deck(3)
    making.answered(who, undone, 4, 4)
    reviewing.undo(who, graded(who, undone, 2, at(8)).pk, at(8))
    making.answered(who, reset, 4, 4)
    reviewing.reset(who, reset.pk, making.version(who, reset), at(8))
    graded(who, reset, 4, at(8))
    making.answered(who, twice, 4, 4)
    graded(who, twice, 4, at(8))
    reviewing.set_due(who, twice.pk, making.version(who, twice), day(8), at(8))
    graded(who, twice, 2, at(8))
    graded(who, twice, 4, at(8))


def test_the_dashboard_s_columns_are_filled_from_the_log():
    months_of_study()
    expected = everything()
    MigrationExecutor(connection).migrate(BEFORE_THE_DASHBOARD)
    call_command("migrate", verbosity=0)
    assert everything() == expected
    assert replaying.check().differing == 0


def test_days_in_a_row_are_known_to_be_unbroken_and_a_gap_is_not():
    who, what = making.learner(), making.deck(3)
    for number, card in zip((1, 2, 4), what, strict=True):
        graded(who, card, 4, at(number))
    MigrationExecutor(connection).migrate(BEFORE_THE_DASHBOARD)
    call_command("migrate", verbosity=0)
    days = DayStat.objects.filter(learner=who).order_by("day").values_list("day", "unbroken")
    assert list(days) == [(day(1), False), (day(2), True), (day(4), False)]


def test_whoever_is_logged_in_stays_so_when_sessions_get_a_learner():
    who = making.learner()
    MigrationExecutor(connection).migrate([("accounts", "0004_events")])
    old = SessionStore()
    old[SESSION_KEY], old[BACKEND_SESSION_KEY] = str(who.pk), settings.AUTHENTICATION_BACKENDS[0]
    old[HASH_SESSION_KEY] = who.get_session_auth_hash()
    old.create()
    call_command("migrate", verbosity=0)
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(old.session_key)
    assert client.get("/today/").context["user"] == who
    assert Session.objects.get().learner == who
