"""How ready a learner is on the lead's day, how much comes until then, and which cards are at risk.

Predicted recall is FSRS' (see recall); cards are taken to be independent, which makes the range a little
narrow. All cards count that are neither suspended nor retired.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import fsum, sqrt
from typing import Any, Final

from django.db.models import Case, Count, DateField, F, QuerySet, Value, When

from accounts.models import User
from accounts.once import once
from flashcards import estimating, forecasting, parts, queue, recall
from flashcards.estimating import Estimate
from flashcards.forecasting import Part, Totals
from flashcards.models import Deck, ReviewState, Topic
from flashcards.parts import Cell, DeckReadiness, TopicReadiness
from flashcards.playing import Played
from flashcards.recall import Lead, leading
from flashcards.sample_sql import Low
from flashcards.scheduling.days import ONE_DAY

__all__ = ["Ahead", "Cell", "DayAhead", "DeckReadiness", "Lead", "Readiness", "Slip", "TopicReadiness"]
__all__ += ["ahead", "at_risk", "leading", "readiness", "slipping"]

MOST_DAYS: Final = timedelta(days=30)
IN_RANGE: Final = 1.28  # standard deviations to either side that hold 80%


@dataclass(frozen=True, slots=True)
class Readiness:
    """How many cards would be recalled on the day `on`, of all that count, if the learner stopped now.

    The 80% range goes from `low` to `high`; `keeping` is the mean of the `runs` in which the queue is
    cleared every day until then, None when no card counts. Where `sampled` cards stood for all in them,
    it isn't 0. `answers` are the cards answered on each day from today in the runs. `started` counts the
    started ones of `of`. Topics count by their weights, scaled to cards: a weight of 1 is `scale` cards.

    Of more than 20 topics there are `decks`; the topics are then without cells, and left out where cards are
    very many. `estimate` is what it all rests on in that case, else None.
    """

    on: date
    recalled: float
    of: int
    low: float
    high: float
    keeping: float | None
    runs: int
    sampled: int
    topics: tuple[TopicReadiness, ...]
    decks: tuple[DeckReadiness, ...]
    started: int
    answers: tuple[float, ...]
    scale: float
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class DayAhead:
    """Cards that come on a day: those scheduled now, and what the runs add, new cards and repeats."""

    day: date
    scheduled: int
    extra: float


@dataclass(frozen=True, slots=True)
class Ahead:
    """What waits: the cards due before today, then each day's.

    `total` is all of it, `per_day` that over the days on which there is time for it.
    """

    late: int
    days: tuple[DayAhead, ...]
    total: float
    per_day: float


@dataclass(frozen=True, slots=True)
class Slip:
    """A card that will likely be forgotten on the lead's day, with the day on which it is due."""

    card_id: int
    question: str
    topic: Topic
    recall: float
    lapses: int
    due_on: date | None


def readiness(learner: User, lead: Lead, today: date) -> Readiness:
    """Return how ready the learner is on the lead's day, in three statements; of very many cards, in six."""
    if lead.many:
        found = estimating.estimate(learner, lead, today, today + MOST_DAYS, parts.MOST_TOPICS)
        ready = _readiness(lead, found.totals, found.played)
        return _with_parts(learner, lead, replace(ready, estimate=found), found.parts)
    topics = forecasting.sums(learner, lead, today)
    totals = forecasting.totals(topics, lead)
    ready = _readiness(lead, totals, forecasting.play(learner, lead, today, topics))
    shown = [Part(sums.topic, sums.cards, sums.recalled, sums.bands) for sums in topics if sums.cards]
    return _with_parts(learner, lead, ready, shown)


def _readiness(lead: Lead, totals: Totals, played: Played) -> Readiness:
    scale = totals.of / totals.weight if totals.of else 0.0
    recalled = min(float(totals.of), scale * totals.recalled)
    spread = IN_RANGE * scale * sqrt(totals.variance)
    return Readiness(
        on=lead.on,
        recalled=recalled,
        of=totals.of,
        low=max(0.0, recalled - spread),
        high=min(float(totals.of), recalled + spread),
        keeping=min(float(totals.of), scale * played.recalled) if totals.of else None,
        runs=played.runs,
        sampled=played.sampled,
        topics=(),
        decks=(),
        started=totals.started,
        answers=played.answers,
        scale=scale,
        estimate=None,
    )


