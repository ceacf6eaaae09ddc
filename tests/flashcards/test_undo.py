"""Undo: any number of steps back within the study day, and never anything but the latest."""

from datetime import timedelta

import pytest

from flashcards import history, queue, queue_sql, reviewing
from flashcards.models import ReviewLog
from flashcards.reviewing import Refused
from flashcards.scheduling import schedule
from tests.making import (
    answer,
    answered,
    at,
    card,
    day,
    deck,
    graded,
    kinds,
    learner,
    left,
    proven,
    shown,
    state,
)

pytestmark = pytest.mark.django_db


def undo_latest(who, now):
    """Undo as the page does: whatever it names as the latest."""
    latest = reviewing.latest_standing(who, queue.today_of(who, now))
    assert latest is not None
    return reviewing.undo(who, latest.pk, now)


def test_undo_is_an_event_of_its_own_and_brings_the_schedule_back():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    before = history.schedule_of(state(who, what))
    missed = graded(who, what, 2, at(8))
    row = reviewing.undo(who, missed.pk, at(8, 13))
    assert (row.kind, row.undoes, row.grade, row.interval_before, row.interval) == ("undo", 3, None, 1, 6)
    assert history.schedule_of(state(who, what)) == before
    assert kinds(who, what) == ["review", "review", "review", "undo"]
    assert ReviewLog.objects.filter(pk=missed.pk, grade=2).exists()
    proven(who)


def test_an_undone_first_answer_leaves_a_new_card():
    who, what = learner(new_cards_per_day=1), card()
    reviewing.undo(who, graded(who, what, 4, at(1)).pk, at(1))
    assert history.schedule_of(state(who, what)) == schedule.NEW
    assert left(who, at(1)) == (0, 1, 0)


def test_an_undone_card_comes_back_on_top_and_the_counts_are_right():
    who, cards = learner(), deck(3)
    answered(who, cards[2], 4, since=1)
    first = shown(who, at(2))
    assert first is not None
    before = left(who, at(2))
    row = graded(who, first.card, 4, at(2))
    reviewing.undo(who, row.pk, at(2))
    assert left(who, at(2)) == before
    again = queue.item(who, first.card.pk, day(2))
    assert again is not None
    assert (again.card, again.version) == (first.card, 3)


def test_undo_works_on_the_last_card_when_nothing_is_left():
    who, what = learner(), card()
    graded(who, what, 4, at(1))
    assert shown(who, at(1)) is None
    undo_latest(who, at(1))
    assert shown(who, at(1)) is not None


def test_any_number_of_answers_can_be_undone_one_by_one_across_cards():
    who, cards = learner(), deck(4)
    for n, what in enumerate(cards):
        graded(who, what, 2, at(1, 12, n))
    for n, what in enumerate(cards):
        graded(who, what, 4, at(1, 13, n))
    undone = [undo_latest(who, at(1, 14)).state.card for _ in range(8)]
    assert undone == [*reversed(cards), *reversed(cards)]
    assert all(history.schedule_of(state(who, what)) == schedule.NEW for what in cards)
    assert reviewing.latest_standing(who, day(1)) is None
    proven(who)


def test_after_an_undo_the_card_can_be_answered_and_undone_again():
    who, what = learner(), card()
    reviewing.undo(who, graded(who, what, 2, at(1)).pk, at(1))
    again = graded(who, what, 5, at(1))
    assert (again.sequence, again.ease) == (3, 260)
    reviewing.undo(who, again.pk, at(1))
    assert kinds(who, what) == ["review", "undo", "review", "undo"]
    assert history.schedule_of(state(who, what)) == schedule.NEW
    proven(who)


def test_undoing_the_same_answer_twice_answers_alike_and_undoes_one():
    who, (one, two) = learner(), deck(2)
    graded(who, one, 4, at(1))
    row = graded(who, two, 4, at(1))
    first = reviewing.undo(who, row.pk, at(1))
    assert reviewing.undo(who, row.pk, at(1)) == first
    assert kinds(who, one) == ["review"]
    assert kinds(who, two) == ["review", "undo"]


def test_an_answer_with_a_later_one_after_it_cannot_be_undone():
    who, (one, two) = learner(), deck(2)
    row = graded(who, one, 4, at(1))
    graded(who, two, 4, at(1))
    with pytest.raises(Refused, match="later answer"):
        reviewing.undo(who, row.pk, at(1))
    assert kinds(who, one) == ["review"]


def test_a_later_answer_from_another_device_is_not_undone_by_mistake():
    who, what = learner(), card()
    seen_here = graded(who, what, 2, at(1))
    graded(who, what, 4, at(1))
    with pytest.raises(Refused, match="later answer"):
        reviewing.undo(who, seen_here.pk, at(1))
    assert kinds(who, what) == ["review", "drill"]


def test_undo_of_a_later_answer_opens_the_one_before():
    who, (one, two) = learner(), deck(2)
    first, second = graded(who, one, 4, at(1)), graded(who, two, 4, at(1))
    reviewing.undo(who, second.pk, at(1))
    assert reviewing.undo(who, first.pk, at(1)).undoes == 1


