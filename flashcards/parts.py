"""What readiness is shown of: topics with their cards, or decks where topics are many."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum
from typing import Any, Final

from django.db.models import QuerySet

from accounts.models import User
from accounts.once import once
from flashcards import forecasting, recall
from flashcards.forecasting import Part
from flashcards.models import Card, Deck, Topic
from flashcards.recall import Lead

MOST_CELLS: Final = 20
MOST_TOPICS: Final = 20  # of more, decks are shown
NOT_STARTED: Final = len(forecasting.BANDS) + 1


@dataclass(frozen=True, slots=True)
class Cell:
    """A card in a topic, with its predicted recall on the lead's day; None: not started."""

    card_id: int
    question: str
    recall: float | None

    @property
    def band(self) -> int:
        """Which of a topic's bands the card is in."""
        if self.recall is None:
            return NOT_STARTED
        return sum(1 for least in forecasting.BANDS if self.recall >= least)


@dataclass(frozen=True, slots=True)
class TopicReadiness:
    """How many of a topic's active cards would be recalled on the lead's day if the learner stopped now.

    `cells` are its cards in order, none when there are more than 20; `bands` counts the cards under 60%,
    from 60, 75, 85, 93% (rounded to whole per cents), and not started.
    """

    topic: Topic
    recalled: float
    cards: int
    weight: int
    cells: tuple[Cell, ...]
    bands: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DeckReadiness:
    """How many of a deck's active cards would be recalled, by the same bands as a topic's, unweighed."""

    deck: Deck
    recalled: float
    cards: int
    bands: tuple[int, ...]


def topics(learner: User, lead: Lead, parts: Sequence[Part]) -> tuple[TopicReadiness, ...]:
    """Return the topics of these parts, in one statement; without their cells and none when they are many."""
    few = len(parts) <= MOST_TOPICS
    small = [part.place.pk for part in parts if part.cards <= MOST_CELLS and few]
    cells = _cells(learner, lead, small) if few else {}
    return tuple(
        TopicReadiness(
            topic=part.place,
            recalled=part.recalled,
            cards=part.cards,
            weight=lead.weight(part.place.pk),
            cells=tuple(cells.get(part.place.pk, ())),
            bands=part.bands,
        )
        for part in parts
        if isinstance(part.place, Topic)
    )


def decks(parts: Sequence[Part]) -> tuple[DeckReadiness, ...]:
    """Return the decks of these parts, in order, in one statement where they are topics."""
    inside = defaultdict[int, list[Part]](list)
    for part in parts:
        inside[part.place.deck_id if isinstance(part.place, Topic) else part.place.pk].append(part)
    known = {part.place.pk: part.place for part in parts if isinstance(part.place, Deck)}
    by_id = known or Deck.objects.in_bulk(list(inside))
    return tuple(
        DeckReadiness(
            deck=by_id[pk],
            recalled=fsum(part.recalled for part in members),
            cards=sum(part.cards for part in members),
            bands=tuple(map(sum, zip(*(part.bands for part in members), strict=True))),
        )
        for pk, members in inside.items()
    )


def _cells(learner: User, lead: Lead, topics: list[int]) -> defaultdict[int, list[Cell]]:
    """Return the cells of all these topics, in deck order."""
    cells = defaultdict[int, list[Cell]](list)
    for topic, *cell in _cards(learner=learner.pk, on=lead.on, topics=tuple(topics)) if topics else ():
        cells[topic].append(Cell(*cell))
    return cells


@once
def _cards(learner: int, on: date, topics: tuple[int, ...]) -> QuerySet[Card, Any]:
    cards = (
        Card.objects.annotate(mine=recall.mine(learner))
        .filter(recall.active(), topic__in=topics)
        .annotate(chance=recall.on(on, "mine__"))
        .order_by("position", "pk")
    )
    values: QuerySet[Card, Any] = cards.values_list("topic_id", "pk", "question", "chance")
    return values
