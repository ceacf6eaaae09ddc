"""The dashboard: what will be recalled on the day, what to do now, and how it has gone so far."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import LearnerRequest
from flashcards import breaks, figures, progress, queue, readiness
from flashcards.drawing import words
from flashcards.drawing.weeks import MOST_WEEKS, tested_weeks, title
from flashcards.queue import Counts
from flashcards.readiness import Ahead, DeckReadiness, Lead, Readiness
from flashcards.views import moving
from flashcards.views.stage import Moment

MOST_DECKS = 20


@never_cache
@require_safe
def dashboard(request: LearnerRequest) -> HttpResponse:
    """Show a learner's figures, each with its definition and, where it is drawn, with its numbers."""
    moment = Moment.of(request)
    return render(request, "flashcards/dashboard.html", {**moving.shown(moment), **shown(moment)})


def shown(moment: Moment) -> dict[str, Any]:
    """Return all that the page says, worked out."""
    learner, today = moment.learner, moment.today
    left = queue.counts(learner, today)
    lead = readiness.leading(learner, today)
    past = figures.past(learner, today)
    ready = readiness.readiness(learner, lead, today)
    ahead = readiness.ahead(learner, lead, today, ready)
    return {
        "nav": "dashboard",
        "today": today,
        "lead": lead,
        "interview_on": lead.on if lead.interview else None,
        "days_left": (lead.on - today).days,
        "past": past,
        "weeks_finding": _weeks_finding(past),
        "weeks_full": MOST_WEEKS if len(past.weeks) > MOST_WEEKS else 0,
        "ahead": ahead,
        "ahead_finding": _ahead_finding(ahead),
        "slipping": readiness.at_risk(learner, lead, today, ready),
        "break_planned": breaks.is_planned(learner, today),
        **_due(moment, left, ahead),
        **_ready(ready, lead),
    }


def _due(moment: Moment, left: Counts, ahead: Ahead) -> dict[str, Any]:
    """Return what today holds: the late ones go before those that are due today, as in the queue."""
    late = min(ahead.late, left.due)
    due = left.due - late
    kinds = {"late": late, "due": due, "new": left.new, "once more": left.drills}
    return {
        "left": left,
        "late": late,
        "due": due,
        "due_says": ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count),
        "minutes": progress.minutes(moment.learner, left.left, moment.today) if left.left else 0,
    }


def _ready(ready: Readiness, lead: Lead) -> dict[str, Any]:
    """Return readiness by topic: card by card, or as bars where that would be too many cells; or by deck."""
    ahead = f", about {round(ready.keeping):,} if you keep clearing the queue" if ready.keeping else ""
    most_cells = max((len(topic.cells) for topic in ready.topics), default=0)
    decks = _largest(ready.decks)
    as_bars = bool(decks) or not most_cells
    return {
        "ready": ready,
        "ready_finding": f"{round(ready.recalled):,} of {ready.of:,} now{ahead}",
        "looked": ready.estimate.looked if ready.estimate else 0,
        "weighted": any(weight != 1 for weight in lead.weights.values()),
        "by_deck": bool(decks),
        "rows": decks or ready.topics,
        "other_decks": len(ready.decks) - len(decks),
        "other_cards": sum(deck.cards for deck in ready.decks) - sum(deck.cards for deck in decks),
        "as_bars": as_bars,
        "any_bars": as_bars or any(not topic.cells for topic in ready.topics),
        "columns": range(1, 1 + most_cells),
    }


def _largest(decks: Sequence[DeckReadiness]) -> list[DeckReadiness]:
    """Return the decks with the most cards, as many as are shown, in their order."""
    largest = sorted(decks, key=lambda deck: -deck.cards)[:MOST_DECKS]
    return [deck for deck in decks if deck in largest]


def _ahead_finding(ahead: Ahead) -> str:
    late = f"{ahead.late:,} late, " if ahead.late else ""
    due = f"{ahead.days[0].scheduled:,} due today. " if ahead.days else ""
    last = f"until {words.day(ahead.days[-1].day)}" if ahead.days else ""
    return (
        f"{late}{due}Expected {words.number(round(ahead.total))} reviews in all {last}, "
        f"about {words.number(round(ahead.per_day))} a day."
    )


def _weeks_finding(past: figures.Past) -> str:
    """Say what the drawing of the weeks shows; empty when there is nothing to draw."""
    weeks = tested_weeks(past.weeks)
    if not weeks:
        return ""
    latest = next((week for week in reversed(weeks) if week.rate.enough), weeks[-1])
    return (
        f"{title(latest)} recalled. Target 90 per cent. "
        "Bars show the 95 per cent interval; few reviews make it wide."
    )
