"""The proof that every schedule and study day is the log folded, and that it would notice if one weren't."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from flashcards import replaying, reviewing, rollup
from flashcards.models import Card, DayStat, Frontier, ReviewLog, ReviewState
from flashcards.scheduling import sm2
from tests import making
from tests.making import at, day

pytestmark = pytest.mark.django_db


@pytest.fixture
def history():
    """Return a state with a long log: passes, misses, drills, undos, a moved due day and a reset."""
    who, card = making.learner(), making.card()
    making.answered(who, card, 4, 4, 2)
    now = at(9, 18)
    for grade in (3, 4):
        making.graded(who, card, grade, now)
        now += timedelta(minutes=1)
    for _ in range(2):
        latest = reviewing.latest_standing(who, day(9))
        assert latest
        reviewing.undo(who, latest.pk, now)
    reviewing.set_due(who, card.pk, making.version(who, card), day(20), now)
    making.graded(who, card, 5, at(20))
    reviewing.reset(who, card.pk, making.version(who, card), at(21))
    making.graded(who, card, 4, at(22))
    return making.state(who, card)


def test_states_that_are_their_log_are_all_equal(history):
    making.answered(making.learner(), making.card(), 5, 3, 4)
    report = replaying.check()
    assert (report.states, report.events, report.differing) == (2, history.version + 3, 0)
    assert report.days == DayStat.objects.count()


def test_an_empty_database_is_all_equal():
    assert str(replaying.check()) == "0 states, 0 events, 0 study days, 0 frontiers: all equal"


def test_a_card_paused_before_its_first_answer_is_equal():
    who = making.learner()
    reviewing.suspend(who, making.card().pk, at(1))
    assert str(replaying.check()) == "1 states, 0 events, 1 study days, 1 frontiers: all equal"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("repetitions", 9),
        ("ease", 131),
        ("interval", 77),
        ("drill", True),
        ("due_on", day(99)),
        ("introduced_on", None),
        ("last_reviewed_on", day(1)),
        ("last_answered_at", datetime(2020, 1, 1, tzinfo=UTC)),
        ("lapses", 5),
        ("version", 3),
        ("shuffle", 1),
        ("own_due_on", day(99)),
        ("stability", 1.0),
        ("difficulty", 1.5),
        ("remembered_on", day(1)),
    ],
)
def test_a_state_that_was_tampered_with_is_found(history, field, value):
    ReviewState.objects.filter(pk=history.pk).update(**{field: value})
    (difference,) = replaying.check().differences
    assert (difference.field, difference.stored) == (field, value)
    assert difference.folded == getattr(history, field)


@pytest.mark.parametrize("field", ["repetitions", "ease", "interval", "lapses", "interval_before"])
def test_a_log_row_that_was_tampered_with_is_found(history, field):
    ReviewLog.objects.filter(state=history, sequence=2).update(**{field: F(field) + 1})
    fields = [difference.field for difference in replaying.check().differences]
    assert fields == [f"log 2: {field}"]


def test_a_prediction_that_was_changed_afterwards_is_found(history):
    ReviewLog.objects.filter(state=history, sequence=2).update(predicted=0.5)
    (difference,) = replaying.check().differences
    assert (difference.field, difference.stored) == ("log 2: predicted", 0.5)


def test_a_log_row_of_another_learner_is_found_and_so_are_the_days_of_both(history):
    ReviewLog.objects.filter(state=history, sequence=2).update(learner=making.learner())
    fields = [difference.field for difference in replaying.check().differences]
    assert fields == ["log 2: learner_id", "study day", "study day"]


@pytest.mark.parametrize("sequence", [1, 4])
def test_a_missing_event_is_found(history, sequence):
    ReviewLog.objects.filter(state=history, sequence=sequence).delete()
    first, *_ = replaying.check().differences
    assert "carries the sequence number" in str(first)


def test_a_missing_last_event_is_found(history):
    ReviewLog.objects.filter(state=history, sequence=history.version).delete()
    assert {"version", "study day"} <= {difference.field for difference in replaying.check().differences}


def test_an_undo_of_anything_but_the_latest_is_found(history):
    last = ReviewLog.objects.filter(state=history, kind="undo").latest("sequence")
    ReviewLog.objects.filter(pk=last.pk).update(undoes=1)
    first, *_ = replaying.check().differences
    assert "not the latest" in str(first)


def test_an_answer_given_during_the_check_is_no_difference(monkeypatch):
    who, card = making.learner(), making.card()
    making.answered(who, card, 4)
    chunks = replaying._chunks

    def interrupted():
        for states in chunks():
            stale = states[0]
            making.graded(who, card, 4, at(2))
            stale.refresh_from_db(fields=["version"])
            yield states

    monkeypatch.setattr(replaying, "_chunks", interrupted)
    assert replaying.check().differing == 0


# Study days


@pytest.fixture
def studied():
    """Return a learner who tested one card twice on day 8 and another once, and undid a third's answer."""
    who, (one, two, three) = making.learner(), making.deck(3)
    making.answered(who, one, 4, 4)
    making.answered(who, two, 4, 4)
    making.graded(who, one, 2, at(8))
    reviewing.set_due(who, one.pk, making.version(who, one), day(8), at(8))
    making.graded(who, one, 4, at(8))
    making.graded(who, two, 5, at(8))
    reviewing.undo(who, making.graded(who, three, 4, at(8)).pk, at(8))
    return who


