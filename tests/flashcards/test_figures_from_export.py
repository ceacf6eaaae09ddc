"""Three random years of study, and every figure of the dashboard worked out again from the export alone.

ANSWERS=20000 in the environment makes the years as full as a diligent learner's.
"""

import json
import os
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from accounts.models import User
from flashcards import exporting, figures, progress, queue, readiness, reviewing
from flashcards.models import Card, Interview
from tests.independent import recomputed
from tests.making import answer, deck, learner, proven, version

pytestmark = pytest.mark.django_db

ANSWERS = int(os.environ.get("ANSWERS", "1500"))
START = datetime(2024, 1, 8, tzinfo=UTC)
YEARS = timedelta(days=3 * 365)
ZONES = ["Pacific/Auckland", "America/Los_Angeles", "Australia/Lord_Howe", "Europe/Berlin"]


ACTS = {"answer": 90, "undo": 3, "reset": 1, "move": 2, "suspend": 1, "release": 3}
GRADES = [1, 1, 3, 3, 10, 4]  # how often each of 0 to 5 is given
STUDIES = 80  # of a hundred days
FIXED = 1_000_000  # the keys of learner and cards shuffle the queue, and with it what is drawn


Figures = dict[str, Any]


class Studying:
    """A learner who studies at odd hours, misses days, changes zones, undoes, resets and moves cards."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.who: User = learner(time_zone=ZONES[0], pk=FIXED)
        self.cards: list[Card] = deck(60, numbered_from=FIXED)
        self.now = START

    def years(self) -> None:
        """Study until the years are over."""
        while self.now < START + YEARS:
            if self.in_a_hundred(2):
                self.who.time_zone = self.chance.choice(ZONES)
                self.who.save()
            if self.in_a_hundred(STUDIES):
                self.day(ANSWERS * self.days_off() / YEARS.days)
            hour = self.chance.randrange(24)
            self.now = (self.now + timedelta(days=self.days_off())).replace(hour=hour)

    def days_off(self) -> int:
        """Return the days to the next day of study: many in a thin history, one in a full one."""
        return (
            max(1, round(YEARS.days / ANSWERS)) if self.in_a_hundred(STUDIES) else self.chance.randint(2, 5)
        )

    def day(self, answers: float) -> None:
        """Do something to a card that is due or, at times, to any other."""
        for _ in range(self.chance.randint(1, max(1, round(2 * answers)))):
            self.now += timedelta(seconds=self.chance.randint(5, 90))
            due = queue.due(self.who, self.today).select_related("card").first()
            card = due.card if due and self.in_a_hundred(STUDIES) else self.chance.choice(self.cards)
            try:
                self.something(card)
            except reviewing.Refused:
                continue

    def something(self, card: Card) -> None:
        """Do one thing to a card, most often answer it."""
        held = version(self.who, card)
        match self.chance.choices(list(ACTS), weights=list(ACTS.values()))[0]:
            case "answer":
                grade = self.chance.choices(range(6), weights=GRADES)[0]
                reviewing.grade_card(self.who, card.pk, answer(grade, held), self.now)
            case "undo":
                if latest := reviewing.latest_standing(self.who, self.today):
                    reviewing.undo(self.who, latest.pk, self.now)
            case "reset":
                reviewing.reset(self.who, card.pk, held, self.now)
            case "move":
                due_on = self.today + timedelta(days=self.chance.randint(0, 9))
                reviewing.set_due(self.who, card.pk, held, due_on, self.now)
            case "suspend":
                reviewing.suspend(self.who, card.pk, self.now)
            case "release":
                reviewing.release(self.who, self.chance.choice(self.cards).pk, self.now)

    @property
    def today(self) -> date:
        """The learner's study day."""
        return queue.today_of(self.who, self.now)

    def in_a_hundred(self, times: int) -> bool:
        """Whether something happens that does so this many times in a hundred."""
        return self.chance.randrange(100) < times


def export_of(who: User, now: datetime) -> Figures:
    text = "".join(exporting.export(who, now))
    return dict(json.loads(text))


@pytest.mark.parametrize("seed", [1, 2])
def test_every_figure_follows_from_the_export(seed):
    studying = Studying(seed)
    studying.years()
    who, now = studying.who, studying.now
    today = queue.today_of(who, now)
    Interview.objects.create(learner=who, company="Acme", on=today + timedelta(days=20))
    again = recomputed.figures(export_of(who, now), today)
    assert sum(again["answers"].values()) > 0.5 * ANSWERS
    check_the_past(who, today, again)
    check_what_comes(who, today, again)
    proven(who)


def check_the_past(who: User, today: date, again: Figures) -> None:
    past = figures.past(who, today)
    assert past.days == again["answers"]
    assert past.answers == sum(again["answers"].values())
    assert past.streak.days == again["streak"]
    assert (past.streak.study_days, past.streak.span) == again["study days"]
    assert (past.retention.recalled, past.retention.tested) == again["retention"]
    assert (past.mature.recalled, past.mature.tested) == again["mature"]
    weeks = {week.monday: (week.rate.recalled, week.rate.tested) for week in past.weeks if week.rate.tested}
    assert weeks == again["weeks"]
    for cards in (1, 9, 200):
        expected = max(1, round(cards * again["minutes per card"]))
        assert progress.minutes(who, cards, today) == expected


def check_what_comes(who: User, today: date, again: Figures) -> None:
    lead = readiness.leading(who, today)
    ready = readiness.readiness(who, lead, today)
    recalled, of, spread = again["ready"]
    assert ready.of == of
    assert ready.recalled == pytest.approx(recalled)
    assert (ready.low, ready.high) == pytest.approx((max(0, recalled - spread), min(of, recalled + spread)))
    assert {topic.topic.key: topic.cards for topic in ready.topics} == {
        key: cards for key, (_, cards) in again["topics"].items()
    }
    assert {topic.topic.key: topic.recalled for topic in ready.topics} == pytest.approx(
        {key: sum_ for key, (sum_, _) in again["topics"].items()}
    )
    ahead = readiness.ahead(who, lead, today, ready)
    assert ahead.late == again["late"]
    assert [day.scheduled for day in ahead.days] == [again["scheduled"].get(day.day, 0) for day in ahead.days]
    slipping = [slip.card_id for slip in readiness.slipping(who, lead, today, limit=10)]
    assert slipping == [Card.objects.get(key=key).pk for key in again["weakest"][:10]]
