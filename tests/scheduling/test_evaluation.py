"""The errors of a forecast, by hand, against a second implementation, and on learners of known recall."""

import random
from bisect import bisect_left
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, groupby
from math import exp, lgamma, log, log1p

import fsrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashcards.scheduling import evaluation, memory, sm2
from flashcards.scheduling.evaluation import Answer, Scored, bands, brier, compare, log_loss, wilson

ONE = date(2026, 1, 1)
PAIRS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60)
CERTAINLY_WRONG = 9.210340  # -ln 0.0001


def day(number: int) -> date:
    return ONE + timedelta(days=number - 1)


def scored(outcomes: str, fsrs: float = 0.8) -> list[Scored]:
    """Return a row for each + (recalled) and - (missed); SM-2 knows all of them with nine in ten."""
    return [Scored(outcome == "+", fsrs, 0.9 if outcome == "+" else 0.1) for outcome in outcomes]


# Errors


def test_log_loss_is_the_mean_surprise():
    assert log_loss([(0.8, True)]) == pytest.approx(0.223144, abs=1e-6)
    assert log_loss([(0.8, True), (0.8, False)]) == pytest.approx((0.223144 + 1.609438) / 2, abs=1e-6)


@pytest.mark.parametrize("pair", [(1.0, False), (0.0, True), (0.99999, False), (0.00001, True)])
def test_being_certain_and_wrong_costs_no_more_than_one_in_ten_thousand(pair):
    assert log_loss([pair]) == pytest.approx(CERTAINLY_WRONG, abs=1e-6)


@pytest.mark.parametrize("pair", [(1.0, True), (0.0, False)])
def test_being_certain_and_right_costs_next_to_nothing(pair):
    assert log_loss([pair]) == pytest.approx(0.000100005, abs=1e-9)


def test_brier_is_the_mean_squared_error():
    assert brier([(0.8, True), (0.8, False)]) == pytest.approx((0.04 + 0.64) / 2)
    assert brier([(1.0, True), (0.0, False)]) == 0


@pytest.mark.parametrize("error", [log_loss, brier])
def test_nothing_has_no_error(error):
    with pytest.raises(ValueError, match="at least one"):
        error([])


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (90, 100, 0.8256, 0.9448)],
)
def test_wilsons_interval_is_the_textbooks(k, n, low, high):
    assert wilson(k, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_ends_are_the_rates_that_lie_just_so_many_deviations_from_the_one_seen(k_of_n):
    k, n = k_of_n
    for end in wilson(k, n):
        assert 0 <= end <= 1
        assert (k / n - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / n, rel=1e-5, abs=1e-12)
    assert wilson(k, n)[0] <= k / n <= wilson(k, n)[1]


def test_of_nothing_any_rate_is_possible():
    assert wilson(0, 0) == (0, 1)


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 2), (0, -1)])
def test_more_recalled_than_answered_is_refused(k, n):
    with pytest.raises(ValueError, match="not a rate"):
        wilson(k, n)


# Calibration


def test_a_band_holds_its_lower_edge_and_only_the_last_its_upper():
    edges = [0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95]
    assert [(band.low, band.n) for band in bands((edge, True) for edge in edges)] == [(e, 1) for e in edges]
    assert [(band.low, band.high, band.n) for band in bands([(1.0, True), (0.99, True)])] == [(0.95, 1.0, 2)]
    assert [(band.low, band.high) for band in bands([(0.4999, True)])] == [(0.0, 0.5)]


def test_a_band_says_what_was_predicted_and_what_came_of_it():
    rows = [(0.91, True)] * 5 + [(0.93, True)] * 3 + [(0.93, False)] * 2
    (band,) = bands(rows)
    assert (band.n, band.recalled, band.actual) == (10, 8, 0.8)
    assert band.predicted == pytest.approx(0.92)
    assert band.interval == wilson(8, 10)
    assert band.calibrated


@pytest.mark.parametrize(("recalled", "calibrated"), [(85, False), (86, True), (96, True), (97, False)])
def test_a_band_is_calibrated_while_the_interval_holds_the_mean_prediction(recalled, calibrated):
    (band,) = bands([(0.91, n < recalled) for n in range(100)])
    assert band.calibrated is calibrated


def test_bands_without_answers_are_left_out():
    assert bands([]) == []
    assert [band.low for band in bands([(0.97, True), (0.1, False)])] == [0.0, 0.95]


