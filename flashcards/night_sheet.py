"""The last-night sheet: the cards most likely to slip with what to say of them, as many as two pages hold."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, Protocol, TypeVar

from django.db.models import FilteredRelation, Q
from django.utils.html import strip_tags

from accounts.models import User
from flashcards import cards
from flashcards.cards import CardHtml
from flashcards.models import Card, Note, Topic

MOST_CARDS: Final = 16
WEAKEST: Final = 3

# How much fits, in lines, as static/css/sheet.css prints it: two A4 pages of two columns, cards never split.
COLUMNS: Final = (64, 64, 70, 70)  # the first page carries the heading
CHARACTERS: Final = 54  # in a line
LARGE_CHARACTERS: Final = 46  # in a line of the question
FORMULA: Final = 3
NOTE: Final = 6  # a longer note is cut there in print, a longer first paragraph there:
LEDE: Final = 8
SPACE: Final = 3  # the topic, and the gaps

_BLOCK: Final = re.compile(r"</?(?:p|li|ul|ol|pre|blockquote|h\d|br|hr)\b[^>]*>")


class Rated(Protocol):
    """A topic with how many of its cards would be recalled on the day, and how much it counts."""

    @property
    def topic(self) -> Topic: ...
    @property
    def recalled(self) -> float: ...
    @property
    def cards(self) -> int: ...
    @property
    def weight(self) -> int: ...


Topical = TypeVar("Topical", bound=Rated)


class AtRisk(Protocol):
    """A card with its predicted recall on the day."""

    @property
    def card_id(self) -> int: ...
    @property
    def recall(self) -> float: ...


@dataclass(frozen=True, slots=True)
class SheetCard:
    """A card as the sheet shows it; `note` is the learner's own as HTML, empty without one."""

    card: Card
    recall: float
    html: CardHtml
    note: str


def weakest(topics: Sequence[Topical]) -> list[Topical]:
    """Return the topics of which the smallest share would be recalled, of those that count."""
    counting = [topic for topic in topics if topic.weight and topic.cards]
    return sorted(counting, key=lambda topic: topic.recalled / topic.cards)[:WEAKEST]


def sheet_cards(learner: User, slips: Sequence[AtRisk]) -> list[SheetCard]:
    """Return these cards in their order with all the sheet says of them, while they fit; one statement."""
    note = FilteredRelation("notes", condition=Q(notes__learner=learner))
    found = Card.objects.annotate(my_note=note).select_related("topic", "my_note")
    by_id = found.in_bulk([slip.card_id for slip in slips])
    return fitting([_sheet_card(by_id[slip.card_id], slip.recall) for slip in slips if slip.card_id in by_id])


def fitting(found: Sequence[SheetCard]) -> list[SheetCard]:
    """Return the first of these cards, as many as fit on two pages; one is always there."""
    fit, column, used = list[SheetCard](), 0, 0
    for card in found:
        needed = lines(card)
        if used + needed > COLUMNS[column] and used:
            column, used = column + 1, 0
        if column == len(COLUMNS):
            break
        used += needed
        fit.append(card)
    return fit


def lines(card: SheetCard) -> int:
    """Return how many lines the card takes in print, estimated from its texts and rather too many."""
    html = card.html
    return (
        SPACE
        + ceil(len(card.card.question) / LARGE_CHARACTERS)
        + min(LEDE, _lines(html["lede"]))
        + (FORMULA if html["formula"] else 0)
        + sum(_lines(point["html"]) for point in html["key_points"])
        + min(NOTE, _lines(card.note))
    )


def _lines(html: str) -> int:
    return sum(ceil(len(strip_tags(block).strip()) / CHARACTERS) for block in _BLOCK.split(html))


def _sheet_card(card: Card, recall: float) -> SheetCard:
    note: Note | None = getattr(card, "my_note", None)
    return SheetCard(card, recall, cards.rendered(card), note.html if note else "")