def on(who, number):
    return DayStat.objects.filter(learner=who, day=day(number))


def test_study_days_that_are_the_log_counted_are_all_equal(studied):
    counts = on(studied, 8).values_list("answers", "tested", "recalled", "mature_tested", "mature_recalled")
    assert counts.get() == (3, 2, 1, 0, 0)
    report = replaying.check()
    assert (report.days, report.differing) == (3, 0)


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize("field", ["answers", "recalled"])
def test_a_count_that_was_tampered_with_is_found(studied, field, by):
    before = on(studied, 8).values_list(field, flat=True).get()
    on(studied, 8).update(**{field: F(field) + by})
    (difference,) = replaying.check().differences
    where = f"learner {studied.pk}, {day(8)}"
    assert str(difference) == f"{where}: {field}: stored {before + by}, folded {before}"


def test_mature_counts_that_were_tampered_with_are_found(studied):
    on(studied, 8).update(tested=3, mature_tested=2, mature_recalled=1)
    assert [difference.field for difference in replaying.check().differences] == [
        "tested",
        "mature_tested",
        "mature_recalled",
    ]


def test_a_missing_study_day_is_found(studied):
    on(studied, 8).delete()
    (difference,) = replaying.check().differences
    assert str(difference) == f"learner {studied.pk}, {day(8)}: study day: stored nothing, folded 3 answers"


def test_a_study_day_that_the_log_knows_nothing_of_is_found(studied):
    DayStat.objects.create(learner=studied, day=day(5), answers=2, tested=1)
    (difference,) = replaying.check().differences
    assert str(difference) == f"learner {studied.pk}, {day(5)}: study day: stored 2 answers, folded nothing"


def test_counts_without_an_answer_are_found(studied):
    DayStat.objects.create(learner=studied, day=day(5), tested=1)
    (difference,) = replaying.check().differences
    assert str(difference) == f"learner {studied.pk}, {day(5)}: tested: stored 1, folded 0"


def test_a_day_that_was_begun_without_an_answer_is_no_difference(studied):
    reviewing.suspend(studied, making.card().pk, at(9))
    assert on(studied, 9).exists()
    assert replaying.check().differing == 0


def test_whether_a_day_was_missed_is_an_observation_that_no_log_can_prove(studied):
    on(studied, 8).update(unbroken=True)
    assert replaying.check().differing == 0


@pytest.mark.parametrize(("sequence", "wrong"), [(3, False), (5, True), (4, True)])
def test_a_log_row_wrongly_marked_for_retention_is_found(studied, sequence, wrong):
    log = ReviewLog.objects.filter(learner=studied, study_day=day(8)).order_by("id")[0].state.log
    log.filter(sequence=sequence).update(for_retention=wrong)
    first, *_ = replaying.check().differences
    assert (first.field, first.stored) == (f"log {sequence}: for_retention", wrong)


def test_after_an_undo_the_next_review_is_the_day_s_first_again():
    who, what = making.learner(), making.card()
    making.answered(who, what, 4)
    reviewing.undo(who, making.graded(who, what, 2, at(2)).pk, at(2))
    making.graded(who, what, 4, at(2))
    marks = making.state(who, what).log.order_by("sequence").values_list("for_retention", flat=True)
    assert list(marks) == [False, True, False, True]
    assert replaying.check().differing == 0


def test_an_answer_between_reading_the_days_and_the_log_is_no_difference(monkeypatch):
    who, cards = making.learner(), making.deck(2)
    making.graded(who, cards[0], 4, at(1))
    recounted, left = rollup.recounted, [cards[1]]

    def interrupted(learners):
        if left:
            making.graded(who, left.pop(), 4, at(1))
        return recounted(learners)

    monkeypatch.setattr(rollup, "recounted", interrupted)
    assert replaying.check().differing == 0
    assert on(who, 1).get().answers == 2


