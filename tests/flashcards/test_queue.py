"""What is shown today, in which order, and how much of it: one definition for counts and cards."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from flashcards import queue, reviewing
from flashcards.models import Card, Deck, Note, ReviewState, Topic
from flashcards.queue import Counts
from flashcards.scheduling import schedule
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
    rolled_back,
    scheduled,
    shown,
    version,
    walk,
)

pytestmark = pytest.mark.django_db


def counted(who: User, now: datetime) -> Counts:
    return queue.counts(who, queue.today_of(who, now))


def all_due(who: User, cards: list[Card], due_on: date, **columns: Any) -> None:
    for what in cards:
        scheduled(who, what, due_on, **columns)


# Order


def test_a_fresh_learner_gets_new_cards_in_deck_order():
    who, cards = learner(), deck(12)
    assert walk(who, at(1)) == cards


def test_decks_follow_one_another():
    first, second = deck(2), deck(2)
    assert walk(learner(), at(1)) == first + second


def test_new_cards_go_by_their_position_and_not_by_when_they_were_made():
    cards = deck(3)
    Card.objects.filter(pk=cards[0].pk).update(position=9)
    assert walk(learner(), at(1)) == [cards[1], cards[2], cards[0]]


def test_reviews_come_oldest_due_day_first():
    who, cards = learner(), deck(4)
    for what, due_on in zip(cards, (8, 3, 10, 1), strict=True):
        scheduled(who, what, day(due_on))
    assert walk(who, at(10)) == [cards[3], cards[1], cards[0], cards[2]]


def test_inside_a_due_day_cards_come_in_their_shuffle_and_not_in_deck_order():
    who, cards = learner(), deck(20)
    all_due(who, cards, day(5))
    order = walk(who, at(5))
    assert order == sorted(cards, key=lambda what: schedule.shuffle_key(who.pk, what.pk, day(5)))
    assert order != cards


def test_topics_of_one_due_day_interleave():
    who, cards = learner(), deck(30)
    all_due(who, cards, day(5))
    topics = [what.topic_id for what in walk(who, at(5))]
    changes = sum(a != b for a, b in pairwise(topics))
    assert changes > 10


def test_a_reload_changes_nothing_however_late_in_the_day():
    who, cards = learner(), deck(12)
    all_due(who, cards[:8], day(5))
    orders = []
    for hour in (4, 12, 23):
        with rolled_back():
            orders.append(walk(who, at(5, hour)))
    assert orders[0] == orders[1] == orders[2]


def test_a_real_answer_stores_the_shuffle_of_its_new_due_day():
    who, what = learner(), card()
    reached = answered(who, what, 4, 4)
    assert reached.shuffle == schedule.shuffle_key(who.pk, what.pk, day(8))


@pytest.mark.parametrize(
    ("reviews", "new", "expected"),
    [
        (10, 4, "RRNRRNRRNRRNRR"),
        (9, 2, "RRRNRRRNRRR"),
        (10, 1, "RRRRRNRRRRR"),
        (2, 5, "RNNNRNN"),
        (1, 1, "RN"),
        (0, 3, "NNN"),
        (3, 0, "RRR"),
    ],
)
def test_new_cards_are_mixed_evenly_among_the_reviews(reviews, new, expected):
    who, cards = learner(), deck(reviews + new)
    all_due(who, cards[:reviews], day(5))
    fresh = set(cards[reviews:])
    assert "".join("N" if what in fresh else "R" for what in walk(who, at(5))) == expected


def test_the_mixture_stays_even_when_cards_are_missed_on_the_way():
    who, cards = learner(), deck(14)
    all_due(who, cards[:10], day(5))
    order = list[str]()
    while (item := shown(who, at(5, 12, len(order)))) and item.kind == "review":
        graded(who, item.card, 2, at(5, 12, len(order)))
        order.append("R" if item.card in cards[:10] else "N")
    assert "".join(order) == "RRNRRNRRNRRNRR"


# Drills


def test_drills_come_after_reviews_and_new_cards():
    who, cards = learner(), deck(3)
    scheduled(who, cards[0], day(5))
    graded(who, cards[1], 2, at(5, 9))
    kinds = list[tuple[Card, str]]()
    while item := shown(who, at(5, 12, len(kinds))):
        kinds.append((item.card, item.kind))
        graded(who, item.card, 4, at(5, 12, len(kinds)))
    assert kinds == [(cards[0], "review"), (cards[2], "review"), (cards[1], "drill")]


def test_the_oldest_failure_is_drilled_first():
    who, cards = learner(), deck(3)
    for minute, what in enumerate((cards[2], cards[0], cards[1])):
        graded(who, what, minute + 1, at(1, 9, minute))
    assert walk(who, at(1, 10)) == [cards[2], cards[0], cards[1]]


def test_a_card_that_was_just_missed_waits_until_the_others_had_their_turn():
    who, cards = learner(), deck(3)
    order = list[Card]()
    for minute in range(9):
        item = shown(who, at(1, 9, minute))
        assert item is not None
        graded(who, item.card, 2, at(1, 9, minute))
        order.append(item.card)
    assert order == cards * 3


def test_the_only_card_left_is_shown_again_at_once():
    who, what = learner(), card()
    graded(who, what, 2, at(1))
    item = shown(who, at(1))
    assert item is not None
    assert (item.card, item.kind) == (what, "drill")


def test_a_hard_owes_a_repeat_today_as_well():
    who, what = learner(), card()
    graded(who, what, 3, at(1))
    assert left(who, at(1)) == (0, 0, 1)


def test_unfinished_drills_lapse_at_the_rollover():
    who, what = learner(), card()
    answered(who, what, 4, 4)
    graded(who, what, 3, at(8))
    assert left(who, at(9, 3, 59)) == (0, 0, 1)
    assert left(who, at(9, 4)) == (0, 0, 0)
    assert shown(who, at(9, 4)) is None


def test_a_missed_card_is_a_review_again_after_the_rollover():
    who, what = learner(), card()
    graded(who, what, 2, at(1))
    assert left(who, at(2)) == (1, 0, 0)
    item = shown(who, at(2))
    assert item is not None
    assert item.kind == "review"


def test_a_card_that_owes_a_repeat_and_was_moved_to_today_waits_once_and_as_a_review():
    who, what = learner(), card()
    graded(who, what, 2, at(1))
    reviewing.set_due(who, what.pk, 1, day(1), at(1))
    assert left(who, at(1)) == (1, 0, 0)
    item = shown(who, at(1))
    assert item is not None
    assert item.kind == "review"


# Limits


def test_new_cards_are_limited_per_day_and_not_per_session():
    who, cards = learner(new_cards_per_day=2), deck(5)
    assert walk(who, at(1, 9)) == cards[:2]
    assert left(who, at(1, 22)) == left(who, at(2, 3, 59)) == (0, 0, 0)
    assert left(who, at(2, 4)) == (2, 2, 0)


def test_a_new_card_that_was_missed_counts_as_started():
    who, cards = learner(new_cards_per_day=2), deck(5)
    graded(who, cards[0], 0, at(1))
    assert left(who, at(1)) == (0, 1, 1)


def test_no_new_cards_a_day_means_none():
    who, _ = learner(new_cards_per_day=0), deck(3)
    assert left(who, at(1)) == (0, 0, 0)
    assert shown(who, at(1)) is None


def test_raising_the_limit_today_gives_more_cards_today():
    who, _ = learner(new_cards_per_day=1), deck(5)
    walk(who, at(1))
    who.new_cards_per_day = 3
    assert left(who, at(1)) == (0, 2, 0)
    who.new_cards_per_day = 0
    assert left(who, at(1)) == (0, 0, 0)


def test_reviews_done_today_count_against_the_daily_limit():
    who, cards = learner(reviews_per_day=5), deck(5)
    all_due(who, cards, day(5))
    for what in cards[:2]:
        graded(who, what, 4, at(5))
    assert left(who, at(5)) == (3, 0, 0)
    assert not counted(who, at(5)).over_limit


def test_a_new_card_is_no_review_of_the_daily_limit():
    who, cards = learner(reviews_per_day=3), deck(6)
    all_due(who, cards[:3], day(5))
    graded(who, cards[3], 4, at(5))
    assert counted(who, at(5)).due == 3


def test_a_drill_is_no_review_of_the_daily_limit():
    who, cards = learner(reviews_per_day=3), deck(4)
    all_due(who, cards, day(5))
    graded(who, cards[0], 2, at(5))
    for minute in range(5):
        graded(who, cards[0], 2, at(5, 13, minute))
    assert left(who, at(5)) == (2, 0, 1)


def test_a_backlog_over_the_limit_holds_back_new_cards_and_says_so():
    who, cards = learner(reviews_per_day=3), deck(10)
    all_due(who, cards[:5], day(4))
    counts = counted(who, at(5))
    assert (counts.due, counts.new, counts.waiting, counts.over_limit) == (3, 0, 5, True)
    assert len(walk(who, at(5))) == 3
    after = counted(who, at(5))
    assert (after.left, after.waiting, after.over_limit) == (0, 2, True)


def test_a_backlog_of_exactly_the_limit_holds_nothing_back():
    who, cards = learner(reviews_per_day=5), deck(8)
    all_due(who, cards[:5], day(4))
    assert left(who, at(5)) == (5, 3, 0)
    assert not counted(who, at(5)).over_limit


def test_a_backlog_never_lets_new_cards_in_later_on_the_same_day():
    who, cards = learner(reviews_per_day=3), deck(10)
    all_due(who, cards[:4], day(4))
    for minute in range(3):
        item = shown(who, at(5, 12, minute))
        assert item is not None
        assert item.state is not None
        graded(who, item.card, 4, at(5, 12, minute))
        assert counted(who, at(5)).new == 0


def test_without_any_reviews_allowed_there_may_still_be_new_cards():
    who, _ = learner(reviews_per_day=0), deck(2)
    assert left(who, at(1)) == (0, 2, 0)


# What is out


def test_retired_cards_are_out_whatever_they_were():
    who, cards = learner(), deck(4)
    scheduled(who, cards[0], day(5))
    graded(who, cards[1], 2, at(5))
    Card.objects.filter(pk__in=[what.pk for what in cards[:3]]).update(retired=True)
    assert left(who, at(5)) == (0, 1, 0)
    assert walk(who, at(5)) == cards[3:]
    assert queue.item(who, cards[0].pk, day(5)) is None


@pytest.mark.parametrize("out", [{"suspended": True}, {"buried_on": day(5)}])
def test_a_paused_card_is_neither_due_nor_drilled_nor_new(out):
    who, cards = learner(), deck(3)
    scheduled(who, cards[0], day(5))
    graded(who, cards[1], 2, at(5))
    ReviewState.objects.create(learner=who, card=cards[2])
    assert left(who, at(5)) == (1, 1, 1)
    ReviewState.objects.update(**out)
    assert left(who, at(5)) == (0, 0, 0)
    assert shown(who, at(5)) is None


def test_a_card_buried_yesterday_is_back_today():
    who, what = learner(), card()
    scheduled(who, what, day(5), buried_on=day(4))
    assert left(who, at(5)) == (1, 0, 0)


def test_a_card_that_is_due_tomorrow_is_not_shown_today():
    who, what = learner(), card()
    scheduled(who, what, day(6))
    assert left(who, at(5)) == left(who, at(6, 3, 59)) == (0, 0, 0)
    assert left(who, at(6, 4)) == (1, 0, 0)


def test_a_card_is_due_all_day_whatever_the_hour_of_its_last_answer():
    who, what = learner(time_zone="America/Los_Angeles"), card()
    graded(who, what, 4, at(1, 23, zone="America/Los_Angeles"))
    assert left(who, at(2, 4, zone="America/Los_Angeles")) == (1, 0, 0)


def test_each_learner_has_a_queue_and_limits_of_their_own():
    one, two, cards = learner(new_cards_per_day=2), learner(), deck(4)
    scheduled(one, cards[3], day(5))
    graded(one, cards[0], 2, at(5))
    assert left(one, at(5)) == (1, 1, 1)
    assert left(two, at(5)) == (0, 4, 0)
    assert walk(two, at(5)) == cards
    assert left(one, at(5)) == (1, 1, 1)


def test_an_item_carries_only_the_learners_own_state_and_note():
    one, two, what = learner(), learner(), card()
    graded(two, what, 4, at(1))
    Note.objects.create(learner=two, card=what, text="mine", html="mine")
    item = queue.item(one, what.pk, day(1))
    assert item is not None
    assert (item.state, item.note, item.version, item.schedule) == (None, None, 0, schedule.NEW)
    theirs = queue.item(two, what.pk, day(1))
    assert theirs is not None
    assert theirs.note is not None
    assert (theirs.note.text, theirs.version) == ("mine", 1)


# Counts


def test_counts_say_what_was_done_and_what_is_left():
    who, cards = learner(), deck(6)
    all_due(who, cards[:3], day(5))
    graded(who, cards[0], 4, at(5))
    graded(who, cards[3], 4, at(5))
    graded(who, cards[4], 3, at(5))
    counts = counted(who, at(5))
    assert (counts.reviewed, counts.started, counts.done, counts.left, counts.total) == (1, 2, 2, 4, 6)


def test_answers_are_counted_up_to_ten():
    who, cards = learner(), deck(12)
    for n, what in enumerate(cards):
        assert counted(who, at(1)).answers == min(n, 10)
        graded(who, what, 4, at(1))


STATES: st.SearchStrategy[dict[str, Any] | None] = st.one_of(
    st.just(None),
    st.fixed_dictionaries({}),
    st.fixed_dictionaries({"due": st.integers(-6, 6), "last": st.integers(-9, -1), "drill": st.booleans()}),
    st.fixed_dictionaries(
        {"due": st.integers(1, 6), "last": st.just(0), "drill": st.booleans(), "started": st.booleans()}
    ),
)
PAUSES = st.sampled_from([{}, {}, {}, {"suspended": True}, {"buried_on": day(5)}, {"buried_on": day(4)}])
SITUATIONS = st.lists(st.tuples(STATES, PAUSES, st.sampled_from([False, False, False, True])), max_size=10)
LIMITS = st.integers(0, 6)


def situation(who: User, drawn: list[tuple[dict[str, Any] | None, dict[str, Any], bool]]) -> list[Card]:
    """Put each card of a new deck into the drawn state, seen from day 5."""
    cards = deck(len(drawn)) if drawn else []
    for what, (held, pause, retired) in zip(cards, drawn, strict=True):
        Card.objects.filter(pk=what.pk).update(retired=retired)
        if held is None:
            continue
        if not held:
            ReviewState.objects.create(learner=who, card=what, **pause)
            continue
        last = day(5 + held["last"])
        scheduled(
            who,
            what,
            day(5 + held["due"]),
            drill=held["drill"],
            last_reviewed_on=last,
            introduced_on=last if held.get("started") else day(-30),
            last_answered_at=at(5 + held["last"], 9),
            **pause,
        )
    return cards


@settings(max_examples=40)
@given(SITUATIONS, LIMITS, LIMITS)
def test_the_counts_are_what_walking_to_the_end_really_shows(drawn, new_cards, reviews):
    with rolled_back():
        who = learner(new_cards_per_day=new_cards, reviews_per_day=reviews)
        situation(who, drawn)
        promised = left(who, at(5))
        met = [0, 0, 0]
        minute = 0
        while item := shown(who, at(5, 12, minute)):
            place = 2 if item.kind == "drill" else 0 if item.schedule.due_on else 1
            met[place] += 1
            graded(who, item.card, 5, at(5, 12, minute))
            minute += 1
        assert tuple(met) == promised
        assert left(who, at(5)) == (0, 0, 0)


@settings(max_examples=25)
@given(SITUATIONS, LIMITS, LIMITS, st.lists(st.integers(0, 5), min_size=8, max_size=8))
def test_every_answer_moves_the_counts_by_one_card(drawn, new_cards, reviews, grades):
    with rolled_back():
        who = learner(new_cards_per_day=new_cards, reviews_per_day=reviews)
        situation(who, drawn)
        after = counted(who, at(5))
        total = after.total
        for minute, grade in enumerate(grades):
            before, item = after, shown(who, at(5, 12, minute))
            if item is None:
                assert before.left == 0
                break
            graded(who, item.card, grade, at(5, 12, minute))
            after, then = counted(who, at(5)), shown(who, at(5, 12, minute))
            owes = grade < 4
            was_drill = item.kind == "drill"
            was_new = item.schedule.due_on is None
            assert after.drills == before.drills + owes - was_drill
            assert after.new == before.new - was_new
            assert after.due == before.due - (not was_drill and not was_new)
            assert after.total == total
            assert after.over_limit == before.over_limit
            assert then is None or then.card != item.card or after.left == 1


@settings(max_examples=40)
@given(SITUATIONS, LIMITS, LIMITS)
def test_what_is_shown_first_is_what_the_counts_name(drawn, new_cards, reviews):
    with rolled_back():
        who = learner(new_cards_per_day=new_cards, reviews_per_day=reviews)
        cards = situation(who, drawn)
        counts, item = counted(who, at(5)), shown(who, at(5))
        assert (item is None) == (counts.left == 0)
        if item is not None:
            assert item.card in cards
            assert not item.card.retired
            assert item.state is None or not item.state.suspended
            assert item.kind == ("review" if counts.due or counts.new else "drill")


@settings(max_examples=60)
@given(SITUATIONS, LIMITS)
def test_the_statement_of_the_day_and_the_definitions_of_the_queue_agree(drawn, new_cards):
    with rolled_back():
        who = learner(new_cards_per_day=new_cards)
        situation(who, drawn)
        counts = counted(who, at(5))
        defined = queue.due(who, day(5)), queue.new(who, day(5)), queue.drills(who, day(5))
        assert (counts.waiting, counts.drills) == (defined[0].count(), defined[2].count())
        assert counts.first_new == next(iter(defined[1].values_list("pk", flat=True)), None)
        firsts = [next(iter(rows), None) for rows in defined]
        item = shown(who, at(5))
        if item is not None:
            place = 2 if item.kind == "drill" else 0 if item.schedule.due_on else 1
            assert firsts[place] in (item.state, item.card)


# Cost


def many(who: User, cards: int) -> list[Card]:
    """Make a large deck of which half is due on day 5 and half is new."""
    number = Deck.objects.count()
    made = Deck.objects.create(key=f"large-{number}", name="Large")
    topic = Topic.objects.create(deck=made, key=f"large-topic-{number}", name="Large", position=1)
    rows = Card.objects.bulk_create(
        Card(
            topic=topic, deck_number=made.pk, key=f"large-{number}-{n}", position=n, question="?", answer="."
        )
        for n in range(cards)
    )
    ReviewState.objects.bulk_create(
        ReviewState(
            learner=who, card=row, repetitions=3, interval=15, due_on=day(5), last_reviewed_on=day(-10),
            version=3, shuffle=schedule.shuffle_key(who.pk, row.pk, day(5)),
        )
        for row in rows[: cards // 2]
    )  # fmt: skip
    return rows


def statements(work: Callable[..., object], *given: object) -> int:
    """Return how many statements this work sends, apart from those that only mark a transaction."""
    with CaptureQueriesContext(connection) as captured:
        work(*given)
    marks = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return sum(not query["sql"].startswith(marks) for query in captured.captured_queries)


def test_counts_and_next_card_take_one_statement_with_5_cards_and_with_2000():
    sent = {}
    for cards in (5, 2_000):
        who = learner(reviews_per_day=2_000)
        many(who, cards)
        sent[cards] = statements(shown, who, at(5))
    assert sent == {5: 1, 2_000: 1}


@pytest.mark.parametrize("place", [0, -1], ids=["reviewed before", "new"])
def test_a_grade_takes_the_same_few_statements_with_5_cards_and_with_2000(place):
    sent = {}
    for cards in (5, 2_000):
        who = learner()
        what = many(who, cards)[place]
        graded(who, card(), 4, at(5))
        given = answer(4, version(who, what))
        sent[cards] = statements(reviewing.grade_card, who, what.pk, given, at(5))
    assert sent == {5: 4, 2_000: 4}


def test_undo_takes_as_many_statements_after_4_events_as_after_40():
    who, cards = learner(), deck(2)
    sent = []
    for what, events in zip(cards, (4, 40), strict=True):
        for second in range(events):
            row = graded(who, what, 2, at(1) + timedelta(seconds=second))
        sent.append(statements(reviewing.undo, who, row.pk, at(1)))
    assert sent == [7, 7]


def test_an_answer_that_the_plan_moves_takes_as_many_statements_as_another_and_so_does_its_undo():
    sent = []
    for interview_on in (None, day(20)):
        who, what = learner(), card()
        answered(who, what, 4, 4)
        graded(who, card(), 4, at(8))
        User.objects.filter(pk=who.pk).update(interview_on=interview_on)
        given = answer(4, version(who, what))
        graded_in = statements(reviewing.grade_card, who, what.pk, given, at(8))
        events = kinds(who, what)
        row = reviewing.latest_standing(who, day(8))
        assert row is not None
        sent.append((events, graded_in, statements(reviewing.undo, who, row.pk, at(8))))
        proven(who)
    assert sent == [(["review"] * 3, 4, 7), ([*["review"] * 3, "plan"], 4, 7)]
