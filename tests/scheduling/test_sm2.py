"""SM-2: histories of grades against expected states, and what holds for every history."""

import json
import random
import subprocess
import sys
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashcards.scheduling import sm2
from flashcards.scheduling.sm2 import GradeError, State

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
VECTORS = json.loads((HERE / "sm2_vectors.json").read_text(encoding="utf-8"))

GRADES = st.integers(0, 5)
CAPS = st.integers(1, 36_500)
STATES = st.builds(State, st.integers(0, 50), st.integers(130, 700), st.integers(0, 36_500), st.booleans())


def history(*grades: int, start: State = sm2.NEW) -> list[State]:
    """Return the state after each of these graded reviews."""
    states = [start]
    for grade in grades:
        states.append(sm2.review(states[-1], grade))
    return states[1:]


def intervals(*grades: int) -> list[int]:
    return [state.interval for state in history(*grades)]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_every_state_of_a_public_vector_comes_out(vector: dict[str, Any]):
    state = State(*vector.get("start", sm2.NEW))
    cap = vector.get("max_interval", sm2.MAX_INTERVAL)
    kinds = vector.get("kinds", "r" * len(vector["grades"]))
    reached = []
    for kind, grade in zip(kinds, vector["grades"], strict=True):
        state = sm2.review(state, grade, cap) if kind == "r" else sm2.drill(state, grade)
        reached.append(list(state))
    assert reached == vector["states"]


def test_there_are_all_41_public_vectors():
    assert len(VECTORS) == 41


def test_a_new_card_was_never_reviewed_and_has_ease_2_50():
    assert State(repetitions=0, ease=250, interval=0, drill=False) == sm2.NEW


def test_good_every_time_gives_1_6_15_38_95_238():
    assert intervals(4, 4, 4, 4, 4, 4) == [1, 6, 15, 38, 95, 238]


def test_the_third_interval_is_rounded_up():
    assert history(4, start=State(2, 235, 6, False))[0].interval == 15  # 14.1 days


def test_an_exact_product_is_not_rounded_up_as_floats_would():
    assert intervals(5, 5, 4, 4, 5, 3)[-1] == 350  # 125 x 2.80; with float eases it is 351


def test_the_interval_grows_by_the_ease_from_before_the_grade():
    assert intervals(5, 5, 5, 5) == [1, 6, 17, 48]  # 17 x 2.80, not 17 x 2.90


@pytest.mark.parametrize("start", [sm2.NEW, State(1, 260, 1, False), State(4, 212, 40, True)])
def test_hard_good_and_easy_give_the_same_next_interval(start):
    assert len({sm2.review(start, grade).interval for grade in (3, 4, 5)}) == 1


def test_the_grade_works_on_the_interval_after_the_next():
    after = {grade: intervals(4, 4, grade, 4)[-1] for grade in (3, 4, 5)}
    assert after == {3: 36, 4: 38, 5: 39}


@pytest.mark.parametrize(("grade", "change"), [(3, -14), (4, 0), (5, +10)])
def test_a_pass_changes_the_ease(grade, change):
    assert history(grade, start=State(3, 250, 15, False))[0].ease == 250 + change


@pytest.mark.parametrize("grade", [0, 1, 2])
def test_a_miss_starts_over_tomorrow_and_costs_no_ease(grade):
    assert history(grade, start=State(7, 187, 95, False)) == [State(0, 187, 1, drill=True)]


def test_after_a_miss_the_card_climbs_1_6_again_and_then_by_its_own_ease():
    assert intervals(4, 4, 4, 2, 4, 4, 4) == [1, 6, 15, 1, 1, 6, 15]


@pytest.mark.parametrize("ease", [130, 136, 143])
def test_the_ease_stops_at_1_30(ease):
    assert history(3, start=State(5, ease, 20, False))[0].ease == 130


def test_the_ease_has_no_upper_limit():
    assert history(*[5] * 100)[-1].ease == 1250


@pytest.mark.parametrize("grade", range(6))
def test_a_review_below_good_comes_back_today(grade):
    assert history(grade)[0].drill == (grade < 4)


@pytest.mark.parametrize("bad", [-1, 6, 2.5, 3.0, "3", None, True, False, [4], 10**30, float("nan")])
@pytest.mark.parametrize("function", [sm2.review, sm2.drill])
def test_anything_but_a_whole_number_from_0_to_5_is_refused_by_name(function, bad):
    with pytest.raises(GradeError, match="whole number from 0 to 5, not") as error:
        function(sm2.NEW, bad)
    assert repr(bad) in str(error.value)


@pytest.mark.parametrize("bad", [-1, 6, 2.5, "3", None, True])
def test_what_is_no_grade_is_neither_a_pass_nor_a_miss(bad):
    with pytest.raises(GradeError):
        sm2.passed(bad)


