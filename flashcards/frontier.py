"""How far each learner has come in the decks: the next new card is found without passing all the others."""

from collections.abc import Iterable
from typing import Final

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from accounts.rows import table
from flashcards.models import Card, Frontier, ReviewState

ORDER: Final = ("deck_number", "position")


def advance(learner: User) -> None:
    """Move the learner's frontier to the first card, in deck order, that they have no row for.

    Their rows are never deleted, so it only goes ahead. Where it has none yet it begins at zero and stays
    there for now: a row that a seed under way can't see wouldn't be drawn back by it.
    """
    mark, made = Frontier.objects.select_for_update().get_or_create(learner=learner)
    if made:
        return
    ahead = Card.objects.filter(_from(mark.deck_number, mark.position), retired=False).order_by(*ORDER)
    untouched = ahead.filter(~Exists(ReviewState.objects.filter(learner=learner, card=OuterRef("pk"))))
    place = _first(untouched) or _first(ahead.reverse())
    if place and place != (mark.deck_number, mark.position):
        mark.deck_number, mark.position = place
        mark.save()


def draw_back(cards: Iterable[Card]) -> None:
    """Let no frontier lie beyond these cards, which are new in their places: everyone may still meet them.

    Needs the transaction that has put them there. Whoever is going ahead hasn't seen the cards, and an UPDATE
    wouldn't see how far: so it waits for them, and nobody else goes ahead before the cards are to be seen.
    """
    places = [(card.deck_number, card.position) for card in cards]
    if places:
        deck, position = min(places)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {table(Frontier)} IN EXCLUSIVE MODE")
        Frontier.objects.filter(_from(deck, position)).update(deck_number=deck, position=position)


def too_far(learners: Iterable[int]) -> QuerySet[Frontier]:
    """Return these learners' frontiers that lie beyond a card they have no row for, the first as `passed`.

    Such a card would never come up as new. One statement, so that a seed or an answer is seen whole.
    """
    row = ReviewState.objects.filter(learner=OuterRef(OuterRef("learner")), card=OuterRef("pk"))
    before = Q(deck_number__lt=OuterRef("deck_number"))
    before |= Q(deck_number=OuterRef("deck_number"), position__lt=OuterRef("position"))
    without = Card.objects.filter(before, ~Exists(row), retired=False).order_by(*ORDER, "id")
    marks = Frontier.objects.filter(learner__in=learners).annotate(passed=Subquery(without.values("key")[:1]))
    return marks.filter(passed__isnull=False).order_by("learner")


def _from(deck: int, position: int) -> Q:
    return Q(deck_number__gt=deck) | Q(deck_number=deck, position__gte=position)


def _first(cards: QuerySet[Card]) -> tuple[int, int] | None:
    return cards.values_list(*ORDER).first()
