"""Streak, retention, weeks and calendar, each against a past that was counted by hand."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashcards import figures, queue, reviewing
from flashcards.figures import DayMark, Rate
from flashcards.models import DayStat
from tests.making import answered, at, card, day, deck, graded, learner, rolled_back, scheduled, version

pytestmark = pytest.mark.django_db


def studied(who, *numbers, unbroken=(), **columns):
    """Store the roll-up of these days, one answer each unless columns say otherwise."""
    DayStat.objects.bulk_create(
        DayStat(learner=who, day=day(number), unbroken=number in unbroken, **({"answers": 1} | columns))
        for number in numbers
    )


def streak(who, number):
    """Return the streak as it stands on the day with this number."""
    return figures.past(who, day(number)).streak


@pytest.fixture
def busy():
    """Return a learner for whom every day holds a card to answer, so that each day without one is missed."""
    who = learner(new_cards_per_day=5)
    card()
    return who


@pytest.fixture
def idle():
    """Return a learner for whom no day before the 50th holds anything to do."""
    who = learner(new_cards_per_day=0)
    scheduled(who, card(), day(50))
    return who


# Nothing yet


def test_a_learner_without_an_answer_has_figures_that_are_all_zero():
    past = figures.past(learner(), day(1))
    assert past.streak == figures.Streak(0, 0, True, 0, 0, None)
    assert past.strip == tuple(DayMark(day(1) - timedelta(days=n), 0) for n in range(13, -1, -1))
    assert past.retention == past.mature == Rate(0, 0)
    assert (past.weeks, past.days, past.answers) == ((), {}, 0)


def test_a_day_that_was_begun_without_an_answer_is_no_study_day(busy):
    studied(busy, 1, answers=0)
    past = figures.past(busy, day(1))
    assert (past.streak.days, past.streak.study_days, past.streak.open_today) == (0, 0, True)
    assert (past.days, past.weeks) == ({}, ())


def test_another_learner_s_days_are_not_counted(busy):
    studied(learner(), 1, 2, 3)
    assert figures.past(busy, day(3)).answers == 0


# Streak


@pytest.mark.parametrize(
    ("numbers", "today", "days", "best", "open_today"),
    [
        ((1,), 1, 1, 1, False),
        ((1, 2, 3), 3, 3, 3, False),
        ((1, 2, 3), 4, 3, 3, True),  # today is still open
        ((1, 2, 3), 5, 0, 3, True),  # day 4 is over and was missed
        ((1, 2, 3, 5), 5, 1, 3, False),
        ((1, 3, 4, 5, 6), 7, 4, 4, True),
        ((2, 4, 6), 6, 1, 1, False),
    ],
)
def test_a_streak_is_the_study_days_in_a_row_and_a_missed_day_ends_it(
    busy, numbers, today, days, best, open_today
):
    studied(busy, *numbers)
    held = streak(busy, today)
    assert (held.days, held.best, held.open_today) == (days, best, open_today)


def test_days_with_nothing_to_do_neither_add_to_a_streak_nor_end_it(idle):
    studied(idle, 1, 2, 6, 13, unbroken=(6, 13))
    assert (streak(idle, 13).days, streak(idle, 20).days) == (4, 4)


def test_a_gap_that_was_seen_to_be_free_joins_only_the_days_beside_it(idle):
    studied(idle, 1, 2, 6, 13, 14, unbroken=(6,))
    held = streak(idle, 14)
    assert (held.days, held.best) == (2, 3)


def test_the_days_up_to_today_are_judged_by_the_cards_of_today(idle):
    studied(idle, 47, 48)
    assert streak(idle, 50).days == 2, "day 49 was free, day 50 is still open"
    assert streak(idle, 51).days == 0, "day 50 was missed"


def test_a_planned_break_up_to_today_is_skipped_and_the_day_after_it_is_open(busy):
    busy.break_from, busy.break_until = day(4), day(9)
    studied(busy, 1, 2, 3)
    assert [streak(busy, number).days for number in (4, 9, 10, 11)] == [3, 3, 3, 0]


def test_a_day_begun_today_says_itself_whether_the_days_before_it_were_free(busy):
    studied(busy, 1, 2)
    studied(busy, 6, answers=0, unbroken=(6,))
    assert streak(busy, 6).days == 2


def test_a_day_begun_today_after_a_day_with_answers_goes_on_whatever_it_says(busy):
    studied(busy, 1, 2)
    studied(busy, 3, answers=0)
    assert streak(busy, 3).days == 2


def test_a_day_begun_without_an_answer_doesn_t_add_to_the_streak_once_it_is_over(idle):
    studied(idle, 1, 2)
    studied(idle, 5, answers=0, unbroken=(5,))
    held = streak(idle, 9)
    assert (held.days, held.study_days, held.span) == (2, 2, 9)


def test_study_days_are_set_against_the_days_since_the_first_one(busy):
    studied(busy, 3, 4, 9)
    held = streak(busy, 12)
    assert (held.study_days, held.span, held.since) == (3, 10, day(3))


def test_a_traveller_whose_date_went_back_keeps_the_streak_and_today_is_open(busy):
    studied(busy, 1, 2, 4, unbroken=())
    held = streak(busy, 3)
    assert (held.days, held.open_today, held.study_days, held.span) == (3, True, 3, 4)


def test_the_best_streak_stays_when_the_present_one_is_shorter(busy):
    studied(busy, *range(1, 18), 20, 21)
    held = streak(busy, 21)
    assert (held.days, held.best) == (2, 17)


def walked_back(numbers, free, today):
    """Count a streak as it is defined, one day at a time; today counts, or is skipped while it is open."""
    days = 0
    for number in range(today, 0, -1):
        if number in numbers:
            days += 1
        elif number != today and number not in free:
            break
    return days


@given(numbers=st.sets(st.integers(1, 40)), free=st.sets(st.integers(1, 40), min_size=15), today=st.just(40))
def test_the_streak_is_that_of_a_walk_back_day_by_day(numbers, free, today):
    with rolled_back():
        who = learner()
        joined = [
            number
            for number in {*numbers, today}
            if set(range(max((n for n in numbers if n < number), default=0) + 1, number)) <= free
        ]
        studied(who, *sorted(numbers), unbroken=joined)
        if today not in numbers:
            studied(who, today, answers=0, unbroken=joined)
        held = streak(who, today)
        assert held.days == walked_back(numbers, free, today)
        assert held.best == max((walked_back(numbers, free, number) for number in numbers), default=0)


# Streak, through answers


def test_practice_and_drills_make_a_study_day_but_no_test():
    who, what = learner(new_cards_per_day=0), card()
    answered(who, what, 4, 4)
    graded(who, what, 4, at(3))
    graded(who, what, 2, at(4))
    graded(who, what, 4, at(4))
    past = figures.past(who, day(4))
    assert past.days == {day(1): 1, day(2): 1, day(3): 1, day(4): 2}
    assert (past.streak.days, past.retention) == (4, Rate(recalled=1, tested=1))


def test_an_undo_takes_the_only_answer_of_a_day_out_of_every_figure():
    who, what = learner(), card()
    answered(who, what, 4)
    log = graded(who, what, 2, at(2))
    assert figures.past(who, day(2)).streak.days == 2
    reviewing.undo(who, log.pk, at(2))
    past = figures.past(who, day(2))
    assert (past.streak.days, past.streak.open_today, past.streak.study_days) == (1, True, 1)
    assert (past.retention, past.days, past.answers) == (Rate(0, 0), {day(1): 1}, 1)


def test_a_streak_through_free_days_is_the_same_before_and_after_the_next_answer():
    who, what = learner(new_cards_per_day=0), card()
    answered(who, what, 4, 4)
    before = streak(who, 8)
    graded(who, what, 4, at(8))
    after = streak(who, 8)
    assert (before.days, before.open_today) == (2, True)
    assert (after.days, after.open_today) == (3, False)
    assert (streak(who, 9).days, streak(who, 23).days, streak(who, 24).days) == (3, 3, 0)


NIGHTS = [
    ("America/Los_Angeles", date(2026, 3, 8)),  # 02:00 becomes 03:00
    ("America/Los_Angeles", date(2026, 11, 1)),  # 02:00 becomes 01:00
    ("Pacific/Auckland", date(2026, 4, 5)),  # 03:00 becomes 02:00
    ("Pacific/Auckland", date(2026, 9, 27)),  # 02:00 becomes 03:00
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # 02:00 becomes 01:30
    ("Australia/Lord_Howe", date(2026, 10, 4)),  # 02:00 becomes 02:30
    ("UTC", date(2026, 4, 5)),
]


@pytest.mark.parametrize(("zone", "night"), NIGHTS)
def test_a_day_ends_at_four_on_the_night_in_which_the_clocks_change(zone, night):
    who, cards = learner(time_zone=zone), iter(deck(6))

    def answer(on, hour, minute):
        wall = datetime(on.year, on.month, on.day, hour, minute, tzinfo=ZoneInfo(zone))
        graded(who, next(cards), 4, wall.astimezone(UTC))

    before, after = night - timedelta(days=1), night + timedelta(days=1)
    for on, hour, minute in [(before, 4, 0), (night, 3, 59), (night, 4, 0), (after, 3, 59), (after, 4, 0)]:
        answer(on, hour, minute)
    past = figures.past(who, after)
    assert past.days == {before: 2, night: 2, after: 1}
    assert (past.streak.days, past.streak.span, past.streak.study_days) == (3, 3, 3)


def test_a_streak_of_days_holds_when_only_the_hour_before_four_is_used():
    zone = "America/Los_Angeles"
    who, cards = learner(time_zone=zone), deck(4)
    for n, what in enumerate(cards):
        wall = datetime(2026, 3, 7 + n, 3, 59, 59, tzinfo=ZoneInfo(zone))
        graded(who, what, 4, wall.astimezone(UTC))
    held = figures.past(who, date(2026, 3, 9)).streak
    assert (held.days, held.since) == (4, date(2026, 3, 6))


def test_a_change_of_zone_or_of_the_day_s_start_doesn_t_rewrite_history():
    who, cards = learner(), deck(3)
    graded(who, cards[0], 4, at(1, 20))
    graded(who, cards[1], 4, at(2, 5))
    before = figures.past(who, day(3))
    who.time_zone, who.day_start = "Pacific/Auckland", 6  # there both instants lie in day 2
    who.save()
    assert queue.today_of(who, at(1, 20)) == day(2)
    assert figures.past(who, day(3)) == before
    graded(who, cards[2], 4, at(2, 20))
    assert figures.past(who, day(3)).days == {day(1): 1, day(2): 1, day(3): 1}


# Retention


def test_true_retention_is_worked_out_by_hand():
    """Cards a, b, c from day 1: what is tested, what isn't, and a second review in a day."""
    who, (a, b, c) = learner(), deck(3)
    for what in (a, b, c):
        graded(who, what, 4, at(1))  # first answers: no test
    graded(who, a, 4, at(2))  # tested, recalled
    graded(who, b, 2, at(2))  # tested, missed
    graded(who, b, 4, at(2))  # its drill
    graded(who, c, 3, at(3))  # tested, recalled
    graded(who, b, 4, at(3))  # tested, recalled
    graded(who, a, 4, at(4))  # practice
    reviewing.set_due(who, b.pk, version(who, b), day(3), at(3))
    assert graded(who, b, 2, at(3)).kind == "review"  # the same day: not tested again
    past = figures.past(who, day(4))
    assert past.retention == Rate(recalled=3, tested=4)
    assert past.mature == Rate(0, 0)


