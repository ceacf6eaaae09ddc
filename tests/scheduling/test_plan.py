"""The planned day: seen in the week before the interview, never past it, nothing in a break."""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flashcards.scheduling.plan import (
    NOTHING,
    Plan,
    days_to_start,
    last_week,
    new_cards_needed,
    planned_day,
)

START = date(2026, 3, 2)


def day(number: int) -> date:
    return START + timedelta(days=number - 1)


def moved(
    plan: Plan,
    own: int,
    *,
    current: int | None = None,
    seen: int | None = None,
    today: int = 1,
    place: int = 0,
) -> int:
    """Return the number of the planned day; days are numbers too, and the card stands on its own day."""
    there = day(own if current is None else current)
    on = planned_day(plan, day(own), there, day(seen) if seen is not None else None, day(today), place)
    return (on - day(1)).days + 1


def interview(on: int, *break_days: int) -> Plan:
    return Plan(day(on), *map(day, break_days))


def holiday(first: int, last: int) -> Plan:
    return Plan(None, day(first), day(last))


# The interview


def test_without_a_plan_a_card_comes_on_its_own_day():
    assert moved(NOTHING, 40) == 40
    assert moved(NOTHING, 40, current=12) == 40
    assert moved(NOTHING, -3) == -3


def test_the_last_week_is_the_seven_days_before_the_interview():
    assert last_week(day(30)) == (day(23), day(29))


def test_a_card_that_would_come_on_the_day_or_later_comes_in_the_week_before():
    for own in (30, 31, 400):
        assert [moved(interview(30), own, place=place) for place in range(9)] == [
            23, 24, 25, 26, 27, 28, 29, 23, 24
        ]  # fmt: skip


def test_a_card_that_comes_before_the_interview_anyway_stays():
    for own in (1, 15, 22, 23, 29):
        assert moved(interview(30), own) == own


def test_a_card_seen_in_the_last_week_is_let_go():
    assert moved(interview(30), 60, seen=22, today=22) == 23
    assert moved(interview(30), 60, seen=23, today=23) == 60
    assert moved(interview(30), 60, current=26, seen=24, today=24) == 60


def test_inside_the_last_week_cards_come_from_tomorrow_on():
    found = [moved(interview(30), 60, today=26, place=place) for place in range(6)]
    assert found == [27, 28, 29, 27, 28, 29]


def test_the_day_before_the_interview_is_the_last_on_which_anything_comes():
    assert moved(interview(30), 60, today=28) == 29
    assert moved(interview(30), 60, today=29) == 29
    assert moved(interview(30), 60, today=30) == 60


def test_what_came_for_the_interview_waits_on_its_day_until_the_interview_is_over():
    for today in (25, 26, 29, 30):
        assert moved(interview(30), 60, current=25, today=today) == 25
    assert moved(interview(30), 60, current=25, today=31) == 60


def test_another_date_spreads_the_cards_anew():
    found = [moved(interview(32), 60, current=23 + place % 7, place=place) for place in range(7)]
    assert found == [25, 26, 27, 28, 29, 30, 31]


def test_a_card_waiting_late_for_today_is_left_where_it_is():
    assert moved(interview(30), -4, today=3) == -4
    assert moved(interview(30), 26, today=28) == 26


def test_a_card_moved_to_a_day_past_an_interview_that_was_set_later_comes_before_it():
    # Its own day was in a break that is over; it had been spread to day 12, and now day 10 is the day.
    assert moved(interview(10, 2, 5), 3, current=12, today=7) in (8, 9)


# The break


def test_nothing_comes_in_a_break_but_in_the_week_after():
    found = [moved(holiday(10, 12), own, place=own) for own in range(8, 15)]
    assert found == [8, 9, 16, 17, 18, 13, 14]
    assert [moved(holiday(10, 12), 11, place=place) for place in range(8)] == [
        13, 14, 15, 16, 17, 18, 19, 13
    ]  # fmt: skip


def test_what_was_put_off_stays_spread_when_the_break_is_over():
    for today in (10, 12, 13, 19, 40):
        assert moved(holiday(10, 12), 11, current=17, today=today, place=4) == 17


def test_a_break_that_is_over_moves_nothing_more():
    assert moved(holiday(10, 12), 11, today=13) == 11


def test_a_cancelled_break_puts_back_what_isn_t_over():
    assert moved(NOTHING, 11, current=17, today=11) == 11
    assert moved(NOTHING, 11, current=17, today=12) == 17


def test_after_a_break_cards_come_before_the_interview():
    for place in range(8):
        assert moved(interview(16, 10, 12), 11, place=place) == 13 + place % 3


def test_a_break_in_the_last_week_leaves_its_other_days():
    found = [moved(interview(30, 24, 27), 60, place=place) for place in range(4)]
    assert found == [23, 28, 29, 23]


def test_a_day_in_the_last_week_that_a_later_break_takes_is_given_up():
    assert moved(interview(30, 26, 27), 60, current=26, today=24, place=1) == 28


def test_an_interview_right_after_a_break_brings_cards_before_the_break():
    assert moved(interview(30, 26, 29), 27) in (23, 24, 25)
    assert moved(interview(30, 26, 29), 60) in (23, 24, 25)


