"""Visitors who never came back are forgotten; nobody else is."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts import deleting
from accounts.models import Session, User
from flashcards import clearing, reviewing
from flashcards.models import ReviewLog, ReviewState
from tests import making
from tests.making import at

pytestmark = pytest.mark.django_db


def guest(joined=1):
    who = User.objects.create_guest("UTC")
    User.objects.filter(pk=who.pk).update(joined_at=at(joined))
    return who


def test_a_guest_without_an_answer_since_then_goes_with_all_that_is_theirs():
    idle, card = guest(), making.card()
    making.answered(idle, card, 4, 4)
    assert clearing.clear_guests(at(10)) == 1
    assert not User.objects.filter(pk=idle.pk).exists()
    assert not ReviewLog.objects.exists()


def test_guests_who_answered_or_came_since_then_stay():
    busy, fresh, card = guest(), guest(joined=11), making.card()
    making.graded(busy, card, 4, at(10))
    assert clearing.clear_guests(at(10)) == 0
    assert User.objects.filter(pk__in=[busy.pk, fresh.pk]).count() == 2


def test_learners_stay_however_long_they_are_away():
    who, card = making.learner(), making.card()
    User.objects.filter(pk=who.pk).update(joined_at=at(1))
    making.answered(who, card, 4)
    assert clearing.clear_guests(at(9_000)) == 0
    assert making.state(who, card).version == 1


def test_what_a_deleted_account_left_goes_in_portions_answers_first(monkeypatch):
    monkeypatch.setattr(clearing, "ROWS", 2)
    monkeypatch.setattr(deleting, "MOST", 0)
    who, other, cards = making.learner(), making.learner(), making.deck(3)
    for card in cards:
        making.answered(who, card, 4)
    making.answered(other, cards[0], 4)
    deleting.delete(who, at(2))
    left = list[tuple[int, ...]]()
    while clearing.clear_gone(2):
        rows = (ReviewLog.objects.filter(learner=who.pk), ReviewState.objects.filter(learner=who.pk))
        left.append(tuple(of_them.count() for of_them in rows))
    assert left == [(1, 3), (0, 3), (0, 1)]
    assert User.objects.get() == other
    assert making.state(other, cards[0]).version == 1
    assert not clearing.clear_gone(2)


def test_guests_go_in_chunks(monkeypatch):
    monkeypatch.setattr(clearing, "CHUNK", 2)
    for _ in range(5):
        guest()
    assert clearing.clear_guests(at(10)) == 5


def test_expired_sessions_go():
    for key, expiry in (("old", at(1)), ("new", at(3))):
        Session.objects.create(session_key=key, session_data="", expire_date=expiry)
    assert clearing.clear_sessions(at(2)) == 1
    assert Session.objects.get().session_key == "new"


def test_the_command_counts_days_from_now():
    now = datetime.now(UTC)
    for days in (5, 40):
        who = guest()
        User.objects.filter(pk=who.pk).update(joined_at=now - timedelta(days=days))
    reviewing.suspend(who, making.card().pk, at(1))
    out = StringIO()
    call_command("clear_guests", stdout=out)
    call_command("clear_guests", "--days", "3", stdout=out)
    assert out.getvalue().splitlines() == ["1 guests and 0 expired sessions deleted."] * 2
    with pytest.raises(CommandError, match="1 or more"):
        call_command("clear_guests", "--days", "0")
