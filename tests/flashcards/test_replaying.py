"""The proof that every stored schedule is its log folded, and that it would notice if it weren't."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from flashcards import replaying, reviewing
from flashcards.models import ReviewLog, ReviewState
from flashcards.scheduling import sm2
from tests import making
from tests.making import at, day

pytestmark = pytest.mark.django_db


@pytest.fixture
def history():
    """Return a state with a long log: passes, misses, drills, undos, a moved due day and a reset."""
    who, card = making.learner(), making.card()
    making.answered(who, card, 4, 4, 2)
    now = at(9, 18)
    for grade in (3, 4):
        making.graded(who, card, grade, now)
        now += timedelta(minutes=1)
    for _ in range(2):
        latest = reviewing.latest_standing(who, day(9))
        assert latest
        reviewing.undo(who, latest.pk, now)
    reviewing.set_due(who, card.pk, making.version(who, card), day(20), now)
    making.graded(who, card, 5, at(20))
    reviewing.reset(who, card.pk, making.version(who, card), at(21))
    making.graded(who, card, 4, at(22))
    return making.state(who, card)


def test_states_that_are_their_log_are_all_equal(history):
    making.answered(making.learner(), making.card(), 5, 3, 4)
    report = replaying.check()
    assert (report.states, report.events, report.differing) == (2, history.version + 3, 0)


def test_an_empty_database_is_all_equal():
    assert str(replaying.check()) == "0 states, 0 events: all equal"


def test_a_card_paused_before_its_first_answer_is_equal():
    who = making.learner()
    reviewing.suspend(who, making.card().pk, at(1))
    assert str(replaying.check()) == "1 states, 0 events: all equal"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("repetitions", 9),
        ("ease", 131),
        ("interval", 77),
        ("drill", True),
        ("due_on", day(99)),
        ("introduced_on", None),
        ("last_reviewed_on", day(1)),
        ("last_answered_at", datetime(2020, 1, 1, tzinfo=UTC)),
        ("lapses", 5),
        ("version", 3),
        ("shuffle", 1),
    ],
)
def test_a_state_that_was_tampered_with_is_found(history, field, value):
    ReviewState.objects.filter(pk=history.pk).update(**{field: value})
    (difference,) = replaying.check().differences
    assert (difference.field, difference.stored) == (field, value)
    assert difference.folded == getattr(history, field)


@pytest.mark.parametrize("field", ["repetitions", "ease", "interval", "lapses", "interval_before"])
def test_a_log_row_that_was_tampered_with_is_found(history, field):
    ReviewLog.objects.filter(state=history, sequence=2).update(**{field: F(field) + 1})
    fields = [difference.field for difference in replaying.check().differences]
    assert fields == [f"log 2: {field}"]


def test_a_log_row_of_another_learner_is_found(history):
    ReviewLog.objects.filter(state=history, sequence=2).update(learner=making.learner())
    assert [difference.field for difference in replaying.check().differences] == ["log 2: learner_id"]


@pytest.mark.parametrize("sequence", [1, 4])
def test_a_missing_event_is_found(history, sequence):
    ReviewLog.objects.filter(state=history, sequence=sequence).delete()
    (difference,) = replaying.check().differences
    assert "carries the sequence number" in str(difference)


def test_a_missing_last_event_is_found(history):
    ReviewLog.objects.filter(state=history, sequence=history.version).delete()
    assert "version" in [difference.field for difference in replaying.check().differences]


def test_an_undo_of_anything_but_the_latest_is_found(history):
    ReviewLog.objects.filter(state=history, kind="undo").update(undoes=1)
    (difference,) = replaying.check().differences
    assert "not the latest" in str(difference)


def test_an_answer_given_during_the_check_is_no_difference(monkeypatch):
    who, card = making.learner(), making.card()
    making.answered(who, card, 4)
    chunks = replaying._chunks

    def interrupted():
        for states in chunks():
            stale = states[0]
            making.graded(who, card, 4, at(2))
            stale.refresh_from_db(fields=["version"])
            yield states

    monkeypatch.setattr(replaying, "_chunks", interrupted)
    assert replaying.check().differing == 0


def test_statements_depend_on_chunks_and_not_on_cards_or_events(monkeypatch, django_assert_num_queries):
    who = making.learner()
    for card in making.deck(12):
        making.answered(who, card, 4, 4, 4)
    monkeypatch.setattr(replaying, "CHUNK", 5)
    with django_assert_num_queries(2 * 3 + 1):
        assert replaying.check().states == 12


def test_the_command_says_that_all_is_equal(history):
    out = StringIO()
    call_command("check_schedules", stdout=out)
    assert out.getvalue() == f"1 states, {history.version} events: all equal\n"


def test_the_command_lists_the_first_twenty_and_fails():
    who = making.learner()
    for card in making.deck(25):
        making.answered(who, card, 4)
    ReviewState.objects.update(ease=sm2.MIN_EASE)
    out = StringIO()
    with pytest.raises(CommandError, match="25 states, 25 events: 25 differences"):
        call_command("check_schedules", stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 20
    assert lines[0].startswith(f"learner {who.pk}, ")
    assert lines[0].endswith("ease: stored 130, folded 250")
