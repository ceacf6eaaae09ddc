"""Which day a card comes on when an interview or a break is planned: only the due day moves."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

WEEK: Final = timedelta(days=7)
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a learner has planned: the day of the next interview, and a break from a day until a day."""

    interview_on: date | None = None
    break_from: date | None = None
    break_until: date | None = None

    def in_break(self, on: date) -> bool:
        """Whether this day lies in the break, whose first and last day are inside it."""
        return bool(self.break_from and self.break_until and self.break_from <= on <= self.break_until)


NOTHING = Plan()


def last_week(interview_on: date) -> tuple[date, date]:
    """Return the first and the last day of the week before the interview, both inside it."""
    return interview_on - WEEK, interview_on - ONE_DAY


def planned_day(plan: Plan, own: date, current: date, seen_on: date | None, today: date, place: int) -> date:
    """Return the day on which a card should come: its own due day, unless the plan needs another.

    `own` is the due day of the schedule itself, `current` the one it has now, `seen_on` the day of the
    last answer, `place` the card's place in its deck, by which cards are spread over the days. What falls
    into a break comes in the week after it, and a card that would not be seen in the week before the
    interview comes in that week. Nothing is moved past the interview, and what was moved to a day stays
    there when that day has passed.
    """
    day = _outside_break(plan, own, current, place)
    if plan.interview_on is None or not today <= plan.interview_on <= day:
        return max(current, own) if own < today and not plan.in_break(current) else day
    first, last = last_week(plan.interview_on)
    if last < today or (seen_on is not None and seen_on >= first):
        return current if first <= current <= last else day
    if current != own and first <= current <= last and not plan.in_break(current):
        return current
    return _spread(plan, max(first, min(today + ONE_DAY, last)), last, place) or day


def _outside_break(plan: Plan, own: date, current: date, place: int) -> date:
    if plan.break_until is None or not plan.in_break(own):
        return own
    first, last = plan.break_until + ONE_DAY, plan.break_until + WEEK
    if plan.interview_on is not None and plan.interview_on >= first:
        last = min(last, plan.interview_on - ONE_DAY)
    if first <= current <= last:
        return current
    return _spread(plan, first, last, place) or own


def _spread(plan: Plan, first: date, last: date, place: int) -> date | None:
    """Return this place's day among those from first to last that aren't in the break."""
    all_days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    days = [day for day in all_days if not plan.in_break(day)]
    return days[place % len(days)] if days else None
