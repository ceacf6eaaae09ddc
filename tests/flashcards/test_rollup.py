"""The daily roll-up: whatever happens, each row is what the log says, and knows whether a day was missed."""

from collections import Counter, defaultdict
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcards import planning, queue, replaying, reviewing, rollup
from flashcards.models import Card, DayStat, Interview, ReviewLog, ReviewState
from flashcards.reviewing import Refused
from tests.making import (
    answer,
    answered,
    at,
    card,
    day,
    deck,
    graded,
    learner,
    rolled_back,
    scheduled,
    version,
)

pytestmark = pytest.mark.django_db

ZONES = ["UTC", "Pacific/Auckland", "America/Los_Angeles", "Australia/Lord_Howe", "Pacific/Kiritimati"]


def row(who, number):
    """Return the row of the day with this number."""
    return DayStat.objects.get(learner=who, day=day(number))


def counts(who, number):
    """Return that day's answers, tested, recalled, and the last two of mature cards."""
    return tuple(getattr(row(who, number), name) for name in rollup.COUNTS)


def undo_latest(who, now):
    """Undo as the page does: whatever it names as the latest."""
    latest = reviewing.latest_standing(who, queue.today_of(who, now))
    if latest is not None:
        reviewing.undo(who, latest.pk, now)


def move(who, what, to, now):
    """Move the due day of a card as it stands."""
    reviewing.set_due(who, what.pk, version(who, what), to, now)


# Counts


def test_a_first_answer_counts_as_an_answer_and_tests_nothing():
    who = learner()
    graded(who, card(), 4, at(1))
    assert counts(who, 1) == (1, 0, 0, 0, 0)


@pytest.mark.parametrize(("grade", "recalled"), [(0, 0), (2, 0), (3, 1), (4, 1), (5, 1)])
def test_a_due_card_is_tested_and_recalled_from_hard_on(grade, recalled):
    who, what = learner(), card()
    answered(who, what, 4)
    graded(who, what, grade, at(2))
    assert counts(who, 2) == (1, 1, recalled, 0, 0)


@pytest.mark.parametrize(("interval", "mature"), [(20, 0), (21, 1)])
def test_a_card_is_mature_from_an_interval_of_21_days(interval, mature):
    log = ReviewLog(kind="review", grade=4, for_retention=True, interval_before=interval)
    assert rollup.counted(log) == dict(zip(rollup.COUNTS, (1, 1, 1, mature, mature), strict=True))


def test_a_mature_card_that_is_missed_is_tested_in_both_columns_and_recalled_in_neither():
    who, what = learner(), card()
    answered(who, what, 4, 4, 4)  # 1, 6 and 15 days: due on day 23, and then after 38
    graded(who, what, 4, at(23))
    graded(who, what, 2, at(61))
    assert counts(who, 23) == (1, 1, 1, 0, 0)
    assert counts(who, 61) == (1, 1, 0, 1, 0)


def test_drills_and_practice_are_answers_that_test_nothing():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    for grade in (4, 2, 4):
        graded(who, what, grade, at(5))
    kinds = ReviewLog.objects.filter(study_day=day(5)).order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["practice", "practice", "drill"]
    assert counts(who, 5) == (3, 0, 0, 0, 0)


def test_a_card_put_back_to_today_by_hand_is_tested_once():
    who, what = learner(), card()
    answered(who, what, 4)
    graded(who, what, 2, at(2))
    move(who, what, day(2), at(2))
    second = graded(who, what, 4, at(2))
    assert (second.kind, second.interval_before, second.for_retention) == ("review", 1, False)
    assert counts(who, 2) == (2, 1, 0, 0, 0)


def test_an_undone_answer_is_counted_no_more_and_the_next_one_is_the_first_again():
    who, what = learner(), card()
    answered(who, what, 4)
    graded(who, what, 2, at(2))
    undo_latest(who, at(2))
    assert counts(who, 2) == (0, 0, 0, 0, 0)
    graded(who, what, 4, at(2))
    assert counts(who, 2) == (1, 1, 1, 0, 0)


