"""Finding cards: search, filters, a deck in order, one card with its past; each one bounded query."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import DateField, Exists, FilteredRelation, OuterRef, Q, QuerySet, Value
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import User
from flashcards import finding, recall, standings
from flashcards.finding import BY_DUE_DAY, BY_RECALL, IN_DECK_ORDER, Search
from flashcards.models import Card, Deck, Note, ReviewLog, ReviewState, Topic
from flashcards.scheduling import schedule

__all__ = ["BY_DUE_DAY", "BY_RECALL", "IN_DECK_ORDER", "Row", "Search"]

LONG_FIELDS = ("answer", "formula", "formula_note", "practice", "key_points", "follow_ups", "html")


@dataclass(frozen=True, slots=True)
class Row:
    """A card in a list, with the learner's schedule for it and the found words marked.

    Sorted by predicted recall, it has that for the day `recall_on`; None while the card isn't started.
    """

    card: Card
    state: ReviewState | None
    standing: standings.Standing
    question: SafeString
    recall: float | None = None
    recall_on: date | None = None

    @property
    def missed_often(self) -> bool:
        """Whether the card carries the leech mark."""
        return self.state is not None and schedule.is_leech(self.state.lapses)


def find(learner: User, search: Search, today: date) -> QuerySet[Card]:
    """Return the cards that match, in order, each with its topic and the learner's row."""
    found = finding.with_words(_listed(learner, search, today), search.words)
    if search.topic:
        found = found.filter(topic__key=search.topic)
    if search.state:
        found = found.filter(pk__in=standings.card_ids(learner, today)[search.state])
    return finding.in_order(found, search.order)


def with_keys(learner: User, search: Search, today: date, keys: Sequence[int]) -> list[Card]:
    """Return the cards with these keys, in their order, as find() does."""
    place = {key: number for number, key in enumerate(keys)}
    return sorted(_listed(learner, search, today).filter(pk__in=place), key=lambda card: place[card.pk])


def keys_in_deck(deck: Deck) -> QuerySet[Card, int]:
    """Return the keys of the deck's cards, topic by topic."""
    cards = Card.objects.filter(retired=False, topic__deck=deck)
    return cards.order_by("topic__position", "position", "id").values_list("pk", flat=True)


def row(card: Card, today: date, words: Sequence[str] = ()) -> Row:
    """Return a card that came from here as a row of a list."""
    state: ReviewState | None = getattr(card, "mine", None)
    return Row(
        card=card,
        state=state,
        standing=standings.standing_of(state, today),
        question=highlighted(card.question, words),
        recall=getattr(card, "recall", None),
        recall_on=getattr(card, "recall_on", None),
    )


def card_of(learner: User, card_id: int) -> Card | None:
    """Return the card with its topic, the learner's row and their note.

    A retired card is there only for those who have a history with it.
    """
    note = FilteredRelation("notes", condition=Q(notes__learner=learner))
    cards = _cards(learner, "topic__deck", "my_note", my_note=note)
    return cards.filter(Q(retired=False) | Q(mine__version__gt=0), pk=card_id).first()


def note_of(card: Card) -> Note | None:
    """Return the learner's note that came with a card from `card_of`, None when there is none."""
    note: Note | None = getattr(card, "my_note", None)
    return note


def past(state: ReviewState) -> QuerySet[ReviewLog]:
    """Return the card's events, newest first, each knowing whether it was `undone`."""
    undo = ReviewLog.objects.filter(
        state=OuterRef("state"), sequence__gt=OuterRef("sequence"), undoes=OuterRef("sequence")
    )
    return state.log.annotate(undone=Exists(undo)).order_by("-sequence")


def topics() -> list[Topic]:
    """Return every topic with its deck, in order."""
    return list(Topic.objects.select_related("deck").order_by("deck_id", "position"))


def highlighted(text: str, words: Sequence[str]) -> SafeString:
    """Return the text as HTML with every occurrence of a word marked, whatever its case."""
    if not words:
        return format_html("{}", text)
    longest_first = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    pieces = re.split(f"({longest_first})", text, flags=re.IGNORECASE)
    hits = {piece: format_html("<mark>{}</mark>", piece) for piece in pieces[1::2]}
    return format_html_join("", "{}", ((hits.get(piece, piece),) for piece in pieces))


def _listed(learner: User, search: Search, today: date) -> QuerySet[Card]:
    """Return all cards that may be found, without their long texts, as a list in this order shows them."""
    cards = _cards(learner).filter(retired=False).defer(*LONG_FIELDS)
    if search.order != finding.BY_RECALL:
        return cards
    day = recall.leading(learner, today).on
    return cards.annotate(recall=recall.on(day, "mine__"), recall_on=Value(day, DateField()))


def _cards(learner: User, *with_related: str, **relations: FilteredRelation) -> QuerySet[Card]:
    """Return all cards, each with its topic and the learner's row as `mine`, and what else is asked for."""
    mine = FilteredRelation("states", condition=Q(states__learner=learner))
    related = ["topic", "mine", *with_related]
    cards: QuerySet[Card] = Card.objects.annotate(mine=mine, **relations)
    return cards.select_related(*related)
