"""The queue played forward, day by day, with chance in the learner's place. Days are counted from today."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
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

    `due` holds the numbers of those that come on each day, `own` each card's own due day, from which a
    plan may have moved it, and `fresh` the new cards in deck order.
    """

    points: list[Point] = field(default_factory=list)
    answered_on: list[int] = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    due: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    fresh: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same in all runs: the cards' weights, and how many reviews and new cards each day takes.

    `moved` gives the day on which a plan lets a card come, from its own due day, the answer's and its number.
    The chances and steps of FSRS are kept: most come up again, in other runs and for other cards.
    """

    weights: list[float]
    takes: list[tuple[int, int]]
    moved: Callable[[int, int, int], int]
    chance: Callable[[Point, int], float] = field(default_factory=lambda: cache(futures.chance))
    steps: dict[tuple[Point, int, bool, bool], Point] = field(default_factory=dict)


class Run(NamedTuple):
    """What a run came to: the share of the weight recalled at its end, cards answered and started by day."""

    recalled: float
    answered: list[int]
    started: list[int]


def play(start: Cards, setting: Setting, chance: Random, most_work: int = MOST_WORK) -> list[Run]:
    """Return as many runs as the work allows, from 4 to 200."""
    runs, work = list[Run](), 0
    while len(runs) < FEWEST_RUNS or (len(runs) < MOST_RUNS and work < most_work):
        known = len(setting.steps)
        runs.append(_run(_copy(start), setting, chance))
        work += len(setting.takes) + sum(runs[-1].answered) + STEP * (len(setting.steps) - known)
    return runs


def _copy(cards: Cards) -> Cards:
    due = defaultdict(list, {day: group.copy() for day, group in cards.due.items()})
    return Cards(cards.points.copy(), cards.answered_on.copy(), cards.own.copy(), due, cards.fresh)


def _run(cards: Cards, setting: Setting, chance: Random) -> Run:
    answered, started = list[int](), list[int]()
    backlog = _late(cards, chance)
    for day, (most, news) in enumerate(setting.takes):
        waiting = backlog + _due(cards, day, most - len(backlog), chance)
        reviews, backlog = waiting[:most], waiting[most:]
        fresh = [] if backlog else cards.fresh[:news]
        cards.fresh = cards.fresh[len(fresh) :]
        for card in reviews + fresh:
            _answer(cards, card, day, setting, chance.random())
        answered.append(len(reviews) + len(fresh))
        started.append(len(fresh))
    return Run(_recalled(cards, setting), answered, started)


def _late(cards: Cards, chance: Random) -> list[int]:
    """Take the cards due before today, the oldest day first."""
    return [card for day in sorted(cards.due) if day < 0 for card in _due(cards, day, 0, chance)]


def _due(cards: Cards, day: int, room: int, chance: Random) -> list[int]:
    """Take the cards due on this day; where there isn't room for all, chance orders them."""
    group = cards.due.pop(day, [])
    if len(group) > room:
        chance.shuffle(group)
    return group


def _answer(cards: Cards, card: int, day: int, setting: Setting, draw: float) -> None:
    """Answer a card, right when the draw is below its chance, and make it due again."""
    at = cards.points[card]
    days = day - cards.answered_on[card] if at.memory else 0
    right, ahead = draw < setting.chance(at, days), cards.own[card] > day
    step = at, days, right, ahead
    after = setting.steps.get(step) or setting.steps.setdefault(step, futures.answered(*step))
    cards.points[card], cards.answered_on[card] = after, day
    if not (right and ahead):
        cards.own[card] = day + after.state.interval
    cards.due[setting.moved(cards.own[card], day, card)].append(card)


def _recalled(cards: Cards, setting: Setting) -> float:
    """Return the share of the weight that is recalled after the last day, as the chances have it."""
    ages = (len(setting.takes) - day for day in cards.answered_on)
    chances = map(setting.chance, cards.points, ages)
    return fsum(map(mul, setting.weights, chances)) / (fsum(setting.weights) or 1.0)
