"""What a learner's cards come to by a day: sums per topic, and what runs of the queue make of them."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from itertools import pairwise
from math import fsum
from typing import Any, Final, NamedTuple

from django.core.cache import cache
from django.db.models import Count, F, Q, Sum, Value, Window
from django.db.models.functions import RowNumber
from redis import RedisError

from accounts.models import User
from flashcards import planning, recall
from flashcards.models import Card, Topic
from flashcards.recall import Lead
from flashcards.scheduling import memory, simulation, sm2
from flashcards.scheduling.plan import Plan, planned_day
from flashcards.scheduling.simulation import Active, Limits

# The least recall of each band but the lowest: 60, 75, 85 and 93 per cent, rounded as they are shown.
BANDS: Final = (0.595, 0.745, 0.845, 0.925)
RULES: Final = 1  # raise it when the runs make something else of the same inputs
KEPT_SECONDS: Final = 86_400
SEED_STEP: Final = 10_000_000  # more than there are study days

# What is kept of the runs: the weight recalled, the answers by day, how many runs of how many cards.
Ran = tuple[float, tuple[float, ...], int, int]


@dataclass(frozen=True, slots=True)
class Sums:
    """A topic's active cards and what is predicted of them on the lead's day.

    `recalled` is the sum of the chances of recall R, `variance` that of R (1 - R); `bands` counts the
    started cards from the lowest band up, then the others. `due` cards come up before that day, `fresh`
    ones are new, `settled` is the R of all others. `answered` and `introduced` happened today, also to
    cards that aren't active any more.
    """

    topic: Topic
    cards: int
    started: int
    recalled: float
    variance: float
    bands: tuple[int, ...]
    due: int
    fresh: int
    settled: float
    answered: int
    introduced: int


@dataclass(frozen=True, slots=True)
class Played:
    """What the runs come to, as means: the weight recalled on the lead's day, and the answers by day.

    There were `runs` of them; `sampled` is how many cards stood for all, 0 when all of them took part.
    """

    recalled: float
    answers: tuple[float, ...]
    runs: int
    sampled: int


class _Row(NamedTuple):
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


def sums(learner: User, lead: Lead, today: date) -> list[Sums]:
    """Return the sums of each topic with active cards, in order, in one statement."""
    active, until = recall.active("cards__"), _until(lead, today)
    counted = {
        f"n_from_{n}": Count("cards", filter=active & Q(chance__gte=least)) for n, least in enumerate(BANDS)
    }
    topics = (
        Topic.objects.annotate(mine=recall.mine(learner, "cards__states"))
        .alias(chance=recall.on(lead.on, "mine__"), due=recall.due(today, "mine__"))
        .annotate(
            n_cards=Count("cards", filter=active),
            n_started=Count("mine__stability", filter=active),
            recalled=Sum("chance", filter=active, default=0.0),
            squares=Sum(F("chance") * F("chance"), filter=active, default=0.0),
            n_due=Count("cards", filter=active & Q(due__lt=until)),
            n_fresh=Count("cards", filter=active & Q(due__isnull=True)),
            settled=Sum(recall.on(until, "mine__"), filter=active & Q(due__gte=until), default=0.0),
            n_answered=Count("cards", filter=Q(mine__last_reviewed_on=today)),
            n_introduced=Count("cards", filter=Q(mine__last_reviewed_on=today, mine__introduced_on=today)),
            **counted,
        )
    )
    return [_sums(row) for row in topics.order_by("deck_id", "position") if row.n_cards or row.n_answered]


def play(learner: User, lead: Lead, today: date, topics: list[Sums]) -> Played:
    """Return what clearing the queue until the lead's day comes to, in one statement of bounded size.

    `topics` are the sums. Of more cards than the runs take, every k-th is read, and the limits are scaled
    down and the results up.
    """
    until, limits = _until(lead, today), _limits(learner, topics)
    reach = int(max(0, limits.new_cards_per_day * (until - today).days - limits.started))
    in_play = sum(topic.due for topic in topics) + min(reach, sum(topic.fresh for topic in topics))
    rows = _rows(learner, today, until, in_play)
    share = len(rows) / in_play if rows else 1.0
    recalled, answers, runs, sampled = _kept(
        rows=rows,
        weights=tuple(lead.weight(row.topic) for row in rows),
        today=today,
        until=until,
        limits=Limits._make(share * limit for limit in limits),
        seed=learner.pk * SEED_STEP + today.toordinal(),
        plan=planning.plan_of(learner),
    )
    settled = fsum(lead.weight(topic.topic.pk) * topic.settled for topic in topics)
    return Played(
        recalled=settled + recalled / share,
        answers=tuple(answered / share for answered in answers),
        runs=runs,
        sampled=sampled if sampled < in_play else 0,
    )


def _sums(row: Any) -> Sums:
    from_least = [row.n_started, *(getattr(row, f"n_from_{n}") for n in range(len(BANDS))), 0]
    bands = [more - fewer for more, fewer in pairwise(from_least)]
    return Sums(
        topic=row,
        cards=row.n_cards,
        started=row.n_started,
        recalled=row.recalled,
        variance=max(0.0, row.recalled - row.squares),  # rounding may take 0 below
        bands=(*bands, row.n_cards - row.n_started),
        due=row.n_due,
        fresh=row.n_fresh,
        settled=row.settled,
        answered=row.n_answered,
        introduced=row.n_introduced,
    )


def _rows(learner: User, today: date, until: date, in_play: int) -> list[_Row]:
    """Return the cards that can come up, by due day, then the new ones in deck order, or every k-th."""
    step = max(1, -(-in_play // simulation.MOST_CARDS))
    place = Window(
        RowNumber(), order_by=[F("due").asc(nulls_last=True), F("deck_number"), F("position"), F("pk")]
    )
    cards = (
        Card.objects.annotate(mine=recall.mine(learner))
        .filter(recall.active())
        .annotate(due=recall.due(today, "mine__"))
        .filter(Q(due__lt=until) | Q(due__isnull=True))
        .annotate(place=place, turn=place % Value(step))
        .filter(place__lte=in_play, turn=(step + 1) // 2 % step)
    )
    columns = ("own_due_on", "repetitions", "ease", "interval", "drill")
    remembered = ("stability", "difficulty", "remembered_on")
    names = ("topic_id", "position", "due", *(f"mine__{name}" for name in columns + remembered))
    return [_Row(*row) for row in cards.order_by("place").values_list(*names)]


def _kept(**inputs: Any) -> Ran:
    """Run the queue, or return what came out when the inputs were the same: nothing has to be outdated.

    A cache that doesn't answer costs time only.
    """
    key = f"runs-{blake2b(repr((RULES, inputs)).encode()).hexdigest()}"
    with suppress(RedisError):
        kept: Ran | None = cache.get(key)
        if kept:
            return kept
    made = _run(**inputs)
    with suppress(RedisError):
        cache.set(key, made, KEPT_SECONDS)
    return made


def _run(
    rows: list[_Row],
    weights: tuple[int, ...],
    today: date,
    until: date,
    limits: Limits,
    seed: int,
    plan: Plan,
) -> Ran:
    def moved(own: date, on: date, number: int) -> date:
        return planned_day(plan, own, own, on, on, rows[number].position)

    cards = [_active(row, weight) for row, weight in zip(rows, weights, strict=True)]
    outcome = simulation.simulate(cards, today, until, limits, seed, moved)
    return outcome.recalled, outcome.per_day, outcome.runs, outcome.simulated


def _active(row: _Row, weight: int) -> Active:
    if row.due is None:
        return Active(sm2.NEW, None, None, weight)
    state = sm2.State(row.repetitions, row.ease, row.interval, row.drill)
    held = memory.stored(row.stability, row.difficulty, row.remembered_on)
    return Active(state, row.due, held, weight, row.own_due_on)


def _limits(learner: User, topics: list[Sums]) -> Limits:
    answered, introduced = (
        sum(getattr(topic, name) for topic in topics) for name in ("answered", "introduced")
    )
    return Limits(learner.new_cards_per_day, learner.reviews_per_day, introduced, answered - introduced)


def _until(lead: Lead, today: date) -> date:
    return min(lead.on, today + simulation.FARTHEST)
