"""The plan at work: every card seen in the week before the interview, SM-2 untouched, all back afterwards."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from flashcards import history, interviews, planning, queue, reviewing, rollup
from flashcards.interviews import Wanted
from flashcards.models import Card, Interview, ReviewLog, ReviewState
from flashcards.planning import Moved
from flashcards.scheduling import schedule
from flashcards.scheduling.plan import last_week
from flashcards.scheduling.schedule import Kind
from tests.flashcards.test_concurrency import at_once
from tests.making import (
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
    rolled_back,
    scheduled,
    shown,
    state,
)

pytestmark = pytest.mark.django_db


def expect(who: User, on: date, now: datetime) -> Moved:
    """Add an interview on this day and return what it moved."""
    return interviews.add(who, Wanted("Acme", on), now).moved


def settled(who: User, now: datetime) -> None:
    """Do what a day's first request does before it shows anything."""
    planning.settle(who, queue.today_of(who, now), now)


def nothing_left_to_plan(who: User, now: datetime) -> None:
    """Assert that each card is where the plan wants it: planning once more moves none."""
    with rolled_back():
        assert planning.replan(who, queue.today_of(who, now), now) == Moved(0, 0, 0)


def steady(who: User, cards: Iterable[Card], now: datetime) -> None:
    """Learn each card well enough that it comes back in 15 days or more: three times Good, each in time."""
    for what in cards:
        answered(who, what, 4, 4, 4)


def due_days(who: User) -> list[date]:
    """Return the days on which the learner's cards come, in order."""
    return sorted(row.due_on for row in ReviewState.objects.filter(learner=who) if row.due_on)


def in_the_week_before(who: User, on: int) -> bool:
    """Whether each of the learner's cards comes in the week before this day."""
    first, last = last_week(day(on))
    return all(first <= due_on <= last for due_on in due_days(who))


def sm2_of(who: User) -> dict[int, tuple[object, ...]]:
    rows = ReviewState.objects.filter(learner=who)
    return {row.card_id: (row.repetitions, row.ease, row.interval, row.lapses) for row in rows}


# Walking the days


class Walk:
    """A learner who answers all that is shown, and a twin who answers the same without an interview."""

    def __init__(self, cards: list[Card], **settings: object) -> None:
        self.cards = cards
        self.who, self.twin = learner(**settings), learner(**settings)
        self.seen = dict[date, set[int]]()

    def live(self, number: int, hour: int = 12) -> None:
        """Answer all that today shows; every fifth answer is a miss, every seventh Hard."""
        settled(self.who, at(number, hour))
        second = 0
        while item := shown(self.who, at(number, hour, 0, second)):
            grade = 2 if (number + item.card.pk) % 5 == 0 else 3 if (number + item.card.pk) % 7 == 0 else 4
            if item.kind is Kind.DRILL:
                grade = 4
            self.answer(item.card, item.kind, grade, at(number, hour, 0, second))
            second += 1
            assert second < 60
        nothing_left_to_plan(self.who, at(number, hour))

    def answer(self, what: Card, kind: Kind, grade: int, now: datetime) -> None:
        if self.who.interview_on is not None:
            self.seen.setdefault(queue.today_of(self.who, now), set()).add(what.pk)
        graded(self.who, what, grade, now)
        twin = ReviewState.objects.filter(learner=self.twin, card=what).first()
        held = history.schedule_of(twin) if twin else schedule.NEW
        drilled = schedule.answer_kind(held, queue.today_of(self.twin, now)) is Kind.DRILL
        if kind is not Kind.DRILL or drilled:
            graded(self.twin, what, grade, now)

    def seen_from(self, first: date, last: date) -> set[int]:
        return {pk for on, pks in self.seen.items() if first <= on <= last for pk in pks}