@pytest.mark.django_db(transaction=True)
def test_nothing_is_answered_while_the_days_that_differed_are_read_again(monkeypatch):
    who, cards = making.learner(), making.deck(3)
    making.graded(who, cards[0], 4, at(1))
    recounted, answers = rollup.recounted, list[Thread]()

    def elsewhere(what):
        try:
            making.graded(who, what, 4, at(1))
        finally:
            connection.close()

    def interrupted(learners):
        answers.append(Thread(target=elsewhere, args=[cards[1 + len(answers)]]))
        answers[-1].start()
        answers[-1].join(0.5 if connection.in_atomic_block else None)
        return recounted(learners)

    monkeypatch.setattr(rollup, "recounted", interrupted)
    assert replaying.check().differing == 0
    for answer in answers:
        answer.join()
    assert (len(answers), on(who, 1).get().answers) == (2, 3)


def test_a_mature_card_that_is_practised_tests_nothing():
    who, what = making.learner(), making.card()
    making.answered(who, what, 4, 4, 4, 4)
    assert making.graded(who, what, 4, at(50)).interval_before > rollup.MATURE
    assert on(who, 50).values_list("answers", "tested", "mature_tested").get() == (1, 0, 0)
    assert replaying.check().differing == 0


@pytest.mark.django_db(transaction=True)
def test_answers_given_all_the_while_by_others_are_no_difference():
    people, cards = [making.learner() for _ in range(3)], making.deck(12)

    def study(who):
        try:
            for what in cards:
                making.graded(who, what, 4, at(1))
            for what in cards:
                making.graded(who, what, 2, at(2))
                latest = reviewing.latest_standing(who, day(2))
                assert latest
                reviewing.undo(who, latest.pk, at(2))
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as threads:
        studies = [threads.submit(study, who) for who in people]
        reports = [replaying.check()]
        while not all(study.done() for study in studies):
            reports.append(replaying.check())
    for done in studies:
        done.result()
    assert [difference for report in reports for difference in report.differences] == []
    assert replaying.check().events == 3 * 12 * 3


# Frontiers


def test_a_frontier_that_has_passed_a_card_without_a_row_is_named_with_the_card():
    who, other, cards = making.learner(), making.learner(), making.deck(4)
    for card in (cards[0], cards[2]):
        making.graded(who, card, 4, at(1))
    rollup.begin(who, day(2))  # the frontier goes to the second card
    making.answered(other, cards[0], 4)
    assert replaying.check().differing == 0
    Frontier.objects.filter(learner=who).update(position=cards[3].position)
    report = replaying.check()
    assert (report.frontiers, report.differing) == (2, 1)
    deck, second, last = cards[0].deck_number, cards[1].position, cards[3].position
    assert str(report.differences[0]) == (
        f"learner {who.pk}, frontier: has passed “{cards[1].key}”, which isn’t begun and would never come up"
        f": stored {deck}/{last}, folded up to {deck}/{second}"
    )


def test_a_frontier_may_pass_what_is_retired():
    who, cards = making.learner(), making.deck(3)
    making.answered(who, cards[0], 4)
    Card.objects.filter(pk=cards[1].pk).update(retired=True)
    Frontier.objects.filter(learner=who).update(deck_number=cards[2].deck_number, position=cards[2].position)
    assert replaying.check().differing == 0


# Statements and the command


def test_statements_depend_on_chunks_and_not_on_cards_or_events(monkeypatch, django_assert_num_queries):
    who = making.learner()
    for card in making.deck(12):
        making.answered(who, card, 4, 4, 4)
    monkeypatch.setattr(replaying, "CHUNK", 5)
    with django_assert_num_queries((2 * 3 + 1) + (5 + 1) + 1):
        assert replaying.check().states == 12


def test_statements_on_days_depend_on_chunks_of_learners(monkeypatch, django_assert_num_queries):
    for _ in range(5):
        making.answered(making.learner(), making.card(), 4)
    monkeypatch.setattr(replaying, "LEARNERS", 2)
    with django_assert_num_queries((2 + 1) + (3 * 5 + 1) + 1):
        assert replaying.check().days == 5


def test_the_command_says_that_all_is_equal(history):
    out, days = StringIO(), DayStat.objects.count()
    call_command("check_schedules", stdout=out)
    assert (
        out.getvalue() == f"1 states, {history.version} events, {days} study days, 1 frontiers: all equal\n"
    )


def test_the_command_lists_the_first_twenty_and_fails():
    who = making.learner()
    for card in making.deck(25):
        making.answered(who, card, 4)
    ReviewState.objects.update(ease=sm2.MIN_EASE)
    out = StringIO()
    with pytest.raises(CommandError, match="25 states, 25 events, 1 study days, 1 frontiers: 25 differences"):
        call_command("check_schedules", stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 20
    assert lines[0].startswith(f"learner {who.pk}, ")
    assert lines[0].endswith("ease: stored 130, folded 250")