def test_the_second_copy_of_an_answer_or_of_an_undo_counts_nothing():
    who, what, sent = learner(), card(), answer(4, 0)
    for _ in range(2):
        log = reviewing.grade_card(who, what.pk, sent, at(1))
    assert counts(who, 1) == (1, 0, 0, 0, 0)
    graded(who, card(), 4, at(1))
    undo_latest(who, at(1))
    for _ in range(2):
        reviewing.undo(who, log.pk, at(1))
    assert counts(who, 1) == (0, 0, 0, 0, 0)


def test_a_refused_answer_leaves_no_row():
    who, one, two = learner(), card(), card()
    submission = uuid4()
    reviewing.grade_card(who, one.pk, answer(4, 0, submission), at(1))
    with pytest.raises(Refused):
        reviewing.grade_card(who, two.pk, answer(4, 0, submission), at(2))
    assert not DayStat.objects.filter(learner=who, day=day(2)).exists()


# Whether a day was missed


@pytest.fixture
def due_on_8():
    """Return a learner who may start no new cards, and their only card: answered on days 1 and 2."""
    who, what = learner(new_cards_per_day=0), card()
    answered(who, what, 4, 4)
    return who, what


def test_the_first_day_continues_nothing():
    who = learner(new_cards_per_day=0)
    assert not rollup.unbroken(who, day(1))
    graded(who, card(), 4, at(1))
    assert not row(who, 1).unbroken


def test_days_on_which_nothing_is_due_and_nothing_may_be_started_are_not_missed(due_on_8):
    who, what = due_on_8
    assert rollup.unbroken(who, day(8))
    graded(who, what, 4, at(8))
    assert (row(who, 2).unbroken, row(who, 8).unbroken) == (True, True)


def test_a_day_on_which_a_card_is_due_is_missed_once_it_is_over(due_on_8):
    who, what = due_on_8
    assert not rollup.unbroken(who, day(9))
    graded(who, what, 4, at(9))
    assert not row(who, 9).unbroken


def test_a_new_card_that_may_be_started_makes_a_day_one_that_can_be_missed(due_on_8):
    who, _ = due_on_8
    fresh = card()
    assert rollup.unbroken(who, day(8))
    who.new_cards_per_day = 1
    assert not rollup.unbroken(who, day(8))
    Card.objects.filter(pk=fresh.pk).update(retired=True)
    assert rollup.unbroken(who, day(8))
    Card.objects.filter(pk=fresh.pk).update(retired=False)
    ReviewState.objects.create(learner=who, card=fresh, suspended=True)
    assert rollup.unbroken(who, day(8))


def test_suspended_and_retired_cards_make_no_day_that_can_be_missed(due_on_8):
    who, what = due_on_8
    ReviewState.objects.filter(learner=who).update(suspended=True)
    assert rollup.unbroken(who, day(20))
    ReviewState.objects.filter(learner=who).update(suspended=False)
    assert not rollup.unbroken(who, day(20))
    Card.objects.filter(pk=what.pk).update(retired=True)
    assert rollup.unbroken(who, day(20))


@pytest.mark.parametrize(
    ("break_from", "break_until", "expected"),
    [(3, 11, True), (8, 11, True), (8, 10, False), (9, 11, False), (9, 20, False), (5, 20, True)],
)
def test_days_of_a_planned_break_are_not_missed_and_those_beside_it_are(
    due_on_8, break_from, break_until, expected
):
    who, _ = due_on_8
    who.break_from, who.break_until = day(break_from), day(break_until)
    assert rollup.unbroken(who, day(12)) is expected


@pytest.mark.parametrize("change", ["moves", "suspends", "resets"])
def test_what_is_changed_before_the_first_answer_does_not_hide_the_days_that_were_missed(due_on_8, change):
    who, what = due_on_8
    other = card()
    if change == "moves":
        move(who, what, day(12), at(10))
    elif change == "suspends":
        reviewing.suspend(who, what.pk, at(10))
    else:
        reviewing.reset(who, what.pk, version(who, what), at(10))
    assert (row(who, 10).answers, row(who, 10).unbroken) == (0, False)
    assert not rollup.unbroken(who, day(11)), "the days 8 and 9 stay missed although nothing is due any more"
    graded(who, other, 4, at(10))
    assert not row(who, 10).unbroken
    assert rollup.unbroken(who, day(11)), "day 10 itself was studied"


