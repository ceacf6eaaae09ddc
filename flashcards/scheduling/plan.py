"""Which day a card comes on when an interview or a break is planned: only the due day moves."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from flashcards.scheduling.days import ONE_DAY

WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a learner has planned: the day of the next interview, and a break from a day until a day."""

    interview_on: date | None = None
    break_from: date | None = None
    break_until: date | None = None

    def in_break(self, on: date) -> bool:
        """Whether this day lies in the break, whose first and last day are inside it."""
        return bool(self.break_from and self.break_until and self.break_from <= on <= self.break_until)

    def crowds_out(self, interview_on: date) -> bool:
        """Whether the break leaves no day before the interview for the cards that fall into it."""
        return self.in_break(interview_on) or self.in_break(interview_on - ONE_DAY)


NOTHING = Plan()


def last_week(interview_on: date) -> tuple[date, date]:
    """Return the first and the last day of the week before the interview, both inside it."""
    return interview_on - WEEK, interview_on - ONE_DAY


def planned_day(plan: Plan, own: date, current: date, seen_on: date | None, today: date, place: int) -> date:
    """Return the day on which a card should come: its own due day, unless the plan needs another.

    `own` is the due day of the schedule itself, `current` the one it has now, `seen_on` the day of the
    last answer, `place` the card's place in its deck, by which cards are spread over the days. What falls
    into a break comes in the week after it; what wouldn't be seen in the week before the interview comes in
    that week, where it then stays even when its day has passed. Nothing is moved from before the interview
    to its day or past it. docs/interviews.md says it at length.
    """
    day = _outside_break(plan, own, current, today, place)
    if plan.interview_on is None or not today <= plan.interview_on <= day:
        return day
    first, last = last_week(plan.interview_on)
    ahead = own >= plan.interview_on
    if ahead and seen_on is not None and seen_on >= first:
        return day
    if first <= today and first <= current <= last and not plan.in_break(current):
        return current
    days = _free(plan, max(first, today + ONE_DAY), last)
    if not days and first <= today <= last:
        days = _free(plan, today, today)
    if days:
        return days[place % len(days)]
    return day if ahead else own


def days_to_start(plan: Plan, interview_on: date, today: date) -> tuple[bool, int]:
    """Return whether new cards can be started today, and on how many later days before the interview.

    None are started in a break, nor on the interview's day.
    """
    later = _free(plan, today + ONE_DAY, interview_on - ONE_DAY)
    return today < interview_on and not plan.in_break(today), len(later)


def new_cards_needed(cards: int, started: int, today: bool, later: int) -> int | None:
    """Return the fewest new cards a day with which this many can be started in time, None if none does.

    `later` is the number of days after today; if `today` is one too, it gives what `started` leaves of
    its number.
    """
    if cards <= 0:
        return 0
    if not today or cards <= later * started:
        return -(-cards // later) if later else None
    return -(-(cards + started) // (later + 1))


def _outside_break(plan: Plan, own: date, current: date, today: date, place: int) -> date:
    """Return the card's own day, or one in the week after a break that it falls into.

    A card whose own day is over stays where it was put: a break that has ended leaves it spread.
    """
    day = max(own, current) if own < today else own
    if plan.break_until is None or plan.break_until < today or not plan.in_break(day):
        return day
    first, last = plan.break_until + ONE_DAY, plan.break_until + WEEK
    if plan.interview_on is not None and plan.interview_on > first:
        last = min(last, plan.interview_on - ONE_DAY)
    days = _free(plan, first, last)
    return days[place % len(days)]


def _free(plan: Plan, first: date, last: date) -> list[date]:
    """Return the days from first to last that aren't in the break."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if not plan.in_break(day)]
