"""The calendar of study days: a column a week, as many answers as a cell says, or as its colour says."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from flashcards import wording
from flashcards.drawing import words
from flashcards.drawing.svg import Element, chart, element, named, rect, text, together, told

LEVELS: Final = (1, 4, 7, 10, 14)  # where the next shade begins; fixed, so that a record changes no old day
MOST_NUMBERED: Final = 14
MOST_WEEKS: Final = 26
FEWEST_WEEKS: Final = 6
WEEKS_AHEAD: Final = 5
WEEK: Final = timedelta(days=7)
TOP: Final = 22
ROWS: Final = ((0, "Mon"), (2, "Wed"), (4, "Fri"), (6, "Sun"))


@dataclass(frozen=True, slots=True)
class Cells:
    """How large the cells are, in px, with a name that the stylesheet crops by."""

    name: str
    width: int
    height: int
    gap: int
    numbered: bool = True

    @property
    def across(self) -> int:
        """From one column to the next."""
        return self.width + self.gap

    @property
    def down(self) -> int:
        """From one row to the next."""
        return self.height + self.gap


WIDE: Final = Cells("wide", 42, 29, 4)
NARROW: Final = Cells("narrow", 28, 26, 3)
SMALL: Final = Cells("small", 14, 14, 4, numbered=False)


def level(answers: int) -> int:
    """Return the shade of a day: 0 without an answer, up to 5."""
    return bisect_right(LEVELS, answers)


def weeks(first: date, today: date, interview: date | None) -> list[date]:
    """Return the Mondays of the columns, oldest first: the learner's weeks, and on to a near interview."""
    first, this = min(first, today), _monday(today)
    last = this
    if interview and today <= interview < this + (WEEKS_AHEAD + 1) * WEEK:
        last = _monday(interview)
    count = (last - _monday(first)).days // 7 + 1
    count = max(FEWEST_WEEKS, min(count, MOST_WEEKS))
    start = max(_monday(first), last - (count - 1) * WEEK)
    return [start + n * WEEK for n in range(count)]


def days_of(monday: date) -> list[date]:
    """Return the days of a week."""
    return [monday + timedelta(days=n) for n in range(7)]


def shown(answers: Mapping[date, int], mondays: Sequence[date], first: date, today: date) -> dict[date, int]:
    """Return what the cells say: each day of these weeks from the first to today with its answers.

    A traveller whose date went back may have begun later than today; today is there all the same.
    """
    return {day: answers.get(day, 0) for day in _days(mondays) if min(first, today) <= day <= today}


def calendar(answers: Mapping[date, int], first: date, today: date, interview: date | None) -> Element:
    """Draw how many answers each day had since the `first`; weeks too old for the drawing are left out."""
    mondays = weeks(first, today, interview)
    layouts = (WIDE, NARROW) if len(mondays) <= MOST_NUMBERED else (SMALL,)
    counts = shown(answers, mondays, first, today)
    title, finding = f"Answers a day since {words.day(min(counts))}", _finding(counts, interview)
    drawn = []
    for cells in layouts:
        attributes, heading = named(f"days-{cells.name}", title, finding)
        size = len(mondays) * cells.across, TOP + 7 * cells.down
        parts = [*heading, *_months(mondays, cells), *_cells(mondays, cells, counts, today, interview)]
        picture = element("div", chart(size, parts, class_="chart", **attributes), class_="crop")
        drawn.append(element("div", _weekdays(cells), picture, class_=f"cal {cells.name}"))
    return together(drawn)


def _finding(counts: Mapping[date, int], interview: date | None) -> str:
    studied, total = sum(1 for count in counts.values() if count), sum(counts.values())
    return (
        f"{studied} of {wording.counted(len(counts), 'day')} studied, {wording.counted(total, 'answer')}. "
        f"Busiest day: {max(counts.values()):,}."
    ) + (f" Interview on {words.day(interview)}." if interview else "")


def _weekdays(cells: Cells) -> Element:
    names = [text(0, _baseline(row, cells), name) for row, name in ROWS]
    return chart((34, TOP + 7 * cells.down), names, class_="chart", aria_hidden="true", focusable="false")


def _months(mondays: list[date], cells: Cells) -> list[Element]:
    """Name each month over its first Monday, and the first column if there is room before the next name."""
    starts = [n for n, monday in enumerate(mondays) if n and monday.month != mondays[n - 1].month]
    if not starts or starts[0] * cells.across >= 30:
        starts.insert(0, 0)
    return [text(n * cells.across + 1, 13, f"{mondays[n]:%b}") for n in starts]


def _cells(
    mondays: list[date], cells: Cells, counts: Mapping[date, int], today: date, interview: date | None
) -> list[Element]:
    marks = []
    for day in _days(mondays):
        x, y = _place(day, mondays[0], cells)
        if day in counts:
            marks.append(_studied(day, counts[day], cells, (x, y)))
        elif day > today:
            marks.append(rect(x + 0.5, y + 0.5, (cells.width - 1, cells.height - 1), "cx", _round(cells)))
        if day == today:
            marks.append(rect(x, y, (cells.width, cells.height), "today", _round(cells)))
        if day == interview:
            marks.append(_interview(day, cells, (x, y)))
    return marks


def _studied(day: date, count: int, cells: Cells, at: tuple[int, int]) -> Element:
    shade = level(count)
    box = rect(*at, (cells.width, cells.height), f"c{shade}", _round(cells))
    title = f"{words.weekday(day)}: {wording.counted(count, 'answer')}"
    if not cells.numbered:
        return told(title, box)
    x, baseline = at[0] + cells.width / 2, _baseline(day.weekday(), cells)
    return told(title, box, text(x, baseline, f"{count}", f"t{shade}", "middle"))


def _interview(day: date, cells: Cells, at: tuple[int, int]) -> Element:
    x, y = at
    title = f"{words.weekday(day)}: interview"
    box = rect(x + 1, y + 1, (cells.width - 2, cells.height - 2), "iv", _round(cells) - 1)
    if not cells.numbered:
        return told(title, box)
    number = text(x + cells.width / 2, _baseline(day.weekday(), cells), f"{day.day}", "mark", "middle")
    return told(title, box, number)


def _place(day: date, start: date, cells: Cells) -> tuple[int, int]:
    return (day - start).days // 7 * cells.across + 1, TOP + day.weekday() * cells.down


def _baseline(row: int, cells: Cells) -> float:
    return TOP + row * cells.down + cells.height / 2 + 4.5


def _round(cells: Cells) -> int:
    return 5 if cells.numbered else 3


def _days(mondays: Sequence[date]) -> list[date]:
    return [day for monday in mondays for day in days_of(monday)]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
