"""How many cards each topic has, kept with the topic: very many aren't counted anew for each look at them.

Whoever changes which cards a topic shows holds the topic before and counts it anew after, in one transaction.
A topic without a count is counted where it is looked at: what isn't known makes a page slow, never wrong.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from flashcards.models import Card, Topic

Topics = Iterable[int] | QuerySet[Any, Any]


def hold(topics: Topics) -> None:
    """Let nobody else count these topics until this transaction ends: two would miss each other's cards.

    Call it before a card is changed, so that all who do so wait here and not for each other.
    """
    held = Topic.objects.select_for_update().filter(pk__in=topics).order_by("pk")
    list(held.values_list("pk", flat=True))


def recount(topics: Topics) -> None:
    """Count the cards of these topics, which are held."""
    stale = _counted().filter(Q(card_count__isnull=True) | ~Q(card_count=F("counted")), pk__in=topics)
    stale.update(card_count=_number())


def differing() -> QuerySet[Topic]:
    """Return the topics with a count that isn't that of their cards, which is `counted`."""
    return _counted().exclude(card_count=F("counted")).filter(card_count__isnull=False).order_by("pk")


def _counted() -> QuerySet[Topic]:
    counted: QuerySet[Topic] = Topic.objects.annotate(counted=_number())
    return counted


def _number() -> Coalesce:
    cards = Card.objects.filter(topic=OuterRef("pk"), retired=False).order_by()
    return Coalesce(Subquery(cards.values("topic").annotate(number=Count("pk")).values("number")), 0)