@given(STATES, GRADES, CAPS)
def test_a_review_leaves_ease_and_interval_within_their_bounds(state, grade, cap):
    after = sm2.review(state, grade, cap)
    assert after.ease >= 130
    assert 1 <= after.interval <= cap
    assert after.drill == (grade < 4)


@given(STATES, GRADES)
def test_a_drill_changes_nothing_but_its_flag(state, grade):
    assert sm2.drill(state, grade) == state._replace(drill=grade < 4)


@given(st.integers(130, 700), CAPS, st.integers(3, 5))
def test_a_capped_interval_is_what_the_next_review_multiplies(ease, cap, grade):
    capped = sm2.review(State(9, ease, 36_500, False), grade, cap)
    assert capped.interval == cap
    assert sm2.review(capped, 4).interval == min(36_500, ceiling(cap * Fraction(capped.ease, 100)))


@given(STATES, st.integers(0, 2))
def test_a_miss_never_depends_on_what_was_reached(state, grade):
    assert sm2.review(state, grade) == State(0, state.ease, 1, True)


@given(STATES.filter(lambda state: state.repetitions >= 2 and state.interval >= 1), st.integers(3, 5))
def test_from_the_third_pass_on_a_pass_never_shortens_the_interval(state, grade):
    assert sm2.review(state, grade).interval >= state.interval


def test_all_1296_histories_of_four_grades_agree_with_the_reference():
    for grades in product(range(6), repeat=4):
        assert history(*grades) == reference([("review", grade) for grade in grades], sm2.MAX_INTERVAL)


@given(
    st.lists(st.tuples(st.sampled_from(["review", "review", "drill"]), GRADES), min_size=1, max_size=300),
    CAPS | st.just(sm2.MAX_INTERVAL),
)
def test_long_random_histories_agree_with_the_reference(steps, cap):
    state, reached = sm2.NEW, []
    for kind, grade in steps:
        state = sm2.review(state, grade, cap) if kind == "review" else sm2.drill(state, grade)
        reached.append(state)
    assert reached == reference(steps, cap)


def test_a_thousand_cards_answered_sixty_times_each_agree_with_the_reference():
    choose = random.Random(1987)
    for _ in range(1_000):
        # Most answers are passes, or no interval would ever grow.
        grades = choose.choices(range(6), weights=[1, 1, 2, 5, 20, 10], k=60)
        assert history(*grades) == reference([("review", grade) for grade in grades], sm2.MAX_INTERVAL)


def test_the_whole_scheduling_package_runs_without_django():
    program = (
        "import sys; sys.modules['django'] = None\n"
        "from flashcards.scheduling import days, schedule, sm2\n"
        "assert sm2.review(sm2.NEW, 4).interval == 1\n"
        "print(sorted(m for m in sys.modules if m.startswith(('django.', 'accounts', 'config'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_worked_tables_in_the_docs_are_what_the_function_gives():
    tables = worked_tables()
    assert len(tables) >= 12
    for grades, expected_intervals, expected_eases in tables:
        states = history(*grades)
        assert [state.interval for state in states] == expected_intervals, grades
        assert [state.ease for state in states] == expected_eases, grades


def worked_tables() -> list[tuple[list[int], list[int], list[int]]]:
    """Return the rows "grades | intervals | eases" of docs/sm2.md."""
    lines = (ROOT / "docs/sm2.md").read_text(encoding="utf-8").splitlines()
    begin = lines.index("| grades | intervals in days | ease afterwards |") + 2
    rows = []
    for line in lines[begin:]:
        if not line.startswith("|"):
            break
        grades, days, eases = (cell.split() for cell in line.strip("|").split("|"))
        rows.append(
            ([int(g) for g in grades], [int(d) for d in days], [round(float(e) * 100) for e in eases])
        )
    return rows


def reference(steps: list[tuple[str, int]], cap: int) -> list[State]:
    """SM-2 once more, from the text of 1990 and in exact fractions, sharing nothing with the product.

    The E-Factor change is Wozniak's own formula, 0.1 - (5 - q)(0.08 + (5 - q) 0.02).
    """
    passes, ease, interval, owes = 0, Fraction(5, 2), 0, False
    states = []
    for kind, grade in steps:
        owes = grade in {0, 1, 2, 3}
        if kind == "review" and grade in {0, 1, 2}:
            passes, interval = 0, 1
        elif kind == "review":
            passes += 1
            wanted = Fraction(1) if passes == 1 else Fraction(6) if passes == 2 else interval * ease
            interval = max(1, min(cap, ceiling(wanted)))
            lack = 5 - grade
            ease += Fraction(1, 10) - lack * (Fraction(8, 100) + lack * Fraction(2, 100))
            ease = max(ease, Fraction(13, 10))
        states.append(State(passes, int(ease * 100), interval, owes))
    return states


def ceiling(number: Fraction) -> int:
    whole, rest = divmod(number.numerator, number.denominator)
    return whole + (rest > 0)
