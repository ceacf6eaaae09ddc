"""How long, how well, what comes tomorrow: figures against days worked out by hand."""

from datetime import timedelta

import pytest

from accounts.models import User
from flashcards import progress, reviewing
from flashcards.models import Card
from flashcards.reviewing import Answer
from tests.making import answer, answered, at, card, day, deck, graded, learner, scheduled, version

pytestmark = pytest.mark.django_db


def took(who: User, what: Card, grade: int, seconds: int, second: int) -> None:
    """Answer the card, having thought for one second and read for the others."""
    given = answer(grade, version(who, what))
    timed = Answer(given.grade, given.submission, given.version, 1_000, (seconds - 1) * 1_000)
    reviewing.grade_card(who, what.pk, timed, at(1) + timedelta(seconds=second))


def test_twenty_seconds_a_card_until_twenty_answers_are_timed():
    who = learner()
    assert [progress.minutes(who, cards, day(1)) for cards in (0, 1, 3, 9, 30)] == [0, 1, 1, 3, 10]


def test_then_the_median_time_counts_and_a_long_pause_counts_as_a_minute():
    who, cards = learner(), deck(21)
    for second, what in enumerate(cards[:11]):
        took(who, what, 4, 90, second)
    for second, what in enumerate(cards[11:]):
        took(who, what, 4, 10, 100 + second)
    # 11 answers of 60 s (90 capped) and 10 of 10 s: the median is 60 s.
    assert progress.minutes(who, 10, day(1)) == 10


def test_between_two_middle_answers_the_pace_is_their_mean_each_capped_and_an_undone_one_is_none():
    who, cards = learner(), deck(21)
    for second, what in enumerate(cards[:20]):
        took(who, what, 4, 50 if second < 10 else 90, second)
    took(who, cards[20], 2, 1, 30)
    reviewing.undo(who, cards[20].states.get().log.get().pk, at(1, second=40))
    assert progress.minutes(who, 12, day(1)) == 11  # 12 cards of (50 + 60) / 2 = 55 seconds


def test_misses_make_the_estimate_longer_by_their_share():
    who, cards = learner(), deck(20)
    for second, what in enumerate(cards):
        took(who, what, 2 if second % 4 == 0 else 4, 30, second)
    # 20 cards x (1 + 5/20) x 30 s = 12.5 minutes, and Python rounds halves to even.
    assert progress.minutes(who, 20, day(1)) == 12


def test_answers_older_than_thirty_days_no_longer_count():
    who, cards = learner(), deck(20)
    for second, what in enumerate(cards):
        took(who, what, 2, 50, second)
    assert progress.minutes(who, 3, day(30)) == 5
    assert progress.minutes(who, 3, day(31)) == 1


def test_an_empty_day_sums_up_to_nothing():
    summary = progress.summary(learner(), day(1))
    assert (summary.cards, summary.minutes, summary.seen_before, summary.look_at) == (0, 0, 0, [])
    assert summary.grades == {"Again": 0, "Hard": 0, "Good": 0, "Easy": 0}


def test_the_summary_counts_cards_by_their_first_answer_and_not_undone_ones():
    who, (old, missed, fresh, undone) = learner(), deck(4)
    answered(who, old, 4)
    answered(who, missed, 4)
    graded(who, old, 5, at(2))
    graded(who, missed, 2, at(2, 12, 1))
    graded(who, missed, 4, at(2, 12, 2))  # the drill
    graded(who, fresh, 3, at(2, 12, 3))
    row = graded(who, undone, 2, at(2, 12, 4))
    reviewing.undo(who, row.pk, at(2, 12, 5))
    summary = progress.summary(who, day(2))
    assert (summary.cards, summary.recalled, summary.seen_before) == (3, 1, 2)
    assert summary.grades == {"Again": 1, "Hard": 1, "Good": 0, "Easy": 1}
    assert summary.look_at == [missed]
    assert summary.minutes == 1  # four answers of 10 s


def test_grades_0_and_1_stand_under_again():
    who = learner()
    graded(who, card(), 0, at(1))
    graded(who, card(), 1, at(1))
    assert progress.summary(who, day(1)).grades["Again"] == 2


def test_cards_to_look_at_are_the_two_missed_most_often():
    who, (first, second, third) = learner(), deck(3)
    for what, misses in ((first, 1), (second, 3), (third, 2)):
        scheduled(who, what, day(1), lapses=misses)
        graded(who, what, 2, at(1))
    assert progress.summary(who, day(1)).look_at == [second, third]


def test_tomorrow_holds_what_is_due_by_then_and_the_new_cards_of_that_day():
    who, cards = learner(new_cards_per_day=2), deck(6)
    graded(who, cards[0], 4, at(1))
    scheduled(who, cards[1], day(2))
    scheduled(who, cards[2], day(3))
    tomorrow = progress.tomorrow(who, day(1))
    assert (tomorrow.due, tomorrow.new, tomorrow.left) == (2, 2, 4)
