"""Where each card stands for a learner today: one card, the set of a standing, and counts per topic."""

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.db.models import Count, Q, QuerySet, TextChoices

from accounts.models import User
from flashcards import history, queue
from flashcards.models import Deck, ReviewState, Topic
from flashcards.scheduling import schedule
from flashcards.scheduling.schedule import Kind

MISSED_OFTEN = "leech"


class Standing(TextChoices):
    """Where a card stands for a learner today; every card is in exactly one of these."""

    NEW = "new", "New"
    DUE = "due", "Due"
    LEARNING = "learning", "Learning"
    REVIEW = "review", "Review"
    SUSPENDED = "suspended", "Suspended"
    BURIED = "buried", "Buried"


@dataclass(frozen=True, slots=True)
class TopicCounts:
    """How many cards of a topic stand where."""

    topic: Topic
    by_standing: dict[str, int]

    @property
    def cards(self) -> int:
        """All cards of the topic."""
        return sum(self.by_standing.values())

    @property
    def due(self) -> int:
        """Cards that wait for an answer today, those that owe a repeat among them, new ones apart."""
        return self.by_standing[Standing.DUE] + self.by_standing[Standing.LEARNING]

    @property
    def scheduled(self) -> int:
        """Cards that come back by themselves on a later day."""
        return self.by_standing[Standing.REVIEW] + self.by_standing[Standing.BURIED]


def standing_of(state: ReviewState | None, today: date) -> Standing:
    """Return where a card with this row (None: no row) stands on this study day."""
    if state is None:
        return Standing.NEW
    if state.suspended:
        return Standing.SUSPENDED
    if state.buried_on == today:
        return Standing.BURIED
    if state.due_on is None:
        return Standing.NEW
    if state.due_on <= today:
        return Standing.DUE
    answer = schedule.answer_kind(history.schedule_of(state), today)
    return Standing.LEARNING if answer is Kind.DRILL else Standing.REVIEW


def card_ids(learner: User, today: date) -> dict[str, QuerySet[Any, Any]]:
    """Return the ids of the cards in each standing, the queue's own sets where it has them.

    MISSED_OFTEN is no standing: such a card is in one as well.
    """
    states = ReviewState.objects.filter(learner=learner)
    owing = queue.drills(learner, today).order_by()
    later = states.filter(suspended=False, due_on__gt=today).exclude(buried_on=today)
    return {
        Standing.NEW: queue.new(learner, today).order_by().values("pk"),
        Standing.DUE: queue.due(learner, today).order_by().values("card"),
        Standing.LEARNING: owing.values("card"),
        Standing.REVIEW: later.exclude(pk__in=owing.values("pk")).values("card"),
        Standing.SUSPENDED: states.filter(suspended=True).values("card"),
        Standing.BURIED: states.filter(suspended=False, buried_on=today).values("card"),
        MISSED_OFTEN: states.filter(lapses__gte=schedule.LEECH_AFTER).values("card"),
    }


def decks(learner: User, today: date) -> list[tuple[Deck, list[TopicCounts]]]:
    """Return every deck that has topics, with the counts of each topic, in one statement."""
    by_deck = groupby(_counted(learner, today), lambda counts: counts.topic.deck)
    return [(deck, list(counts)) for deck, counts in by_deck]


def topic_counts(learner: User, deck: Deck, today: date) -> list[TopicCounts]:
    """Return the counts of each topic of this deck, in one statement."""
    return _counted(learner, today, deck=deck)


def _counted(learner: User, today: date, **only: Deck) -> list[TopicCounts]:
    ids = card_ids(learner, today)
    counted = {
        f"n_{name}": Count("cards", filter=Q(cards__retired=False, cards__in=ids[name])) for name in Standing
    }
    rows = Topic.objects.filter(**only).select_related("deck").annotate(**counted)
    return [
        TopicCounts(topic, {name: getattr(topic, f"n_{name}") for name in Standing})
        for topic in rows.order_by("deck_id", "position")
    ]
