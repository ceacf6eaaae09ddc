"""What a learner does to a card: each door, and what it must not open to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from flashcards import history, queue, reviewing
from flashcards.models import Card, ReviewLog, ReviewState
from flashcards.reviewing import Missing, Refused, Stale
from flashcards.scheduling import memory, schedule, sm2
from tests.making import (
    answer,
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
    scheduled,
    shown,
    state,
    version,
    walk,
)

pytestmark = pytest.mark.django_db


def rows() -> list[object]:
    """Return everything that a refused request must leave as it is."""
    return [*ReviewState.objects.order_by("pk").values(), *ReviewLog.objects.order_by("pk").values()]


# Grading


def test_a_first_good_is_logged_with_what_was_known_then():
    who, what = learner(time_zone="Asia/Tokyo"), card()
    given = answer(4, version=0)
    row = reviewing.grade_card(who, what.pk, given, at(1, 23))
    assert ReviewLog.objects.values(
        "learner", "state__card", "sequence", "kind", "grade", "at", "zone", "study_day", "thinking_ms",
        "reading_ms", "submission", "undoes", "interval_before", "repetitions", "ease", "interval", "drill",
        "due_on", "lapses", "scheduler", "scheduler_version",
    ).get(pk=row.pk) == {
        "learner": who.pk, "state__card": what.pk, "sequence": 1, "kind": "review", "grade": 4,
        "at": at(1, 23), "zone": "Asia/Tokyo", "study_day": day(2), "thinking_ms": 4_000,
        "reading_ms": 6_000, "submission": given.submission, "undoes": None, "interval_before": 0,
        "repetitions": 1, "ease": 250, "interval": 1, "drill": False,
        "due_on": day(3), "lapses": 0, "scheduler": "sm2", "scheduler_version": 1,
    }  # fmt: skip


def test_a_history_of_grades_leads_to_the_expected_intervals():
    who, what = learner(), card()
    answered(who, what, 4, 4, 5, 3, 4, 2, 4, 4, 4)
    log = state(who, what).log.order_by("sequence")
    assert list(log.values_list("interval", flat=True)) == [1, 6, 15, 39, 96, 1, 1, 6, 15]
    assert list(log.values_list("interval_before", flat=True)) == [0, 1, 6, 15, 39, 96, 1, 1, 6]
    assert list(log.values_list("ease", flat=True)) == [250, 250, 260, 246, 246, 246, 246, 246, 246]


def test_a_miss_comes_back_today_and_costs_no_ease():
    who, what = learner(), card()
    before = answered(who, what, 4, 4)
    graded(who, what, 2, at(8))
    after = state(who, what)
    assert (after.ease, after.repetitions, after.due_on, after.lapses) == (before.ease, 0, day(9), 1)
    assert left(who, at(8)) == (0, 0, 1)


def test_a_late_review_counts_from_the_day_of_the_answer():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    assert graded(who, what, 4, at(200)).due_on == day(215)


def test_a_drill_is_logged_and_moves_nothing():
    who, what = learner(), card()
    graded(who, what, 2, at(1))
    before = state(who, what)
    row = graded(who, what, 4, at(1, 13))
    after = state(who, what)
    assert row.kind == "drill"
    assert (after.due_on, after.interval, after.ease, after.drill) == (before.due_on, 1, 250, False)


def test_the_same_submission_again_returns_the_first_row_and_adds_nothing():
    who, what = learner(), card()
    sent = answer(4, version=0)
    first = reviewing.grade_card(who, what.pk, sent, at(1))
    before = rows()
    assert reviewing.grade_card(who, what.pk, sent, at(1, 13)) == first
    assert reviewing.grade_card(who, what.pk, sent, at(40)) == first
    assert rows() == before


def test_the_same_submission_is_answered_alike_after_later_answers():
    who, what = learner(), card()
    sent = answer(2, version=0)
    first = reviewing.grade_card(who, what.pk, sent, at(1))
    graded(who, what, 4, at(1, 13))
    graded(who, what, 4, at(2))
    assert reviewing.grade_card(who, what.pk, sent, at(2, 13)) == first
    assert kinds(who, what) == ["review", "drill", "review"]


def test_another_grade_under_the_same_submission_is_refused():
    who, what = learner(), card()
    key = uuid4()
    reviewing.grade_card(who, what.pk, answer(4, 0, key), at(1))
    before = rows()
    with pytest.raises(Stale, match="already graded"):
        reviewing.grade_card(who, what.pk, answer(2, 0, key), at(1))
    assert rows() == before


@pytest.mark.parametrize("seen", [0, 2, 99])
def test_a_version_that_is_not_the_cards_own_is_stale(seen):
    who, what = learner(), card()
    graded(who, what, 4, at(1))
    before = rows()
    with pytest.raises(Stale):
        reviewing.grade_card(who, what.pk, answer(4, seen), at(2))
    assert rows() == before


def test_a_submission_that_another_card_used_is_refused():
    who, (one, two) = learner(), deck(2)
    key = uuid4()
    reviewing.grade_card(who, one.pk, answer(4, 0, key), at(1))
    before = rows()
    with pytest.raises(Refused, match="another card"):
        reviewing.grade_card(who, two.pk, answer(4, 0, key), at(1))
    assert rows() == before


def test_a_submission_cannot_serve_twice_on_one_card():
    who, what = learner(), card()
    key = uuid4()
    reviewing.grade_card(who, what.pk, answer(4, 0, key), at(1))
    before = rows()
    with pytest.raises(Refused):
        reviewing.grade_card(who, what.pk, answer(4, 1, key), at(2))
    assert rows() == before


def test_two_learners_may_happen_to_use_the_same_submission():
    one, two, what, key = learner(), learner(), card(), uuid4()
    reviewing.grade_card(one, what.pk, answer(4, 0, key), at(1))
    row = reviewing.grade_card(two, what.pk, answer(2, 0, key), at(1))
    assert row.learner == two
    assert state(one, what).interval == state(two, what).interval == 1
    assert state(one, what).drill is not state(two, what).drill


@pytest.mark.parametrize("bad", [-1, 6, 2.5, "3", None, True])
@pytest.mark.parametrize("history", [(), (4,), (2,)])
def test_a_bad_grade_changes_nothing_whatever_the_answer_would_be(bad, history):
    who, what = learner(), card()
    for grade in history:
        graded(who, what, grade, at(1))
    before = rows()
    with pytest.raises(ValueError, match="grade"):
        reviewing.grade_card(who, what.pk, answer(bad, version(who, what)), at(1, 13))
    assert rows() == before


def test_a_card_that_was_suspended_meanwhile_takes_no_answer():
    who, what = learner(), card()
    reviewing.suspend(who, what.pk, at(1))
    before = rows()
    with pytest.raises(Stale, match="paused"):
        reviewing.grade_card(who, what.pk, answer(4, 0), at(1))
    assert rows() == before


def test_a_card_that_was_buried_meanwhile_takes_no_answer_until_tomorrow():
    who, what = learner(), card()
    reviewing.bury(who, what.pk, at(1))
    with pytest.raises(Stale, match="paused"):
        reviewing.grade_card(who, what.pk, answer(4, 0), at(1))
    assert graded(who, what, 4, at(2)).kind == "review"


def test_a_card_that_left_its_deck_takes_no_answer():
    who, what = learner(), card()
    graded(who, what, 4, at(1))
    Card.objects.update(retired=True)
    before = rows()
    with pytest.raises(Stale, match="left the deck"):
        reviewing.grade_card(who, what.pk, answer(4, 1), at(2))
    assert rows() == before


def test_a_card_that_is_gone_is_missing_at_every_door():
    who, what = learner(), card()
    gone = what.pk
    what.delete()
    for door in (
        lambda: reviewing.grade_card(who, gone, answer(4, 0), at(1)),
        lambda: reviewing.reset(who, gone, 0, at(1)),
        lambda: reviewing.set_due(who, gone, 0, day(3), at(1)),
        lambda: reviewing.suspend(who, gone, at(1)),
        lambda: reviewing.bury(who, gone, at(1)),
        lambda: reviewing.release(who, gone, at(1)),
    ):
        with pytest.raises(Missing, match="no longer exists"):
            door()
    assert rows() == []


def test_an_edited_text_moves_no_schedule_and_no_version():
    who, what = learner(), card()
    graded(who, what, 4, at(1))
    before = rows()
    Card.objects.update(question="Another question?", answer="Another answer.", html={})
    assert rows() == before
    assert graded(who, what, 4, at(2)).interval == 6


def test_two_answers_in_the_same_microsecond_are_both_kept():
    who, (one, two) = learner(), deck(2)
    graded(who, one, 4, at(1))
    graded(who, two, 4, at(1))
    graded(who, one, 4, at(2))
    graded(who, one, 2, at(8))
    graded(who, one, 4, at(8))
    assert kinds(who, one) == ["review", "review", "review", "drill"]
    proven(who)


# Leeches


def test_a_leech_is_marked_at_its_eighth_lapse_and_never_suspended():
    who, what = learner(), card()
    reached = answered(who, what, *[4, 2] * 8)
    assert (reached.lapses, reached.suspended) == (8, False)
    assert schedule.becomes_leech(reached.lapses)


# Practice


def ahead() -> tuple[User, Card]:
    """Return a learner and a card that is due on day 8."""
    who, what = learner(), card()
    answered(who, what, 4, 4)
    return who, what


@pytest.mark.parametrize("grade", [3, 4, 5])
def test_practice_that_goes_well_is_logged_and_moves_nothing_but_what_is_remembered(grade):
    who, what = ahead()
    before = history.schedule_of(state(who, what))
    row = graded(who, what, grade, at(5))
    assert (row.kind, row.interval_before, row.interval, row.due_on) == ("practice", 6, 6, day(8))
    remembered = memory.after(before.memory, grade, day(5))
    assert history.schedule_of(state(who, what)) == replace(before, memory=remembered)
    assert state(who, what).version == 3
    assert left(who, at(5)) == (0, 0, 0)


@pytest.mark.parametrize("grade", [0, 1, 2])
def test_a_miss_in_practice_comes_back_today_and_tomorrow(grade):
    who, what = ahead()
    row = graded(who, what, grade, at(5))
    assert (row.kind, row.repetitions, row.interval, row.due_on, row.lapses) == ("practice", 0, 1, day(6), 1)
    assert left(who, at(5)) == (0, 0, 1)
    assert graded(who, what, 4, at(5, 13)).kind == "drill"
    assert left(who, at(6)) == (1, 0, 0)


# Reset, due day, pauses


def test_a_reset_card_is_new_again_and_keeps_its_log():
    who, what = learner(), card()
    answered(who, what, 4, 2)
    reviewing.reset(who, what.pk, 2, at(5))
    assert history.schedule_of(state(who, what)) == schedule.NEW
    assert kinds(who, what) == ["review", "review", "reset"]
    assert left(who, at(5)) == (0, 1, 0)
    assert graded(who, what, 4, at(5)).interval == 1
    proven(who)


def test_a_moved_due_day_moves_only_the_due_day():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    before = history.schedule_of(state(who, what))
    reviewing.set_due(who, what.pk, 2, day(30), at(3))
    after = history.schedule_of(state(who, what))
    assert after.due_on == day(30)
    assert after.state == before.state
    assert left(who, at(29)) == (0, 0, 0)
    assert left(who, at(30)) == (1, 0, 0)
    assert graded(who, what, 4, at(30)).due_on == day(45)
    proven(who)


@pytest.mark.parametrize("ahead_by", [0, 1, 36_500])
def test_a_due_day_may_be_today_or_up_to_a_hundred_years_ahead(ahead_by):
    who, what = learner(), card()
    answered(who, what, 4)
    reviewing.set_due(who, what.pk, 1, day(3 + ahead_by), at(3))
    assert state(who, what).due_on == day(3 + ahead_by)


@pytest.mark.parametrize("ahead_by", [-1, -400, 36_501])
def test_a_due_day_in_the_past_or_beyond_a_hundred_years_is_refused(ahead_by):
    who, what = learner(), card()
    answered(who, what, 4)
    before = rows()
    with pytest.raises(Refused, match="100 years"):
        reviewing.set_due(who, what.pk, 1, day(3 + ahead_by), at(3))
    assert rows() == before


def test_today_of_a_due_day_is_the_learners_own():
    who, what = learner(time_zone="Pacific/Auckland"), card()
    graded(who, what, 4, at(1, 10, zone="Pacific/Auckland"))
    reviewing.set_due(who, what.pk, 1, day(1), at(1, 23, zone="Pacific/Auckland"))
    with pytest.raises(Refused):
        reviewing.set_due(who, what.pk, 2, day(1), at(2, 4, zone="Pacific/Auckland"))


def test_a_new_card_has_no_schedule_to_reset_or_move():
    who, what = learner(), card()
    with pytest.raises(Refused, match="new"):
        reviewing.reset(who, what.pk, 0, at(1))
    with pytest.raises(Refused, match="new"):
        reviewing.set_due(who, what.pk, 0, day(3), at(1))
    assert rows() == []


def test_reset_and_due_day_refuse_a_version_from_before():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    before = rows()
    for door in (
        lambda: reviewing.reset(who, what.pk, 1, at(3)),
        lambda: reviewing.set_due(who, what.pk, 1, day(9), at(3)),
    ):
        with pytest.raises(Stale, match="meantime"):
            door()
    assert rows() == before


def test_a_suspended_card_is_out_until_it_is_released_and_keeps_its_schedule():
    who, what = learner(), card()
    answered(who, what, 4)
    before = history.schedule_of(state(who, what))
    reviewing.suspend(who, what.pk, at(1))
    assert left(who, at(2)) == left(who, at(400)) == (0, 0, 0)
    reviewing.release(who, what.pk, at(1))
    assert left(who, at(2)) == (1, 0, 0)
    assert history.schedule_of(state(who, what)) == before
    assert version(who, what) == 1


def test_a_buried_card_is_out_until_the_next_study_day_and_keeps_its_schedule():
    who, what = learner(), card()
    answered(who, what, 4)
    before = history.schedule_of(state(who, what))
    reviewing.bury(who, what.pk, at(2))
    assert left(who, at(2)) == left(who, at(3, 3, 59)) == (0, 0, 0)
    assert left(who, at(3, 4)) == (1, 0, 0)
    assert history.schedule_of(state(who, what)) == before


def test_a_buried_card_can_be_released_the_same_day():
    who, what = learner(), card()
    reviewing.bury(who, what.pk, at(1))
    assert left(who, at(1)) == (0, 0, 0)
    reviewing.release(who, what.pk, at(1))
    assert left(who, at(1)) == (0, 1, 0)


def test_a_new_card_can_be_suspended_and_is_still_new_when_released():
    who, what = learner(), card()
    reviewing.suspend(who, what.pk, at(1))
    assert left(who, at(1)) == (0, 0, 0)
    reviewing.release(who, what.pk, at(1))
    assert left(who, at(1)) == (0, 1, 0)
    assert graded(who, what, 4, at(1)).sequence == 1


def test_pauses_are_one_learners_own():
    one, two, what = learner(), learner(), card()
    reviewing.suspend(one, what.pk, at(1))
    reviewing.bury(one, what.pk, at(1))
    assert left(two, at(1)) == (0, 1, 0)


def test_a_suspended_drill_waits_no_more():
    who, what = learner(), card()
    graded(who, what, 2, at(1))
    reviewing.suspend(who, what.pk, at(1))
    assert left(who, at(1)) == (0, 0, 0)


# Clocks and zones


def test_a_clock_set_back_sets_no_study_day_back():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    row = graded(who, what, 2, at(8))
    assert row.study_day == day(8)
    earlier = graded(who, what, 4, at(3))
    assert (earlier.kind, earlier.study_day, earlier.at) == ("drill", day(8), at(3))
    assert state(who, what).due_on == day(9)
    proven(who)


@pytest.mark.parametrize("event", ["practice", "set_due", "reset", "undo"])
def test_no_kind_of_event_lets_the_next_study_day_go_back(event):
    who, what = learner(), card()
    answered(who, what, 4, 4)
    if event == "practice":
        graded(who, what, 5, at(6))
    elif event == "set_due":
        reviewing.set_due(who, what.pk, 2, day(6), at(6))
    elif event == "reset":
        reviewing.reset(who, what.pk, 2, at(6))
    else:
        reviewing.undo(who, graded(who, what, 5, at(6)).pk, at(6))
    graded(who, what, 4, at(4))
    days = list(state(who, what).log.order_by("sequence").values_list("study_day", flat=True))
    assert days == sorted(days)
    proven(who)


def test_a_clock_forty_days_ahead_and_back_again_leaves_a_schedule_that_holds():
    who, what = learner(), card()
    graded(who, what, 4, at(1))
    graded(who, what, 4, at(41))
    assert state(who, what).due_on == day(47)
    assert left(who, at(2)) == (0, 0, 0)
    assert graded(who, what, 4, at(47)).interval == 15
    proven(who)


def test_an_answer_on_a_leap_day_counts_like_any_other():
    who, what = learner(), card()
    leap = datetime(2028, 2, 29, 12, tzinfo=UTC)
    row = graded(who, what, 4, leap)
    assert row.due_on is not None
    assert (row.study_day.isoformat(), row.due_on.isoformat()) == ("2028-02-29", "2028-03-01")


def test_a_change_of_zone_rewrites_no_stored_day():
    who, what = learner(time_zone="Pacific/Auckland"), card()
    graded(who, what, 4, at(2, 8, zone="Pacific/Auckland"))
    before = rows()
    who.time_zone = "America/Los_Angeles"
    who.save()
    assert rows() == before
    row = graded(who, what, 4, at(3, 8, zone="America/Los_Angeles"))
    assert (row.zone, row.study_day, row.interval) == ("America/Los_Angeles", day(3), 6)


def test_a_traveller_whose_day_begins_again_keeps_each_cards_day():
    who, what = learner(time_zone="Pacific/Auckland"), card()
    now = at(2, 8, zone="Pacific/Auckland")
    graded(who, what, 2, now)
    who.time_zone = "America/Los_Angeles"
    assert queue.today_of(who, now) == day(1)
    row = graded(who, what, 4, now + timedelta(hours=1))
    assert (row.kind, row.study_day, row.due_on) == ("drill", day(2), day(3))
    proven(who)


def test_no_card_is_shown_twice_on_one_day_because_the_zone_changed():
    who, cards = learner(time_zone="Europe/Berlin"), deck(5)
    now = at(1, 20, zone="Europe/Berlin")
    assert len(walk(who, now)) == len(cards)
    for zone in ("America/New_York", "Asia/Tokyo"):
        who.time_zone = zone
        if queue.today_of(who, now) <= day(1):
            assert shown(who, now) is None


def test_a_drill_that_is_answered_after_the_rollover_is_the_new_days_review():
    who, what = learner(), card()
    graded(who, what, 2, at(1, 12))
    item = shown(who, at(2, 3, 59))
    assert item is not None
    assert item.kind == "drill"
    row = reviewing.grade_card(who, what.pk, answer(4, item.version), at(2, 4, 1))
    assert (row.kind, row.study_day, row.due_on) == ("review", day(2), day(3))


def test_a_review_shown_before_the_rollover_counts_for_the_day_of_its_answer():
    who, what = learner(), card()
    answered(who, what, 4)
    item = shown(who, at(3, 3, 59))
    assert item is not None
    row = reviewing.grade_card(who, what.pk, answer(4, item.version), at(3, 4))
    assert (row.study_day, row.due_on) == (day(3), day(9))


# What the database itself refuses


@pytest.mark.parametrize(
    "columns",
    [
        {"ease": 129},
        {"interval": 36_501},
        {"interval": 0},
        {"due_on": None},
        {"repetitions": -1},
        {"lapses": -1},
        {"version": -1},
    ],
)
def test_a_state_that_cannot_be_is_refused_by_the_database(columns):
    who, what = learner(), card()
    answered(who, what, 4)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewState.objects.update(**columns)


@pytest.mark.parametrize(
    "columns",
    [
        {"grade": 6},
        {"grade": None},
        {"kind": "reset"},
        {"kind": "nonsense"},
        {"kind": "undo", "grade": None, "undoes": 1},
        {"kind": "undo", "grade": None, "undoes": None},
        {"undoes": 1},
        {"sequence": 2},
    ],
)
def test_an_event_that_cannot_be_is_refused_by_the_database(columns):
    who, what = learner(), card()
    answered(who, what, 4, 4)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewLog.objects.filter(sequence=1).update(**columns)


def test_a_second_state_for_one_card_is_refused_by_the_database():
    who, what = learner(), card()
    scheduled(who, what, day(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        scheduled(who, what, day(2))


def test_a_second_event_for_one_submission_is_refused_by_the_database():
    who, (one, two) = learner(), deck(2)
    first = graded(who, one, 4, at(1))
    graded(who, two, 4, at(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewLog.objects.exclude(pk=first.pk).update(submission=first.submission)


def test_a_deleted_learner_takes_states_and_log_along():
    who, other, what = learner(), learner(), card()
    graded(who, what, 4, at(1))
    graded(other, what, 4, at(1))
    who.delete()
    assert ReviewState.objects.get().learner == other
    assert ReviewLog.objects.get().learner == other


def test_the_first_state_is_the_pure_functions_new_state():
    assert history.sm2_of(ReviewState()) == sm2.NEW
