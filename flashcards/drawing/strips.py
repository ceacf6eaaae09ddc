"""The small drawings of the tiles and the readiness: as wide as their place, so lengths are shares of it."""

from collections.abc import Sequence
from datetime import date
from typing import Final, Protocol

from flashcards import wording
from flashcards.drawing.svg import Element, element, line, percent, rect, text
from flashcards.drawing.weeks import HALF, TARGET, Rate

MOST_BLOCKS: Final = 20
HIDDEN: Final = {"aria_hidden": "true", "focusable": "false"}


class DayMark(Protocol):
    """A day and how many answers it had."""

    @property
    def day(self) -> date: ...
    @property
    def answers(self) -> int: ...


def _strip(parts: Sequence[Element], height: int, label: str = "", class_: str = "") -> Element:
    """Return a drawing of 100% width; without a label it only repeats what the text beside it says."""
    about = {"role": "img", "aria_label": label} if label else HIDDEN
    return element("svg", *parts, height=height, class_=f"chart range {class_}".rstrip(), **about)


def due(kinds: Sequence[tuple[str, int]]) -> Element:
    """Draw today's cards, a block for each, or for many cards a length for each kind; a kind is a class."""
    total = sum(count for _, count in kinds)
    if total <= MOST_BLOCKS:
        blocks = [kind for kind, count in kinds for _ in range(count)]
        step = 1 / max(total, 9)
        return _strip([_block(n * step, step, kind) for n, kind in enumerate(blocks)], 18)
    parts, start = [], 0.0
    for kind, count in kinds:
        if count:
            parts.append(_block(start, count / total, kind))
            start += count / total
    return _strip(parts, 18)


def _block(start: float, share: float, kind: str) -> Element:
    return rect(percent(start + 0.004), 4, (percent(max(share * 0.8, share - 0.02)), 10), kind, 3)


def two_weeks(days: Sequence[DayMark], today: date) -> Element:
    """Draw the last days, studied or not; today is open until its first answer."""
    step = 1 / len(days)
    marks = [_block(n * step, step, _studied(day, today)) for n, day in enumerate(days)]
    past = [day for day in days if day.day < today or day.answers]
    studied = sum(1 for day in past if day.answers)
    still_open = "" if len(past) == len(days) else ", today is still open"
    return _strip(marks, 18, f"Last {len(days)} days: studied {studied} of {len(past)}{still_open}")


def _studied(day: DayMark, today: date) -> str:
    if day.answers:
        return "bar"
    return "cx" if day.day == today else "c0"


def interval(rate: Rate, name: str) -> Element:
    """Draw a rate on its scale with the 95% interval and the target."""
    lowest = HALF if rate.low >= HALF else 0.0

    def place(share: float) -> str:
        return percent(0.02 + 0.96 * (share - lowest) / (1 - lowest))

    share = rate.recalled / rate.tested
    parts = [
        line((place(lowest), 7), (place(1.0), 7), "axis"),
        line((place(rate.low), 7), (place(rate.high), 7), "ci"),
        line((place(TARGET), 0), (place(TARGET), 14), "target"),
        element("circle", cx=place(share), cy=7, r=5, class_="dot"),
        text(place(lowest), 26, f"{wording.percent(lowest)}%"),
        text(place(TARGET), 26, wording.percent(TARGET), "mark", "middle"),
    ]
    label = (
        f"{name}: {rate.recalled:,} of {rate.tested:,}, 95 per cent interval {wording.percent(rate.low)} to "
        f"{wording.percent(rate.high)} per cent, target {wording.percent(TARGET)}"
    )
    return _strip(parts, 30, label)


def towards(count: int, needed: int) -> Element:
    """Draw how far a count has come to where a rate is shown."""
    label = f"{count:,} of the {needed:,} reviews needed"
    return _strip([*_bar([("c3", count / needed)], 8)], 12, label)


def readiness(recalled: float, keeping: float | None, of: float, label: str) -> Element:
    """Draw the cards recalled if the learner stops now, and if they go on, out of all."""
    ahead = [("c2", keeping / of)] if keeping is not None else []
    return _strip(_bar([*ahead, ("c5", recalled / of)], 12), 12, label, "readybar")


def bands(counts: Sequence[int]) -> Element:
    """Draw a topic's cards by recall band, lowest first, those not started last, as parts of one bar."""
    total, parts, start = sum(counts), [], 0.0
    for number, count in enumerate(counts, start=1):
        if count:
            share = count / total
            class_ = f"c{number}" if number < len(counts) else "cnew"
            parts.append(rect(percent(start), 1, (percent(share), 18), class_, 0))
            start += share
    return _strip(parts, 20)


def _bar(parts: Sequence[tuple[str, float]], height: int) -> list[Element]:
    """Lay lengths over each other, the longest first."""
    whole = rect(0, 0, ("100%", height), "c0", 4)
    return [whole, *(rect(0, 0, (percent(share), height), class_, 4) for class_, share in parts if share > 0)]
