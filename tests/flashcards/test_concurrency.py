"""Many answers in the same moment, from real threads with connections of their own.

An already-reviewed card matters most: with a new card the unique row would hide a missing lock.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection

from accounts.models import User
from flashcards import history, queue, reviewing
from flashcards.models import Card, ReviewLog, ReviewState
from flashcards.reviewing import Refused, Stale
from flashcards.scheduling import schedule
from tests.making import answer, answered, at, card, day, deck, graded, kinds, learner, proven, state

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 50
ROUNDS = 8
SECONDS_TO_MEET = 60


def at_once(works: Sequence[Callable[[], object]]) -> list[object]:
    """Do all of this in the same moment, each on its own connection; return results and refusals in order."""
    meeting = Barrier(len(works))

    def one(work: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            meeting.wait(SECONDS_TO_MEET)
            return work()
        except Refused as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(one, works))


@pytest.fixture(params=["reviewed before", "new"])
def situation(request: pytest.FixtureRequest) -> Iterator[tuple[User, Card, int, datetime]]:
    """A learner, a card, its version and a moment at which it is due."""
    who, what = learner(), card()
    if request.param == "new":
        yield who, what, 0, at(1)
    else:
        answered(who, what, 4, 4)
        yield who, what, 2, at(8)


def test_fifty_copies_of_one_answer_are_one_review_and_fifty_equal_replies(situation):
    who, what, version, now = situation
    sent = answer(5, version)
    replies = at_once([partial(reviewing.grade_card, who, what.pk, sent, now)] * CROWD)
    rows = ReviewLog.objects.filter(submission=sent.submission)
    assert replies == [rows.get()] * CROWD
    assert state(who, what).version == version + 1
    proven(who)


def test_fifty_answers_to_one_showing_are_one_review_and_49_stale_ones(situation):
    who, what, version, now = situation
    answers = [answer(2 + n % 4, version) for n in range(CROWD)]
    replies = at_once([partial(reviewing.grade_card, who, what.pk, sent, now) for sent in answers])
    kept = [reply for reply in replies if isinstance(reply, ReviewLog)]
    assert len(kept) == 1
    assert sum(isinstance(reply, Stale) for reply in replies) == CROWD - 1
    assert state(who, what).version == state(who, what).log.count() == version + 1
    assert kept[0].submission == answers[replies.index(kept[0])].submission
    proven(who)


def test_fifty_cards_answered_at_once_are_fifty_reviews():
    who, cards = learner(), deck(CROWD)
    for what in cards[::2]:
        graded(who, what, 4, at(1))
    works = [
        partial(reviewing.grade_card, who, what.pk, answer(4, 1 - n % 2), at(2))
        for n, what in enumerate(cards)
    ]
    replies = at_once(works)
    assert [reply.state.card for reply in replies if isinstance(reply, ReviewLog)] == cards
    assert ReviewLog.objects.filter(study_day=day(2)).count() == CROWD
    assert queue.counts(who, day(2)).left == 0
    proven(who)


def test_many_learners_answer_one_card_at_once_and_each_keeps_their_own():
    people, what = [learner() for _ in range(20)], card()
    at_once([partial(graded, who, what, 2 + n % 4, at(1)) for n, who in enumerate(people)])
    assert [state(who, what).log.get().grade for who in people] == [2 + n % 4 for n in range(20)]


def test_one_submission_for_two_cards_at_once_counts_for_one_of_them():
    for _ in range(ROUNDS):
        who, (one, two) = learner(), deck(2)
        sent = answer(4, 0, uuid4())
        replies = at_once([partial(reviewing.grade_card, who, what.pk, sent, at(1)) for what in (one, two)])
        assert sum(isinstance(reply, ReviewLog) for reply in replies) == 1
        assert sum(type(reply) is Refused for reply in replies) == 1
        assert ReviewLog.objects.filter(learner=who).count() == 1
        proven(who)


def test_twenty_copies_of_one_undo_undo_once():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    before = history.schedule_of(state(who, what))
    row = graded(who, what, 2, at(8))
    replies = at_once([partial(reviewing.undo, who, row.pk, at(8))] * 20)
    assert replies == [state(who, what).log.get(kind="undo")] * 20
    assert history.schedule_of(state(who, what)) == before
    proven(who)


def test_undo_and_the_next_answer_at_once_happen_in_one_order_or_the_other():
    for _ in range(ROUNDS):
        who, what = learner(), card()
        row = graded(who, what, 2, at(1))
        undone, drilled = at_once(
            [
                partial(reviewing.undo, who, row.pk, at(1)),
                partial(reviewing.grade_card, who, what.pk, answer(4, 1), at(1)),
            ]
        )
        if isinstance(undone, ReviewLog):
            assert isinstance(drilled, Stale)
            assert kinds(who, what) == ["review", "undo"]
        else:
            assert isinstance(undone, Refused)
            assert isinstance(drilled, ReviewLog)
            assert kinds(who, what) == ["review", "drill"]
        proven(who)


def test_undo_and_answers_to_other_cards_at_once_leave_every_schedule_provable():
    who, cards = learner(), deck(8)
    row = graded(who, cards[0], 2, at(1))
    works = [partial(graded, who, what, 4, at(1)) for what in cards[1:]]
    replies = at_once([partial(reviewing.undo, who, row.pk, at(1)), *works])
    assert all(isinstance(reply, ReviewLog) for reply in replies[1:])
    undone = not isinstance(replies[0], Refused)
    assert (history.schedule_of(state(who, cards[0])) == schedule.NEW) == undone
    proven(who)


def test_suspending_and_answering_at_once_loses_neither():
    for _ in range(ROUNDS):
        who, what = learner(), card()
        answered(who, what, 4)
        _, reply = at_once(
            [
                partial(reviewing.suspend, who, what.pk, at(1)),
                partial(reviewing.grade_card, who, what.pk, answer(4, 1), at(2)),
            ]
        )
        after = state(who, what)
        assert after.suspended
        assert after.version == (2 if isinstance(reply, ReviewLog) else 1)
        proven(who)


def test_a_new_card_paused_twenty_times_at_once_has_one_row():
    who, what = learner(), card()
    at_once(
        [partial(reviewing.bury, who, what.pk, at(1)), partial(reviewing.suspend, who, what.pk, at(1))] * 10
    )
    row = ReviewState.objects.get(learner=who)
    assert (row.suspended, row.buried_on, row.version) == (True, day(1), 0)


def test_reset_due_day_and_answer_at_once_are_one_event():
    for _ in range(ROUNDS):
        who, what = learner(), card()
        answered(who, what, 4)
        replies = at_once(
            [
                partial(reviewing.reset, who, what.pk, 1, at(2)),
                partial(reviewing.set_due, who, what.pk, 1, day(9), at(2)),
                partial(reviewing.grade_card, who, what.pk, answer(4, 1), at(2)),
            ]
        )
        assert sum(isinstance(reply, ReviewLog) for reply in replies) == 1
        assert state(who, what).version == 2
        proven(who)