def test_a_card_moved_to_tomorrow_on_a_free_day_is_missed_only_after_that_day(due_on_8):
    who, what = due_on_8
    move(who, what, day(6), at(5))
    assert row(who, 5).unbroken
    assert (rollup.unbroken(who, day(6)), rollup.unbroken(who, day(7))) == (True, False)


def test_a_day_whose_only_answer_was_undone_is_missed_if_the_card_was_due(due_on_8):
    who, what = due_on_8
    graded(who, what, 4, at(8))
    undo_latest(who, at(8))
    assert not rollup.unbroken(who, day(9))


def test_a_day_whose_only_practice_was_undone_is_free_as_before(due_on_8):
    who, what = due_on_8
    graded(who, what, 4, at(5))
    undo_latest(who, at(5))
    assert rollup.unbroken(who, day(6))


def test_a_break_that_is_cancelled_after_the_day_was_begun_still_counts_for_its_past_days(due_on_8):
    who, _ = due_on_8
    who.break_from, who.break_until = day(8), day(20)
    rollup.begin(who, day(12))
    who.break_from = who.break_until = None
    assert row(who, 12).unbroken
    assert not rollup.unbroken(who, day(13)), "from day 12 on, the card that waits is due"


@pytest.mark.parametrize(("answers", "expected"), [(1, True), (0, False)])
def test_a_day_begun_while_the_day_before_looked_missed_is_mended_by_a_traveller_s_answer_there(
    answers, expected
):
    who = learner(new_cards_per_day=0)
    scheduled(who, card(), day(30))
    for number, given_ in ((8, 1), (9, answers), (10, 0)):
        DayStat.objects.create(learner=who, day=day(number), answers=given_)
    assert rollup.unbroken(who, day(11)) is expected


def test_a_traveller_whose_day_goes_back_keeps_both_days():
    who, cards = learner(time_zone="Pacific/Auckland", new_cards_per_day=0), deck(3)
    graded(who, cards[0], 4, at(1, 20))  # 09:00 on day 2 in Auckland
    who.time_zone = "America/Los_Angeles"
    graded(who, cards[1], 4, at(1, 21))  # 13:00 on day 1 in Los Angeles
    graded(who, cards[0], 4, at(2, 1))  # its card was seen on day 2 already
    assert (counts(who, 1)[0], counts(who, 2)[0]) == (1, 2)


def test_the_plan_begins_the_day_before_it_moves_a_card_to_where_it_was_never_missed():
    who, what = learner(new_cards_per_day=0), card()
    answered(who, what, 4, 4, 4)
    Interview.objects.create(learner=who, company="Acme", on=day(20))
    planning.replan(who, day(9), at(9))
    assert ReviewState.objects.filter(learner=who, due_on__range=(day(13), day(19))).exists()
    assert row(who, 9).unbroken
    planning.settle(who, day(21), at(21))
    assert ReviewState.objects.get(learner=who).due_on == day(23)
    assert not row(who, 21).unbroken, "the card had come in the interview's week and was missed there"
    assert not rollup.unbroken(who, day(23))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("missed", [False, True])
def test_of_first_answers_at_once_one_begins_the_day_and_all_are_counted(missed):
    for _ in range(4):
        who, cards = learner(new_cards_per_day=0), deck(6)
        for what in cards:
            answered(who, what, 4, 4)
        today = 9 if missed else 8
        meeting = Barrier(len(cards))

        def work(who, what, now, meeting=meeting):
            try:
                connection.ensure_connection()
                meeting.wait(60)
                graded(who, what, 4, now)
            finally:
                connection.close()

        threads = [Thread(target=partial(work, who, what, at(today))) for what in cards]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts(who, today) == (6, 6, 6, 0, 0)
        assert row(who, today).unbroken is not missed


