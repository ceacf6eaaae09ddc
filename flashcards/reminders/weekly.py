"""The words of the weekly summary."""

from datetime import date

from accounts.models import User
from accounts.reminder_settings import hour_of
from flashcards import wording
from flashcards.reminders import past_week, words, writing
from flashcards.reminders.past_week import Load, Summary, Week
from flashcards.reminders.writing import Written
from flashcards.wording import counted

DAYS_AHEAD = 7


def weekly(learner: User, today: date) -> Written | None:
    """Return the summary of the week before, None when nothing was answered in it: see past_week.summary.

    `today` is the study day on which it is sent, a Monday.
    """
    found = past_week.summary(learner, today)
    if found is None:
        return None
    week, load = found.week, found.load
    context = {
        "subject": f"Your week: {counted(week.cards, 'card')}{_rate(week, ', {} recalled')}",
        "preheader": _studied(week),
        "heading": f"Your week, {words.span(week.first, week.last)}",
        "studied": _studied(week),
        "recalled": _recalled(week),
        "ready": _ready(found, today),
        "interviews": _interviews(found.interviews, today),
        "load": load,
        "load_heading": _load_heading(load),
        "load_finding": _load_finding(load),
        "button": "Open the dashboard",
        "why": _why(learner),
    }
    return writing.rendered("weekly", learner, context)


def _rate(week: Week, around: str) -> str:
    """Say the rate inside of a text; nothing at all when there is too little evidence for one."""
    share = week.rate.share
    return around.format(f"{wording.percent(share)}%") if week.rate.enough and share is not None else ""


def _studied(week: Week) -> str:
    new = f", {week.started:,} of them new" if week.started else ""
    return (
        f"You studied on {week.days_studied} of 7 days and gave {counted(week.answers, 'answer')} "
        f"to {counted(week.cards, 'card')}{new}."
    )


def _recalled(week: Week) -> str:
    rate = week.rate
    if not rate.tested:
        return ""
    verdict = _rate(week, ": {}") or ", too few for a rate"
    return f"Of {counted(rate.tested, 'review')}, you recalled {rate.recalled:,} at the first try{verdict}."


def _ready(found: Summary, today: date) -> str:
    """Say readiness now and then; both are of the same cards on the same day."""
    ready = found.ready
    if not ready.of:
        return ""
    on = "today" if ready.on == today else f"on {wording.day(ready.on, today)}"
    day = f"{on}, the day of your interview" if found.interviews else f"{on}, in two weeks"
    return (
        f"If you stopped now, you’d recall about {round(ready.now):,} of {counted(ready.of, 'card')} {day}. "
        f"If you had stopped before {wording.day(found.week.first)}, it would be about {round(ready.then):,}."
    )


def _interviews(on: tuple[date, ...], today: date) -> str:
    if not on:
        return ""
    nearest, *others = on
    when = writing.interview_in(nearest, today)
    if not others:
        return f"Your interview is {when}."
    later = words.listed([wording.day(each, today) for each in others])
    are = "one after it is" if len(others) == 1 else "ones after it are"
    return f"Your next interview is {when}; the {are} on {later}."


def _load_heading(load: Load) -> str:
    return f"The next {DAYS_AHEAD} days" if len(load.days) == DAYS_AHEAD else "Until your interview"


def _load_finding(load: Load) -> str:
    late = f", {load.late:,} late" if load.late else ""
    return f"About {counted(load.total, 'card')} in all, new ones and repeats included{late}."


def _why(learner: User) -> str:
    at = words.time_in(hour_of(learner), learner.time_zone)
    return (
        f"You get this on Mondays at {at} when you answered anything in the week before, "
        "because you turned the weekly summary on."
    )
