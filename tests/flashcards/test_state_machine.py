"""Anything a learner can do, in any order, while clocks and zones jump: the log explains the state."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from flashcards import history, queue, reviewing
from flashcards.models import Card, ReviewLog, ReviewState
from flashcards.reviewing import Refused, Stale
from flashcards.scheduling import schedule
from flashcards.scheduling.schedule import Schedule
from tests.making import answer, at, deck, graded, learner, proven, rolled_back, shown, version

CARDS = 4
PLACES = st.integers(0, CARDS - 1)
GRADES = st.integers(0, 5)
ZONES = ["UTC", "Pacific/Auckland", "America/Los_Angeles", "Pacific/Chatham", "Asia/Kathmandu"]


class Study(RuleBasedStateMachine):
    """One learner, a few cards, and a model that knows only what each event began from."""

    who: User
    cards: list[Card]
    now: datetime
    before: dict[int, Schedule]
    log: list[tuple[Any, ...]]

    @initialize(zone=st.sampled_from(ZONES), new_cards=st.integers(0, CARDS), reviews=st.integers(0, CARDS))
    def begin(self, zone: str, new_cards: int, reviews: int) -> None:
        self.block = rolled_back()
        self.block.__enter__()
        self.who = learner(time_zone=zone, new_cards_per_day=new_cards, reviews_per_day=reviews)
        self.cards = deck(CARDS)
        self.now = at(1)
        self.before, self.log = {}, []

    def teardown(self) -> None:
        self.block.__exit__(None, None, None)

    @property
    def today(self) -> date:
        return queue.today_of(self.who, self.now)

    def held(self, what: Card) -> Schedule:
        row = ReviewState.objects.filter(learner=self.who, card=what).first()
        return history.schedule_of(row) if row else schedule.NEW

    def happens(self, what: Card, event: Callable[[], ReviewLog]) -> ReviewLog | None:
        """Let an event happen; a refused one must change nothing, and what it began from is remembered."""
        held, logged = self.held(what), len(self.log)
        try:
            row = event()
        except Refused:
            assert (self.held(what), ReviewLog.objects.filter(learner=self.who).count()) == (held, logged)
            return None
        self.before.setdefault(row.pk, held)  # a repeated request returns the first one's row
        return row

    # Answers

    @rule(place=PLACES, grade=GRADES)
    def answers_some_card(self, place, grade):
        what = self.cards[place]
        self.happens(what, lambda: graded(self.who, what, grade, self.now))

    @rule(grade=GRADES)
    def answers_what_is_shown(self, grade):
        if item := shown(self.who, self.now):
            row = self.happens(item.card, lambda: graded(self.who, item.card, grade, self.now))
            assert row is not None
            assert row.kind == item.kind

    @rule(place=PLACES, grade=GRADES)
    def answers_ahead(self, place, grade):
        what = self.cards[place]
        before = self.held(what)
        if before.due_on and before.due_on > self.today:
            row = self.happens(what, lambda: graded(self.who, what, grade, self.now))
            if row and row.kind == "practice" and grade >= 3:
                assert self.held(what) == before

    @rule(place=PLACES, grade=GRADES, by=st.sampled_from([-1, 1, 7]))
    def answers_an_old_showing(self, place, grade, by):
        what = self.cards[place]
        seen = version(self.who, what) + by
        with pytest.raises(Stale):
            reviewing.grade_card(self.who, what.pk, answer(grade, seen), self.now)

    @rule(grade=GRADES)
    def repeats_a_request(self, grade):
        row = ReviewLog.objects.filter(learner=self.who, submission__isnull=False).order_by("-id").first()
        if row is not None:
            sent, card_id = answer(grade, row.sequence - 1, row.submission), row.state.card_id
            repeat = self.happens(
                row.state.card, lambda: reviewing.grade_card(self.who, card_id, sent, self.now)
            )
            assert repeat == (row if grade == row.grade else None)

    # Undo

    @rule()
    def undoes_the_latest(self):
        latest = reviewing.latest_standing(self.who, self.today)
        if latest is not None:
            self.undoes(latest)

    @rule(back=st.integers(0, 5))
    def undoes_some_event(self, back):
        rows = ReviewLog.objects.filter(learner=self.who).order_by("-id")
        row = rows[back : back + 1].first()
        if row is not None:
            self.happens(row.state.card, lambda: reviewing.undo(self.who, row.pk, self.now))

    def undoes(self, row: ReviewLog) -> None:
        undone = reviewing.undo(self.who, row.pk, self.now)
        assert self.held(row.state.card) == self.before[row.pk]
        self.before[undone.pk] = self.before[row.pk]

    # Everything else

    @rule(place=PLACES)
    def resets(self, place):
        what = self.cards[place]
        seen = version(self.who, what)
        if self.happens(what, lambda: reviewing.reset(self.who, what.pk, seen, self.now)):
            assert self.held(what) == schedule.NEW

    @rule(place=PLACES, ahead=st.integers(-2, 40))
    def moves_the_due_day(self, place, ahead):
        what = self.cards[place]
        seen, due_on = version(self.who, what), self.today + timedelta(days=ahead)
        self.happens(what, lambda: reviewing.set_due(self.who, what.pk, seen, due_on, self.now))

    @rule(place=PLACES)
    def suspends(self, place):
        reviewing.suspend(self.who, self.cards[place].pk, at(1))

    @rule(place=PLACES)
    def buries(self, place):
        reviewing.bury(self.who, self.cards[place].pk, self.now)

    @rule()
    def releases_all(self):
        for what in self.cards:
            reviewing.release(self.who, what.pk, at(1))

    @rule(place=PLACES, retired=st.booleans())
    def edits_a_text(self, place, retired):
        Card.objects.filter(pk=self.cards[place].pk).update(question=f"{self.now}?", retired=retired)

    @rule(hours=st.integers(1, 30))
    def goes_on(self, hours):
        self.now += timedelta(hours=hours)

    @rule(hours=st.integers(1, 60))
    def clock_goes_back(self, hours):
        self.now -= timedelta(hours=hours)

    @rule(place=PLACES)
    def waits_until_a_card_is_due(self, place):
        due_on = self.held(self.cards[place]).due_on
        if due_on and due_on > self.today:
            self.now += timedelta(days=(due_on - self.today).days)

    @rule(zone=st.sampled_from(ZONES), hour=st.integers(0, 6))
    def travels(self, zone, hour):
        self.who.time_zone, self.who.day_start = zone, hour
        self.who.save()

    # What always holds

    @invariant()
    def the_log_explains_every_state(self):
        proven(self.who)

    @invariant()
    def the_log_only_grows(self):
        rows = list(ReviewLog.objects.filter(learner=self.who).order_by("id").values_list())
        assert rows[: len(self.log)] == self.log
        self.log = rows

    @invariant()
    def the_counts_are_those_of_a_slow_and_simple_count(self):
        counts, item = queue.look(self.who, self.today)
        assert (counts.due, counts.new, counts.drills) == slow_counts(self.who, self.today)
        assert (item is None) == (counts.left == 0)


def slow_counts(who: User, today: date) -> tuple[int, int, int]:
    """Count what is left from all rows, as docs/sm2.md and the queue's rules say it."""
    due = new = drills = reviewed = started = 0
    states = {state.card_id: state for state in ReviewState.objects.filter(learner=who)}
    for what in Card.objects.all():
        row = states.get(what.pk) or ReviewState(learner=who, card=what)
        out = row.suspended or row.buried_on == today or what.retired
        answered_today = row.last_reviewed_on == today
        started += answered_today and row.introduced_on == today
        reviewed += answered_today and row.introduced_on != today
        if out:
            continue
        due += row.due_on is not None and row.due_on <= today
        new += row.due_on is None
        drills += answered_today and row.drill and row.due_on is not None and row.due_on > today
    due_left = min(due, max(0, who.reviews_per_day - reviewed))
    new_left = min(new, max(0, who.new_cards_per_day - started)) if due == due_left else 0
    return due_left, new_left, drills


@pytest.mark.django_db
def test_whatever_happens_the_log_explains_every_state():
    run_state_machine_as_test(Study, settings=settings(max_examples=20, stateful_step_count=25))
