"""Clearing the queue until a day: by hand, against every course things can take, and for all collections."""

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import chain, groupby, pairwise, permutations, product
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcards.scheduling import futures, memory, schedule, simulation, sm2
from flashcards.scheduling.memory import Memory
from flashcards.scheduling.plan import NOTHING, Plan, planned_day
from flashcards.scheduling.schedule import Event, Kind, Schedule
from flashcards.scheduling.simulation import Active, Limits, Outcome, simulate
from flashcards.scheduling.sm2 import State

TODAY = date(2026, 3, 1)
PLENTY = Limits(new_cards_per_day=9_999, reviews_per_day=9_999)
NEW = Active(sm2.NEW, None, None)
UNFORGETTABLE = 1e12  # days of stability: recall is certain for every draw a test can make


def day(number: int) -> date:
    """Return a study day; today is day 0."""
    return TODAY + timedelta(days=number)


def card(due: int, interval: int = 6, stability: float = UNFORGETTABLE, weight: float = 1.0) -> Active:
    """Return a card recalled twice in a row that is due on this day, an interval after its last answer."""
    held = Memory(stability, 5.0, day(due - interval))
    return Active(State(2, 250, interval, drill=False), day(due), held, weight)


def run(*cards: Active, days: int, limits: Limits = PLENTY, seed: int = 1) -> Outcome:
    return simulate(cards, TODAY, day(days), limits, seed)


def faded(active: Active, on: date) -> float:
    """Return the chance of recall of a card that isn't answered any more."""
    return memory.recall(active.memory, on) if active.memory is not None else 0.0


# By hand


def test_a_card_that_is_always_recalled_comes_when_sm2_says():
    outcome = run(card(due=1), days=60)  # then 6 x 2.5 = 15 days, then 37.5, rounded up
    assert [number for number, cards in enumerate(outcome.per_day) if cards] == [1, 16, 54]
    assert sum(outcome.per_day) == 3
    assert outcome.recalled == pytest.approx(1)


def test_an_interval_counts_from_the_day_of_the_answer_however_late_it_is():
    outcome = run(card(due=-10), days=16)
    assert [number for number, cards in enumerate(outcome.per_day) if cards] == [0, 15]


def test_a_card_that_is_not_due_before_the_day_is_left_to_fade():
    fading = card(due=9, stability=20.0, weight=3.0)
    outcome = run(fading, days=9)
    assert (outcome.in_play, sum(outcome.per_day)) == (0, 0)
    assert outcome.recalled == pytest.approx(3 * faded(fading, day(9)))


def test_a_new_card_is_missed_drilled_and_comes_again_on_the_next_two_days():
    outcome = run(NEW, days=3)
    assert list(outcome.per_day) == [1, 1, 1]
    assert list(outcome.new_per_day) == [1, 0, 0]
    missed = memory.after(memory.after(None, 2, TODAY), 4, TODAY)
    assert run(NEW, days=1).recalled == pytest.approx(memory.recall(missed, day(1)))


def test_a_card_that_is_never_started_counts_as_not_recalled_whatever_is_known_of_it():
    reset = Active(sm2.NEW, None, Memory(50.0, 5.0, day(-1)))
    outcome = run(NEW, reset, days=5, limits=Limits(0, 100))
    assert (outcome.recalled, outcome.weight, sum(outcome.per_day)) == (0, 2, 0)


def test_new_cards_start_in_deck_order_at_the_limit():
    cards = [NEW._replace(weight=weight) for weight in (1, 10, 100, 1_000, 10_000)]
    assert run(*cards, days=4, limits=Limits(2, 100)).new_per_day == (2, 2, 1, 0)
    chance = run(NEW, days=1).recalled
    assert run(*cards, days=1, limits=Limits(2, 100)).recalled == pytest.approx(11 * chance)