def test_nobody_can_undo_another_learners_answer():
    who, other, what = learner(), learner(), card()
    row = graded(other, what, 4, at(1))
    with pytest.raises(Refused, match="nothing to undo"):
        reviewing.undo(who, row.pk, at(1))
    assert kinds(other, what) == ["review"]


def test_another_learners_answers_do_not_stand_in_the_way():
    who, other, what = learner(), learner(), card()
    row = graded(who, what, 4, at(1))
    graded(other, what, 4, at(1))
    assert reviewing.undo(who, row.pk, at(1)).learner == who


def test_there_may_be_nothing_to_undo():
    with pytest.raises(Refused, match="nothing to undo"):
        reviewing.undo(learner(), 123_456, at(1))


def test_an_undo_cannot_be_undone():
    who, what = learner(), card()
    undone = reviewing.undo(who, graded(who, what, 4, at(1)).pk, at(1))
    with pytest.raises(Refused):
        reviewing.undo(who, undone.pk, at(1))
    assert kinds(who, what) == ["review", "undo"]


def test_undo_reaches_back_to_the_rollover_and_no_further():
    who, what = learner(), card()
    row = graded(who, what, 4, at(1, 23))
    with pytest.raises(Refused, match="today"):
        reviewing.undo(who, row.pk, at(2, 4))
    assert reviewing.undo(who, row.pk, at(2, 3, 59)).study_day == day(1)


def test_undo_never_takes_an_older_review_of_the_card_along():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    graded(who, what, 4, at(8))
    undo_latest(who, at(8))
    assert reviewing.latest_standing(who, day(8)) is None
    assert state(who, what).interval == 6
    proven(who)


@pytest.mark.parametrize("door", ["reset", "set_due", "practice", "missed practice"])
def test_everything_that_moves_a_schedule_can_be_undone(door):
    who, what = learner(), card()
    answered(who, what, 4, 4)
    before = history.schedule_of(state(who, what))
    if door == "reset":
        row = reviewing.reset(who, what.pk, 2, at(4))
    elif door == "set_due":
        row = reviewing.set_due(who, what.pk, 2, day(40), at(4))
    else:
        row = graded(who, what, 4 if door == "practice" else 1, at(4))
    reviewing.undo(who, row.pk, at(4))
    assert history.schedule_of(state(who, what)) == before
    proven(who)


def test_a_suspended_cards_answer_can_be_undone_and_the_card_stays_suspended():
    who, what = learner(), card()
    row = graded(who, what, 4, at(1))
    reviewing.suspend(who, what.pk, at(1))
    reviewing.undo(who, row.pk, at(1))
    assert state(who, what).suspended
    assert left(who, at(1)) == (0, 0, 0)


def test_a_form_from_before_the_undo_is_stale():
    who, what = learner(), card()
    row = graded(who, what, 4, at(1))
    reviewing.undo(who, row.pk, at(1))
    for seen in (0, 1):
        with pytest.raises(reviewing.Stale):
            reviewing.grade_card(who, what.pk, answer(5, seen), at(1))
    assert kinds(who, what) == ["review", "undo"]


def test_undo_still_finds_the_answer_when_the_clock_went_back():
    who, what = learner(), card()
    row = graded(who, what, 2, at(2))
    assert reviewing.latest_standing(who, day(1)) == row
    assert reviewing.undo(who, row.pk, at(1)).study_day == day(2)
    proven(who)


def test_undo_still_finds_the_answer_when_the_traveller_crossed_the_date_line():
    who, what = learner(time_zone="Pacific/Auckland"), card()
    now = at(2, 8, zone="Pacific/Auckland")
    row = graded(who, what, 2, now)
    who.time_zone = "America/Los_Angeles"
    reviewing.undo(who, row.pk, now + timedelta(minutes=1))
    assert history.schedule_of(state(who, what)) == schedule.NEW


def test_undo_after_a_clock_went_ahead_and_back_takes_the_latest_first():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    reviewing.set_due(who, what.pk, 2, day(20), at(3))
    reviewing.set_due(who, what.pk, 3, day(30), at(5))
    assert undo_latest(who, at(3)).undoes == 4
    assert undo_latest(who, at(3)).undoes == 3
    assert state(who, what).due_on == day(8)
    proven(who)


def test_the_latest_event_comes_in_one_statement_with_its_card_as_they_are_stored(django_assert_num_queries):
    who, (one, two) = learner(), deck(2)
    graded(who, one, 4, at(1))
    row = graded(who, two, 2, at(1, 13))
    for latest in (reviewing.last_event, reviewing.latest_standing):
        with django_assert_num_queries(1):
            found = latest(who, day(1))
            assert found is not None
            assert found.state.card.question == two.question
        for name in (field.attname for field in ReviewLog._meta.concrete_fields):
            assert getattr(found, name) == getattr(row, name)
        kept = state(who, two)
        assert all(getattr(found.state, name) == getattr(kept, name) for name in queue_sql.STATE.names)