@pytest.mark.parametrize("interview", [12, 33, 48])
def test_every_active_card_is_seen_in_the_week_before_and_the_intervals_are_those_of_a_twin(interview):
    walk = Walk(deck(12), new_cards_per_day=2)
    for number in range(1, 5):
        walk.live(number)
    expect(walk.who, day(interview), at(5, 8))
    for number in range(5, interview + 1):
        walk.live(number)
        proven(walk.who)
    started = set(ReviewState.objects.filter(learner=walk.who).values_list("card", flat=True))
    assert started == {what.pk for what in walk.cards}
    assert walk.seen_from(*last_week(day(interview))) == started
    assert sm2_of(walk.who) == sm2_of(walk.twin)
    assert ReviewLog.objects.filter(learner=walk.who, kind=Kind.PLAN).exists() == (interview > 20)


def test_after_the_interview_the_days_are_those_of_a_twin_again():
    walk = Walk(deck(12), new_cards_per_day=3)
    expect(walk.who, day(30), at(1, 8))
    for number in range(1, 31):
        walk.live(number)
    settled(walk.who, at(31))
    mine, theirs = (
        dict(ReviewState.objects.filter(learner=one).values_list("card", "due_on"))
        for one in (walk.who, walk.twin)
    )
    assert mine == theirs
    assert walk.who.interview_on is None
    for number in range(31, 45):
        walk.live(number)
    assert sm2_of(walk.who) == sm2_of(walk.twin)
    proven(walk.who)


# An interview comes


def test_cards_past_the_interview_are_spread_over_the_week_before_it_and_nothing_else_moves():
    who, cards = learner(), deck(14)
    for n, what in enumerate(cards):
        scheduled(who, what, day(40 + n), version=0, last_reviewed_on=day(1))
    early = scheduled(who, card(), day(12), version=0)
    before = sm2_of(who)
    assert expect(who, day(30), at(2)) == Moved(ahead=14, behind=0, back=0)
    rows = ReviewState.objects.filter(card__in=cards)
    assert [list(rows.values_list("due_on", flat=True)).count(day(n)) for n in range(23, 30)] == [2] * 7
    assert [row.own_due_on for row in rows.order_by("card")] == [day(40 + n) for n in range(14)]
    assert state(who, early.card).due_on == day(12)
    assert sm2_of(who) == before


def test_each_move_is_an_event_of_the_log():
    who, what = learner(), card()
    answered(who, what, 4, 4, 4)
    expect(who, day(20), at(8, 13))
    row = state(who, what).log.get(kind=Kind.PLAN)
    assert (row.sequence, row.grade, row.study_day) == (4, None, day(8))
    assert (row.interval_before, row.interval, row.due_on) == (15, 15, state(who, what).due_on)
    assert in_the_week_before(who, 20)
    assert not row.for_retention
    proven(who)


def test_a_card_that_is_new_suspended_or_retired_stays_as_it_is():
    who, (paused, gone, new) = learner(), deck(3)
    for what in (paused, gone):
        answered(who, what, 4, 4, 4)
    reviewing.suspend(who, paused.pk, at(8))
    Card.objects.filter(pk=gone.pk).update(retired=True)
    assert expect(who, day(20), at(9)) == Moved(0, 0, 0)
    assert not ReviewState.objects.filter(card=new).exists()


def test_a_released_card_is_planned_at_once():
    who, what = learner(), card()
    before = answered(who, what, 4, 4, 4)
    reviewing.suspend(who, what.pk, at(8))
    expect(who, day(20), at(9))
    reviewing.release(who, what.pk, at(10))
    assert in_the_week_before(who, 20)
    assert state(who, what).own_due_on == before.due_on
    reviewing.suspend(who, what.pk, at(11))
    interviews.delete(who, Interview.objects.get().pk, at(11))
    reviewing.release(who, what.pk, at(12))
    assert (state(who, what).due_on, state(who, what).own_due_on) == (before.due_on, None)
    proven(who)


def test_an_interview_tomorrow_brings_all_cards_today_and_one_today_none():
    who, cards = learner(), deck(5)
    steady(who, cards, at(1))
    expect(who, day(16), at(15))
    assert left(who, at(15)) == (5, 0, 0)
    other, more = learner(), deck(5)
    steady(other, more, at(1))
    assert expect(other, day(15), at(15)) == Moved(0, 0, 0)