def test_a_backlog_larger_than_the_limit_holds_back_new_cards():
    late = [card(due=-5 + number) for number in range(5)]
    outcome = run(NEW, *late, NEW, days=4, limits=Limits(1, 2))
    assert list(outcome.per_day) == [2, 2, 1 + 1, 1 + 1]  # the first new card comes again on the last day
    assert outcome.new_per_day == (0, 0, 1, 1)


def test_a_backlog_as_large_as_the_limit_holds_back_nothing():
    assert run(card(due=0), card(due=-1), NEW, days=1, limits=Limits(1, 2)).per_day == (3,)


def test_of_a_backlog_the_oldest_day_comes_first():
    older, younger = card(due=-9, stability=1.0, weight=0.0), card(due=-2, stability=1.0)
    outcome = run(younger, older, days=1, limits=Limits(0, 1))
    assert outcome.recalled == pytest.approx(faded(younger, day(1)))


def test_with_no_reviews_allowed_nothing_is_answered_and_no_new_card_starts_while_one_waits():
    fading = card(due=0, stability=6.0)
    outcome = run(fading, NEW, days=10, limits=Limits(5, 0))
    assert sum(outcome.per_day) == 0
    assert outcome.recalled == pytest.approx(faded(fading, day(10)))
    assert run(NEW, NEW, days=3, limits=Limits(1, 0)).new_per_day == (1, 0, 0)


def test_what_was_started_and_reviewed_today_counts_against_todays_limits_only():
    cards = [card(due=0) for _ in range(4)] + [NEW] * 4
    limits = Limits(new_cards_per_day=2, reviews_per_day=4, started=1, reviewed=0)
    assert run(*cards, days=2, limits=limits).new_per_day == (1, 2)
    assert run(*cards, days=2, limits=limits._replace(started=7)).new_per_day == (0, 2)
    assert run(*cards[:4], days=2, limits=limits._replace(reviewed=3)).per_day == (1, 3)
    assert run(*cards[:4], days=2, limits=limits._replace(reviewed=9)).per_day == (0, 4)


def test_half_a_card_a_day_is_one_every_other_day():
    started = run(*[NEW] * 9, days=8, limits=Limits(0.5, 100)).new_per_day
    assert sum(started) == 4
    assert all(sum(pair) == 1 for pair in pairwise(started))


def test_a_drill_still_owed_today_is_done_today():
    missed = memory.after(Memory(9.0, 5.0, day(-9)), 2, TODAY)
    owing = Active(State(0, 250, 1, drill=True), day(1), missed)
    drilled = Active(State(0, 250, 1, drill=False), day(1), memory.after(missed, 4, TODAY))
    assert run(owing, days=1).recalled == run(drilled, days=1).recalled > memory.recall(missed, day(1))
    assert run(owing, days=9).recalled == run(drilled, days=9).recalled


def test_a_drill_that_lapsed_is_not_done_any_more():
    lapsed = Active(State(0, 250, 1, drill=True), day(1), Memory(2.0, 5.0, day(-1)))
    assert run(lapsed, days=1) == run(lapsed._replace(state=State(0, 250, 1, drill=False)), days=1)


def test_a_weight_counts_in_what_is_recalled_and_not_in_what_is_answered():
    cards = [card(due=0, weight=3.0), card(due=1, weight=0.5), card(due=7, weight=0.0)]
    outcome = run(*cards, days=9)
    assert outcome.weight == 3 + 0.5 + 0
    assert outcome.recalled == pytest.approx(outcome.weight)
    assert sum(outcome.per_day) == 3


@pytest.mark.parametrize("days", [0, -3])
def test_on_the_day_itself_nothing_is_answered_any_more(days):
    late = card(due=-4, stability=6.0)
    outcome = run(late, NEW, days=days)
    assert (outcome.on, outcome.per_day, outcome.new_per_day) == (TODAY, (), ())
    assert outcome.recalled == pytest.approx(faded(late, TODAY))


def test_no_cards_come_to_nothing():
    outcome = run(days=3)
    assert (outcome.recalled, outcome.weight, outcome.per_day) == (0, 0, (0, 0, 0))


