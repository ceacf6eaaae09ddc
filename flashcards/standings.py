"""Where each card stands for a learner today: one card, the set of a standing, and counts per topic."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.db.models import Count, Q, QuerySet, TextChoices

from accounts.models import User
from flashcards import history, queue, recall
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


def topics() -> QuerySet[Topic]:
    """Return every topic with its deck, in order."""
    return Topic.objects.select_related("deck").order_by("deck_id", "position")


def decks(
    learner: User, today: date, shown: Iterable[Topic] | None = None
) -> list[tuple[Deck, list[TopicCounts]]]:
    """Return the decks of these topics, or of all, with the counts of each topic, in one statement."""
    counted = topic_counts(learner, topics() if shown is None else shown, today)
    by_deck = groupby(counted, lambda counts: counts.topic.deck)
    return [(deck, list(counts)) for deck, counts in by_deck]


def topic_counts(learner: User, shown: Iterable[Topic], today: date) -> list[TopicCounts]:
    """Return the counts of each of these topics, in their order, in one statement that reads their cards."""
    by_pk = {topic.pk: topic for topic in shown}
    counted = {
        f"n_{name}": Count("cards", filter=Q(cards__retired=False) & where)
        for name, where in _standings(today).items()
    }
    rows = Topic.objects.filter(pk__in=by_pk).annotate(mine=recall.mine(learner, "cards__states"))
    found = {row["pk"]: row for row in rows.annotate(**counted).values("pk", *counted)}
    return [
        TopicCounts(topic, {name: found[pk][f"n_{name}"] for name in Standing}) for pk, topic in by_pk.items()
    ]


def _standings(today: date) -> dict[str, Q]:
    """Return what standing_of() says, in a query that knows the learner's row as `mine`."""
    awake = Q(mine__suspended__isnull=True) | Q(mine__suspended=False)
    awake &= Q(mine__buried_on__isnull=True) | ~Q(mine__buried_on=today)
    later = awake & Q(mine__due_on__gt=today)
    owing = Q(mine__drill=True, mine__last_reviewed_on=today)
    return {
        Standing.NEW: awake & Q(mine__due_on__isnull=True),
        Standing.DUE: awake & Q(mine__due_on__lte=today),
        Standing.LEARNING: later & owing,
        Standing.REVIEW: later & (Q(mine__drill=False) | ~owing | Q(mine__last_reviewed_on__isnull=True)),
        Standing.SUSPENDED: Q(mine__suspended=True),
        Standing.BURIED: Q(mine__suspended=False, mine__buried_on=today),
    }
