"""Finding cards: search, filters, a deck in order, one card with its past; each one bounded query."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import (
    DateField,
    Exists,
    F,
    FilteredRelation,
    Func,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
)
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import User
from flashcards import recall, standings
from flashcards.models import Card, Deck, Note, ReviewLog, ReviewState, Topic
from flashcards.scheduling import schedule

MAX_WORDS = 8
IN_DECK_ORDER, BY_DUE_DAY, BY_RECALL = "deck", "due", "recall"
LONG_FIELDS = ("answer", "formula", "formula_note", "practice", "key_points", "follow_ups", "html")


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for: words, a topic's key, a standing or MISSED_OFTEN, and in which order."""

    text: str = ""
    topic: str = ""
    state: str = ""
    order: str = IN_DECK_ORDER

    @property
    def words(self) -> list[str]:
        """The words that must all be found; those past the eighth are left out."""
        return self.text.split()[:MAX_WORDS]


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


class KeyPointTexts(Func):
    """The texts of a card's key points as one text, without the JSON around them."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the SQL for SQLite."""
        template = "(SELECT group_concat(value ->> '$.text', ' ') FROM json_each(%(expressions)s))"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the SQL for PostgreSQL."""
        points = "jsonb_array_elements(%(expressions)s) AS point"
        template = f"(SELECT string_agg(point ->> 'text', ' ') FROM {points})"  # noqa: S608 - no input in it
        return self.as_sql(compiler, connection, template=template, **context)


def find(learner: User, search: Search, today: date) -> QuerySet[Card]:
    """Return the cards that match, in order, each with its topic and the learner's row."""
    found = _cards(learner).filter(retired=False).defer(*LONG_FIELDS)
    found = found.alias(points=KeyPointTexts("key_points"))
    if search.topic:
        found = found.filter(topic__key=search.topic)
    if search.state:
        found = found.filter(pk__in=standings.card_ids(learner, today)[search.state])
    for word in search.words:
        found = found.filter(
            Q(question__icontains=word) | Q(answer__icontains=word) | Q(points__icontains=word)
        )
    in_deck_order = ("deck_number", "position", "id")
    if search.order == BY_DUE_DAY:
        return found.order_by(F("mine__due_on").asc(nulls_last=True), *in_deck_order)
    if search.order == BY_RECALL:
        day = recall.leading(learner, today).on
        found = found.annotate(recall=recall.on(day, "mine__"), recall_on=Value(day, DateField()))
        return found.order_by(F("recall").asc(nulls_last=True), *in_deck_order)
    return found.order_by(*in_deck_order)


def in_deck(learner: User, deck: Deck) -> QuerySet[Card]:
    """Return the deck's cards topic by topic, each with its topic and the learner's row."""
    cards = _cards(learner).filter(retired=False, topic__deck=deck).defer(*LONG_FIELDS)
    return cards.order_by("topic__position", "position", "id")


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


def _cards(learner: User, *with_related: str, **relations: FilteredRelation) -> QuerySet[Card]:
    """Return all cards, each with its topic and the learner's row as `mine`, and what else is asked for."""
    mine = FilteredRelation("states", condition=Q(states__learner=learner))
    related = ["topic", "mine", *with_related]
    cards: QuerySet[Card] = Card.objects.annotate(mine=mine, **relations)
    return cards.select_related(*related)
