"""What a learner will recall on a day if they keep clearing the queue: the mean of seeded runs.

In a run, each card that is due is answered once a day: Good with the chance of recall that FSRS gives it
on that day, else Again, followed by the drill that the same day asks for, which is passed. A card never
answered counts as not recalled: it adds nothing on the last day, and its first answer is a miss. Nothing
is known about that answer, and a forecast had better promise too little.

The limits hold as they do in the queue: due reviews, the oldest day first, up to the daily limit; new
cards in deck order up to theirs, and none while more reviews wait than the limit lets through.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from math import floor, fsum
from random import Random  # noqa: TID251 - always seeded: the same question gets the same answer
from statistics import fmean
from typing import Final, NamedTuple

from flashcards.scheduling import futures, memory, runs, sm2
from flashcards.scheduling.futures import Point
from flashcards.scheduling.memory import Memory

MOST_CARDS: Final = 1_000  # of more than these, a sample is run
FARTHEST: Final = timedelta(days=365)

# Where a plan puts a card: from its own due day, the day of the answer and its position in `cards`.
Move = Callable[[date, date, int], date]


class Active(NamedTuple):
    """A card that isn't suspended; `weight`: how much it counts.

    `due_on` None: it's new, and its memory doesn't count. `own_due_on`: where a plan moved it away from.
    """

    state: sm2.State
    due_on: date | None
    memory: Memory | None
    weight: float = 1.0
    own_due_on: date | None = None


class Limits(NamedTuple):
    """How many cards a day takes, and how many of today's have been started and reviewed already.

    For cards that are a sample themselves, these may be fractions: what is left of one goes to the next day.
    """

    new_cards_per_day: float
    reviews_per_day: float
    started: float = 0
    reviewed: float = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the runs come to, as means.

    `recalled` is the weight of the cards recalled on the day `on`, out of `weight`. `per_day` are the
    cards answered on each day from today to the eve of `on`, drills not counted; `new_per_day` those of
    them that were started. `in_play` cards could come up; `simulated` of them were run, `runs` times.
    """

    on: date
    recalled: float
    weight: float
    per_day: tuple[float, ...]
    new_per_day: tuple[float, ...]
    in_play: int
    simulated: int
    runs: int


def simulate(
    cards: Sequence[Active],
    today: date,
    until: date,
    limits: Limits,
    seed: int,
    move: Move | None = None,
    most_work: int = runs.MOST_WORK,
) -> Outcome:
    """Return what answering all that is due from today to the eve of `until` comes to on `until`.

    New cards are in deck order. `move` says where a plan puts a card after an answer: tomorrow at the
    soonest. More than a year ahead, the result is that of a year from today. Where a sample stands for
    the cards in play, the limits are scaled down and the results up.
    """
    chance = Random(seed)  # noqa: S311 - it guards nothing
    on = min(max(until, today), today + FARTHEST)
    days = (on - today).days
    in_play = _in_play(cards, on, _takes(limits, days), chance)
    sample = _sample(in_play, chance)
    share = len(sample) / len(in_play) if in_play else 1.0
    setting = runs.Setting(
        weights=[cards[place].weight for place in sample],
        takes=_takes(limits, days, share, chance.random()),
        moved=_mover(move, sample, today),
    )
    played = runs.play(_start([cards[place] for place in sample], today, days), setting, chance, most_work)
    moving = fsum(cards[place].weight for place in in_play) * fmean(run.recalled for run in played)
    return Outcome(
        on=on,
        recalled=moving + _settled(cards, set(in_play), today, on),
        weight=fsum(card.weight for card in cards),
        per_day=_means((run.answered for run in played), share),
        new_per_day=_means((run.started for run in played), share),
        in_play=len(in_play),
        simulated=len(sample),
        runs=len(played),
    )


def _in_play(cards: Sequence[Active], on: date, takes: list[tuple[int, int]], chance: Random) -> list[int]:
    """Return which cards can come up before `on`, by due day and weight, then the new ones.

    New cards that are too far back in the deck can't; nor, which is looked at where cards are many, those
    behind more reviews than the limit lets through until then.
    """
    news, reviews = sum(new for _, new in takes), sum(review for review, _ in takes)
    fresh = [place for place, card in enumerate(cards) if card.due_on is None][:news]
    due = [place for place, card in enumerate(cards) if card.due_on and card.due_on < on]
    if len(due) + len(fresh) > MOST_CARDS:
        chance.shuffle(due)
        due = sorted(due, key=lambda place: cards[place].due_on or on)[: reviews + 1]
        due.sort(key=lambda place: (cards[place].due_on, cards[place].weight))
    return due + fresh  # one review more than the limit is left, to hold back the new cards


def _settled(cards: Sequence[Active], in_play: set[int], today: date, on: date) -> float:
    """Return the weight recalled of the cards that don't come up."""
    return fsum(
        card.weight * futures.recall(held.stability, (on - held.last_on).days)
        for place, card in enumerate(cards)
        if place not in in_play and (held := _remembered(card, today))
    )


def _sample(in_play: list[int], chance: Random) -> list[int]:
    """Return every k-th card, so that each due day and weight keeps its part."""
    step = max(1, -(-len(in_play) // MOST_CARDS))
    return in_play[chance.randrange(step) :: step]


def _takes(limits: Limits, days: int, share: float = 1.0, phase: float = 0.0) -> list[tuple[int, int]]:
    """Return how many reviews and how many new cards each day takes, of a share of all cards."""
    reviews = _per_day(limits.reviews_per_day, limits.reviewed, days, share, phase)
    news = _per_day(limits.new_cards_per_day, limits.started, days, share, phase)
    return list(zip(reviews, news, strict=True))


def _per_day(limit: float, used: float, days: int, share: float, phase: float) -> list[int]:
    """Round so that the days together take their share; `phase`, from 0 and below 1, is carried in."""
    reached = [floor(share * (max(0, limit - used) + limit * day) + phase) for day in range(days)]
    return [now - before for before, now in zip([0, *reached], reached, strict=False)]


def _mover(move: Move | None, sample: list[int], today: date) -> Callable[[int, int, int], int] | None:
    if move is None:
        return None

    @cache
    def moved(due: int, day: int, card: int) -> int:
        to = move(today + timedelta(due), today + timedelta(day), sample[card])
        return max(day + 1, (to - today).days)

    return moved


def _start(active: list[Active], today: date, days: int) -> runs.Cards:
    """Return where the cards stand; those that aren't due on these days don't come up in the runs."""
    start, shared = runs.Cards(due=[[] for _ in range(days)]), dict[object, Point]()
    late = defaultdict[int, list[int]](list)
    for number, card in enumerate(active):
        held = _remembered(card, today)
        same = card.state, held and held[:2]
        start.points.append(shared.setdefault(same, futures.point(card.state, held)))
        start.answered_on.append((held.last_on - today).days if held else 0)
        start.own.append(((card.own_due_on or card.due_on or today) - today).days)
        on = (card.due_on - today).days if card.due_on else None
        kind = start.fresh if on is None else late[on] if on < 0 else start.due[on]
        kind.append(number)
    start.late = [late[on] for on in sorted(late)]
    return start


def _remembered(card: Active, today: date) -> Memory | None:
    """Return the memory that a run starts from: none of a new card; a drill still owed today is done."""
    held = card.memory if card.due_on else None
    if held and card.due_on and card.state.drill and held.last_on == today < card.due_on:
        return memory.after(held, futures.PASS, today)
    return held


def _means(runs_by_day: Iterable[list[int]], share: float) -> tuple[float, ...]:
    return tuple(fmean(day) / share for day in zip(*runs_by_day, strict=True))