@given(PAIRS)
def test_bands_lose_nothing(pairs):
    found = bands(pairs)
    assert sum(band.n for band in found) == len(pairs)
    assert sum(band.recalled for band in found) == sum(recalled for _, recalled in pairs)
    rounding = 1e-12
    assert all(band.low - rounding <= band.predicted <= band.high + rounding for band in found)


def test_the_past_mean_knows_only_what_came_before():
    assert evaluation.past_means([True, False, True, True]) == [None, 1.0, 0.5, pytest.approx(2 / 3)]
    assert evaluation.past_means([]) == []


# What is scored


def replayed(*answers: tuple[int, int], card: str = "a") -> list[Scored]:
    """Return what is scored of one card's answers, each a day and a grade."""
    return list(evaluation.replayed(Answer(card, grade, day(number)) for number, grade in answers))


def test_a_cards_first_day_is_not_scored_and_later_days_count_once():
    assert replayed((1, 4), (1, 2), (1, 4)) == []
    assert [row.recalled for row in replayed((1, 4), (1, 2), (3, 2), (3, 4), (3, 4), (9, 5))] == [False, True]


@pytest.mark.parametrize(("grade", "recalled"), list(enumerate([False, False, False, True, True, True])))
def test_a_grade_of_three_and_more_is_recalled(grade, recalled):
    assert replayed((1, 4), (2, grade))[0].recalled is recalled


def test_fsrs_predicts_by_its_published_curve():
    factor = 0.9 ** (-1 / 0.1542) - 1
    assert replayed((1, 4), (4, 4))[0].fsrs == pytest.approx((1 + factor * 3 / 2.3065) ** -0.1542)


def test_fsrs_learns_from_same_day_answers():
    by_hand = memory.after(memory.after(memory.after(None, 2, day(1)), 4, day(1)), 4, day(1))
    assert replayed((1, 2), (1, 4), (1, 4), (5, 4))[0].fsrs == memory.recall(by_hand, day(5))
    assert replayed((1, 2), (1, 4), (1, 4), (5, 4))[0].fsrs > replayed((1, 2), (5, 4))[0].fsrs


def test_sm2_predicts_nine_in_ten_at_its_interval_and_learns_from_the_first_answer_of_a_day():
    rows = replayed((1, 4), (2, 4), (2, 2), (5, 4), (5, 2), (35, 2), (36, 4))
    expected = [0.9, 0.9 ** (3 / 6), 0.9 ** (30 / 15), 0.9]
    assert [row.sm2 for row in rows] == pytest.approx(expected)


def test_cards_are_told_apart_and_rows_stay_in_the_order_of_time():
    log = [("a", 4, 1), ("b", 2, 2), ("a", 2, 3), ("b", 4, 4), ("a", 4, 5)]
    rows = list(evaluation.replayed(Answer(card, grade, day(number)) for card, grade, number in log))
    a, b = replayed((1, 4), (3, 2), (5, 4)), replayed((2, 2), (4, 4), card="b")
    assert rows == [a[0], b[0], a[1]]


# The comparison


def test_each_model_is_judged_by_both_errors():
    results = {result.model: result for result in compare(scored("++--" * 6))}
    assert list(results) == ["FSRS-6 default", "past mean", "SM-2 as 0.9^(t/I)"]
    errors = [(result.log_loss, result.brier) for result in results.values()]
    assert errors[0] == pytest.approx(((0.223144 + 1.609438) / 2, 0.34), abs=1e-6)
    assert errors[1] == pytest.approx((0.693147, 0.25), abs=1e-6)
    assert errors[2] == pytest.approx((0.105361, 0.01), abs=1e-6)
    assert {result.n for result in results.values()} == {20}


def test_the_past_mean_of_a_fold_is_the_rate_of_all_scored_rows_before_the_fold():
    past_mean = compare(scored("----" + "++++" * 5))[1]
    surprises = [CERTAINLY_WRONG, -log(4 / 8), -log(8 / 12), -log(12 / 16), -log(16 / 20)]
    assert past_mean.log_loss == pytest.approx(sum(surprises) / 5, abs=1e-6)


def test_a_fold_weighs_the_same_as_any_other():
    rows = scored("++++" * 5, fsrs=0.5) + scored("++++", fsrs=0.8)
    assert compare(rows)[0].log_loss == pytest.approx((4 * 0.693147 + 0.223144) / 5, abs=1e-6)


@pytest.mark.parametrize("spare", range(6))
def test_rows_that_fill_no_fold_go_to_the_past(spare):
    rows = scored("-" * (4 + spare), fsrs=1.0) + scored("++++" * 5, fsrs=1.0)
    result = compare(rows)[0]
    assert (result.n, result.brier) == (20, 0)


