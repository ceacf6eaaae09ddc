"""A card's predicted recall over time: a curve that falls between answers, a dot for each day with one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from flashcards import wording
from flashcards.drawing import words
from flashcards.drawing.svg import Element, Layout, chart, element, level, line, named, text, together, told

HALF: Final = 0.5
LEFT: Final = 44
RIGHT: Final = 14
TOP: Final = 26
FOOT: Final = 30
STEPS: Final = 5
LABEL: Final = 74  # px that a day's name needs

Point = tuple[date, float]


class AnsweredDay(Protocol):
    """A day's answers by grade, and the recall foreseen for the first, None where nothing could be."""

    @property
    def day(self) -> date: ...
    @property
    def grades(self) -> Sequence[int]: ...
    @property
    def predicted(self) -> float | None: ...
    @property
    def recalled(self) -> bool: ...


class Past(Protocol):
    """The days with answers, the pieces of the curve until today, and how it goes on until the day `on`."""

    @property
    def days(self) -> Sequence[AnsweredDay]: ...
    @property
    def falls(self) -> Sequence[Sequence[Point]]: ...
    @property
    def ahead(self) -> Sequence[Point]: ...
    @property
    def today(self) -> date: ...
    @property
    def on(self) -> date: ...
    @property
    def interview(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Scale:
    """Where days and shares are, in px; `lowest` is the share at the foot."""

    first: date
    days: int
    lowest: float
    right: int
    foot: int

    def x(self, day: date) -> float:
        """Return how far to the right a day is."""
        return LEFT + (day - self.first).days / self.days * (self.right - LEFT)

    def y(self, recall: float) -> float:
        """Return how far down a chance of recall is."""
        return TOP + (1 - recall) / (1 - self.lowest) * (self.foot - TOP)


WIDE: Final = Layout("wide", 620, 250)
NARROW: Final = Layout("narrow", 318, 230)


def curve(past: Past, names: dict[int, str], finding: str) -> Element:
    """Draw it in both sizes; `names` are the grades' names, `finding` says what the curve comes to."""
    first = past.days[0].day
    recalls = [recall for points in (*past.falls, past.ahead) for _, recall in points]
    lowest = HALF if all(recall >= HALF for recall in recalls) else 0.0
    drawn = []
    for layout in (WIDE, NARROW):
        attributes, heading = named(f"recall-{layout.name}", "Predicted recall of this card", finding)
        days = max(1, (past.on - first).days)
        scale = Scale(first, days, lowest, layout.width - RIGHT, layout.height - FOOT)
        parts = [*heading, *_axis(scale), *_times(scale, past), *_lines(scale, past)]
        parts += [_dot(scale, day, names) for day in past.days]
        size = layout.width, layout.height
        drawn.append(chart(size, parts, class_=f"chart plot {layout.name}", **attributes))
    return together(drawn)


def title(day: AnsweredDay, names: dict[int, str]) -> str:
    """Say what was answered on a day, and what had been foreseen: “8 Dec: Again, then Good. …”."""
    grades = ", then ".join(names.get(grade, f"Again ({grade})") for grade in day.grades)
    foreseen = (
        f"Predicted {wording.percent(day.predicted)}%" if day.predicted is not None else "Not predicted"
    )
    return f"{words.day(day.day)}: {grades}. {foreseen}."


def _axis(scale: Scale) -> list[Element]:
    parts = []
    for n in range(STEPS + 1):
        share = scale.lowest + n * (1 - scale.lowest) / STEPS
        parts += level(share, scale.y(share), (LEFT, scale.right), foot=not n)
    return parts


def _times(scale: Scale, past: Past) -> list[Element]:
    """Name the first day, today and the last day; a name that would touch a later one is left out."""
    parts, right = [], float("inf")
    last = "mark" if past.interview else ""
    for day, said, class_ in (
        (past.on, words.day(past.on), last),
        (past.today, "Today", "strong"),
        (scale.first, words.day(scale.first), ""),
    ):
        x = scale.x(day)
        if right - x >= LABEL:
            right = x
            anchor = {past.on: "end", scale.first: "start"}.get(day, "middle")
            parts.append(text(x, scale.foot + 20, said, class_, anchor))
    x = scale.x(past.today)
    parts.append(line((x, TOP), (x, scale.foot), "axis0"))
    if past.interview:
        x = scale.x(past.on)
        parts.append(line((x, TOP - 4), (x, scale.foot), "target"))
        parts.append(text(x, 14, "Interview", "mark", "end"))
    return parts


def _lines(scale: Scale, past: Past) -> list[Element]:
    whole = [element("path", d=_path(scale, points), class_="line") for points in past.falls]
    dashed = [element("path", d=_path(scale, past.ahead), class_="line ahead")] if past.ahead else []
    return whole + dashed


def _path(scale: Scale, points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{scale.x(day):.1f} {scale.y(recall):.1f}" for day, recall in points)


def _dot(scale: Scale, day: AnsweredDay, names: dict[int, str]) -> Element:
    """Mark a day at the foot of the fall, a missed one hollow; at the top when nothing was foreseen."""
    y = scale.y(1.0 if day.predicted is None else day.predicted)
    grade = names.get(day.grades[0], "Again").lower()
    paint = f"dot dot--{grade}"
    return told(title(day, names), element("circle", cx=scale.x(day.day), cy=y, r=5, class_=paint))