def test_more_than_a_year_ahead_is_a_year_ahead():
    outcome = run(card(due=3, stability=8.0), days=5_000)
    assert outcome == run(card(due=3, stability=8.0), days=365)
    assert (outcome.on, len(outcome.per_day)) == (day(365), 365)


def test_a_card_that_a_plan_brings_ahead_is_practised_and_keeps_its_own_day():
    def by_day_five(due_on: date, answered_on: date, position: int) -> date:
        assert position == 0
        return day(5) if answered_on < day(5) else due_on

    outcome = simulate([card(due=0)], TODAY, day(60), PLENTY, 1, by_day_five)
    answered = [number for number, cards in enumerate(outcome.per_day) if cards]
    assert answered == [0, 5, 15, 15 + 38]  # as without the plan, but for day 5


def test_a_card_that_was_brought_ahead_already_is_due_again_on_its_own_day():
    brought = card(due=5, interval=15)._replace(due_on=day(1), own_due_on=day(5))
    outcome = run(brought, days=60)
    assert [number for number, cards in enumerate(outcome.per_day) if cards] == [1, 5, 5 + 38]


def test_a_plan_is_asked_for_a_card_by_its_position():
    asked = set()

    def nothing(due_on: date, answered_on: date, position: int) -> date:
        asked.add((position, answered_on, due_on))
        return due_on

    simulate([card(due=9), NEW, card(due=0), NEW], TODAY, day(1), Limits(1, 1), 1, nothing)
    assert asked == {(1, TODAY, day(1)), (2, TODAY, day(15))}


def test_a_plan_cannot_bring_a_card_before_tomorrow():
    outcome = simulate([card(due=0)], TODAY, day(3), PLENTY, 1, lambda *_: day(-7))
    assert outcome.per_day == (1, 1, 1)


# Against every course that a few cards can take, worked out with the scheduler that the learner has


@dataclass(frozen=True)
class Case:
    """A few cards, the days they are run, and under which limits and plan."""

    cards: tuple[Active, ...]
    days: int
    limits: Limits = PLENTY
    plan: Plan = NOTHING


def noon(on: date) -> datetime:
    return datetime.combine(on, time(12), tzinfo=UTC)


@cache
def answer(held: Schedule, on: date, grade: int, plan: Plan, place: int) -> Schedule:
    """Return the schedule after an answer, the drill it may ask for, and what the plan makes of it."""
    after = schedule.apply(held, Event(1, schedule.answer_kind(held, on), noon(on), on, grade))
    if after.state.drill:
        after = schedule.apply(after, Event(2, Kind.DRILL, noon(on), on, 4))
    return schedule.planned(after, plan, on, noon(on), place)


def queues(held: tuple[Schedule, ...], on: date, reviews: int, news: int) -> list[tuple[int, ...]]:
    """Return the cards answered on a day, once for every order that its due days can come in."""
    due = sorted((item.due_on, place) for place, item in enumerate(held) if item.due_on and item.due_on <= on)
    same_day = [[place for _, place in group] for _, group in groupby(due, lambda pair: pair[0])]
    orders = [sum(order, ()) for order in product(*map(permutations, same_day))]
    fresh = tuple(place for place, item in enumerate(held) if item.due_on is None)
    return [(*order[:reviews], *(fresh[:news] if len(due) <= reviews else ())) for order in orders]


def chance_of(held: Schedule, on: date) -> float:
    return memory.recall(held.memory, on) if held.memory is not None else 0.0


def taken_on(case: Case, number: int) -> tuple[int, int]:
    """Return how many reviews and new cards this day takes."""
    limits, first = case.limits, number == 0
    reviews = limits.reviews_per_day - limits.reviewed * first
    return int(reviews), int(limits.new_cards_per_day - limits.started * first)


# What is recalled in the end and the cards answered on each day, each with its probability.
Courses = dict[tuple[float, ...], float]


