"""How schedules and their events are said in lists and on the card page."""

from datetime import date

from django import template
from django.utils.dateformat import format as format_date

from flashcards.browsing import Row
from flashcards.models import ReviewLog
from flashcards.scheduling import schedule
from flashcards.scheduling.schedule import Kind
from flashcards.standings import Standing

register = template.Library()

NOTHING = "–"
EVENTS = {
    Kind.REVIEW: "Review",
    Kind.DRILL: "Once more",
    Kind.PRACTICE: "Practice",
    Kind.UNDO: "Undo",
    Kind.RESET: "Reset",
    Kind.SET_DUE: "Due day set",
    Kind.PLAN: "Moved by the plan",
    Kind.IMPORT: "Import",
}


@register.filter
def days(count: int | None) -> str:
    """Say an interval: “6 days”; a card without one is new."""
    if not count:
        return NOTHING
    return "1 day" if count == 1 else f"{count:,} days"


@register.filter
def day(due_on: date | None, today: date) -> str:
    """Say a due day as seen from today."""
    if due_on is None:
        return NOTHING
    match (due_on - today).days:
        case 0:
            return "Today"
        case 1:
            return "Tomorrow"
        case ahead if ahead < 0:
            return f"{days(-ahead)} late"
        case _:
            return format_date(due_on, "j F" if due_on.year == today.year else "j F Y")


@register.filter
def comes_back(row: Row, today: date) -> str:
    """Say when a card in a list comes up next."""
    match row.standing:
        case Standing.SUSPENDED:
            return NOTHING
        case Standing.LEARNING:
            return "Again today"
        case Standing.BURIED if row.state and (row.state.due_on is None or row.state.due_on <= today):
            return "Tomorrow"
    return day(row.state.due_on if row.state else None, today)


@register.filter
def event(row: ReviewLog) -> str:
    """Say what kind of event this was."""
    return EVENTS[Kind(row.kind)]


@register.filter
def grade(row: ReviewLog) -> str:
    """Say the grade in the words of the buttons; 0 and 1, which no button sends, with their number."""
    if row.grade is None:
        return NOTHING
    return schedule.BUTTONS.get(row.grade, f"Again ({row.grade})")


@register.filter
def time_taken(row: ReviewLog) -> str:
    """Say how long thinking and reading took together."""
    if row.thinking_ms is None and row.reading_ms is None:
        return NOTHING
    minutes, seconds = divmod(round(((row.thinking_ms or 0) + (row.reading_ms or 0)) / 1000), 60)
    return f"{minutes:,} min {seconds} s" if minutes else f"{seconds} s"


@register.filter
def interval_change(row: ReviewLog) -> str:
    """Say the interval before and after the event, once where they are the same."""
    before, after = (days(count) if count else "new" for count in (row.interval_before, row.interval))
    return after if before == after else f"{before} → {after}"


@register.filter
def ease(hundredths: int) -> str:
    """Say the ease as the factor it is."""
    return f"{hundredths / 100:.2f}"
