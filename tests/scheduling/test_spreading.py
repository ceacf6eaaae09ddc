"""Spreading: the fill is as level as it can be, and no card goes where the plan wants none."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashcards.scheduling.plan import NOTHING, Plan
from flashcards.scheduling.spreading import shares, usable_days

TODAY = date(2026, 3, 2)
loads_of_days = st.lists(st.integers(0, 200), min_size=1, max_size=7)


def after(days: int) -> date:
    return TODAY + timedelta(days=days)


def filled(loads: list[int], cards: int) -> list[int]:
    return [load + share for load, share in zip(loads, shares(loads, cards), strict=True)]


@pytest.mark.parametrize(
    ("loads", "cards", "expected"),
    [
        ([0, 0, 0], 42, (14, 14, 14)),
        ([0, 0, 0, 0, 0], 42, (9, 9, 8, 8, 8)),
        ([0, 5, 0], 7, (4, 0, 3)),
        ([0, 5, 2], 20, (9, 4, 7)),
        ([3, 3], 0, (0, 0)),
        ([9], 4, (4,)),
        ([0, 9, 9], 4, (4, 0, 0)),
        ([], 0, ()),
    ],
)
def test_a_hand_computed_fill(loads, cards, expected):
    assert shares(loads, cards) == expected


def test_cards_without_a_day_are_an_error():
    with pytest.raises(ValueError, match="4 cards need at least one day"):
        shares([], 4)


@given(loads_of_days, st.integers(0, 2_000))
def test_every_card_gets_a_day_and_no_day_loses_one(loads, cards):
    given_out = shares(loads, cards)
    assert sum(given_out) == cards
    assert len(given_out) == len(loads)
    assert min(given_out) >= 0


@given(loads_of_days, st.integers(0, 2_000))
def test_days_that_got_cards_differ_by_one_at_most_and_the_others_are_as_full(loads, cards):
    given_out, after_it = shares(loads, cards), filled(loads, cards)
    got = [total for total, share in zip(after_it, given_out, strict=True) if share]
    others = [total for total, share in zip(after_it, given_out, strict=True) if not share]
    if got:
        assert max(got) - min(got) <= 1
        assert all(total >= max(got) - 1 for total in others)


@given(loads_of_days, st.integers(0, 2_000))
def test_it_is_what_giving_one_card_after_the_other_to_the_emptiest_day_leads_to(loads, cards):
    one_by_one = list(loads)
    for _ in range(cards):
        one_by_one[one_by_one.index(min(one_by_one))] += 1
    assert filled(loads, cards) == one_by_one


@given(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.integers(0, 6))
def test_no_other_way_makes_the_fullest_day_smaller(loads, cards):
    ways = [way for way in product(range(cards + 1), repeat=len(loads)) if sum(way) == cards]
    best = min(max(load + n for load, n in zip(loads, way, strict=True)) for way in ways)
    assert max(filled(loads, cards)) == best


@given(st.lists(st.integers(0, 200), max_size=6), st.integers(0, 2_000))
def test_spreading_what_was_left_for_today_once_more_moves_nothing(later, cards):
    first = shares([0, *later], cards)
    again = shares([0, *(load + share for load, share in zip(later, first[1:], strict=True))], first[0])
    assert again == (first[0], *(0 for _ in later))


def test_without_a_plan_the_days_are_the_next_ones_from_today():
    assert usable_days(NOTHING, TODAY, 3) == (TODAY, after(1), after(2))


def test_no_day_is_the_interviews_or_later():
    assert usable_days(Plan(interview_on=after(2)), TODAY, 7) == (TODAY, after(1))


@pytest.mark.parametrize("days", [0, 1])
def test_with_the_interview_today_or_tomorrow_only_today_is_left(days):
    assert usable_days(Plan(interview_on=after(days)), TODAY, 7) == (TODAY,)


def test_an_interview_that_is_over_takes_no_day():
    assert usable_days(Plan(interview_on=after(-1)), TODAY, 3) == (TODAY, after(1), after(2))


def test_the_days_of_a_break_are_left_out():
    plan = Plan(break_from=after(1), break_until=after(3))
    assert usable_days(plan, TODAY, 7) == (TODAY, after(4), after(5), after(6))


def test_today_may_keep_its_cards_even_in_a_break():
    assert usable_days(Plan(break_from=TODAY, break_until=after(9)), TODAY, 5) == (TODAY,)