def test_the_window_is_thirty_study_days_with_today():
    who = learner()
    studied(who, 1, tested=1, recalled=1, mature_tested=1)
    studied(who, 2, 31, tested=1)
    assert figures.past(who, day(30)).retention.tested == 2
    assert figures.past(who, day(30)).mature.tested == 1
    assert figures.past(who, day(31)).retention == Rate(recalled=0, tested=2)
    assert figures.past(who, day(31)).mature.tested == 0
    assert figures.past(who, day(60)).retention.tested == 1
    assert figures.past(who, day(61)).retention.tested == 0


def test_mature_retention_counts_the_mature_columns_alone():
    who = learner()
    studied(who, 1, 2, answers=9, tested=8, recalled=7, mature_tested=5, mature_recalled=4)
    past = figures.past(who, day(2))
    assert (past.retention, past.mature) == (Rate(14, 16), Rate(8, 10))


@pytest.mark.parametrize(
    ("tested", "enough", "needed"), [(0, False, 20), (19, False, 1), (20, True, 0), (21, True, 0)]
)
def test_there_is_no_rate_to_show_below_twenty_tests(tested, enough, needed):
    rate = Rate(recalled=tested, tested=tested)
    assert (rate.enough, rate.needed) == (enough, needed)


def test_a_rate_comes_with_its_wilson_interval():
    rate = Rate(recalled=18, tested=20)
    # (p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n) with p = 0.9, n = 20, z2 = 3.841459
    assert (rate.share, rate.low, rate.high) == pytest.approx((0.9, 0.698966, 0.972134), abs=1e-6)