def test_where_no_day_is_left_a_card_stays_on_its_own():
    assert moved(interview(30, 20, 29), 24) == 24
    assert moved(interview(30, 20, 29), 60) == 60


# All plans


days_around = st.integers(-20, 80)


@st.composite
def situations(draw: st.DrawFn) -> dict[str, object]:
    """Any plan and card that there can be; the interview isn't in a break nor right after it."""
    on = draw(st.none() | st.integers(0, 60))
    first = draw(st.none() | st.integers(-10, 60))
    last = None if first is None else first + draw(st.integers(0, 30))
    assume(on is None or first is None or last is None or not first <= on <= last + 1)
    own = draw(days_around)
    today = draw(st.integers(0, 60))
    return {
        "plan": Plan(
            None if on is None else day(on),
            None if first is None else day(first),
            None if last is None else day(last),
        ),
        "own": day(own),
        "current": day(draw(st.just(own) | days_around)),
        "seen_on": draw(st.none() | st.integers(-20, today).map(day)),
        "today": day(today),
        "place": draw(st.integers(0, 300)),
    }


@given(situations())
def test_a_card_is_moved_to_today_or_later_and_else_stays(card):
    if planned_day(**card) < card["today"]:
        assert planned_day(**card) in (card["own"], card["current"])


@given(situations())
def test_nothing_due_before_the_interview_comes_on_its_day_or_later(card):
    on = card["plan"].interview_on
    if on and card["today"] <= on and card["own"] < on:
        assert planned_day(**card) < on


@given(situations())
def test_every_card_is_seen_or_comes_in_the_week_before_the_interview(card):
    on = card["plan"].interview_on
    if on and card["today"] < on <= card["own"]:
        first, last = last_week(on)
        seen = card["seen_on"] is not None and card["seen_on"] >= first
        assert first <= planned_day(**card) <= last or seen


@given(situations())
def test_nothing_comes_in_a_break_that_is_to_come(card):
    plan, found = card["plan"], planned_day(**card)
    if plan.break_until and plan.break_until >= card["today"] and found >= card["today"]:
        assert not plan.in_break(found)


@given(situations())
def test_a_planned_card_stays_planned(card):
    once = planned_day(**card)
    assert planned_day(**card | {"current": once}) == once


@given(situations(), st.integers(0, 60))
def test_a_planned_card_stays_where_it_is_as_the_days_pass_until_the_interview_is_over(card, later):
    plan, once = card["plan"], planned_day(**card)
    then = max(day(later), card["today"])
    if plan.interview_on is None or then <= plan.interview_on:
        assert planned_day(**card | {"current": once, "today": then}) == once


@given(situations())
def test_without_an_interview_or_a_break_every_card_that_isn_t_over_is_on_its_own_day(card):
    if card["own"] >= card["today"]:
        assert planned_day(**card | {"plan": NOTHING}) == card["own"]


@given(situations(), st.integers(1, 40))
def test_consecutive_places_are_spread_evenly(card, cards):
    found = Counter(
        planned_day(**card | {"current": card["own"], "place": card["place"] + n}) for n in range(cards)
    )
    if len(found) > 1 or cards <= 1:
        assert max(found.values()) - min(found.values()) <= 1


# Keeping the plan


def test_new_cards_can_be_started_from_today_to_the_day_before():
    assert days_to_start(interview(30), day(30), day(20)) == (True, 9)
    assert days_to_start(interview(30), day(30), day(29)) == (True, 0)
    assert days_to_start(interview(30), day(30), day(30)) == (False, 0)


def test_no_new_card_is_started_in_a_break():
    assert days_to_start(interview(30, 19, 23), day(30), day(20)) == (False, 6)
    assert days_to_start(interview(30, 21, 23), day(30), day(20)) == (True, 6)


@pytest.mark.parametrize(
    ("cards", "started", "today", "later", "needed"),
    [
        (14, 0, True, 9, 2),  # 10 days: 14 / 10, rounded up
        (20, 0, True, 9, 2),
        (21, 0, True, 9, 3),
        (18, 2, True, 9, 2),  # today's two are started: 9 x 2
        (19, 2, True, 9, 3),  # 1 + 9 x 3
        (5, 5, True, 0, 10),  # only today: five more than the five of today
        (5, 9, True, 5, 1),  # more were started today than any day needs
        (4, 0, False, 2, 2),
        (4, 0, False, 0, None),
        (0, 0, False, 0, 0),
    ],
)
def test_the_new_cards_a_day_that_are_needed(cards, started, today, later, needed):
    assert new_cards_needed(cards, started, today, later) == needed


@given(st.integers(0, 200), st.integers(0, 30), st.booleans(), st.integers(0, 30))
def test_as_many_new_cards_a_day_as_needed_are_enough_and_one_less_is_not(
    cards: int, started: int, today: bool, later: int
):
    def reach(a_day: int) -> int:
        return int(today) * max(0, a_day - started) + later * a_day

    needed = new_cards_needed(cards, started, today, later)
    if needed is None:
        assert cards > 0
        assert reach(10_000) == 0
    else:
        assert reach(needed) >= cards
        assert needed == 0 or reach(needed - 1) < cards