def courses(case: Case) -> Courses:
    """Return every course that things can take from today on."""

    @cache
    def onward(held: tuple[Schedule, ...], number: int) -> Courses:
        on = day(number)
        if number == case.days:
            pairs = zip(case.cards, held, strict=True)
            return {(sum(active.weight * chance_of(item, on) for active, item in pairs),): 1.0}
        found: Courses = defaultdict(float)
        every = queues(held, on, *taken_on(case, number))
        for queue in every:
            for rights in product((True, False), repeat=len(queue)):
                after, likely = list(held), 1 / len(every)
                for place, right in zip(queue, rights, strict=True):
                    likely *= chance_of(held[place], on) if right else 1 - chance_of(held[place], on)
                    after[place] = answer(held[place], on, 4 if right else 2, case.plan, place)
                for (recalled, *answered), p in onward(tuple(after), number + 1).items() if likely else ():
                    found[recalled, len(queue), *answered] += likely * p
        return found

    return onward(tuple(map(held_by, case.cards)), 0)


def held_by(active: Active) -> Schedule:
    return Schedule(active.state, active.due_on, active.own_due_on, memory=active.memory)


def moments(case: Case) -> list[tuple[float, float]]:
    """Return mean and variance of what is recalled, then of the cards answered on each day."""
    found = courses(case)
    assert sum(found.values()) == pytest.approx(1)
    means = [sum(p * values[column] for values, p in found.items()) for column in range(case.days + 1)]
    return [
        (mean, sum(p * (values[column] - mean) ** 2 for values, p in found.items()))
        for column, mean in enumerate(means)
    ]


def played(case: Case, seed: int) -> Outcome:
    def move(due_on: date, answered_on: date, position: int) -> date:
        return planned_day(case.plan, due_on, due_on, answered_on, answered_on, position)

    return simulate(case.cards, TODAY, day(case.days), case.limits, seed, move)


SHAKY = card(due=0, stability=3.0)
AHEAD = card(due=12, interval=15, stability=10.0)._replace(due_on=day(1), own_due_on=day(12))
LATE = card(due=-3, stability=2.0, weight=2.0)
TRIPLETS = tuple(card(due=-2, stability=2.0, weight=10.0**n) for n in range(3))
BREAK = Plan(break_from=day(2), break_until=day(5))
CASES = {
    "one card": Case((SHAKY,), 12),
    "a new card": Case((NEW,), 8),
    "two new cards, one a day": Case((NEW, NEW._replace(weight=3.0)), 5, Limits(1, 9)),
    "a backlog": Case((SHAKY, LATE, card(due=-1, stability=4.0)), 5, Limits(0, 1)),
    "a backlog of one day": Case(TRIPLETS, 2, Limits(0, 1)),
    "a backlog before new cards": Case((LATE, NEW, SHAKY), 5, Limits(1, 1)),
    "half of today done": Case((SHAKY, LATE, NEW), 4, Limits(1, 2, started=1, reviewed=1)),
    "before an interview": Case((SHAKY, card(due=3, stability=9.0)), 10, PLENTY, Plan(interview_on=day(10))),
    "brought ahead": Case((AHEAD, SHAKY), 9, PLENTY, Plan(interview_on=day(9))),
    "a break": Case((SHAKY, card(due=1, stability=5.0)), 12, PLENTY, BREAK),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_mean_of_the_runs_is_that_of_every_course_things_can_take(case):
    outcome = played(case, seed=5)
    assert outcome.runs == 200
    for found, (mean, variance) in zip((outcome.recalled, *outcome.per_day), moments(case), strict=True):
        assert found == pytest.approx(mean, abs=4 * sqrt(variance / outcome.runs) + 1e-9)


@pytest.mark.parametrize("name", ["one card", "a backlog", "brought ahead"])
def test_with_more_runs_the_mean_closes_in_on_it(name):
    outcomes = [played(CASES[name], seed) for seed in range(60)]
    for column, (mean, variance) in enumerate(moments(CASES[name])):
        found = sum((outcome.recalled, *outcome.per_day)[column] for outcome in outcomes) / 60
        assert found == pytest.approx(mean, abs=4 * sqrt(variance / 200 / 60) + 1e-9)


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=12))
def test_a_card_stands_where_a_fold_of_the_same_answers_leads(answers):
    at, on, events = futures.point(sm2.NEW, None), TODAY, list[Event]()
    due_on: date | None = None
    for late, right in answers:
        before, on = on, due_on + timedelta(days=late) if due_on else on
        at = futures.answered(at, (on - before).days, right, ahead=False)
        due_on = on + timedelta(days=at.state.interval)
        for kind, grade in [(Kind.REVIEW, 4)] if right else [(Kind.REVIEW, 2), (Kind.DRILL, 4)]:
            events.append(Event(len(events) + 1, kind, noon(on), on, grade))
    folded = schedule.fold(events)
    assert (at.state, due_on) == (folded.state, folded.due_on)
    assert at.memory == (
        folded.memory and folded.memory._replace(last_on=at.memory.last_on if at.memory else on)
    )


