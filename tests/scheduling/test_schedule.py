"""One card's schedule as a fold of its events."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashcards.scheduling import memory, schedule, sm2
from flashcards.scheduling.plan import Plan
from flashcards.scheduling.schedule import Event, Kind, ReplayError, Schedule
from flashcards.scheduling.sm2 import State

FIRST_DAY = date(2026, 3, 1)
REVIEW, DRILL, PRACTICE, UNDO = Kind.REVIEW, Kind.DRILL, Kind.PRACTICE, Kind.UNDO
RESET, SET_DUE, PLAN, IMPORT = Kind.RESET, Kind.SET_DUE, Kind.PLAN, Kind.IMPORT
MOVES = (SET_DUE, PLAN)

# The day's number, the kind, and a grade, a due day, an imported state or the event that is undone.
Happening = tuple[int, Kind, Any]


def day(number: int) -> date:
    """Return a study day; the first is day 1."""
    return FIRST_DAY + timedelta(days=number - 1)


def noon(number: int) -> datetime:
    on = day(number)
    return datetime(on.year, on.month, on.day, 12, tzinfo=UTC)


def log(*happenings: Happening) -> list[Event]:
    """Return these happenings as numbered events, each at noon of its day."""
    return [
        Event(
            sequence=place,
            kind=kind,
            at=noon(number),
            study_day=day(number),
            grade=what if kind in schedule.ANSWERS else None,
            due_on=what if kind in MOVES else day(number + 9) if kind is Kind.IMPORT else None,
            state=what if kind is Kind.IMPORT else None,
            undoes=what if kind is Kind.UNDO else None,
        )
        for place, (number, kind, what) in enumerate(happenings, start=1)
    ]


def folded(*happenings: Happening) -> Schedule:
    return schedule.fold(log(*happenings))


def test_a_card_without_events_is_new():
    assert schedule.fold([]) == schedule.NEW
    assert schedule.NEW.due_on is None


def test_a_first_good_is_due_tomorrow_and_says_when_the_card_began():
    assert folded((1, REVIEW, 4)) == Schedule(
        state=State(1, 250, 1, False),
        due_on=day(2),
        introduced_on=day(1),
        last_reviewed_on=day(1),
        last_answered_at=noon(1),
        lapses=0,
        memory=memory.after(None, 4, day(1)),
    )


def test_a_late_review_counts_from_the_day_of_the_answer_and_gets_no_bonus():
    on_time = folded((1, REVIEW, 4), (2, REVIEW, 4), (8, REVIEW, 4))
    late = folded((1, REVIEW, 4), (2, REVIEW, 4), (108, REVIEW, 4))
    assert on_time.state == late.state
    assert (on_time.due_on, late.due_on) == (day(8 + 15), day(108 + 15))


def test_the_day_a_card_began_stays_when_it_is_reviewed_again():
    assert folded((3, REVIEW, 2), (4, REVIEW, 4)).introduced_on == day(3)


@pytest.mark.parametrize("grade", range(6))
def test_a_drill_settles_or_keeps_what_is_owed_and_moves_nothing(grade):
    before = folded((1, REVIEW, 4), (2, REVIEW, 2))
    after = folded((1, REVIEW, 4), (2, REVIEW, 2), (2, DRILL, grade))
    remembered = memory.after(before.memory, grade, day(2))
    assert after == replace(before, state=before.state._replace(drill=grade < 4), memory=remembered)


def test_a_drill_moves_the_card_behind_the_others_that_wait_for_one():
    events = log((1, REVIEW, 2), (1, DRILL, 2))
    later = replace(events[1], at=noon(1) + timedelta(minutes=5))
    assert schedule.fold([events[0], later]).last_answered_at == noon(1) + timedelta(minutes=5)


@pytest.mark.parametrize("grade", [3, 4, 5])
def test_practice_that_goes_well_changes_nothing_but_what_is_remembered(grade):
    before = folded((1, REVIEW, 4), (2, REVIEW, 4))
    after = folded((1, REVIEW, 4), (2, REVIEW, 4), (5, PRACTICE, grade))
    assert after == replace(before, memory=memory.after(before.memory, grade, day(5)))


@pytest.mark.parametrize("grade", [0, 1, 2])
def test_a_miss_in_practice_counts_as_a_miss(grade):
    after = folded((1, REVIEW, 4), (2, REVIEW, 4), (5, PRACTICE, grade))
    assert after == folded((1, REVIEW, 4), (2, REVIEW, 4), (5, REVIEW, grade))
    assert (after.state.interval, after.due_on, after.lapses) == (1, day(6), 1)


def test_reset_makes_a_card_new_and_forgets_its_lapses():
    missed = folded((1, REVIEW, 4), (2, REVIEW, 2))
    assert missed.lapses == 1
    assert folded((1, REVIEW, 4), (2, REVIEW, 2), (3, RESET, None)) == schedule.NEW


def test_a_moved_due_day_moves_nothing_else():
    before = folded((1, REVIEW, 4), (2, REVIEW, 4))
    after = folded((1, REVIEW, 4), (2, REVIEW, 4), (3, SET_DUE, day(50)))
    assert after == replace(before, due_on=day(50))


MONTHS = ((1, REVIEW, 4), (2, REVIEW, 4), (8, REVIEW, 4))  # due on day 23, after 15 days


def test_the_plan_moves_the_due_day_and_keeps_the_card_s_own():
    before = folded(*MONTHS)
    after = folded(*MONTHS, (9, PLAN, day(15)))
    assert after == replace(before, due_on=day(15), own_due_on=day(23))
    assert folded(*MONTHS, (9, PLAN, day(15)), (10, PLAN, day(12))).own_due_on == day(23)
    assert folded(*MONTHS, (9, PLAN, day(15)), (10, PLAN, day(23))) == before


def test_a_moved_due_day_ends_what_the_plan_did():
    assert folded(*MONTHS, (9, PLAN, day(15)), (10, SET_DUE, day(40))).own_due_on is None


@pytest.mark.parametrize("grade", [3, 4, 5])
def test_a_card_the_plan_brought_ahead_goes_back_to_its_own_day_when_it_is_known(grade):
    moved = folded(*MONTHS, (9, PLAN, day(15)))
    assert schedule.answer_kind(moved, day(15)) is PRACTICE
    after = folded(*MONTHS, (9, PLAN, day(15)), (16, PRACTICE, grade))
    assert (after.due_on, after.own_due_on, after.last_reviewed_on) == (day(23), None, day(16))
    assert after.state == State(3, 250, 15, grade < 4)
    assert schedule.answer_kind(after, day(16)) is (DRILL if grade < 4 else PRACTICE)


def test_a_card_the_plan_brought_ahead_is_missed_like_any_other():
    after = folded(*MONTHS, (9, PLAN, day(15)), (15, PRACTICE, 2))
    assert after == folded(*MONTHS, (15, REVIEW, 2))


def test_practice_before_the_planned_day_leaves_the_plan_as_it_is():
    after = folded(*MONTHS, (9, PLAN, day(15)), (12, PRACTICE, 4))
    assert (after.due_on, after.own_due_on) == (day(15), day(23))


def test_a_card_the_plan_put_off_is_reviewed_as_usual():
    late = folded(*MONTHS, (9, PLAN, day(30)))
    assert schedule.answer_kind(late, day(30)) is REVIEW
    assert folded(*MONTHS, (9, PLAN, day(30)), (30, REVIEW, 4)) == folded(*MONTHS, (30, REVIEW, 4))


def test_the_buttons_show_what_the_plan_will_make_of_each_grade():
    plan = Plan(interview_on=day(40))
    held = folded(*MONTHS)
    after = schedule.preview(held, day(23), noon(23), plan, place=3)
    assert {grade: shown.due_on for grade, shown in after.items()} == {
        2: day(24), 3: day(36), 4: day(36), 5: day(36)
    }  # fmt: skip
    assert after[4].own_due_on == day(23 + 38)
    assert after[4].state.interval == 38


def test_what_stands_is_what_was_not_undone():
    assert schedule.standing(log((1, REVIEW, 2), (1, DRILL, 3), (1, UNDO, 2), (1, DRILL, 4))) == [1, 4]


def test_the_review_after_a_moved_due_day_multiplies_the_old_interval():
    after = folded((1, REVIEW, 4), (2, REVIEW, 4), (3, SET_DUE, day(50)), (50, REVIEW, 4))
    assert (after.state.interval, after.due_on) == (15, day(65))


def test_an_imported_schedule_is_taken_as_it_is():
    state = State(5, 235, 40, False)
    assert folded((1, IMPORT, state)) == Schedule(
        state, due_on=day(10), introduced_on=day(1), memory=memory.assumed(40, day(10 - 40))
    )
    assert folded((1, IMPORT, state), (10, REVIEW, 4)).due_on == day(10 + 94)


def test_undo_brings_back_the_whole_schedule_from_before():
    before = folded((1, REVIEW, 4), (2, REVIEW, 4))
    answers = ((REVIEW, 2), (PRACTICE, 0), (PRACTICE, 5))
    for kind, what in (*answers, (RESET, None), (SET_DUE, day(70)), (PLAN, day(70))):
        assert folded((1, REVIEW, 4), (2, REVIEW, 4), (8, kind, what), (8, UNDO, 3)) == before


def test_undoing_the_first_answer_makes_the_card_new():
    assert folded((1, REVIEW, 4), (1, UNDO, 1)) == schedule.NEW


def test_undo_goes_back_step_by_step_through_what_still_stands():
    steps = [(1, REVIEW, 2), (1, DRILL, 3), (1, DRILL, 4), (1, UNDO, 3), (1, UNDO, 2)]
    assert folded(*steps) == folded((1, REVIEW, 2))
    assert folded(*steps, (1, UNDO, 1)) == schedule.NEW


def test_an_answer_after_an_undo_builds_on_what_the_undo_left():
    again = folded((1, REVIEW, 2), (1, UNDO, 1), (1, REVIEW, 5))
    assert again == folded((1, REVIEW, 5))
    assert folded((1, REVIEW, 2), (1, UNDO, 1), (1, REVIEW, 5), (1, UNDO, 3)) == schedule.NEW


@pytest.mark.parametrize(
    "undone",
    [
        [(1, UNDO, 1)],
        [(1, REVIEW, 4), (1, UNDO, 2)],
        [(1, REVIEW, 4), (1, UNDO, None)],
        [(1, REVIEW, 4), (2, REVIEW, 4), (2, UNDO, 1)],
        [(1, REVIEW, 4), (1, UNDO, 1), (1, UNDO, 1)],
        [(1, REVIEW, 4), (1, UNDO, 1), (1, UNDO, 2)],
    ],
)
def test_only_the_latest_event_that_stands_can_be_undone(undone):
    with pytest.raises(ReplayError, match="which is not the latest"):
        folded(*undone)


@pytest.mark.parametrize("numbers", [[2], [0], [1, 3], [1, 1], [2, 1]])
def test_a_log_with_a_gap_or_out_of_order_cannot_be_replayed(numbers):
    events = [
        replace(event, sequence=n)
        for event, n in zip(log((1, REVIEW, 4), (2, REVIEW, 4)), numbers, strict=False)
    ]
    with pytest.raises(ReplayError, match="sequence number"):
        schedule.fold(events)


@pytest.mark.parametrize("kind", [REVIEW, DRILL, PRACTICE])
def test_an_answer_without_a_grade_cannot_be_replayed(kind):
    with pytest.raises(ReplayError, match="without a grade"):
        folded((1, kind, None))


@pytest.mark.parametrize("missing", [{"state": None}, {"due_on": None}])
def test_an_import_that_says_nothing_cannot_be_replayed(missing):
    (event,) = log((1, IMPORT, State(5, 235, 40, False)))
    with pytest.raises(ReplayError, match="without saying which"):
        schedule.fold([replace(event, **missing)])


def test_an_undo_alone_knows_too_little_to_be_applied():
    (event,) = log((1, UNDO, 1))
    with pytest.raises(ReplayError):
        schedule.apply(schedule.NEW, event)


@pytest.mark.parametrize("bad", [-1, 6, 2.5, "3", True])
def test_a_log_with_an_impossible_grade_cannot_be_replayed(bad):
    for kind in (REVIEW, DRILL, PRACTICE):
        with pytest.raises(sm2.GradeError):
            folded((1, kind, bad))


def test_a_lapse_is_a_miss_of_a_card_that_was_known():
    assert folded((1, REVIEW, 2)).lapses == 0
    assert folded((1, REVIEW, 4), (2, REVIEW, 2)).lapses == 1
    assert folded((1, REVIEW, 4), (2, REVIEW, 2), (3, REVIEW, 0)).lapses == 1
    assert folded((1, REVIEW, 4), (2, REVIEW, 2), (2, DRILL, 0), (3, REVIEW, 4), (4, REVIEW, 1)).lapses == 2


def test_a_leech_is_told_at_8_12_16_lapses_and_stays_one_between():
    assert [n for n in range(22) if schedule.becomes_leech(n)] == [8, 12, 16, 20]
    assert [n for n in range(12) if schedule.is_leech(n)] == [8, 9, 10, 11]


def test_sixteen_lapses_are_told_three_times():
    happenings, told = list[Happening](), []
    for number in range(1, 33):
        happenings.append((number, REVIEW, 4 if number % 2 else 2))
        lapses = folded(*happenings).lapses
        if number % 2 == 0 and schedule.becomes_leech(lapses):
            told.append(lapses)
    assert told == [8, 12, 16]


def test_an_answer_on_or_after_the_due_day_is_a_review():
    scheduled = folded((1, REVIEW, 4), (2, REVIEW, 4))
    kinds = {number: schedule.answer_kind(scheduled, day(number)) for number in (7, 8, 9, 400)}
    assert kinds == {7: PRACTICE, 8: REVIEW, 9: REVIEW, 400: REVIEW}


def test_an_answer_to_a_new_card_is_a_review():
    assert schedule.answer_kind(schedule.NEW, day(1)) is REVIEW


def test_a_card_that_owes_a_repeat_is_drilled_today_and_no_more_tomorrow():
    missed = folded((1, REVIEW, 4), (2, REVIEW, 2))
    hard = folded((1, REVIEW, 4), (2, REVIEW, 3))
    assert schedule.answer_kind(missed, day(2)) is schedule.answer_kind(hard, day(2)) is DRILL
    assert schedule.answer_kind(missed, day(3)) is REVIEW
    assert schedule.answer_kind(hard, day(3)) is PRACTICE


@pytest.mark.parametrize(
    ("happenings", "today"),
    [
        ([], 1),
        ([(1, REVIEW, 4)], 2),
        ([(1, REVIEW, 4), (2, REVIEW, 4), (8, REVIEW, 3)], 8),
        ([(1, REVIEW, 4), (2, REVIEW, 4)], 5),
    ],
)
def test_each_button_shows_what_its_answer_will_really_do(happenings, today):
    before = log(*happenings)
    kind = schedule.answer_kind(schedule.fold(before), day(today))
    shown = schedule.preview(schedule.fold(before), day(today), noon(today))
    assert list(shown) == [2, 3, 4, 5]
    for grade, promised in shown.items():
        assert schedule.fold(log(*happenings, (today, kind, grade))) == promised


def test_the_shuffle_inside_a_due_day_is_fixed_for_good():
    assert schedule.shuffle_key(1, 1, date(2026, 3, 1)) == 1_113_759_383
    assert schedule.shuffle_key(1, 2, date(2026, 3, 1)) == 202_831_670
    assert schedule.shuffle_key(2, 1, date(2026, 3, 1)) == 307_013_935
    assert schedule.shuffle_key(1, 1, date(2026, 3, 2)) == 1_877_754_484


@given(st.integers(1, 2**62), st.integers(1, 2**62), st.dates())
def test_a_shuffle_key_fits_into_a_positive_integer_column(learner, card, due_on):
    assert 0 <= schedule.shuffle_key(learner, card, due_on) < 2**31


def test_the_shuffle_mixes_neighbouring_cards_and_differs_from_day_to_day():
    def order(on: date) -> list[int]:
        return sorted(range(1, 51), key=lambda card: schedule.shuffle_key(7, card, on))

    assert order(day(1)) != order(day(2)) != list(range(1, 51))
    neighbours = sum(abs(a - b) == 1 for a, b in zip(order(day(1)), order(day(1))[1:], strict=False))
    assert neighbours < 10


WHAT: dict[Kind, st.SearchStrategy[Any]] = {
    RESET: st.none(),
    SET_DUE: st.integers(1, 900).map(day),
    IMPORT: st.builds(State, st.integers(0, 9), st.integers(130, 400), st.integers(1, 999), st.booleans()),
}


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Draw a log that can have happened: days don't go back, an undo names what stands last."""
    happenings, standing, number = list[Happening](), list[int](), 1
    for sequence in range(1, draw(st.integers(1, 30)) + 1):
        number += draw(st.integers(0, 8))
        is_new = folded(*happenings).due_on is None
        kinds = [REVIEW, IMPORT] if is_new else [REVIEW, REVIEW, DRILL, PRACTICE, RESET, SET_DUE, IMPORT]
        kind = draw(st.sampled_from([*kinds, UNDO] if standing else kinds))
        what = standing.pop() if kind is UNDO else draw(WHAT.get(kind, st.integers(0, 5)))
        if kind is not UNDO:
            standing.append(sequence)
        happenings.append((number, kind, what))
    return log(*happenings)


@given(logs())
def test_the_fold_of_every_prefix_is_what_applying_step_by_step_gives(events):
    after = {0: schedule.NEW}
    parents = dict[int, int]()
    head = 0
    for place, event in enumerate(events, start=1):
        if event.kind is UNDO:
            assert event.undoes is not None
            head = parents[event.undoes]
        else:
            parents[event.sequence] = head
            after[event.sequence] = schedule.apply(after[head], event)
            head = event.sequence
        assert schedule.fold(events[:place]) == after[head]


@given(logs())
def test_undoing_everything_that_stands_leads_back_to_a_new_card(events):
    standing = list[int]()
    for event in events:
        if event.kind is UNDO:
            standing.pop()
        else:
            standing.append(event.sequence)
    last = events[-1]
    for sequence in reversed(standing):
        events.append(Event(len(events) + 1, UNDO, last.at, last.study_day, undoes=sequence))
    assert schedule.fold(events) == schedule.NEW


@given(logs())
def test_a_schedule_is_either_new_or_has_an_interval_and_a_due_day(events):
    reached = schedule.fold(events)
    assert (reached.due_on is None) == (reached.state.interval == 0)
    assert reached.state.ease >= 130
