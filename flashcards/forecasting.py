"""What a learner's cards come to by a day: sums per topic, and what runs of the queue make of them."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import fsum
from typing import Any, Final, NamedTuple

from django.db.models import Count, F, Q, Sum, Value, Window
from django.db.models.functions import RowNumber

from accounts.models import User
from flashcards import playing, recall
from flashcards.models import Card, Deck, Topic
from flashcards.playing import Played, Row, Start
from flashcards.recall import Lead
from flashcards.scheduling import simulation

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
    active, until = recall.active("cards__"), playing.until_of(lead, today)
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


def _rows(learner: User, today: date, until: date, in_play: int) -> list[Row]:
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
    return [Row(*row) for row in cards.order_by("place").values_list(*names)]
