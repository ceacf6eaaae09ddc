"""A card's past as predicted recall: how it fell after each answer, and how it goes on from today."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil
from typing import Final

from flashcards import history
from flashcards.models import ReviewState
from flashcards.scheduling import memory, schedule, sm2
from flashcards.scheduling.memory import Memory
from flashcards.scheduling.schedule import Event

MOST_DAYS: Final = 100  # with an answer; what lies before them isn't drawn
POINTS: Final = 240  # in the whole curve, about: one for every two px
AHEAD: Final = timedelta(days=14)  # how far the curve goes on for a learner without an interview

Point = tuple[date, float]


@dataclass(frozen=True, slots=True)
class AnsweredDay:
    """A study day's answers to the card, by grade in order, and the recall foreseen for the first.

    `predicted` is None where nothing could be foreseen: the card had no answer before.
    """

    day: date
    grades: tuple[int, ...]
    predicted: float | None

    @property
    def recalled(self) -> bool:
        """Whether the day's first answer was a pass."""
        return sm2.passed(self.grades[0])


@dataclass(frozen=True, slots=True)
class Fall:
    """What the card was remembered by from one day until another, the next answer or reset or today."""

    memory: Memory
    since: date
    until: date

    def points(self, per_day: float) -> tuple[Point, ...]:
        """Return the predicted recall from the first to the last day, with so many points to a day."""
        days = (self.until - self.since).days
        steps = min(days, max(1, ceil(days * per_day)))
        on = [self.since + timedelta(days=round(days * n / steps)) for n in range(steps + 1)] if days else []
        return tuple((day, memory.recall(self.memory, day)) for day in on)


@dataclass(frozen=True, slots=True)
class RecallHistory:
    """A card's predicted recall since its first drawn day.

    `falls` are the curve's pieces until today, `ahead` is how it goes on until the day `on`. `now` and
    `then` are the recall today and on that day, None for a card that is remembered by nothing.
    """

    days: tuple[AnsweredDay, ...]
    falls: tuple[tuple[Point, ...], ...]
    ahead: tuple[Point, ...]
    now: float | None
    then: float | None
    today: date
    on: date
    interview: bool


def recall_history(state: ReviewState, today: date, interview_on: date | None) -> RecallHistory | None:
    """Return how the card's predicted recall went and goes on, in one statement; None without answers.

    Undone answers are left out, a reset ends the curve. It goes on until the interview or for 14 days.
    """
    days, falls = _folded(_standing(history.events_of(state)), today)
    if not days:
        return None
    days = days[-MOST_DAYS:]
    falls = [fall for fall in falls if fall.until > days[0].day]
    upcoming = interview_on is not None and interview_on >= today
    on = interview_on if interview_on is not None and upcoming else today + AHEAD
    per_day = POINTS / ((on - days[0].day).days or 1)
    held = history.memory_of(state)
    return RecallHistory(
        days=tuple(days),
        falls=tuple(points for fall in falls if (points := fall.points(per_day))),
        ahead=Fall(held, today, on).points(per_day) if held else (),
        now=memory.recall(held, today) if held else None,
        then=memory.recall(held, on) if held else None,
        today=today,
        on=on,
        interview=upcoming,
    )


def _standing(events: Sequence[Event]) -> list[Event]:
    return [events[sequence - 1] for sequence in schedule.standing(events)]


def _folded(events: Iterable[Event], today: date) -> tuple[list[AnsweredDay], list[Fall]]:
    """Return the days with answers and the pieces of the curve, as the events lead to them."""
    days, falls = list[AnsweredDay](), list[Fall]()
    held, since = schedule.NEW, today
    for event in events:
        before, held = held, schedule.apply(held, event)
        if event.kind in schedule.ANSWERS and event.grade is not None:
            _answered(days, event, before.memory)
        if held.memory != before.memory:
            if before.memory is not None:
                falls.append(Fall(before.memory, since, event.study_day))
            since = event.study_day
    if held.memory is not None:
        falls.append(Fall(held.memory, since, max(since, today)))
    return days, falls


def _answered(days: list[AnsweredDay], event: Event, before: Memory | None) -> None:
    assert event.grade is not None
    if days and days[-1].day == event.study_day:
        days[-1] = replace(days[-1], grades=(*days[-1].grades, event.grade))
        return
    predicted = memory.prediction(before, event.study_day)
    days.append(AnsweredDay(event.study_day, (event.grade,), predicted))