def _with_parts(learner: User, lead: Lead, ready: Readiness, shown: list[Part]) -> Readiness:
    """Return it with its topics, and its decks if the topics are many: one statement for either."""
    many = len(shown) > parts.MOST_TOPICS or any(isinstance(part.place, Deck) for part in shown)
    topics = parts.topics(learner, lead, shown)
    return replace(ready, topics=topics, decks=parts.decks(shown) if many else ())


def ahead(learner: User, lead: Lead, today: date, ready: Readiness) -> Ahead:
    """Return what waits on each day until the lead's day, 30 days ahead at most, in at most one statement.

    `ready` is what readiness() returned for the same. A day's extra is the mean of its runs less what is
    scheduled and what was left waiting, so that each card is counted once: late, scheduled or extra. The
    runs end on the eve; of an interview's own day only what is scheduled is known.
    """
    answers = ready.answers
    counted = ready.estimate.due if ready.estimate else None
    scheduled = counted or _scheduled(learner, today, min(lead.on, today + MOST_DAYS))
    late = scheduled.get(today - ONE_DAY, 0)
    waiting, days = float(late), list[DayAhead]()
    for number in range(_days_shown(lead, today)):
        day = today + number * ONE_DAY
        planned, expected = scheduled.get(day, 0), answers[number] if number < len(answers) else 0.0
        waiting += planned
        extra = max(0.0, expected - waiting)
        waiting = max(0.0, waiting - expected)
        days.append(DayAhead(day, planned, extra))
    total = late + fsum(day.scheduled + day.extra for day in days)
    return Ahead(late, tuple(days), total, total / max(1, min(len(days), len(answers))))


def at_risk(learner: User, lead: Lead, today: date, ready: Readiness, limit: int = 5) -> list[Slip]:
    """Return what slipping() does; where `ready` was estimated, the lowest of its sample, up to 20."""
    if ready.estimate is None:
        return slipping(learner, lead, today, limit)
    return [_slip(low) for low in ready.estimate.lowest[:limit]]


def slipping(learner: User, lead: Lead, today: date, limit: int = 5) -> list[Slip]:
    """Return the started cards with the lowest predicted recall on the lead's day, in one statement.

    Of two with the same, the one missed more often comes first; topics that don't count are left out.
    """
    left_out = tuple(sorted(lead.left_out()))
    rows = _lowest(learner=learner.pk, on=lead.on, today=today, left_out=left_out, limit=(limit,))
    return [
        Slip(card, question, forecasting.TOPIC.row(topic), chance, lapses, due)
        for card, question, chance, lapses, due, *topic in rows
    ]


@once
def _lowest(
    learner: int, on: date, today: date, left_out: tuple[int, ...], limit: tuple[int]
) -> QuerySet[ReviewState, Any]:
    states = (
        queue.active(learner)
        .filter(remembered_on__isnull=False)
        .exclude(card__topic__in=left_out)
        .annotate(recall=recall.on(on), due=recall.due(today))
        .order_by("recall", "-lapses", "card_id")
    )
    topic = (f"card__topic__{name}" for name in forecasting.TOPIC.names)
    return states.values_list("card_id", "card__question", "recall", "lapses", "due", *topic)[: limit[0]]


def _slip(low: Low) -> Slip:
    return Slip(low.card, low.question, low.topic, low.recall, -low.misses, low.due_on)


def _scheduled(learner: User, today: date, last: date) -> dict[date, int]:
    """Return how many active cards are due on each day until the last; the late ones under yesterday."""
    return dict(_due_by_day(learner=learner.pk, today=today, last=last))


@once
def _due_by_day(learner: int, today: date, last: date) -> QuerySet[ReviewState, Any]:
    yesterday = Value(today - ONE_DAY, DateField())
    states = (
        queue.active(learner)
        .filter(due_on__lte=last)
        .annotate(due=recall.due(today))
        .annotate(day=Case(When(due__lt=today, then=yesterday), default=F("due"), output_field=DateField()))
    )
    return states.values_list("day").annotate(n=Count("pk"))


def _days_shown(lead: Lead, today: date) -> int:
    farthest = min(lead.on, today + MOST_DAYS)
    with_last_day = lead.interview is not None or farthest < lead.on
    return (farthest - today).days + with_last_day
