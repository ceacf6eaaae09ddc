"""The dashboard's charts, and its numbers in the words that the charts use."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import template

from flashcards import wording
from flashcards.drawing import calendar, load, strips, weeks, words
from flashcards.drawing.svg import Element
from flashcards.drawing.weeks import Rate, Week
from flashcards.readiness import Ahead, Cell

register = template.Library()


@register.filter
def percent(share: float) -> str:
    """Say a share in whole per cent, without the sign."""
    return wording.percent(share)


@register.filter
def number(count: float) -> str:
    """Say a count with its thousands apart, a mean with one decimal."""
    return words.number(count)


@register.filter
def rounded(mean: float) -> str:
    """Say a mean number of cards as a whole one."""
    return words.number(round(mean))


@register.filter
def short(day: date, today: date | None = None) -> str:
    """Say a day as charts do: “8 Dec”; with the year where it isn't that of `today`."""
    return words.day(day, today)


@register.filter
def with_weekday(day: date) -> str:
    """Say a day as charts do, with its weekday: “Tue 8 Dec”."""
    return words.weekday(day)


@register.filter
def soon(due_on: date | None, today: date) -> str:
    """Say a due day as seen from today, as shortly as a narrow table needs it."""
    ahead = (due_on - today).days if due_on else 0
    if due_on is None or ahead < 0:
        return "Late" if due_on else "–"
    return ("Today", "Tomorrow")[ahead] if ahead <= 1 else words.day(due_on, today)


@register.filter
def shade(cell: Cell) -> int:
    """Return the shade of a card: 1 to 5 by its predicted recall, 0 while it isn't started."""
    return 0 if cell.recall is None else cell.band + 1


@register.simple_tag
def study_days(answers: Mapping[date, int], first: date, today: date, interview_on: date | None) -> Element:
    """Draw the calendar."""
    return calendar.calendar(answers, first, today, interview_on)


@register.simple_tag
def calendar_weeks(
    answers: Mapping[date, int], first: date, today: date, interview_on: date | None
) -> list[dict[str, Any]]:
    """Return the calendar's weeks for its table, newest first; None are days before or after."""
    mondays = calendar.weeks(first, today, interview_on)
    counts = calendar.shown(answers, mondays, first, today)
    rows = []
    for monday in reversed([monday for monday in mondays if monday <= today]):
        days = [counts.get(day) for day in calendar.days_of(monday)]
        rows.append({"monday": monday, "days": days, "total": sum(count or 0 for count in days)})
    return rows


@register.simple_tag
def reviews_ahead(ahead: Ahead, interview_on: date | None, finding: str) -> Element:
    """Draw the bars of the days ahead."""
    return load.load(ahead.late, ahead.days, interview_on, finding)


@register.simple_tag
def retention_by_week(past_weeks: Sequence[Week], finding: str) -> Element:
    """Draw true retention by week."""
    return weeks.retention(past_weeks, finding)


@register.simple_tag
def due_strip(late: int, due: int, new: int, drills: int) -> Element:
    """Draw what today holds."""
    return strips.due([("bar bar--late", late), ("bar", due), ("cnew", new), ("c3", drills)])


@register.simple_tag
def two_weeks(days: Sequence[strips.DayMark], today: date) -> Element:
    """Draw the last 14 days, studied or not."""
    return strips.two_weeks(days, today)


@register.simple_tag
def rate_strip(rate: Rate, name: str) -> Element:
    """Draw a rate with its interval and the target, or how far it is from being one."""
    return strips.interval(rate, name)


@register.simple_tag
def towards(count: int, needed: int) -> Element:
    """Draw how far a count has come to where a rate is shown."""
    return strips.towards(count, needed)


@register.simple_tag
def ready_bar(recalled: float, keeping: float | None, of: float, label: str) -> Element:
    """Draw what is recalled on the day out of all, now and if the learner goes on."""
    return strips.readiness(recalled, keeping, of, label)


@register.simple_tag
def band_bar(counts: Sequence[int]) -> Element:
    """Draw a topic's cards by band of recall."""
    return strips.bands(counts)
