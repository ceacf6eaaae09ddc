"""How mails say numbers, days and places, and how a card's question gets into one as plain text."""

import unicodedata
from collections.abc import Sequence
from datetime import date
from typing import Final

from flashcards.wording import day

JOINERS: Final = "\u200c\u200d"  # emoji, and scripts such as Persian, are spelt with them
NO_LETTERS: Final = {"Cc", "Cf", "Cs"}  # controls, invisible ones such as those that turn the direction
LEAST_KEPT: Final = 0.5  # of a text that is cut; where no word ends in the rest, a word is


def listed(parts: Sequence[str]) -> str:
    """Say them one after the other: “Mondays, Tuesdays and Fridays”."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def span(first: date, last: date) -> str:
    """Say the days from one to another: “2 to 8 March”."""
    return f"{first.day if first.month == last.month else day(first)} to {day(last)}"


def time_in(hour: str, zone: str) -> str:
    """Say a time of day in an IANA zone: “08:00 Berlin time”, “08:00 UTC”."""
    area, _, place = zone.rpartition("/")
    if not area or area == "Etc":
        return f"{hour} {zone}"
    return f"{hour} {place.replace('_', ' ')} time"


def plain(text: str) -> str:
    """Return a text on one line, without what isn't seen: it can break neither a header nor a layout."""
    seen = (letter for letter in " ".join(text.split()) if _is_seen(letter))
    return " ".join("".join(seen).split())


def cut(text: str, most: int) -> str:
    """Return the text if it has at most so many characters, else what fits of it, up to the end of a word."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    end = len(kept) if text[most - 1] == " " else kept.rfind(" ")
    return kept[: end if end >= LEAST_KEPT * most else len(kept)].rstrip(" ,;:.–-") + "…"


def _is_seen(letter: str) -> bool:
    return letter in JOINERS or unicodedata.category(letter) not in NO_LETTERS
