"""The requests of the last hour: a bar for each minute, what broke on its foot."""

from collections.abc import Sequence
from math import ceil, log10
from typing import Final, Protocol

from flashcards import wording
from flashcards.drawing import words
from flashcards.drawing.svg import Element, Layout, chart, line, named, rect, text, together, told

WIDE: Final = Layout("wide", 600, 170)
NARROW: Final = Layout("narrow", 330, 150)
LEFT: Final = 44
TOP: Final = 12
FOOT: Final = 26
EVERY: Final = 15  # minutes between two names


class Minute(Protocol):
    """A minute with its requests, and how many of them broke."""

    @property
    def requests(self) -> int: ...
    @property
    def errors(self) -> int: ...


def hour(minutes: Sequence[Minute], finding: str) -> Element:
    """Draw the minutes, oldest first, in both sizes; `finding` says what they come to."""
    ticks = _ticks(max(minute.requests for minute in minutes))
    drawn = []
    for layout in (WIDE, NARROW):
        attributes, heading = named(f"hour-{layout.name}", "Requests in each of the last 60 minutes", finding)
        parts = [*heading, *_axis(layout, ticks), *_bars(layout, minutes, ticks[-1])]
        parts += _names(layout, len(minutes))
        size = layout.width, layout.height
        drawn.append(chart(size, parts, class_=f"chart plot {layout.name}", **attributes))
    return together(drawn)


def _ticks(most: int) -> tuple[int, int, int]:
    """Return 0, a round number from half of `most` on, and twice that."""
    power = 10 ** max(0, ceil(log10(max(most, 2) / 2)) - 1)
    half = next(unit * power for unit in (1, 2, 5, 10) if 2 * unit * power >= most)
    return 0, half, 2 * half


def _level(layout: Layout, count: float, most: int) -> float:
    return layout.height - FOOT - count / most * (layout.height - FOOT - TOP)


def _axis(layout: Layout, ticks: Sequence[int]) -> list[Element]:
    parts = []
    for tick in ticks:
        y = _level(layout, tick, ticks[-1])
        parts.append(line((LEFT, y), (layout.width, y), "axis" if tick else "axis0"))
        parts.append(text(LEFT - 10, y + 4, words.number(tick), anchor="end"))
    return parts


def _bars(layout: Layout, minutes: Sequence[Minute], most: int) -> list[Element]:
    step = (layout.width - LEFT) / len(minutes)
    foot = layout.height - FOOT
    bars = []
    for place, minute in enumerate(minutes):
        if not minute.requests:
            continue
        x, broken = LEFT + place * step, _level(layout, minute.errors, most)
        top = _level(layout, minute.requests, most)
        marks = [rect(x, top, (step * 0.8, broken - top), "bar", 1)]
        if minute.errors:
            marks.append(rect(x, broken, (step * 0.8, foot - broken), "bar bar--late", 1))
        bars.append(told(_title(len(minutes) - place, minute), *marks))
    return bars


def _title(ago: int, minute: Minute) -> str:
    broke = f", {minute.errors:,} broke" if minute.errors else ""
    return f"{wording.counted(ago, 'minute')} ago: {wording.counted(minute.requests, 'request')}{broke}"


def _names(layout: Layout, minutes: int) -> list[Element]:
    """Name every quarter of an hour by how long ago it was."""
    step, y = (layout.width - LEFT) / minutes, layout.height - 8
    names = [
        text(LEFT + (minutes - ago) * step, y, f"{ago} min ago" if ago == minutes else f"{ago}")
        for ago in range(minutes, 0, -EVERY)
    ]
    return [*names, text(layout.width, y, "Now", "strong", "end")]