def test_two_learners_do_not_touch_each_other():
    one, two, cards = learner(), learner(), deck(6)
    for who in (one, two):
        steady(who, cards, at(1))
    before = list(ReviewState.objects.filter(learner=two).order_by("pk").values())
    expect(one, day(20), at(9))
    assert list(ReviewState.objects.filter(learner=two).order_by("pk").values()) == before
    expect(two, day(18), at(9))
    settled(one, at(21))
    assert not ReviewState.objects.filter(learner=one, own_due_on__isnull=False).exists()
    assert ReviewState.objects.filter(learner=two, own_due_on__isnull=False).count() == 6


def test_a_guest_has_a_plan_too():
    who, what = User.objects.create_guest("Europe/Berlin"), card()
    answered(who, what, 4, 4, 4)
    assert expect(who, day(20), at(9)).ahead == 1
    proven(who)


# Several interviews


def test_the_nearest_interview_leads_and_then_the_next():
    who, cards = learner(), deck(7)
    for what in cards:
        answered(who, what, 4, 4, 4, 4)  # due on day 61
    expect(who, day(40), at(23))
    assert expect(who, day(50), at(23)) == Moved(0, 0, 0)
    assert due_days(who) == [day(n) for n in range(33, 40)]
    settled(who, at(41))
    assert due_days(who) == [day(n) for n in range(43, 50)]
    settled(who, at(51))
    assert due_days(who) == [day(61)] * 7
    proven(who)


def test_a_nearer_interview_takes_the_lead_and_gives_it_back_when_it_is_deleted():
    who, cards = learner(), deck(7)
    for what in cards:
        answered(who, what, 4, 4, 4, 4)  # due on day 61
    expect(who, day(55), at(23))
    assert due_days(who) == [day(n) for n in range(48, 55)]
    assert expect(who, day(40), at(23)).ahead == 7
    assert due_days(who) == [day(n) for n in range(33, 40)]
    interviews.delete(who, Interview.objects.get(on=day(40)).pk, at(23))
    assert due_days(who) == [day(n) for n in range(48, 55)]
    proven(who)


def test_a_deleted_interview_leaves_every_card_on_its_own_day():
    who, cards = learner(), deck(7)
    steady(who, cards, at(1))
    before = list(ReviewState.objects.order_by("pk").values_list("due_on", "shuffle"))
    expect(who, day(20), at(9))
    gone = interviews.delete(who, Interview.objects.get().pk, at(14))
    assert gone.moved == Moved(ahead=0, behind=0, back=7)
    assert list(ReviewState.objects.order_by("pk").values_list("due_on", "shuffle")) == before
    proven(who)


# When it is over


def test_the_first_request_after_the_interview_puts_unanswered_cards_back():
    who, (known, missed, late) = learner(), deck(3)
    steady(who, (known, missed, late), at(1))
    expect(who, day(20), at(18))
    graded(who, known, 4, at(19))
    graded(who, missed, 2, at(19))
    settled(who, at(20))
    assert state(who, late).due_on == day(19)
    settled(who, at(21))
    assert [state(who, what).due_on for what in (known, missed, late)] == [day(23), day(20), day(23)]
    assert not ReviewState.objects.filter(own_due_on__isnull=False).exists()
    assert (state(who, known).interval, state(who, missed).interval) == (15, 1)
    proven(who)


def test_a_day_on_which_nothing_is_over_costs_no_statement():
    who = learner(interview_on=day(9))
    with CaptureQueriesContext(connection) as captured:
        for number in (1, 8, 9):
            settled(who, at(number))
    assert not captured.captured_queries


# Answers


def brought_ahead(*grades: int) -> tuple[User, Card]:
    """Return a card due on day 23 that the plan brings on day 19, the day before the interview."""
    who, what = learner(), card()
    answered(who, what, 4, 4, 4, *grades)
    expect(who, day(20), at(18))
    assert (state(who, what).due_on, state(who, what).own_due_on) == (day(19), day(23))
    return who, what


