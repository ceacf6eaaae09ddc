"""Spreads waiting cards over the next days, as level as what is scheduled there already allows."""

from collections.abc import Sequence
from datetime import date, timedelta

from flashcards.scheduling.plan import Plan


def usable_days(plan: Plan, today: date, count: int) -> tuple[date, ...]:
    """Return those of the `count` days from today on that may take cards, in order.

    Today always may, since the cards wait there; a later day unless it lies in the break, or on or after
    the day of the interview.
    """
    later = (today + timedelta(days=n) for n in range(1, count))
    ahead = plan.interview_on if plan.interview_on and plan.interview_on >= today else date.max
    return (today, *(day for day in later if day < ahead and not plan.in_break(day)))


def shares(loads: Sequence[int], cards: int) -> tuple[int, ...]:
    """Return how many of these cards go to each day so that the days which get some end level.

    `loads` are the cards that each day holds already. Where a number can't be divided, the earlier days
    take one more. Raises ValueError when there are cards and no day.
    """
    if not loads:
        if cards:
            raise ValueError(f"{cards} cards need at least one day.")
        return ()
    level = _level(loads, cards)
    given = [max(0, level - load) for load in loads]
    over = cards - sum(given)
    lowest = [place for place, load in enumerate(loads) if load <= level]
    for place in lowest[:over]:
        given[place] += 1
    return tuple(given)


def _level(loads: Sequence[int], cards: int) -> int:
    """Return the highest level to which these cards can fill every day that is below it.

    The k lowest days hold k x level at that level or more, and no more than they hold now and all the
    cards: for no k may the level be higher than that.
    """
    below, highest = 0, list[int]()
    for k, load in enumerate(sorted(loads), start=1):
        below += load
        highest.append((below + cards) // k)
    return min(highest)