# The roll-up is the log counted


def recount(who):
    """Count the log once more, one event at a time: (day, column) to number, without zeros."""
    logs = defaultdict[int, list[ReviewLog]](list)
    for log in ReviewLog.objects.filter(learner=who).order_by("state", "sequence"):
        stack = logs[log.state_id]
        if log.kind == "undo":
            assert stack.pop().sequence == log.undoes
        else:
            stack.append(log)
    totals = Counter[tuple[date, str]]()
    for stack in logs.values():
        tested_on = set()
        for log in stack:
            if log.grade is None:
                continue
            totals[log.study_day, "answers"] += 1
            if log.kind == "review" and log.interval_before >= 1 and log.study_day not in tested_on:
                tested_on.add(log.study_day)
                for column in ("", "mature_") if log.interval_before >= 21 else ("",):
                    totals[log.study_day, f"{column}tested"] += 1
                    totals[log.study_day, f"{column}recalled"] += log.grade >= 3
    return +totals


def stored(who):
    """Return the same from the roll-up."""
    rows = DayStat.objects.filter(learner=who)
    return +Counter({(held.day, name): getattr(held, name) for held in rows for name in rollup.COUNTS})


CARDS = 3


def waits_until_due(who, what, now, _):
    due_on = ReviewState.objects.filter(learner=who, card=what).values_list("due_on", flat=True).first()
    today = queue.today_of(who, now)
    return now + max(timedelta(0), (due_on or today) - today)


def answers_when_due(who, what, now, number):
    now = waits_until_due(who, what, now, number)
    graded(who, what, 2 + number % 4, now)
    return now


def answers_at_once(who, what, now, number):
    graded(who, what, number % 6, now)


def undoes(who, what, now, number):
    for _ in range(1 + number % 3):
        undo_latest(who, now)


def resets(who, what, now, number):
    reviewing.reset(who, what.pk, version(who, what), now)


def moves(who, what, now, number):
    move(who, what, queue.today_of(who, now) + timedelta(days=number % 4), now)


def pauses(who, what, now, number):
    operation = (reviewing.suspend, reviewing.bury, reviewing.release, reviewing.release)[number % 4]
    operation(who, what.pk, now)


def turns_the_clock(who, what, now, number):
    return now + timedelta(hours=number - 20)


def travels(who, what, now, number):
    who.time_zone, who.day_start = ZONES[number % len(ZONES)], number % 7
    who.save()


def plans_an_interview(who, what, now, number):
    today = queue.today_of(who, now)
    Interview.objects.create(learner=who, company="Acme", on=today + timedelta(days=number % 20))
    planning.replan(who, today, now)


OPERATIONS = [
    answers_when_due,
    answers_at_once,
    undoes,
    resets,
    moves,
    pauses,
    turns_the_clock,
    travels,
    plans_an_interview,
]
STEPS = st.tuples(st.sampled_from(OPERATIONS), st.integers(0, CARDS - 1), st.integers(0, 60))


@settings(max_examples=30)
@given(st.lists(STEPS, min_size=5, max_size=30))
def test_whatever_happens_each_day_is_the_log_counted(steps):
    with rolled_back():
        who, cards, now = learner(), deck(CARDS), at(1)
        for operation, place, number in steps:
            now += timedelta(minutes=1)
            with suppress(Refused):
                now = operation(who, cards[place], now, number) or now
            assert stored(who) == recount(who)
        report = replaying.check()
        assert report.differing == 0, report.differences


def test_years_of_answers_and_undos_are_counted_as_the_log_is():
    who, cards, now = learner(), deck(CARDS), at(1)
    for number in range(150):  # the remainders of primes keep cards, grades and undos out of step
        now = answers_when_due(who, cards[number % CARDS], now, 3 if number % 13 == 0 else number % 3 + 1)
        if number % 5 == 0:
            undoes(who, cards[0], now, number % 2)
    total = stored(who)
    assert total == recount(who)
    assert sum(n for (_, name), n in total.items() if name == "mature_tested") >= 20