def test_below_twenty_rows_nothing_is_compared():
    assert compare(scored("+" * 20))[0].n == 15
    with pytest.raises(ValueError, match="19 answers are not enough"):
        compare(scored("+" * 19))


# A second implementation: card by card and by the package itself

RATINGS = [fsrs.Rating.Again] * 3 + [fsrs.Rating.Hard, fsrs.Rating.Good, fsrs.Rating.Easy]


def scored_card_by_card(log: list[Answer]) -> list[Scored]:
    model = fsrs.Scheduler(enable_fuzzing=False)
    cards, found = defaultdict(list), {}
    for place, answer in enumerate(log):
        cards[answer.card].append((place, answer))
    for answers in cards.values():
        card, state, previous = fsrs.Card(), sm2.NEW, None
        for on, same_day in groupby(answers, key=lambda item: item[1].day):
            noon = datetime.combine(on, time(12), tzinfo=UTC)
            (place, first), *more = same_day
            if previous:
                chance = 0.9 ** ((on - previous).days / state.interval)
                found[place] = Scored(first.grade >= 3, model.get_card_retrievability(card, noon), chance)
            for _, answer in [(place, first), *more]:
                card, _ = model.review_card(card, RATINGS[answer.grade], noon)
            state, previous = sm2.review(state, first.grade), on
    return [found[place] for place in sorted(found)]


@pytest.mark.parametrize("seed", range(5))
def test_a_second_implementation_scores_a_random_log_alike(seed):
    rng = random.Random(seed)
    log = [
        Answer(rng.choice("abcdefgh"), rng.choice([0, 1, 2, 2, 3, 4, 4, 4, 5]), day(1 + place // 6))
        for place in range(900)
    ]
    rows = list(evaluation.replayed(log))
    other = scored_card_by_card(log)
    assert [row.recalled for row in rows] == [row.recalled for row in other]
    for mine, theirs in zip(rows, other, strict=True):
        assert (mine.fsrs, mine.sm2) == pytest.approx((theirs.fsrs, theirs.sm2))


# Learners whose recall is known


def log_of_a_learner(seed: int, worse_by: float = 1.0) -> list[Answer]:
    """Return 900 cards' answers, each recalled with the chance that FSRS gives it, times `worse_by`."""
    rng, log = random.Random(seed), []
    for card in range(900):
        on, first = ONE, rng.choice([2, 3, 4, 5])
        log.append(Answer(str(card), first, on))
        known = memory.after(None, first, on)
        for _ in range(8):
            on += timedelta(days=min(2_000, max(1, round(known.stability * 2 ** rng.uniform(-4, 9)))))
            recalled = rng.random() < worse_by * memory.recall(known, on)
            log.append(Answer(str(card), rng.choice([3, 4, 4, 4, 5]) if recalled else 2, on))
            known = memory.after(known, log[-1].grade, on)
    return sorted(log, key=lambda answer: answer.day)


def bounds(n: int, chance: float) -> tuple[int, int]:
    """Return the counts of n between which a binomial lies with 99.9%."""
    chances = (
        exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(chance) + (n - k) * log1p(-chance))
        for k in range(n + 1)
    )
    below = list(accumulate(chances))
    return bisect_left(below, 0.0005), bisect_left(below, 0.9995)


def calibration(log: list[Answer]) -> list[evaluation.Band]:
    found = bands((row.fsrs, row.recalled) for row in evaluation.replayed(log))
    assert [band.low for band in found] == list(evaluation.EDGES[:-1])
    assert all(band.n >= 200 for band in found)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_a_learner_who_recalls_as_predicted_lies_within_the_bounds_of_chance(seed):
    for band in calibration(log_of_a_learner(seed)):
        low, high = bounds(band.n, band.predicted)
        assert low <= band.recalled <= high, band


@pytest.mark.parametrize("seed", range(3))
def test_a_learner_who_recalls_less_is_shown_outside_in_every_band(seed):
    for band in calibration(log_of_a_learner(seed, worse_by=0.8)):
        assert band.recalled < bounds(band.n, band.predicted)[0], band
        assert not band.calibrated


def test_the_forecast_of_a_known_learner_beats_both_rivals():
    fsrs_6, past_mean, by_interval = compare(list(evaluation.replayed(log_of_a_learner(1))))
    assert fsrs_6.log_loss < min(past_mean.log_loss, by_interval.log_loss)
    assert fsrs_6.brier < min(past_mean.brier, by_interval.brier)
