"""Which cards match a search: all of them where they are few, and a bounded look where they are very many.

Beyond MOST_CARDS the keys are found first, by indexes, and only a page's cards are read. Words are looked for
in WINDOW cards at a time, since no index knows them; any other list ends after MOST_FOUND.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, TextField

from accounts.models import User
from flashcards import recall, standings
from flashcards.models import Card, ReviewState
from flashcards.standings import Standing

MAX_WORDS = 8
IN_DECK_ORDER, BY_DUE_DAY, BY_RECALL = "deck", "due", "recall"
ORDER: Final = ("deck_number", "position", "id")
MOST_CARDS: Final = 4_000  # in all decks, for a look at all of them
WINDOW: Final = 20_000
MOST_FOUND: Final = 10_000


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


class Part(NamedTuple):
    """The cards that were looked through, the `first` to the `last` in deck order of so many."""

    number: int
    first: int
    last: int
    cards: int

    @property
    def is_all(self) -> bool:
        """Whether there are no other parts."""
        return self.first == 1 and self.last >= self.cards

    @property
    def next(self) -> int | None:
        """The number of the part after this one, None where there is none."""
        return self.number + 1 if self.last < self.cards else None


@dataclass(frozen=True, slots=True)
class Found:
    """The keys of the cards that match, in order; there are `more` where the list was cut.

    `part` is where words were looked for, None where that was in all cards.
    """

    keys: Sequence[int] | QuerySet[Card, int]
    more: bool = False
    part: Part | None = None


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


def with_words(cards: QuerySet[Card], words: Iterable[str]) -> QuerySet[Card]:
    """Return those of the cards that have each of the words in question, answer or key points."""
    found = cards.alias(points=KeyPointTexts("key_points"))
    for word in words:
        found = found.filter(
            Q(question__icontains=word) | Q(answer__icontains=word) | Q(points__icontains=word)
        )
    return found


def in_order(cards: QuerySet[Card], order: str) -> QuerySet[Card]:
    """Return cards, which know the learner's row as `mine` or `recall`, as the order asks."""
    if order == BY_DUE_DAY:
        return cards.order_by(F("mine__due_on").asc(nulls_last=True), *ORDER)
    if order == BY_RECALL:
        return cards.order_by(F("recall").asc(nulls_last=True), *ORDER)
    return cards.order_by(*ORDER)


def are_many() -> bool:
    """Whether there are more cards than are all looked at."""
    return Card.objects.filter(retired=False).order_by()[MOST_CARDS : MOST_CARDS + 1].exists()


def among_many(learner: User, search: Search, today: date, part: int) -> Found:
    """Return what matches among very many cards, with words in the part of this number."""
    ordered = search.order in (BY_DUE_DAY, BY_RECALL)
    if ordered and not search.words and not search.topic and search.state != Standing.NEW:
        return _cut(_by_schedule(learner, search, today))
    cards = Card.objects.filter(retired=False)
    if search.topic:
        cards = cards.filter(topic__key=search.topic)
    looked = None
    if search.words:
        looked = _part(cards.order_by().count(), part)
        inside = cards.order_by(*ORDER).values("pk")[looked.first - 1 : looked.last]
        cards = with_words(Card.objects.filter(pk__in=inside), search.words)
    if search.state:
        cards = cards.filter(_in_state(learner, search, today))
    if ordered:
        cards = cards.annotate(mine=recall.mine(learner))
        if search.order == BY_RECALL:
            cards = cards.alias(recall=recall.on(recall.leading(learner, today).on, "mine__"))
    keys = in_order(cards, search.order).values_list("pk", flat=True)
    if not search.words and not search.state and not ordered:
        return Found(keys)  # which an index counts, and passes
    return _cut(keys[: MOST_FOUND + 1], None if looked is None or looked.is_all else looked)


def _cut(keys: Iterable[int], part: Part | None = None) -> Found:
    found = list(keys)
    return Found(found[:MOST_FOUND], len(found) > MOST_FOUND, part)


def _by_schedule(learner: User, search: Search, today: date) -> list[int]:
    """Return the keys as the learner's rows put them in order, then those that have nothing to go by.

    Of two with the same the card made first comes first: to ask each for its place in the deck takes as long
    as all the rest.
    """
    if search.order == BY_RECALL:
        known, by = Q(remembered_on__isnull=False), recall.on(recall.leading(learner, today).on)
    else:
        known, by = Q(due_on__isnull=False), F("due_on")
    gone = Card.objects.filter(retired=True).values("pk")
    mine = ReviewState.objects.filter(learner=learner)
    rows = standings.card_ids(learner, today)[search.state] if search.state else mine
    first = rows.filter(known).exclude(card__in=gone).order_by(by, "card").values_list("card", flat=True)
    keys = list(first[: MOST_FOUND + 1])
    if len(keys) > MOST_FOUND:
        return keys
    unknown = ~Exists(mine.filter(known, card=OuterRef("pk")))
    inside = Q(pk__in=rows.exclude(known).values("card")) if search.state else Q()
    rest = Card.objects.filter(unknown, inside, retired=False).order_by(*ORDER).values_list("pk", flat=True)
    return keys + list(rest[: MOST_FOUND + 1 - len(keys)])


def _part(cards: int, number: int) -> Part:
    """Return the part of this number, or the last one; it begins at 1 even where there is no card."""
    number = max(1, min(number, -(-cards // WINDOW)))
    first = WINDOW * (number - 1) + 1
    return Part(number, first, max(first, min(WINDOW * number, cards)), cards)


def _in_state(learner: User, search: Search, today: date) -> Q | Exists:
    """Return what puts a card in the searched state.

    Where most cards are in it, or words have left few, card by card; else by the list of those in it.
    """
    ids = standings.card_ids(learner, today)[search.state]
    if search.state == Standing.REVIEW or (search.words and search.state != Standing.NEW):
        return Exists(ids.filter(card=OuterRef("pk")))
    return Q(pk__in=ids)
