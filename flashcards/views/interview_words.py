"""What the interviews page says: which cards a change moved, and how many new cards a day are needed."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from django.utils.dateformat import format as format_date

from flashcards.interviews import MOST_A_DAY, Change, Pace
from flashcards.models import Interview
from flashcards.wording import OTHERS_FOLLOW, counted

ONE = {0: "doesn’t count", 2: "counts double", 3: "counts triple"}
MANY = {0: "don’t count", 2: "count double", 3: "count triple"}


@dataclass(frozen=True, slots=True)
class Row:
    """An interview in a list: what is to be said about it, and when it is as seen from today."""

    interview: Interview
    about: str
    when: str


def row(interview: Interview, today: date) -> Row:
    """Return an interview as a list shows it."""
    topics = Counter(row.weight for row in interview.weights.all())
    about = [interview.role] * bool(interview.role) + [_topics(*each) for each in topics.items()]
    return Row(interview, ", ".join(about), _when((interview.on - today).days))


def moves(change: Change, today: date) -> str:
    """Say what a change did to the cards, in up to five sentences."""
    moved, said = change.moved, list[str]()
    if moved.ahead and change.leads_on:
        on = format_date(change.leads_on, "j F" if change.leads_on.year == today.year else "j F Y")
        one = moved.ahead == 1
        said += [f"{counted(moved.ahead, 'card')} now {'comes' if one else 'come'} in the week before {on}."]
        said += ["Its interval stays as it is." if one else "Their intervals stay as they are."]
    if moved.back:
        are = "is back on its own day" if moved.back == 1 else "are back on their own days"
        said += [f"{counted(moved.back, 'card')} {are}."]
    if moved.behind:
        come = "comes" if moved.behind == 1 else "come"
        said += [f"{counted(moved.behind, 'card')} now {come} after your break."]
    if moved.more:
        return " ".join(["So far:", *said, OTHERS_FOLLOW]) if said else "Your cards are being moved."
    return " ".join(said) or "No card had to move."


def needed(pace: Pace) -> str:
    """Say how many new cards a day get the learner through all that count, in up to three sentences."""
    waiting = "1 card isn’t" if pace.cards == 1 else f"{pace.cards:,} cards aren’t"
    them = "it" if pace.cards == 1 else "all of them"
    left = f"{waiting} started yet, {_days(pace.days)} left"
    if pace.needed is None:
        return f"{left} to start {them}."
    if not pace.possible:
        return f"{left}: even {MOST_A_DAY} new cards a day, the most there are, leave {pace.late:,} out."
    gets = "gets" if pace.needed == 1 else "get"
    said = [f"{left}: {new_cards(pace.needed)} a day {gets} you through {them}."]
    if pace.before:
        others, come = counted(pace.before, "card"), "comes" if pace.before == 1 else "come"
        said += [f"That includes {others} of topics that don’t count, since they {come} first."]
    return " ".join([*said, f"You have {pace.have:,} a day."])


def new_cards(count: int) -> str:
    """Say a number of new cards."""
    return counted(count, "new card")


def _when(days: int) -> str:
    if days < 0:
        return ""
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days:,} days")


def _topics(weight: int, count: int) -> str:
    return f"1 topic {ONE[weight]}" if count == 1 else f"{count:,} topics {MANY[weight]}"


def _days(count: int) -> str:
    return counted(count, "day") if count else "no day"
