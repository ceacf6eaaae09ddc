"""The queue played forward, day by day, with chance in the learner's place. Days are counted from today."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import fsum
from operator import mul
from random import Random  # noqa: TID251 - always handed in, with a seed
from typing import Final, NamedTuple

from flashcards.scheduling import futures
from flashcards.scheduling.futures import Point

MOST_RUNS: Final = 200
FEWEST_RUNS: Final = 4
# Fewer runs are made when more would pass this many answers and days, of which a step of FSRS that wasn't
# taken before weighs as much as fifteen.
MOST_WORK: Final = 60_000
STEP: Final = 15


@dataclass(slots=True)
class Cards:
    """Cards, numbered from 0, at some moment: where they stand, and the days of their last answers.

    `late` holds the numbers of those due before today by day, the oldest first, `due` those that come on each
    day from today, `own` each card's own due day, from which a plan may have moved it, and `fresh` the new
    cards in deck order.
    """

    points: list[Point] = field(default_factory=list)
    answered_on: list[int] = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    late: list[list[int]] = field(default_factory=list)
    due: list[list[int]] = field(default_factory=list)
    fresh: list[int] = field(default_factory=list)

    def copy(self) -> "Cards":
        """Return the same moment to go on from; only what isn't changed is shared."""
        due = [group.copy() for group in self.due]
        return Cards(self.points.copy(), self.answered_on.copy(), self.own.copy(), self.late, due, self.fresh)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same in all runs: the cards' weights, and how many reviews and new cards each day takes.

    `moved` gives the day on which a plan lets a card come, from its own due day, the answer's and its number;
    None: on its own.
    """

    weights: list[float]
    takes: list[tuple[int, int]]
    moved: Callable[[int, int, int], int] | None


class Run(NamedTuple):
    """What a run came to: the share of the weight recalled at its end, cards answered and started by day.

    `steps` of FSRS weren't taken before it.
    """

    recalled: float
    answered: list[int]
    started: list[int]
    steps: int


def play(start: Cards, setting: Setting, chance: Random, most_work: int = MOST_WORK) -> list[Run]:
    """Return as many runs as the work allows, from 4 to 200."""
    runs, work = list[Run](), 0
    while len(runs) < FEWEST_RUNS or (len(runs) < MOST_RUNS and work < most_work):
        runs.append(_run(start.copy(), setting, chance))
        work += len(setting.takes) + sum(runs[-1].answered) + STEP * runs[-1].steps
    return runs


def _run(cards: Cards, setting: Setting, chance: Random) -> Run:
    answered, started, steps = list[int](), list[int](), 0
    backlog = [card for group in cards.late for card in _shuffled(group.copy(), 0, chance)]
    for day, (most, news) in enumerate(setting.takes):
        waiting = backlog + _shuffled(cards.due[day], most - len(backlog), chance)
        reviews, backlog = waiting[:most], waiting[most:]
        fresh = [] if backlog else cards.fresh[:news]
        cards.fresh = cards.fresh[len(fresh) :]
        steps += _answer(cards, reviews + fresh, day, setting, chance.random)
        answered.append(len(reviews) + len(fresh))
        started.append(len(fresh))
    return Run(_recalled(cards, setting), answered, started, steps)


def _shuffled(group: list[int], room: int, chance: Random) -> list[int]:
    """Return the cards due on one day; where there isn't room for all, chance orders them."""
    if len(group) > room:
        chance.shuffle(group)
    return group


def _answer(
    cards: Cards, numbers: Sequence[int], day: int, setting: Setting, draw: Callable[[], float]
) -> int:
    """Answer these cards, right when a draw is below the chance, and make them due again.

    Return how many steps of FSRS weren't taken before. This is where all the time goes, hence the plain loop.
    """
    points, answered_on, own, due = cards.points, cards.answered_on, cards.own, cards.due
    moved, days_left, steps = setting.moved, len(due), 0
    for card in numbers:
        at = points[card]
        days = day - answered_on[card] if at.memory else 0
        likely, after = at.known.get(days) or at.after(days)
        right, ahead = draw() < likely, own[card] > day
        then = after[right + 2 * ahead]
        if then is None:
            then = after[right + 2 * ahead] = futures.answered(at, days, right, ahead)
            steps += 1
        points[card], answered_on[card] = then, day
        if not (right and ahead):
            own[card] = day + then.state.interval
        to = moved(own[card], day, card) if moved else own[card]
        if to < days_left:
            due[to].append(card)
    return steps


def _recalled(cards: Cards, setting: Setting) -> float:
    """Return the share of the weight that is recalled after the last day, as the chances have it."""
    end = len(setting.takes)
    chances = [
        (at.known.get(end - day) or at.after(end - day))[0]
        for at, day in zip(cards.points, cards.answered_on, strict=True)
    ]
    return fsum(map(mul, setting.weights, chances)) / (fsum(setting.weights) or 1.0)
