"""Decks, learners and their states, from a handful to a million, with a spread like that of real ones."""

from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from flashcards import rollup, topic_counts
from flashcards.models import Card, DayStat, Deck, ReviewLog, ReviewState, Topic
from flashcards.scheduling.schedule import SCHEDULER, SCHEDULER_VERSION, Kind
from tests.bench.copying import a_uuid, copies, days_from, numbers
from tests.bench.spread import SHUFFLED, Spread

SEEDED = 50
TEXTS = 200  # the seed's cards four times over, so that a day of reviewing has enough of real length
A_DAY_OF_NEW_CARDS = 5
IN_A_TOPIC = 100
ANSWERS = 3  # that a started card has had
THREE_YEARS = 1_095
IN_ORDER = """
    (SELECT id, row_number() OVER (ORDER BY deck_number, position) AS n FROM flashcards_card) AS c
"""

_names = count(1)


def learner(**settings: Any) -> User:
    """Return a learner with an address of their own."""
    return User.objects.create_user(f"{next(_names)}@example.org", **settings)


def more_texts() -> None:
    """Give the seed's deck three copies of each card, behind the others."""
    for card in Card.objects.filter(position__lte=SEEDED):
        copies(
            card,
            numbers(TEXTS // SEEDED - 1),
            key="pattern.key || '-' || n",
            position=f"pattern.position + {SEEDED} * n",
        )


def large_deck(cards: int) -> None:
    """Add a deck with so many cards of a few words, a hundred to a topic."""
    deck = Deck.objects.create(key="large", name="Large")
    topic = Topic.objects.create(deck=deck, key="large", name="Large", position=0)
    copies(topic, numbers(cards // IN_A_TOPIC), key="'large-' || n", position="n")
    card = Card.objects.create(topic=topic, key="large", position=0, question="What?", answer="This.")
    copies(
        card,
        f"{numbers(cards)} JOIN flashcards_topic AS t ON t.position = 1 + (n - 1) / {IN_A_TOPIC}",
        where=f"t.deck_id = {deck.pk}",
        key="'large-' || n",
        position="n",
        topic_id="t.id",
    )
    card.delete()
    with transaction.atomic():
        topics = Topic.objects.filter(deck=deck)
        topic_counts.hold(topics)
        topic_counts.recount(topics)


def many(learners: int, today: date, spread: Spread) -> list[User]:
    """Add learners with 50 to 150 started cards, a few of them due; return some from the middle."""
    first = learner()
    copies(first, numbers(learners), email="n || '.' || pattern.email")
    each = ("u.id", "c.id")
    copies(
        _state(first, today),
        "accounts_user AS u CROSS JOIN flashcards_card AS c",
        where=f"u.id > {first.pk} AND c.position <= 50 + {spread.below(101, 'begun', 'u.id')}",
        learner_id="u.id",
        card_id="c.id",
        due_on=days_from(today, f"{spread.below(60, 'due', *each)} - 2"),
        last_reviewed_on=days_from(today, f"-1 - {spread.below(40, 'reviewed', *each)}"),
        suspended=f"{spread.below(97, 'suspended', *each)} = 0",
        shuffle=spread.below(SHUFFLED, "shuffle", *each),
    )
    _logged(f"s.learner_id > {first.pk} AND s.id % 4 = 0")
    return list(User.objects.filter(pk__gt=first.pk + learners // 2).order_by("pk")[:20])


def one(started: int, due: int, today: date, spread: Spread) -> User:
    """Return a learner who has started the first cards in deck order, some of them, spread out, due today.

    They have been here before today, and today already. All answers that their cards have had are logged.
    """
    who = learner()
    every = started // due
    later = days_from(today, f"1 + {spread.below(300, 'due', 'c.id')}")
    copies(
        _state(who, today),
        IN_ORDER,
        where=f"n <= {started} AND c.id <> pattern.card_id",
        card_id="c.id",
        due_on=f"CASE WHEN n % {every} = 0 AND n <= {every * due} THEN {days_from(today)} ELSE {later} END",
        last_reviewed_on=days_from(today, f"-1 - {spread.below(300, 'reviewed', 'c.id')}"),
        shuffle=spread.below(SHUFFLED, "shuffle", "c.id"),
    )
    _answered(f"s.learner_id = {who.pk}")
    with transaction.atomic():
        for day in (today - timedelta(days=1), today):
            rollup.begin(who, day)
    return who


def reviewer(today: date, spread: Spread) -> User:
    """Return a learner with today's new cards behind them and 190 others, reviewed before, due today."""
    who = learner(reviews_per_day=2_000, new_cards_per_day=A_DAY_OF_NEW_CARDS)
    of_today = f"c.position <= {A_DAY_OF_NEW_CARDS + 1}"  # the first card has the pattern's state
    copies(
        _state(who, today),
        "flashcards_card AS c",
        where=f"c.position < {TEXTS - A_DAY_OF_NEW_CARDS} AND c.id <> pattern.card_id",
        card_id="c.id",
        introduced_on=f"CASE WHEN {of_today} THEN {days_from(today)} ELSE pattern.introduced_on END",
        due_on=days_from(today, "1"),
        last_reviewed_on=days_from(today),
        shuffle=spread.below(SHUFFLED, "shuffle", "c.id"),
    )
    _logged(f"s.learner_id = {who.pk}")
    due_again(who, today)
    DayStat.objects.create(learner=who, day=today, answers=A_DAY_OF_NEW_CARDS)
    return who


def historian(answers: int, today: date, spread: Spread) -> User:
    """Return a learner who studied daily for three years and gave so many answers to the seed's cards."""
    who = learner()
    copies(
        _state(who, today),
        "flashcards_card AS c",
        where=f"c.position <= {SEEDED} AND c.id <> pattern.card_id",
        card_id="c.id",
        due_on=days_from(today, f"1 + {spread.below(40, 'due', 'c.id')}"),
        shuffle=spread.below(SHUFFLED, "shuffle", "c.id"),
    )
    each = answers // SEEDED
    ReviewState.objects.filter(learner=who).update(version=each)
    _logged(f"s.learner_id = {who.pk}")
    pattern = ReviewLog.objects.filter(learner=who).latest("pk")
    ReviewLog.objects.filter(learner=who).exclude(pk=pattern.pk).delete()
    ReviewLog.objects.filter(pk=pattern.pk).update(sequence=each, predicted=0.9, for_retention=True)
    copies(
        pattern,
        f"{numbers(each)} CROSS JOIN flashcards_reviewstate AS s",
        where=f"s.learner_id = {who.pk} AND NOT (s.id = pattern.state_id AND n = {each})",
        state_id="s.id",
        sequence="n",
        submission=a_uuid(),
        study_day=days_from(today, f"-1 - {spread.below(THREE_YEARS, 'answered', 'n', 's.id')}"),
    )
    a_day = max(1, answers // THREE_YEARS)
    day = DayStat.objects.create(
        learner=who, day=today, answers=a_day, tested=a_day, recalled=a_day, unbroken=True
    )
    copies(day, numbers(THREE_YEARS), day=days_from(today, "-n"))
    return who


def due_again(who: User, today: date) -> None:
    """Let all that a reviewer has answered be due once more, as if it had been answered 15 days ago."""
    answered_on = today - timedelta(days=15)
    before = ReviewState.objects.filter(learner=who, introduced_on__lt=today)
    before.update(due_on=today, last_reviewed_on=answered_on, interval=15)
    ReviewLog.objects.filter(learner=who, study_day=today).update(study_day=answered_on)


def _state(who: User, today: date) -> ReviewState:
    """Return a state on the first card: in its third interval and due tomorrow."""
    return ReviewState.objects.create(
        learner=who,
        card=Card.objects.order_by("deck_number", "position")[0],
        repetitions=ANSWERS,
        interval=15,
        due_on=today + timedelta(days=1),
        introduced_on=today - timedelta(days=22),
        last_reviewed_on=today - timedelta(days=14),
        last_answered_at=timezone.now() - timedelta(days=14),
        stability=40.0,
        difficulty=5.0,
        remembered_on=today - timedelta(days=14),
        version=ANSWERS,
    )


def _logged(states: str) -> None:
    """Log the last answer of each of these states (an SQL condition on `s`)."""
    copies(
        _answer(),
        "flashcards_reviewstate AS s",
        where=states,
        learner_id="s.learner_id",
        state_id="s.id",
        sequence="s.version",
        study_day="s.last_reviewed_on",
        submission=a_uuid(),
    )


def _answered(states: str) -> None:
    """Log every answer of each of these states, in the order of their days: one and six days apart."""
    day = days_from("s.last_reviewed_on", "CASE n WHEN 1 THEN -7 WHEN 2 THEN -6 ELSE 0 END")
    copies(
        _answer(),
        f"flashcards_reviewstate AS s CROSS JOIN {numbers(ANSWERS)}",
        where=f"{states} AND NOT (s.id = pattern.state_id AND n = pattern.sequence)",
        order=day,
        learner_id="s.learner_id",
        state_id="s.id",
        sequence="n",
        study_day=day,
        submission=a_uuid(),
    )


def _answer() -> ReviewLog:
    """Return the second answer to the newest state."""
    state = ReviewState.objects.latest("pk")
    return ReviewLog.objects.create(
        learner=state.learner,
        state=state,
        sequence=2,
        kind=Kind.REVIEW,
        grade=4,
        at=timezone.now() - timedelta(days=60),
        zone="UTC",
        study_day=timezone.now().date() - timedelta(days=60),
        thinking_ms=4_000,
        reading_ms=3_000,
        submission=uuid4(),
        predicted=0.9,
        interval_before=6,
        repetitions=3,
        ease=250,
        interval=15,
        drill=False,
        due_on=state.due_on,
        lapses=0,
        scheduler=SCHEDULER,
        scheduler_version=SCHEDULER_VERSION,
    )
