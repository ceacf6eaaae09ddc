"""What a learner's cards come to by a day: sums per topic, and what runs of the queue make of them."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import fsum
from typing import Any, Final, NamedTuple

from django.db.models import Count, F, Q, QuerySet, Sum, Value, Window
from django.db.models.functions import RowNumber

from accounts.models import User
from accounts.once import once
from accounts.rows import columns
from flashcards import playing, recall
from flashcards.models import Card, Deck, Topic
from flashcards.playing import Played, Row, Start
from flashcards.recall import Lead
from flashcards.scheduling import simulation

TOPIC = columns(Topic, "t", but=("card_count",))
# The least recall of each band but the lowest: 60, 75, 85 and 93 per cent, rounded as they are shown.
BANDS: Final = (0.595, 0.745, 0.845, 0.925)


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


class Part(NamedTuple):
    """A topic or a deck as it is shown: its active cards, how many are recalled, and the counts by band."""

    place: Topic | Deck
    cards: int
    recalled: float
    bands: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the cards that count, `of`; `recalled`, `variance` and their whole `weight` are weighed."""

    of: int
    weight: float
    recalled: float
    variance: float
    started: int


def sums(learner: User, lead: Lead, today: date) -> list[Sums]:
    """Return the sums of each topic with active cards, in order, in one statement."""
    until = playing.until_of(lead, today)
    rows = _topics(learner=learner.pk, on=lead.on, until=until, today=today)
    return [found for row in rows if (found := _sums(row)).cards or found.answered]


@once
def _topics(learner: int, on: date, until: date, today: date) -> QuerySet[Topic, Any]:
    active = recall.active("cards__")
    counted = {
        f"n_from_{n}": Count("cards", filter=active & Q(chance__gte=least)) for n, least in enumerate(BANDS)
    }
    sums = {
        "n_cards": Count("cards", filter=active),
        "recalled": Sum("chance", filter=active, default=0.0),
        "squares": Sum(F("chance") * F("chance"), filter=active, default=0.0),
        "n_due": Count("cards", filter=active & Q(due__lt=until)),
        "n_fresh": Count("cards", filter=active & Q(due__isnull=True)),
        "settled": Sum(recall.on(until, "mine__"), filter=active & Q(due__gte=until), default=0.0),
        "n_answered": Count("cards", filter=Q(mine__last_reviewed_on=today)),
        "n_introduced": Count("cards", filter=Q(mine__last_reviewed_on=today, mine__introduced_on=today)),
        "n_started": Count("mine__stability", filter=active),
    }
    topics = (
        Topic.objects.annotate(mine=recall.mine(learner, "cards__states"))
        .alias(chance=recall.on(on, "mine__"), due=recall.due(today, "mine__"))
        .annotate(**sums, **counted)
        .order_by("deck_id", "position")
    )
    values: QuerySet[Topic, Any] = topics.values_list(*TOPIC.names, *sums, *counted)
    return values


def totals(topics: list[Sums], lead: Lead) -> Totals:
    """Return the sums over the topics that count."""
    weighed = [(topic, weight) for topic in topics if (weight := lead.weight(topic.topic.pk))]
    return Totals(
        of=sum(topic.cards for topic, _ in weighed),
        weight=sum(weight * topic.cards for topic, weight in weighed),
        recalled=fsum(weight * topic.recalled for topic, weight in weighed),
        variance=fsum(weight**2 * topic.variance for topic, weight in weighed),
        started=sum(topic.started for topic, _ in weighed),
    )


def play(learner: User, lead: Lead, today: date, topics: list[Sums]) -> Played:
    """Return what clearing the queue until the lead's day comes to, in one statement of bounded size.

    `topics` are the sums. Of more cards than the runs take, every k-th is read.
    """
    until = playing.until_of(lead, today)
    answered, introduced = (
        sum(getattr(topic, name) for topic in topics) for name in ("answered", "introduced")
    )
    limits = playing.limits_of(learner, answered, introduced)
    fresh = min(playing.reach(limits, today, until), sum(topic.fresh for topic in topics))
    in_play = sum(topic.due for topic in topics) + fresh
    rows = _rows(learner, today, until, in_play)
    settled = fsum(lead.weight(topic.topic.pk) * topic.settled for topic in topics)
    weights = tuple(lead.weight(row.topic) for row in rows)
    return playing.run(learner, Start(rows, weights, today, until, limits, in_play, settled))


def _sums(row: tuple[Any, ...]) -> Sums:
    topic, (cards, recalled, squares, due, fresh, settled, answered, introduced, *from_least) = (
        row[: len(TOPIC)],
        row[len(TOPIC) :],
    )
    bands = [more - fewer for more, fewer in pairwise([*from_least, 0])]
    return Sums(
        topic=TOPIC.row(topic),
        cards=cards,
        started=from_least[0],
        recalled=recalled,
        variance=max(0.0, recalled - squares),  # rounding may take 0 below
        bands=(*bands, cards - from_least[0]),
        due=due,
        fresh=fresh,
        settled=settled,
        answered=answered,
        introduced=introduced,
    )


def _rows(learner: User, today: date, until: date, in_play: int) -> list[Row]:
    """Return the cards that can come up, by due day, then the new ones in deck order, or every k-th."""
    step = max(1, -(-in_play // simulation.MOST_CARDS))
    turn = (step + 1) // 2 % step
    found = _coming(learner=learner.pk, today=today, until=until, most=in_play, step=step, turn=turn)
    return [Row(*row) for row in found]


@once
def _coming(learner: int, today: date, until: date, most: int, step: int, turn: int) -> QuerySet[Card, Any]:
    place = Window(
        RowNumber(), order_by=[F("due").asc(nulls_last=True), F("deck_number"), F("position"), F("pk")]
    )
    cards = (
        Card.objects.annotate(mine=recall.mine(learner))
        .filter(recall.active())
        .annotate(due=recall.due(today, "mine__"))
        .filter(Q(due__lt=until) | Q(due__isnull=True))
        .annotate(place=place, turn=place % Value(step))
        .filter(place__lte=most, turn=turn)
    )
    scheduled = ("own_due_on", "repetitions", "ease", "interval", "drill")
    remembered = ("stability", "difficulty", "remembered_on")
    names = ("topic_id", "position", "due", *(f"mine__{name}" for name in scheduled + remembered))
    values: QuerySet[Card, Any] = cards.order_by("place").values_list(*names)
    return values
