"""A card's texts as the HTML that its page shows, and what a card must be like.

The HTML is made when a card is saved (`render`) and kept in `Card.html`, in this shape:

    lede          the answer's first paragraph, without its <p>: what one says aloud in ten seconds
    answer        the rest of the answer, as blocks
    formula       display MathML
    formula_note  inline: what its symbols mean
    practice      blocks
    key_points    a list of {html (inline), must}
    follow_ups    a list of {question, answer} (both inline)

A field without text is "" or []. The question is plain text and needs no HTML.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, TypedDict, cast

from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from flashcards.models import Card
from flashcards.rendering import TextError, formula_html, inline_html, markdown_html

FEWEST_POINTS, MOST_POINTS, MOST_FOLLOW_UPS = 3, 6, 3
LONGEST_ITEM: Final = 500

_FORMULA: Final = re.compile(r"\$+([^$]+)\$+")
_POINT: Final[dict[str, type]] = {"text": str, "must": bool}
_FOLLOW_UP: Final[dict[str, type]] = {"question": str, "answer": str}

Turn = Callable[[str], str]


class CardHtml(TypedDict):
    lede: str
    answer: str
    formula: str
    formula_note: str
    practice: str
    key_points: list[dict[str, Any]]
    follow_ups: list[dict[str, str]]


class Problem(NamedTuple):
    """What keeps a card from being saved: the model field, and a sentence that says what to do."""

    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.field}: {self.text}"


def rendered(card: Card) -> CardHtml:
    """Return the card's HTML, marked safe, whatever its state.

    Plain `loaddata` leaves it empty. It is made here then, and what can't be typeset is shown as source.
    """
    if card.html:
        return cast("CardHtml", _marked(card.html))
    return _assembled(card, lambda _field, turn, text, _where: _or_source(turn, text))


def render(card: Card) -> CardHtml:
    """Return the HTML to store with the card; raises TextError, which begins with the field's name."""
    html, found = _tried(card)
    if found:
        raise TextError(str(found[0]))
    return html


def problems(card: Card) -> list[Problem]:
    """Return what is wrong with the card, field by field: lengths, shapes, and texts that can't be shown.

    Cleans the card's values on the way, as `clean_fields` does. Relations are left to the caller.
    """
    return [*_invalid(card), *_misshapen(card), *_tried(card)[1]]


def gaps(card: Card, html: CardHtml) -> list[Problem]:
    """Return what a card without problems, and with this HTML, lacks in a deck that others learn from."""
    points, follow_ups = len(card.key_points), len(card.follow_ups)
    checks = {
        "answer": (not html["lede"], "Begin with a paragraph that one can say aloud."),
        "formula_note": (card.formula and not card.formula_note, "Say what the formula's symbols mean."),
        "practice": (not card.practice, "Add a concrete number or case."),
        "key_points": (points < FEWEST_POINTS, f"Give {FEWEST_POINTS} to {MOST_POINTS}, not {points}."),
        "follow_ups": (follow_ups < 1, f"Give 1 to {MOST_FOLLOW_UPS}."),
    }
    return [Problem(field, text) for field, (lacking, text) in checks.items() if lacking]


def _assembled(card: Card, convert: Callable[[str, Turn, str, str], str]) -> CardHtml:
    """Return the card's HTML; `convert` gets a field, how to turn it, its text, and where in the field."""

    def turned(field: str, turn: Turn, text: Any, where: str = "") -> str:
        return convert(field, turn, text, where) if text and isinstance(text, str) else ""

    lede, answer = _parted(turned("answer", markdown_html, card.answer))
    return {
        "lede": lede,
        "answer": answer,
        "formula": turned("formula", formula_html, card.formula),
        "formula_note": turned("formula_note", inline_html, card.formula_note),
        "practice": turned("practice", markdown_html, card.practice),
        "key_points": [
            {"html": turned("key_points", inline_html, point["text"], f"Number {n}: "), "must": point["must"]}
            for n, point in _fitting(card.key_points, _POINT)
        ],
        "follow_ups": [
            {part: turned("follow_ups", inline_html, text, f"Number {n}: ") for part, text in pair.items()}
            for n, pair in _fitting(card.follow_ups, _FOLLOW_UP)
        ],
    }


def _tried(card: Card) -> tuple[CardHtml, list[Problem]]:
    found: list[Problem] = []

    def convert(field: str, turn: Turn, text: str, where: str) -> str:
        try:
            return turn(text)
        except TextError as error:
            found.append(Problem(field, f"{where}{error}"))
            return ""

    return _assembled(card, convert), found


def _parted(html: str) -> tuple[str, str]:
    """Part a leading paragraph from the rest; <p> never nests, so its first end tag is its own."""
    if not html.startswith("<p>"):
        return "", html
    lede, _, rest = html.removeprefix("<p>").partition("</p>")
    return _marked(lede), _marked(rest.strip())


def _or_source(turn: Turn, text: str) -> str:
    """Return the text turned into HTML, or else with its formulas, or at last all of it, as source."""
    for attempt in (text, _FORMULA.sub(r"`\1`", text)):
        try:
            return turn(attempt)
        except TextError:
            continue
    return format_html("<code>{}</code>", text)


def _marked(value: Any) -> Any:
    """Mark every text in a card's stored HTML as safe: nothing but `render` writes there."""
    if isinstance(value, str):
        return mark_safe(value)  # noqa: S308
    if isinstance(value, dict):
        return {name: _marked(part) for name, part in value.items()}
    return [_marked(part) for part in value] if isinstance(value, list) else value


def _invalid(card: Card) -> Iterator[Problem]:
    try:
        card.clean_fields(exclude={"topic", "html"})
    except ValidationError as error:
        for field, sentences in error.message_dict.items():
            yield from (Problem(field, sentence) for sentence in sentences)


def _misshapen(card: Card) -> Iterator[Problem]:
    yield from _list_problems("key_points", card.key_points, _POINT, MOST_POINTS)
    yield from _list_problems("follow_ups", card.follow_ups, _FOLLOW_UP, MOST_FOLLOW_UPS)
    musts = [point["must"] for _, point in _fitting(card.key_points, _POINT)]
    if musts and not any(musts):
        yield Problem("key_points", "Mark at least one point with “must”: true.")


def _list_problems(field: str, value: Any, shape: dict[str, type], most: int) -> Iterator[Problem]:
    parts = [f"“{name}” ({'true or false' if kind is bool else 'a text'})" for name, kind in shape.items()]
    wanted = f"{' and '.join(parts)}, the texts from 1 to {LONGEST_ITEM} characters"
    if not isinstance(value, list):
        yield Problem(field, f"Give a list of objects with {wanted}.")
    elif len(value) > most:
        yield Problem(field, f"Give at most {most}, not {len(value)}.")
    elif bad := {*range(1, len(value) + 1)} - {number for number, _ in _fitting(value, shape)}:
        yield Problem(field, f"Make number {min(bad)} an object with {wanted}.")


def _fitting(value: Any, shape: dict[str, type]) -> list[tuple[int, dict[str, Any]]]:
    """Return the items of the right shape, each with its number: a fixture may hold anything."""
    items = value if isinstance(value, list) else []
    return [(number, item) for number, item in enumerate(items, start=1) if _fits(item, shape)]


def _fits(item: Any, shape: dict[str, type]) -> bool:
    return (
        isinstance(item, dict)
        and item.keys() == shape.keys()
        and all(isinstance(item[name], kind) for name, kind in shape.items())
        and all(0 < len(text.strip()) <= LONGEST_ITEM for text in item.values() if isinstance(text, str))
    )
