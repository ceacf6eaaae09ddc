"""Makes learners, decks and histories for tests. Every instant is given; nothing here reads a clock."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import User
from flashcards import history, queue, reviewing
from flashcards.models import Card, Deck, ReviewLog, ReviewState, Topic
from flashcards.reviewing import Answer
from flashcards.scheduling import schedule
from flashcards.scheduling.schedule import Event

FIRST_DAY = date(2026, 3, 2)
CARDS_PER_TOPIC = 10

_numbers = count(1)


def day(number: int) -> date:
    """Return a study day; the first is day 1."""
    return FIRST_DAY + timedelta(days=number - 1)


def at(number: int, hour: int = 12, minute: int = 0, second: int = 0, *, zone: str = "UTC") -> datetime:
    """Return the instant at which the wall clock shows this hour of the calendar day with this number."""
    on = day(number)
    wall = datetime(on.year, on.month, on.day, hour, minute, second, tzinfo=ZoneInfo(zone))
    return wall.astimezone(UTC)


def learner(**settings: Any) -> User:
    """Return a saved learner with limits that are out of the way; settings are fields of User."""
    unlimited = {"new_cards_per_day": 100, "reviews_per_day": 1_000}
    return User.objects.create_user(f"learner{next(_numbers)}@example.org", **(unlimited | settings))


def deck(cards: int = 3, numbered_from: int | None = None) -> list[Card]:
    """Return a new deck's saved cards in their order, ten to a topic, if wished with primary keys known."""
    number = next(_numbers)
    made = Deck.objects.create(key=f"deck-{number}", name=f"Deck {number}")
    topics = Topic.objects.bulk_create(
        Topic(deck=made, key=f"deck-{number}-topic-{n}", name=f"Topic {n}", position=n)
        for n in range(1, 2 + (cards - 1) // CARDS_PER_TOPIC)
    )
    return Card.objects.bulk_create(
        Card(
            pk=None if numbered_from is None else numbered_from + n,
            topic=topics[n // CARDS_PER_TOPIC],
            deck_number=made.pk,
            key=f"deck-{number}-card-{n + 1}",
            position=n + 1,
            question=f"Question {n + 1}?",
            answer=f"Answer {n + 1}.",
        )
        for n in range(cards)
    )


def card() -> Card:
    """Return the only card of a new deck."""
    return deck(1)[0]


def answer(grade: int, version: int, submission: UUID | None = None) -> Answer:
    """Return what a form would send; each has a submission of its own unless one is given."""
    return Answer(grade, submission or uuid4(), version, thinking_ms=4_000, reading_ms=6_000)


def graded(who: User, what: Card, grade: int, now: datetime) -> ReviewLog:
    """Answer the card as it stands and return the log row."""
    return reviewing.grade_card(who, what.pk, answer(grade, version(who, what)), now)


def answered(who: User, what: Card, *grades: int, since: int = 1) -> ReviewState:
    """Answer the card at noon of day `since`, then each time on the day it is due; return its state."""
    now = at(since)
    for grade in grades:
        row = graded(who, what, grade, now)
        assert row.due_on is not None
        now = at((row.due_on - FIRST_DAY).days + 1)
    return state(who, what)


def scheduled(who: User, what: Card, due_on: date, **columns: Any) -> ReviewState:
    """Store a state with this due day straight into the table, without a log: for what only reads it."""
    defaults: dict[str, Any] = {
        "repetitions": 3,
        "interval": 15,
        "introduced_on": due_on - timedelta(days=22),
        "last_reviewed_on": due_on - timedelta(days=15),
        "version": 3,
        "shuffle": schedule.shuffle_key(who.pk, what.pk, due_on),
    }
    return ReviewState.objects.create(learner=who, card=what, due_on=due_on, **(defaults | columns))


def state(who: User, what: Card) -> ReviewState:
    """Return the stored state."""
    return ReviewState.objects.get(learner=who, card=what)


def version(who: User, what: Card) -> int:
    """Return the card's number of events, 0 when the learner has none."""
    return ReviewState.objects.filter(learner=who, card=what).values_list("version", flat=True).first() or 0


def kinds(who: User, what: Card) -> list[str]:
    """Return the kinds of the card's events in their order."""
    return list(state(who, what).log.order_by("sequence").values_list("kind", flat=True))


def shown(who: User, now: datetime) -> queue.Item | None:
    """Return what the review page would show now."""
    today = queue.today_of(who, now)
    return queue.look(who, today)[1]


def left(who: User, now: datetime) -> tuple[int, int, int]:
    """Return how many due reviews, new cards and drills are left."""
    counts = queue.counts(who, queue.today_of(who, now))
    return counts.due, counts.new, counts.drills


def walk(who: User, now: datetime, grade: int = 4, at_most: int = 500) -> list[Card]:
    """Answer what is shown, a second apart, until nothing is; return the cards in the order shown."""
    seen = list[Card]()
    while item := shown(who, now + timedelta(seconds=len(seen))):
        assert len(seen) < at_most, "the queue has no end"
        graded(who, item.card, grade, now + timedelta(seconds=len(seen)))
        seen.append(item.card)
    return seen


def proven(who: User) -> None:
    """Assert that every state is its log folded, with no number missing and no study day going back."""
    logs = defaultdict[int, list[Event]](list)
    for row in ReviewLog.objects.filter(learner=who).order_by("sequence"):
        logs[row.state_id].append(history.event_of(row))
    for held in ReviewState.objects.filter(learner=who):
        events = logs[held.pk]
        assert [event.sequence for event in events] == list(range(1, held.version + 1))
        assert schedule.fold(events) == history.schedule_of(held)
        assert held.shuffle == history.shuffle_of(held, held.due_on)
        days = [event.study_day for event in events]
        assert days == sorted(days)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Take back whatever the block writes, so that each of Hypothesis' examples begins alike."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
