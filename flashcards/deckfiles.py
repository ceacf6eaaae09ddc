"""Reads decks from fixture files and checks all that can be checked without a database.

The files are plain Django fixtures with natural keys (docs/cards.md). Django's deserialiser isn't used:
it asks the database about every object and can't say which field of which card is wrong.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Field, Model

from flashcards import cards
from flashcards.models import Card, Deck, Topic

MODELS: Final[dict[str, type[Model]]] = {
    "flashcards.deck": Deck,
    "flashcards.topic": Topic,
    "flashcards.card": Card,
}


Row = TypeVar("Row", Deck, Topic)


class SeedError(ValueError):
    """The decks can't be seeded; the message says what is wrong, where, and what to do."""


class Content(NamedTuple):
    """What the files hold, by key: unsaved, valid rows, the cards with their HTML."""

    decks: dict[str, Deck]
    topics: dict[str, Topic]
    cards: dict[str, Card]


class Entry(NamedTuple):
    """One object of a fixture; `where` names it in a message."""

    model: type[Model]
    key: str
    fields: dict[str, Any]
    where: str


def read(paths: Sequence[Path]) -> Content:
    """Return the decks, topics and cards of these files together; raises SeedError at the first fault."""
    entries = _by_model(entry for path in paths for entry in _entries(path))
    decks = {entry.key: _valid(Deck(**entry.fields), entry) for entry in entries[Deck]}
    topics = {entry.key: _topic(entry, decks) for entry in entries[Topic]}
    found = {entry.key: _card(entry, topics) for entry in entries[Card]}
    _check_places("topics", ((topic.deck.key, topic.position, topic.key) for topic in topics.values()))
    _check_places("cards", ((card.topic.deck.key, card.position, card.key) for card in found.values()))
    return Content(decks, topics, found)


def contents(model: type[Model]) -> "list[Field[Any, Any]]":
    """Return the fields that a seed writes: all but the two that say which row it is, and what it counts."""
    fields = model._meta.concrete_fields  # noqa: SLF001 - Django documents it
    return [field for field in fields if field.name not in ("id", "key", "card_count")]


def _entries(path: Path) -> Iterator[Entry]:
    objects = _json(path)
    if not isinstance(objects, list):
        raise SeedError(f"{path}: A fixture is a list of objects; put [ and ] around them.")
    for number, raw in enumerate(objects, start=1):
        yield _entry(raw, f"{path.name}, object {number}", path)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SeedError(f"{path}: There is no such file; check the path.") from None
    except OSError as error:
        raise SeedError(f"{path}: The file can't be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise SeedError(f"{path}: The file isn't UTF-8; save it as UTF-8.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise SeedError(f"{path}, {place}: This isn't JSON ({error.msg}); correct it there.") from None


def _entry(raw: Any, where: str, path: Path) -> Entry:
    name, fields = (raw.get("model"), raw.get("fields")) if isinstance(raw, dict) else (None, None)
    model = MODELS.get(name.lower()) if isinstance(name, str) else None
    if model is None:
        known = ", ".join(MODELS)
        raise SeedError(f"{where}: The model “{name}” doesn't belong in a deck; use one of {known}.")
    if not isinstance(fields, dict) or not isinstance(fields.get("key"), str):
        raise SeedError(f"{where}: Give it “fields” with a “key”, the name that it keeps for ever.")
    key = fields["key"]
    where = f"{path.name}, {model.__name__.lower()} “{key}”"
    if unknown := sorted(fields.keys() - {"key"} - {field.name for field in contents(model)}):
        raise SeedError(f"{where}: {unknown[0]}: There is no such field; correct its name or remove it.")
    return Entry(model, key, {name: value for name, value in fields.items() if name != "html"}, where)


def _by_model(entries: Iterable[Entry]) -> dict[type[Model], list[Entry]]:
    found: dict[type[Model], list[Entry]] = {model: [] for model in MODELS.values()}
    seen: dict[tuple[type[Model], str], str] = {}
    for entry in entries:
        if (entry.model, entry.key) in seen:
            raise SeedError(f"{entry.where}: key: This key is used twice; give each its own.")
        seen[entry.model, entry.key] = entry.where
        found[entry.model].append(entry)
    return found


def _topic(entry: Entry, decks: dict[str, Deck]) -> Topic:
    deck = _parent(entry, "deck", decks)
    return _valid(Topic(**entry.fields | {"deck": deck}), entry)


def _card(entry: Entry, topics: dict[str, Topic]) -> Card:
    card = Card(**entry.fields | {"topic": _parent(entry, "topic", topics)})
    if found := cards.problems(card):
        raise SeedError(f"{entry.where}: {found[0]}")
    html = cards.render(card)
    if found := cards.gaps(card, html):
        raise SeedError(f"{entry.where}: {found[0]}")
    card.html = html
    return card


def _parent(entry: Entry, name: str, known: dict[str, Any]) -> Any:
    """Return the deck or topic that an entry names by its natural key, a list with one text."""
    match entry.fields.get(name):
        case [str(key)] if key in known:
            return known[key]
        case [str(key)]:
            raise SeedError(f"{entry.where}: {name}: The files hold no {name} “{key}”; add it or correct it.")
        case _:
            raise SeedError(
                f'{entry.where}: {name}: Give the {name}\'s key in a list, as in ["deep-learning"].'
            )


def _valid(row: Row, entry: Entry) -> Row:
    try:
        row.clean_fields(exclude={"deck"})
    except ValidationError as error:
        field, sentences = next(iter(error.message_dict.items()))
        raise SeedError(f"{entry.where}: {field}: {sentences[0]}") from None
    return row


def _check_places(what: str, places: Iterable[tuple[str, int, str]]) -> None:
    seen: dict[tuple[str, int], str] = {}
    for deck, position, key in places:
        if other := seen.get((deck, position)):
            raise SeedError(
                f"The {what} “{other}” and “{key}” both have position {position}; give each its own."
            )
        seen[deck, position] = key
