"""Decks from fixture files into the database: all of them or nothing, as often as one likes.

A deck is what its files say: cards that left them are retired, and come back with them. Review states
are never touched: a card's key is its identity, whatever becomes of its texts.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

from django.db import transaction
from django.db.models import F, Model, Q

from flashcards import deckfiles, frontier, topic_counts
from flashcards.deckfiles import Content, SeedError, contents
from flashcards.models import Card, Deck, Topic

Row = TypeVar("Row", Deck, Topic, Card)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a seed did, in cards: those in the files were created, updated or left unchanged."""

    created: int
    updated: int
    unchanged: int
    retired: int

    def __str__(self) -> str:
        return (
            f"{self.created + self.updated + self.unchanged} cards: {self.created} created, "
            f"{self.updated} updated, {self.unchanged} unchanged, {self.retired} retired."
        )


def seed(paths: Sequence[Path]) -> Tally:
    """Make the decks of these files what the files say; raises SeedError and then changes nothing."""
    content = deckfiles.read(paths)
    with transaction.atomic():
        _save_decks(content)
        _save_topics(content)
        tally = _save_cards(content)
        topic_counts.recount(Topic.objects.filter(deck__in=content.decks.values()).values("pk"))
        return tally


def _save_decks(content: Content) -> None:
    """Save the decks and hold their locks: of two seeds at once, the second waits here for the first."""
    rows = [content.decks[key] for key in sorted(content.decks)]
    # A deck that the other seed has just inserted can't be seen or locked yet, but inserting it waits.
    Deck.objects.bulk_create([copy(row) for row in rows], ignore_conflicts=True)
    locked = Deck.objects.select_for_update().filter(key__in=content.decks).order_by("key")
    stored = {deck.key: deck for deck in locked}
    changed = _changed(rows, stored)
    for row in rows:
        row.pk = stored[row.key].pk
    Deck.objects.bulk_update(changed, ["name", "description"])


def _save_topics(content: Content) -> None:
    ours = Q(deck__in=content.decks.values())
    topic_counts.hold(Topic.objects.filter(ours).values("pk"))
    stored = {row.key: row for row in Topic.objects.filter(ours | Q(key__in=content.topics))}
    for topic in content.topics.values():
        topic.deck = topic.deck  # whose id is known only now
        if topic.key in stored:
            _check_deck(f"topic “{topic.key}”", topic.deck, stored[topic.key].deck_id)
    rows = [*content.topics.values(), *_at_the_end(content, stored.values())]
    if _changed(rows, stored):
        # Two topics may not have the same place for a moment, so all make room before any takes its own.
        room = 1 + max(row.position for row in [*rows, *stored.values()])
        Topic.objects.filter(ours).update(position=F("position") + room)
        _upsert(Topic, rows)
    keys = dict(Topic.objects.filter(key__in=content.topics).values_list("key", "pk"))
    for topic in content.topics.values():
        topic.pk = keys[topic.key]


def _at_the_end(content: Content, stored: Iterable[Topic]) -> list[Topic]:
    """Return the topics that left the files, moved behind those that are there: their cards may have logs."""
    left = [copy(row) for row in stored if row.key not in content.topics]
    places = count(1 + max((row.position for row in content.topics.values()), default=0))
    for row in sorted(left, key=lambda row: row.position):
        row.pk, row.position = None, next(places)
    return left


def _save_cards(content: Content) -> Tally:
    rows = list(content.cards.values())
    ours = Q(topic__deck__in=content.decks.values()) | Q(key__in=content.cards)
    stored = {row.key: row for row in Card.objects.filter(ours).select_related("topic")}
    for card in rows:
        card.topic = card.topic  # whose id is known only now
        card.deck_number = card.topic.deck_id
        if card.key in stored:
            _check_deck(f"card “{card.key}”", card.topic.deck, stored[card.key].topic.deck_id)
    changed = _changed(rows, stored)
    _upsert(Card, changed)
    frontier.draw_back(card for card in changed if _place(card) != _place(stored.get(card.key)))
    left = [row.pk for row in stored.values() if row.key not in content.cards and not row.retired]
    created = len(content.cards.keys() - stored.keys())
    return Tally(
        created=created,
        updated=len(changed) - created,
        unchanged=len(rows) - len(changed),
        retired=Card.objects.filter(pk__in=left).update(retired=True),
    )


def _place(card: Card | None) -> tuple[int, int] | None:
    """Return where a card is met in deck order, None when it isn't."""
    return None if card is None or card.retired else (card.deck_number, card.position)


def _check_deck(named: str, deck: Deck, stored_in: int) -> None:
    if stored_in != deck.pk:
        raise SeedError(f"The {named} is already in another deck than “{deck.key}”; choose another key.")


def _changed(rows: Sequence[Row], stored: Mapping[str, Row]) -> list[Row]:
    return [row for row in rows if row.key not in stored or _values(row) != _values(stored[row.key])]


def _values(row: Model) -> list[object]:
    return [getattr(row, field.attname) for field in contents(type(row))]


def _upsert(model: type[Row], rows: Sequence[Row]) -> None:
    """Insert the rows, or update those whose key is there, in one statement per batch."""
    names = [field.name for field in contents(model)]
    if rows:
        model.objects.bulk_create(rows, update_conflicts=True, unique_fields=["key"], update_fields=names)
