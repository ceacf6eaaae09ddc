"""True retention week by week: a bar for what is likely, a dot where there is enough to call it a rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import floor
from typing import Final, Protocol

from flashcards import wording
from flashcards.drawing import words
from flashcards.drawing.svg import (
    NOTHING,
    Element,
    Layout,
    chart,
    element,
    level,
    line,
    named,
    text,
    together,
    told,
)

MOST_WEEKS: Final = 14
TARGET: Final = 0.9
HALF: Final = 0.5
LEFT: Final = 44
RIGHT: Final = 36
ROOM: Final = 42  # for a rate between two weeks
TOP: Final = 14
FEWEST_SLOTS: Final = 6
LABEL: Final = 64  # px that a week's name needs
FINEST: Final = 3  # from 30% up, each tenth gets a line; below, every other


class Rate(Protocol):
    """How many were recalled of those tested, with the bounds of the 95% interval as shares."""

    @property
    def recalled(self) -> int: ...
    @property
    def tested(self) -> int: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def enough(self) -> bool: ...


class Week(Protocol):
    """A week by its Monday, with its rate."""

    @property
    def monday(self) -> date: ...
    @property
    def rate(self) -> Rate: ...


@dataclass(frozen=True, slots=True)
class Scale:
    """Where weeks and shares are: `lowest` is the share at the foot."""

    start: date
    step: float
    foot: int
    lowest: float

    def x(self, week: Week) -> float:
        """Return how far to the right a week is."""
        return LEFT + 14 + self.step * ((week.monday - self.start).days // 7)

    def y(self, share: float) -> float:
        """Return how far down a share is."""
        return TOP + (1 - share) / (1 - self.lowest) * (self.foot - TOP)


WIDE: Final = Layout("wide", 580, 306)
NARROW: Final = Layout("narrow", 320, 230)


def tested_weeks(weeks: Sequence[Week]) -> list[Week]:
    """Return those of the last weeks in which something was tested, oldest first."""
    return [week for week in weeks[-MOST_WEEKS:] if week.rate.tested]


def foot_of(rates: Sequence[Rate]) -> float:
    """Return the share at which a scale begins: 50%, or as far below as the intervals reach."""
    tenths = floor(10 * min(rate.low for rate in rates))
    return min(5, tenths if tenths >= FINEST else tenths - tenths % 2) / 10


def retention(weeks: Sequence[Week], finding: str) -> Element:
    """Draw the last weeks, oldest first, in both sizes; weeks without a test stay empty."""
    tested = tested_weeks(weeks)
    if not tested:
        return NOTHING
    lowest = foot_of([week.rate for week in tested])
    drawn = []
    for layout in (WIDE, NARROW):
        attributes, heading = named(f"weeks-{layout.name}", "True retention by week", finding)
        slots = max(FEWEST_SLOTS, (tested[-1].monday - tested[0].monday).days // 7 + 1)
        step = (layout.width - LEFT - RIGHT - 28) / (slots - 1)
        scale = Scale(tested[0].monday, step, layout.height - 30, lowest)
        parts = [*heading, *_axis(scale, layout), *_likely(scale, tested), *_lines(scale, tested)]
        parts += [*_dots(scale, tested), *_labels(scale, tested), *_latest(scale, tested)]
        size = layout.width, layout.height
        drawn.append(chart(size, parts, class_=f"chart weeks {layout.name}", **attributes))
    return together(drawn)


def _axis(scale: Scale, layout: Layout) -> list[Element]:
    right = layout.width - RIGHT
    parts = []
    tenths = round(10 * scale.lowest)
    for tenth in range(tenths, 11, 1 if tenths >= FINEST else 2):
        share = tenth / 10
        parts += level(share, scale.y(share), (LEFT, right), foot=tenth == tenths)
    return [*parts, line((LEFT, scale.y(TARGET)), (right, scale.y(TARGET)), "target")]


def _likely(scale: Scale, weeks: list[Week]) -> list[Element]:
    return [
        told(
            title(week),
            line((scale.x(week), scale.y(week.rate.low)), (scale.x(week), scale.y(week.rate.high)), "ci"),
        )
        for week in weeks
    ]


def _lines(scale: Scale, weeks: list[Week]) -> list[Element]:
    """Join neighbouring weeks that both have a rate."""
    return [
        line((scale.x(a), scale.y(_share(a))), (scale.x(b), scale.y(_share(b))), "line")
        for a, b in pairwise(weeks)
        if a.rate.enough and b.rate.enough and (b.monday - a.monday).days == 7
    ]


def _dots(scale: Scale, weeks: list[Week]) -> list[Element]:
    return [
        element(
            "circle",
            element("title", title(week)),
            cx=scale.x(week),
            cy=scale.y(_share(week)),
            r=5,
            class_="dot",
        )
        for week in weeks
        if week.rate.enough
    ]


def _labels(scale: Scale, weeks: list[Week]) -> list[Element]:
    """Name the last week, and earlier ones as far apart as their names need."""
    parts, right = [], float("inf")
    for week in reversed(weeks):
        if right - scale.x(week) >= LABEL:
            right = scale.x(week)
            parts.append(text(right, scale.foot + 20, words.day(week.monday), anchor="middle"))
    return parts


def _latest(scale: Scale, weeks: list[Week]) -> list[Element]:
    """Say the latest rate beside its dot, if there is room before the next week."""
    rated = [week for week in weeks if week.rate.enough]
    if not rated or (rated[-1] is not weeks[-1] and scale.step < ROOM):
        return []
    week = rated[-1]
    return [
        text(scale.x(week) + 10, scale.y(_share(week)) - 8, f"{wording.percent(_share(week))}%", "strong")
    ]


def title(week: Week) -> str:
    """Say a week's count, for the pointer and for the finding."""
    return f"Week of {words.day(week.monday)}: {week.rate.recalled:,} of {week.rate.tested:,}"


def _share(week: Week) -> float:
    return week.rate.recalled / week.rate.tested
