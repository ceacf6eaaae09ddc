"""The made data: the same for the same seed, another for another, and spread evenly."""

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import date

import pytest

from flashcards.models import ReviewState
from tests.bench import people
from tests.bench.copying import numbers
from tests.bench.spread import SHUFFLED, Spread
from tests.making import deck

TODAY = date(2026, 11, 28)


def drawn(seed: int, limit: int, what: str = "due") -> list[int]:
    """Return what six hundred rows get."""
    statement = f"SELECT {Spread(seed).below(limit, what, 'n')} FROM {numbers(600)}"
    with closing(sqlite3.connect(":memory:")) as database:
        return [number for (number,) in database.execute(statement)]


def test_a_seed_draws_the_same_again_and_another_seed_or_purpose_draws_otherwise():
    assert drawn(1, 60) == drawn(1, 60)
    assert drawn(1, 60) != drawn(2, 60)
    assert drawn(1, 60) != drawn(1, 60, "reviewed")


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_number_below_the_limit_is_drawn_equally_often(seed: int):
    assert Counter(drawn(seed, 60)) == dict.fromkeys(range(60), 10)


def test_a_shuffle_gives_each_row_a_place_of_its_own_in_no_order():
    places = drawn(1, SHUFFLED)
    assert len(set(places)) == 600
    assert places not in (sorted(places), sorted(places, reverse=True))


@pytest.mark.django_db
def test_a_learner_of_another_seed_has_other_days():
    deck(30)
    days = []
    for seed in (1, 1, 2):
        who = people.one(30, 5, TODAY, Spread(seed))
        states = ReviewState.objects.filter(learner=who).order_by("card")
        days.append([*states.values_list("due_on", "last_reviewed_on", "shuffle")])
    assert days[0] == days[1]
    assert days[0] != days[2]
