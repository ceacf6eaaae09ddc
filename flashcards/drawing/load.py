"""Reviews ahead as bars: what is late, what is scheduled on each day, and what is likely to be added."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, log10
from typing import Final, Protocol

from flashcards.drawing import words
from flashcards.drawing.svg import Element, chart, element, line, named, rect, text, together, told

HEIGHT: Final = 236
TOP: Final = 26
FOOT: Final = 206
LEFT: Final = 34
MOST_TICKS: Final = 5
LABEL: Final = 37  # px that a day's name needs


class Load(Protocol):
    """A day with the cards that are due on it now, and how many more are expected."""

    @property
    def day(self) -> date: ...
    @property
    def scheduled(self) -> int: ...
    @property
    def extra(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Layout:
    """How wide it is drawn, in px, what today is called."""

    name: str
    width: int
    today: str


@dataclass(frozen=True, slots=True)
class Slots:
    """Where the bars stand: the late ones first, then the days, the interview last."""

    left: float
    step: float
    first: date

    @property
    def bar(self) -> float:
        """How wide a bar is."""
        return self.step * 0.66

    def middle(self, day: date | None) -> float:
        """Return the middle of a day's bar, None for the late ones."""
        return self.left + self.step * ((day - self.first).days + 0.5 if day else -0.5)


WIDE: Final = Layout("wide", 420, "Today")
NARROW: Final = Layout("narrow", 310, "Now")


def load(late: int, days: Sequence[Load], interview: date | None, finding: str) -> Element:
    """Draw the bars in both sizes; `finding` says what they come to."""
    ticks = _ticks(max([late, 1, *(day.scheduled + day.extra for day in days)]))
    until = "until the interview" if interview else "in the days ahead"
    drawn = []
    for layout in (WIDE, NARROW):
        attributes, heading = named(f"load-{layout.name}", f"Reviews due each day {until}", finding)
        slots = _slots(layout, late, days, interview)
        hatch = f"hatch-{layout.name}"
        parts = [*heading, _hatching(hatch), *_axis(layout, ticks), *_late(slots, late, ticks[-1])]
        parts += [
            told(_title(day), *_bars(slots, day, ticks[-1], hatch, today=day is days[0])) for day in days
        ]
        parts += _labels(slots, layout, days, interview)
        drawn.append(chart((layout.width, HEIGHT), parts, class_=f"chart load {layout.name}", **attributes))
    return together(drawn)


def _slots(layout: Layout, late: int, days: Sequence[Load], interview: date | None) -> Slots:
    first = days[0].day
    last = max(days[-1].day, _reached(days, interview) or first)
    count = (last - first).days + 1 + bool(late)
    step = (layout.width - LEFT) / count
    return Slots(LEFT + step * bool(late), step, first)


def _reached(days: Sequence[Load], interview: date | None) -> date | None:
    """Return the interview's day if the drawing reaches it."""
    return interview if interview and interview <= days[-1].day + timedelta(days=1) else None


def _ticks(most: float) -> list[int]:
    """Return round numbers from 0 to at least `most`."""
    power = 10 ** max(0, ceil(log10(most / MOST_TICKS)) - 1)
    step = next(unit * power for unit in (1, 2, 3, 5, 10) if unit * power * MOST_TICKS >= most)
    return [step * n for n in range(ceil(most / step) + 1)]


def _height(count: float, most: int) -> float:
    return count / most * (FOOT - TOP)


def _axis(layout: Layout, ticks: list[int]) -> list[Element]:
    parts = []
    for tick in ticks:
        y = FOOT - _height(tick, ticks[-1])
        parts.append(line((LEFT - 4, y), (layout.width, y), "axis" if tick else "axis0"))
        parts.append(text(LEFT - 12, y + 4, words.number(tick), anchor="end"))
    return parts


def _hatching(key: str) -> Element:
    lines = element("path", d="M0 0V5", class_="hatch-ln")
    ground = element("rect", width=5, height=5, class_="hatch-bg")
    turned = {"patternUnits": "userSpaceOnUse", "patternTransform": "rotate(45)"}
    return element("defs", element("pattern", ground, lines, id=key, width=5, height=5, **turned))


def _late(slots: Slots, late: int, most: int) -> list[Element]:
    if not late:
        return []
    height = _height(late, most)
    x = slots.middle(None)
    box = rect(x - slots.bar / 2, FOOT - height, (slots.bar, height), "bar bar--late")
    number = text(x, FOOT - height - 6, words.number(late), "strong", "middle")
    return [told(f"Late: {late:,}", box, number)]


def _title(day: Load) -> str:
    return f"{words.weekday(day.day)}: {day.scheduled:,} scheduled, {words.number(day.extra)} extra expected"


def _bars(slots: Slots, day: Load, most: int, hatch: str, *, today: bool) -> list[Element]:
    x = slots.middle(day.day) - slots.bar / 2
    scheduled, extra = _height(day.scheduled, most), _height(day.extra, most)
    bars = []
    if day.scheduled:
        paint = "bar bar--today" if today else "bar"
        bars.append(rect(x, FOOT - scheduled, (slots.bar, scheduled), paint))
    if day.extra > 0:
        shape = rect(x, FOOT - scheduled - extra, (slots.bar, extra), "bar--proj")
        bars.append(element("rect", **dict(shape.attributes), fill=f"url(#{hatch})"))
    return bars


def _labels(slots: Slots, layout: Layout, days: Sequence[Load], interview: date | None) -> list[Element]:
    """Name today, every so many days, and the interview; a name that would touch another is left out."""
    marked = _reached(days, interview)
    every = max(1, ceil(LABEL / slots.step))
    names = [(days[0].day, layout.today, "strong")]
    names += [(day.day, _name(day.day, every), "") for day in days[every::every]]
    parts = [
        _label(slots, *name)
        for name in names
        if marked is None or abs((marked - name[0]).days) * slots.step >= LABEL
    ]
    if marked:
        x = slots.middle(marked)
        parts.append(line((x, TOP - 4), (x, FOOT), "target"))
        parts.append(text(layout.width, 14, "Interview", "mark", "end"))
        parts.append(_label(slots, marked, f"{marked.day}", "mark"))
    return parts


def _name(day: date, every: int) -> str:
    """Say the month too where it is the first label of one."""
    return words.day(day) if day.day <= every else f"{day.day}"


def _label(slots: Slots, day: date, name: str, class_: str = "") -> Element:
    return text(slots.middle(day), 226, name, class_, "middle")