@given(st.floats(0.001, 36_500), st.floats(1, 10), st.integers(0, 40_000))
def test_the_quick_recall_is_that_of_the_memory(stability, difficulty, days):
    expected = memory.recall(Memory(stability, difficulty, TODAY), day(days))
    assert futures.recall(stability, days) == expected


@given(st.floats(0.001, 36_500), st.floats(1, 10), st.integers(0, 40_000), st.booleans())
def test_a_quick_step_is_that_of_the_memory(stability, difficulty, days, right):
    before = Memory(stability, difficulty, TODAY)
    after = futures.answered(futures.point(State(2, 250, 6, drill=False), before), days, right, ahead=False)
    expected = memory.after(before, 4 if right else 2, day(days))
    if not right:
        expected = memory.after(expected, 4, day(days))
    assert after.memory is not None
    assert after.memory[:2] == expected[:2]


def test_a_last_answer_after_today_is_one_of_today():
    assert futures.recall(5.0, -2) == memory.recall(Memory(5.0, 5.0, day(2)), TODAY) == 1


# For all collections


def collection(size: int, fresh: int = 0, seed: int = 1) -> list[Active]:
    """Return reviewed cards with intervals from 1 to 38 days, a few of them late, then new ones."""
    chance = random.Random(seed)
    reviewed = [
        card(
            due=chance.randint(-3, 15),
            interval=(interval := chance.choice([1, 6, 15, 38])),
            stability=interval * chance.uniform(0.5, 2.0),
            weight=chance.choice([0.0, 1.0, 2.0, 3.0]),
        )
        for _ in range(size - fresh)
    ]
    return reviewed + [NEW] * fresh


SOME = st.builds(collection, size=st.integers(8, 30), fresh=st.integers(0, 8), seed=st.integers(0, 99))
SOME_LIMITS = st.builds(Limits, st.integers(0, 5), st.integers(0, 8), st.integers(0, 3), st.integers(0, 6))


@settings(max_examples=25)
@given(SOME, SOME_LIMITS, st.integers(1, 20), st.integers(0, 9))
def test_no_day_goes_over_a_limit_and_no_more_is_recalled_than_there_is(cards, limits, days, seed):
    outcome = simulate(cards, TODAY, day(days), limits, seed)
    assert 0 <= outcome.recalled <= outcome.weight
    assert len(outcome.per_day) == len(outcome.new_per_day) == days
    reviewed = [both - new for both, new in zip(outcome.per_day, outcome.new_per_day, strict=True)]
    assert outcome.new_per_day[0] <= max(0, limits.new_cards_per_day - limits.started)
    assert reviewed[0] <= max(0, limits.reviews_per_day - limits.reviewed)
    assert max(outcome.new_per_day) <= limits.new_cards_per_day
    assert max(reviewed) <= limits.reviews_per_day
    assert sum(outcome.new_per_day) <= sum(active.due_on is None for active in cards)


