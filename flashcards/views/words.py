"""What the review says: the grade buttons, days, and what the latest answer did."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.dateformat import format as format_date

from flashcards import catching_up
from flashcards.models import ReviewLog
from flashcards.queue import Item
from flashcards.scheduling import schedule
from flashcards.scheduling.plan import Plan
from flashcards.scheduling.schedule import Kind, Schedule
from flashcards.wording import counted

KINDS = {Kind.REVIEW: "Review card", Kind.DRILL: "Once more today", Kind.PRACTICE: "Practice"}
MEANINGS = {2: "didn’t know, or got it wrong", 3: "right, with a struggle", 4: "right", 5: "right at once"}


@dataclass(frozen=True, slots=True)
class Button:
    """A grade button: what it sends, what it says, and the interval that pressing it will give.

    Where the plan moves the card, `planned_for` ends a sentence with it and `plan` says it in small.
    """

    grade: int
    name: str
    interval: str
    again_today: bool
    planned_for: str
    plan: str

    @property
    def meaning(self) -> str:
        """What a beginner should press it for."""
        return MEANINGS[self.grade]

    @property
    def label(self) -> str:
        """The button's whole meaning, for a screen reader."""
        again = "again today, then " if self.again_today else ""
        return f"{self.name}, {again}next review in {self.interval}{self.planned_for}"


def buttons(item: Item, today: date, now: datetime, plan: Plan) -> list[Button]:
    """Return the four buttons with what each will really do, by the function that the answer uses."""
    return [
        Button(
            grade=grade,
            name=schedule.BUTTONS[grade],
            interval=days(after, today),
            again_today=after.state.drill and after.last_reviewed_on == item.day,
            planned_for=planned_for(after.due_on, after.own_due_on),
            plan=_in_small(after, plan),
        )
        for grade, after in schedule.preview(item.schedule, item.day, now, plan, item.card.position).items()
    ]


def planned_for(due_on: date | None, own_due_on: date | None) -> str:
    """Return why a card comes on another day than its own, as the end of a sentence."""
    if due_on is None or own_due_on is None:
        return ""
    return ", before your interview" if due_on < own_due_on else ", after your break"


def days(after: Schedule, today: date) -> str:
    """Return the days until a schedule is due, as words."""
    return counted((after.due_on - today).days if after.due_on else 0, "day")


def _in_small(after: Schedule, plan: Plan) -> str:
    """Return for what the plan moves a card, in so few letters that they fit on a button."""
    if after.due_on is None or after.own_due_on is None:
        return ""
    if after.due_on > after.own_due_on:
        return "after break"
    return f"for {format_date(plan.interview_on, 'j M')}" if plan.interview_on else ""


def kind(item: Item) -> str:
    """Return what sort of card this is today."""
    held = item.schedule
    if held.due_on is None:
        return "New card"
    if held.own_due_on and held.due_on <= item.day < held.own_due_on:
        return "Before your interview"
    return KINDS[item.kind]


def seen(item: Item, today: date) -> str:
    """Return when the card was last seen, empty for a new one."""
    if item.schedule.last_reviewed_on is None:
        return ""
    match (today - item.schedule.last_reviewed_on).days:
        case days_ago if days_ago <= 0:
            return "Last seen today"
        case 1:
            return "Last seen yesterday"
        case days_ago:
            return f"Last seen {days_ago:,} days ago"


def outcome(row: ReviewLog) -> str:
    """Return what a card's latest event did, to follow the question: “graded Good, next on 8 December.”

    What a batch of events did to many cards is a whole sentence.
    """
    if row.batch is not None:
        return _spread_out(catching_up.moved_by(row.learner_id, row.batch))
    due_on, own_due_on = row.state.due_on, row.state.own_due_on
    when = f"{format_date(due_on, 'j F')}{planned_for(due_on, own_due_on)}" if due_on else ""
    if row.kind == Kind.RESET:
        return "is new again."
    if row.kind == Kind.SET_DUE:
        return f"moved to {when}."
    name = schedule.BUTTONS.get(row.grade or 0, "Again")
    return f"graded {name}, {'again today, then' if row.drill else 'next'} on {when}."


def _spread_out(moved: catching_up.Moved) -> str:
    cards = f"{counted(moved.cards, 'card')} {'was' if moved.cards == 1 else 'were'}"
    if moved.days == 1:
        return f"{cards} moved to {format_date(moved.until, 'j F')}."
    return f"{cards} spread over {moved.days} later days, the last of them {format_date(moved.until, 'j F')}."


def missed_often(row: ReviewLog) -> bool:
    """Whether this answer is the miss at which a card is called out (8, 12, 16, ... times)."""
    missed = row.kind in (Kind.REVIEW, Kind.PRACTICE) and row.grade is not None and row.grade < 3
    return missed and schedule.becomes_leech(row.lapses)
