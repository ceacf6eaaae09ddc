"""What is stored with each answer: the forecast that was made of it, and whether it tests the memory."""

import pytest
from django.db import IntegrityError

from flashcards import history, reviewing
from flashcards.models import ReviewLog
from flashcards.scheduling import memory
from tests.making import answered, at, card, day, deck, graded, learner, proven, state, version

pytestmark = pytest.mark.django_db


def logged(who, *names):
    return list(ReviewLog.objects.filter(learner=who).order_by("id").values_list(*names))


def test_each_answer_carries_the_recall_that_was_predicted_for_it():
    who, what = learner(), card()
    answered(who, what, 4, 2, 5)
    first = memory.after(None, 4, day(1))
    second = memory.after(first, 2, day(2))
    assert logged(who, "predicted") == [
        (None,),
        (memory.recall(first, day(2)),),
        (memory.recall(second, day(3)),),
    ]
    assert history.memory_of(state(who, what)) == memory.after(second, 5, day(3))


def test_a_second_answer_on_the_same_day_has_no_prediction_but_is_remembered():
    who, what = learner(), card()
    graded(who, what, 2, at(1))
    before = history.memory_of(state(who, what))
    graded(who, what, 4, at(1, 13))
    assert logged(who, "predicted") == [(None,), (None,)]
    assert history.memory_of(state(who, what)) == memory.after(before, 4, day(1))


def test_what_was_predicted_is_never_changed():
    who, cards = learner(), deck(3)
    for what in cards:
        answered(who, what, 4, 4, 4)
    before = logged(who, "pk", "predicted", "for_retention")
    assert sum(predicted is not None for _, predicted, _ in before) == 6
    reviewing.undo(who, graded(who, cards[0], 2, at(30)).pk, at(30))
    reviewing.reset(who, cards[1].pk, version(who, cards[1]), at(30))
    graded(who, cards[1], 4, at(30))
    reviewing.set_due(who, cards[2].pk, version(who, cards[2]), day(60), at(30))
    assert logged(who, "pk", "predicted", "for_retention")[: len(before)] == before
    proven(who)


def test_a_reset_card_is_remembered_no_more():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    reviewing.reset(who, what.pk, 2, at(3))
    assert history.memory_of(state(who, what)) is None
    assert graded(who, what, 4, at(4)).predicted is None


def test_practice_ahead_is_predicted_as_well_but_does_not_test_retention():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    row = graded(who, what, 4, at(5))
    assert row.predicted is not None
    assert (row.kind, row.for_retention) == ("practice", False)


def test_the_day_s_first_review_of_a_card_with_an_interval_tests_retention():
    who, what = learner(), card()
    answered(who, what, 4, 2)
    graded(who, what, 4, at(2, 13))
    assert logged(who, "kind", "for_retention") == [("review", False), ("review", True), ("drill", False)]


def test_a_second_review_on_a_day_does_not_test_retention_unless_the_first_was_undone():
    who, what = learner(), card()
    answered(who, what, 4)
    graded(who, what, 4, at(2))
    reviewing.set_due(who, what.pk, 2, day(2), at(2))
    assert not graded(who, what, 4, at(2)).for_retention
    other = card()
    answered(who, other, 4)
    reviewing.undo(who, graded(who, other, 2, at(2)).pk, at(2))
    assert graded(who, other, 4, at(2)).for_retention


def test_the_database_refuses_to_undo_an_event_twice():
    who, what = learner(), card()
    undone = reviewing.undo(who, graded(who, what, 4, at(1)).pk, at(1))
    undone.pk, undone.sequence = None, 3
    with pytest.raises(IntegrityError):
        undone.save(force_insert=True)