def test_nothing_tested_is_no_rate_and_any_rate_is_possible():
    assert (Rate(0, 0).share, Rate(0, 0).low, Rate(0, 0).high) == (None, 0, 1)


# Weeks


def test_weeks_begin_on_monday_and_those_without_an_answer_are_there():
    who = learner()
    assert day(1).strftime("%A") == "Monday"
    studied(who, 6, 7, answers=3, tested=2, recalled=1)  # Saturday, Sunday
    studied(who, 8, answers=4, tested=3, recalled=3)  # Monday
    studied(who, 23, answers=1)
    weeks = figures.past(who, day(30)).weeks
    assert [(week.monday, week.days_studied, week.answers, week.rate) for week in weeks] == [
        (day(1), 2, 6, Rate(2, 4)),
        (day(8), 1, 4, Rate(3, 3)),
        (day(15), 0, 0, Rate(0, 0)),
        (day(22), 1, 1, Rate(0, 0)),
        (day(29), 0, 0, Rate(0, 0)),
    ]


def test_three_years_are_all_their_weeks():
    who = learner()
    studied(who, *range(1, 3 * 364 + 1))
    weeks = figures.past(who, day(3 * 364)).weeks
    assert len(weeks) == 156
    assert {week.days_studied for week in weeks} == {7}
    assert [b.monday - a.monday for a, b in pairwise(weeks)] == [timedelta(7)] * 155


# Calendar


def test_the_strip_is_the_last_fourteen_days_oldest_first():
    who = learner()
    studied(who, 1, 2, 7, 15, answers=3)
    strip = figures.past(who, day(15)).strip
    assert [mark.day for mark in strip] == [day(number) for number in range(2, 16)]
    assert [mark.answers for mark in strip] == [3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3]


def test_the_days_have_their_answers_and_all_together_theirs():
    who = learner()
    studied(who, 1, answers=5)
    studied(who, 3, 4, answers=18)
    past = figures.past(who, day(9))
    assert (past.answers, past.days) == (41, {day(1): 5, day(3): 18, day(4): 18})


# Statements


def test_one_statement_gives_all_figures_however_long_the_past(django_assert_num_queries, busy):
    studied(busy, *range(1, 1001))
    for today in (1000, 1001):
        with django_assert_num_queries(1):
            figures.past(busy, day(today))


def test_days_without_an_answer_up_to_today_cost_one_statement_more(django_assert_num_queries, idle):
    idle.new_cards_per_day = 5
    studied(idle, 1, 2, 3)
    with django_assert_num_queries(2):
        assert figures.past(idle, day(9)).streak.days == 3
