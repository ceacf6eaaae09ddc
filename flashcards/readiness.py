"""How ready a learner is on the lead's day, how much comes until then, and which cards are at risk.

Predicted recall is FSRS' (see recall); cards are taken to be independent, which makes the range a little
narrow. All cards count that are neither suspended nor retired.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum, sqrt
from typing import Any, Final

from django.db.models import Case, Count, DateField, F, Value, When

from accounts.models import User
from flashcards import forecasting, queue, recall
from flashcards.forecasting import Sums
from flashcards.models import Card, Topic
from flashcards.recall import Lead, leading
from flashcards.scheduling.days import ONE_DAY

__all__ = ["Ahead", "Cell", "DayAhead", "Lead", "Readiness", "Slip", "TopicReadiness"]
__all__ += ["ahead", "leading", "readiness", "slipping"]

MOST_CELLS: Final = 20
MOST_DAYS: Final = timedelta(days=30)
IN_RANGE: Final = 1.28  # standard deviations to either side that hold 80%
NOT_STARTED: Final = len(forecasting.BANDS) + 1


@dataclass(frozen=True, slots=True)
class Cell:
    """A card in a topic, with its predicted recall on the lead's day; None: not started."""

    card_id: int
    question: str
    recall: float | None

    @property
    def band(self) -> int:
        """Which of a topic's bands the card is in."""
        if self.recall is None:
            return NOT_STARTED
        return sum(1 for least in forecasting.BANDS if self.recall >= least)


@dataclass(frozen=True, slots=True)
class TopicReadiness:
    """How many of a topic's active cards would be recalled on the lead's day if the learner stopped now.

    `cells` are its cards in order, none when there are more than 20; `bands` counts the cards under 60%,
    from 60, 75, 85, 93% (rounded to whole per cents), and not started.
    """

    topic: Topic
    recalled: float
    cards: int
    weight: int
    cells: tuple[Cell, ...]
    bands: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Readiness:
    """How many cards would be recalled on the day `on`, of all that count, if the learner stopped now.

    The 80% range goes from `low` to `high`; `keeping` is the mean of the `runs` in which the queue is
    cleared every day until then, None when no card counts. Where `sampled` cards stood for all in them,
    it isn't 0. `answers` are the cards answered on each day from today in the runs. `started` counts the
    started ones of `of`. Topics count by their weights, scaled to cards.
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
    started: int
    answers: tuple[float, ...]


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
    """Return how ready the learner is on the lead's day, in three statements."""
    topics = forecasting.sums(learner, lead, today)
    played = forecasting.play(learner, lead, today, topics)
    weighed = [(topic, weight) for topic in topics if (weight := lead.weight(topic.topic.pk))]
    of = sum(topic.cards for topic, _ in weighed)
    scale = of / fsum(weight * topic.cards for topic, weight in weighed) if of else 0.0
    recalled = scale * fsum(weight * topic.recalled for topic, weight in weighed)
    spread = IN_RANGE * scale * sqrt(fsum(weight**2 * topic.variance for topic, weight in weighed))
    return Readiness(
        on=lead.on,
        recalled=recalled,
        of=of,
        low=max(0.0, recalled - spread),
        high=min(float(of), recalled + spread),
        keeping=scale * played.recalled if of else None,
        runs=played.runs,
        sampled=played.sampled,
        topics=_topics(learner, lead, [topic for topic in topics if topic.cards]),
        started=sum(topic.started for topic, _ in weighed),
        answers=played.answers,
    )


def ahead(learner: User, lead: Lead, today: date, ready: Readiness) -> Ahead:
    """Return what waits on each day until the lead's day, 30 days ahead at most, in one statement.

    `ready` is what readiness() returned for the same. A day's extra is the mean of its runs less what is
    scheduled and what was left waiting, so that each card is counted once: late, scheduled or extra. The
    runs end on the eve; of an interview's own day only what is scheduled is known.
    """
    answers = ready.answers
    scheduled = _scheduled(learner, today, min(lead.on, today + MOST_DAYS))
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


def slipping(learner: User, lead: Lead, today: date, limit: int = 5) -> list[Slip]:
    """Return the started cards with the lowest predicted recall on the lead's day, in one statement.

    Of two with the same, the one missed more often comes first; topics that don't count are left out.
    """
    states = (
        queue.active(learner)
        .filter(remembered_on__isnull=False)
        .exclude(card__topic__in=lead.left_out())
        .annotate(recall=recall.on(lead.on), due=recall.due(today))
        .select_related("card__topic")
        .only("lapses", "card__question", "card__topic")
    )
    rows: list[Any] = list(states.order_by("recall", "-lapses", "card_id")[:limit])
    return [
        Slip(row.card_id, row.card.question, row.card.topic, row.recall, row.lapses, row.due) for row in rows
    ]


def _topics(learner: User, lead: Lead, topics: list[Sums]) -> tuple[TopicReadiness, ...]:
    cells = _cells(learner, lead, [sums.topic.pk for sums in topics if sums.cards <= MOST_CELLS])
    return tuple(
        TopicReadiness(
            topic=sums.topic,
            recalled=sums.recalled,
            cards=sums.cards,
            weight=lead.weight(sums.topic.pk),
            cells=tuple(cells[sums.topic.pk]),
            bands=sums.bands,
        )
        for sums in topics
    )


def _cells(learner: User, lead: Lead, topics: list[int]) -> defaultdict[int, list[Cell]]:
    """Return the cells of all these topics, in deck order."""
    cards = (
        Card.objects.annotate(mine=recall.mine(learner))
        .filter(recall.active(), topic__in=topics)
        .annotate(chance=recall.on(lead.on, "mine__"))
        .order_by("position", "pk")
    )
    cells = defaultdict[int, list[Cell]](list)
    for topic, *cell in cards.values_list("topic_id", "pk", "question", "chance"):
        cells[topic].append(Cell(*cell))
    return cells


def _scheduled(learner: User, today: date, last: date) -> dict[date, int]:
    """Return how many active cards are due on each day until the last; the late ones under yesterday."""
    yesterday = Value(today - ONE_DAY, DateField())
    states = (
        queue.active(learner)
        .filter(due_on__lte=last)
        .annotate(due=recall.due(today))
        .annotate(day=Case(When(due__lt=today, then=yesterday), default=F("due"), output_field=DateField()))
    )
    return dict(states.values_list("day").annotate(n=Count("pk")))


def _days_shown(lead: Lead, today: date) -> int:
    farthest = min(lead.on, today + MOST_DAYS)
    with_last_day = lead.interview is not None or farthest < lead.on
    return (farthest - today).days + with_last_day
