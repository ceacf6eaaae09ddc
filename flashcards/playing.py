"""The queue played forward from a learner's cards: what the runs take, and what is kept of them."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from hashlib import blake2b
from typing import Final, NamedTuple

from django.core.cache import cache
from redis import RedisError

from accounts.models import User
from flashcards import planning
from flashcards.recall import Lead
from flashcards.scheduling import memory, runs, simulation, sm2
from flashcards.scheduling.plan import Plan, planned_day
from flashcards.scheduling.simulation import Active, Limits

RULES: Final = 1  # raise it when the runs make something else of the same inputs
KEPT_SECONDS: Final = 86_400
SEED_STEP: Final = 10_000_000  # more than there are study days

# What is kept of the runs: the weight recalled, the answers by day, how many runs of how many cards.
Ran = tuple[float, tuple[float, ...], int, int]


class Row(NamedTuple):
    """A card that can come up before the lead's day, with the learner's row if there is one."""

    topic: int
    position: int
    due: date | None
    own_due_on: date | None
    repetitions: int
    ease: int
    interval: int
    drill: bool
    stability: float | None
    difficulty: float | None
    remembered_on: date | None


@dataclass(frozen=True, slots=True)
class Start:
    """What the runs start from.

    `rows` stand for `in_play` cards that can come up before `until`, `weights` are theirs; `settled` is the
    weight recalled of all others. `most_work` is what the runs may cost, see runs.MOST_WORK.
    """

    rows: list[Row]
    weights: tuple[float, ...]
    today: date
    until: date
    limits: Limits
    in_play: int
    settled: float
    most_work: int = runs.MOST_WORK


@dataclass(frozen=True, slots=True)
class Played:
    """What the runs come to, as means: the weight recalled on the lead's day, and the answers by day.

    There were `runs` of them; `sampled` is how many cards stood for all, 0 when all of them took part.
    """

    recalled: float
    answers: tuple[float, ...]
    runs: int
    sampled: int


def run(learner: User, start: Start) -> Played:
    """Return what the runs come to; for rows that are a part of all, limits are scaled down, results up."""
    share = len(start.rows) / start.in_play if start.rows else 1.0
    scaled = Limits._make(share * limit for limit in start.limits)
    seed = learner.pk * SEED_STEP + start.today.toordinal()
    part = replace(start, limits=scaled, in_play=0, settled=0.0)
    recalled, answers, number, sampled = _kept(part, seed, planning.plan_of(learner))
    return Played(
        recalled=start.settled + recalled / share,
        answers=tuple(answered / share for answered in answers),
        runs=number,
        sampled=sampled if sampled < start.in_play else 0,
    )


def new(topic: int, position: int) -> Row:
    """Return a card that isn't started."""
    return Row(topic, position, None, None, *sm2.NEW, None, None, None)


def until_of(lead: Lead, today: date) -> date:
    """Return the day on whose eve the runs end."""
    return min(lead.on, today + simulation.FARTHEST)


def limits_of(learner: User, answered: int, introduced: int) -> Limits:
    """Return the day's limits, of which so many cards have been answered, some of them introduced."""
    return Limits(learner.new_cards_per_day, learner.reviews_per_day, introduced, answered - introduced)


def reach(limits: Limits, today: date, until: date) -> int:
    """Return how many new cards can be started before a day."""
    return int(max(0, limits.new_cards_per_day * (until - today).days - limits.started))


def _kept(part: Start, seed: int, plan: Plan) -> Ran:
    """Run the queue, or return what came out when the inputs were the same: nothing has to be outdated.

    A cache that doesn't answer costs time only.
    """
    key = f"runs-{blake2b(repr((RULES, part, seed, plan)).encode()).hexdigest()}"
    with suppress(RedisError):
        kept: Ran | None = cache.get(key)
        if kept:
            return kept
    made = _run(part, seed, plan)
    with suppress(RedisError):
        cache.set(key, made, KEPT_SECONDS)
    return made


def _run(part: Start, seed: int, plan: Plan) -> Ran:
    def moved(own: date, on: date, number: int) -> date:
        return planned_day(plan, own, own, on, on, part.rows[number].position)

    cards = [_active(row, weight) for row, weight in zip(part.rows, part.weights, strict=True)]
    move = moved if moves(plan, part.today) else None
    outcome = simulation.simulate(cards, part.today, part.until, part.limits, seed, move, part.most_work)
    return outcome.recalled, outcome.per_day, outcome.runs, outcome.simulated


def moves(plan: Plan, today: date) -> bool:
    """Whether the plan can move a card on a day from today on."""
    return any(day is not None and day >= today for day in (plan.interview_on, plan.break_until))


def _active(row: Row, weight: float) -> Active:
    if row.due is None:
        return Active(sm2.NEW, None, None, weight)
    state = sm2.State(row.repetitions, row.ease, row.interval, row.drill)
    held = memory.stored(row.stability, row.difficulty, row.remembered_on)
    return Active(state, row.due, held, weight, row.own_due_on)