@pytest.mark.parametrize(
    ("grade", "after", "due"),
    [(2, (0, 0, 1), 20), (3, (0, 0, 1), 23), (4, (0, 0, 0), 23), (5, (0, 0, 0), 23)],
)
def test_the_counts_of_the_day_are_right_whatever_the_answer_and_after_its_undo(grade, after, due):
    who, what = brought_ahead()
    before = history.schedule_of(state(who, what))
    assert left(who, at(19)) == (1, 0, 0)
    row = graded(who, what, grade, at(19))
    counts = queue.counts(who, day(19))
    assert (left(who, at(19)), counts.total) == (after, 1)
    assert counts.done == 1 - counts.drills
    assert state(who, what).due_on == day(due)
    reviewing.undo(who, row.pk, at(19))
    assert left(who, at(19)) == (1, 0, 0)
    assert queue.counts(who, day(19)).total == 1
    assert history.schedule_of(state(who, what)) == before
    proven(who)


def test_a_hard_one_comes_once_more_today_and_is_done_then():
    who, what = brought_ahead()
    graded(who, what, 3, at(19))
    item = shown(who, at(19, 13))
    assert item is not None
    assert item.kind is Kind.DRILL
    graded(who, what, 4, at(19, 13))
    assert queue.counts(who, day(19)).left == 0
    assert queue.counts(who, day(19)).done == 1
    assert (state(who, what).interval, state(who, what).due_on) == (15, day(23))


def test_an_answer_whose_next_day_is_past_the_interview_is_planned_and_undone_as_one():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    expect(who, day(20), at(7))
    before = history.schedule_of(state(who, what))
    row = graded(who, what, 4, at(8))
    assert kinds(who, what) == ["review", "review", "review", "plan"]
    assert in_the_week_before(who, 20)
    assert state(who, what).own_due_on == day(23)
    reviewing.undo(who, row.pk, at(8))
    assert kinds(who, what) == ["review", "review", "review", "plan", "undo", "undo"]
    assert history.schedule_of(state(who, what)) == before
    proven(who)


def test_what_the_buttons_show_is_what_the_answer_does():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    expect(who, day(20), at(7))
    held, planned = history.schedule_of(state(who, what)), planning.plan_of(who)
    for grade, foreseen in schedule.preview(held, day(8), at(8), planned, what.position).items():
        with rolled_back():
            graded(who, what, grade, at(8))
            assert history.schedule_of(state(who, what)) == foreseen


def test_practice_in_the_last_week_counts_as_seen():
    who, what = learner(), card()
    answered(who, what, 4, 4, 4, 4)  # due on day 61
    expect(who, day(40), at(24))
    assert state(who, what).due_on == day(34)
    graded(who, what, 4, at(33))
    assert state(who, what).due_on == day(61)
    nothing_left_to_plan(who, at(33))
    proven(who)


def test_an_undone_practice_does_not_take_a_later_plan_with_it():
    who, what = learner(), card()
    answered(who, what, 4, 4, 4)
    row = graded(who, what, 4, at(9))
    expect(who, day(20), at(9, 13))
    reviewing.undo(who, row.pk, at(9, 14))
    assert in_the_week_before(who, 20)
    nothing_left_to_plan(who, at(9, 14))
    proven(who)


def test_an_answer_undone_after_a_plan_of_a_later_day_counts_no_more_on_its_own():
    who, what = learner(), card()
    answered(who, what, 4, 4, 4)
    row = graded(who, what, 4, at(23))
    expect(who, day(40), at(24))
    assert kinds(who, what)[-1] == "plan"
    reviewing.undo(who, row.pk, at(23, 13))  # the clock was put back
    assert [(one.day, one.answers) for one in rollup.days(who)][-2:] == [(day(23), 0), (day(24), 0)]
    proven(who)


def test_an_undo_does_not_bring_back_the_plan_of_an_interview_that_is_gone():
    who, what = brought_ahead()
    row = graded(who, what, 4, at(19))
    interviews.delete(who, Interview.objects.get().pk, at(19, 13))
    reviewing.undo(who, row.pk, at(19, 14))
    assert (state(who, what).due_on, state(who, what).own_due_on) == (day(23), None)
    nothing_left_to_plan(who, at(19, 14))
    proven(who)