def test_the_same_seed_gives_the_same_result_and_another_one_another():
    cards = collection(40, fresh=10)
    first, again, other = (run(*cards, days=18, limits=Limits(3, 20), seed=seed) for seed in (4, 4, 5))
    assert first == again != other


def test_a_small_collection_is_run_whole_and_two_hundred_times():
    outcome = run(*collection(50, fresh=10), days=18, limits=Limits(10, 100))
    assert outcome.simulated == outcome.in_play > 40
    assert outcome.runs == 200


def test_a_sample_comes_to_what_all_cards_come_to():
    parts = [collection(400, seed=seed) for seed in range(8)]
    whole = [run(*part, days=20) for part in parts]  # without limits, cards go their ways independently
    sampled = run(*chain(*parts), days=20)
    assert sampled.simulated <= simulation.MOST_CARDS < sampled.in_play
    assert sampled.in_play == sum(part.in_play for part in whole)
    assert all(part.simulated == part.in_play for part in whole)
    assert sampled.weight == sum(part.weight for part in whole)
    assert sampled.recalled == pytest.approx(sum(part.recalled for part in whole), rel=0.01)
    for found, *all_cards in zip(sampled.per_day, *(part.per_day for part in whole), strict=True):
        expected, step = sum(all_cards), sampled.in_play / sampled.simulated
        assert found == pytest.approx(expected, abs=3 * sqrt(expected * step))


def test_a_sample_keeps_to_its_share_of_the_limits():
    outcome = run(*collection(6_000, fresh=2_000), days=20, limits=Limits(20, 100, started=20))
    step = outcome.in_play / outcome.simulated
    assert step > 2
    assert all(abs(answered - 100) <= step for answered in outcome.per_day)
    assert sum(outcome.per_day) == pytest.approx(20 * 100, abs=step)
    assert sum(outcome.new_per_day) == 0  # the backlog never shrinks to the limit


def test_in_a_sample_new_cards_start_at_their_share_of_the_limit():
    outcome = run(*collection(6_000, fresh=4_000), days=20, limits=Limits(100, 9_999, started=100))
    step = outcome.in_play / outcome.simulated
    assert step > 2
    assert outcome.new_per_day[0] <= step
    assert all(abs(started - 100) <= step for started in outcome.new_per_day[1:])


def test_new_cards_that_will_not_be_reached_are_not_run_but_weighed():
    outcome = run(*[NEW] * 5_000, days=10, limits=Limits(3, 100))
    assert (outcome.in_play, outcome.simulated, outcome.weight) == (30, 30, 5_000)
    assert sum(outcome.new_per_day) == 30


def test_reviews_that_will_not_be_reached_are_not_run_but_left_to_fade():
    late = [card(due=-1, stability=5.0) for _ in range(3_000)]
    outcome = run(*late, NEW, days=10, limits=Limits(3, 20))
    assert outcome.in_play == outcome.simulated <= 10 * 20 + 1 + 30
    assert list(outcome.per_day) == [20] * 10
    assert 0 < outcome.recalled - 2_800 * faded(late[0], day(10)) <= 200
    assert run(*[card(due=-1)] * 3_000, NEW, days=10, limits=Limits(3, 20)).new_per_day == (0,) * 10


def test_which_of_a_days_reviews_fit_does_not_hang_on_their_weight():
    late = [card(due=-1, stability=5.0, weight=weight) for weight in [0.0] * 1_500 + [2.0] * 1_500]
    outcome, each = run(*late, days=10, limits=Limits(0, 20)), faded(late[0], day(10))
    assert 50 * (1 - each) < outcome.recalled - 3_000 * each < 300 * (1 - each)


def test_the_work_is_bounded_for_any_collection_and_a_year():
    outcome = run(*collection(20_000, fresh=8_000), days=365)
    assert outcome.simulated <= simulation.MOST_CARDS
    assert 4 <= outcome.runs < 200
    assert len(outcome.per_day) == 365