# Size


def test_an_interview_for_2000_cards_takes_a_bounded_number_of_statements():
    who, cards = learner(), deck(2_000)
    ReviewState.objects.bulk_create(
        ReviewState(learner=who, card=what, due_on=day(60), interval=30, repetitions=3) for what in cards
    )
    with CaptureQueriesContext(connection) as captured:
        assert expect(who, day(30), at(2)).ahead == 2_000
    assert len(captured) < 250  # SQLite takes few values at once, so many cards are written in portions
    with CaptureQueriesContext(connection) as captured:
        assert planning.replan(who, day(3), at(3)) == Moved(0, 0, 0)
    assert len(captured) < 12
    with CaptureQueriesContext(connection) as captured:
        settled(who, at(31))
    assert len(captured) < 250
    assert ReviewState.objects.filter(due_on=day(60), own_due_on=None).count() == 2_000


# At the same time


at_once_on_real_connections = pytest.mark.django_db(transaction=True)


@at_once_on_real_connections
def test_two_interviews_added_at_once_leave_one_plan_for_the_nearer():
    for nearer, farther in ((20, 22), (22, 20)) * 3:
        who, cards = learner(), deck(6)
        steady(who, cards, at(1))
        one, two = User.objects.get(pk=who.pk), User.objects.get(pk=who.pk)
        at_once([partial(expect, one, day(nearer), at(9)), partial(expect, two, day(farther), at(9))])
        who.refresh_from_db()
        assert Interview.objects.filter(learner=who).count() == 2
        assert who.interview_on == day(20)
        assert in_the_week_before(who, 20)
        nothing_left_to_plan(who, at(9))
        proven(who)


@at_once_on_real_connections
def test_the_same_interview_sent_twice_at_once_is_one():
    who, what = learner(), card()
    answered(who, what, 4, 4, 4)
    copies = [User.objects.get(pk=who.pk) for _ in range(8)]
    at_once([partial(expect, copy, day(20), at(9)) for copy in copies])
    assert Interview.objects.filter(learner=who).count() == 1
    assert kinds(who, what).count("plan") == 1
    proven(who)


@at_once_on_real_connections
def test_a_grade_and_an_interview_at_once_leave_the_card_planned():
    """The answer makes the card's next day fall past the interview: whoever is second must move it."""
    for _ in range(8):
        who, cards = learner(), deck(4)
        for what in cards:
            answered(who, what, 4, 4)
        others = [User.objects.get(pk=who.pk) for _ in cards]
        grades = [partial(graded, one, what, 4, at(8)) for one, what in zip(others, cards, strict=True)]
        replies = at_once([partial(expect, User.objects.get(pk=who.pk), day(20), at(8)), *grades])
        assert all(isinstance(reply, ReviewLog) for reply in replies[1:])
        who.refresh_from_db()
        assert in_the_week_before(who, 20)
        nothing_left_to_plan(who, at(8))
        proven(who)


def test_an_answer_that_was_under_way_when_the_interview_was_added_is_planned():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    under_way = User.objects.get(pk=who.pk)
    expect(who, day(20), at(8))
    graded(under_way, what, 4, at(8))
    assert in_the_week_before(who, 20)


@at_once_on_real_connections
def test_a_grade_and_the_end_of_the_interview_at_once_leave_no_plan():
    for _ in range(4):
        who, cards = learner(), deck(4)
        steady(who, cards, at(1))
        expect(who, day(20), at(9))
        others = [User.objects.get(pk=who.pk) for _ in range(4)]
        grades = [partial(graded, one, what, 4, at(21)) for one, what in zip(others, cards, strict=True)]
        at_once([partial(settled, User.objects.get(pk=who.pk), at(21)), *grades])
        assert not ReviewState.objects.filter(learner=who, own_due_on__isnull=False).exists()
        assert all(row.interval == 15 for row in ReviewState.objects.filter(learner=who))
        proven(who)
