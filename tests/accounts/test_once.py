"""Statements put together once: they say what the queryset says, for all values and on either database."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db.models import DateField, QuerySet, Value

from accounts.models import User
from accounts.once import once
from flashcards.models import ReviewState
from flashcards.recall import due
from tests.making import day, deck, learner, scheduled

pytestmark = pytest.mark.django_db


def states(
    learner: int, today: date, most: int, topics: tuple[int, ...]
) -> QuerySet[ReviewState, tuple[object, ...]]:
    found = ReviewState.objects.filter(learner=learner, interval__lte=most).exclude(card__topic__in=topics)
    yesterday = Value(today - timedelta(days=1), DateField())
    return (
        found.annotate(day=due(today), before=yesterday)
        .order_by("pk")
        .values_list("pk", "day", "before", "suspended")
    )


kept = once(states)


def test_a_kept_statement_gives_what_its_queryset_gives_for_other_values_too():
    cards, both = deck(12), (learner(), learner())
    for who in both:
        for number, what in enumerate(cards):
            scheduled(
                who, what, day(number), interval=1 + number, buried_on=day(number), suspended=number == 3
            )
    for who in both:
        for number in (1, 5, 9):
            for topics in ((), (cards[0].topic_id,), (cards[0].topic_id, cards[11].topic_id)):
                asked: dict[str, Any] = {
                    "learner": who.pk,
                    "today": day(number),
                    "most": number + 1,
                    "topics": topics,
                }
                found = kept(**asked)
                assert found == list(states(**asked))
                assert found or topics


def test_a_value_that_has_no_place_in_the_statement_is_refused():
    def first(most: int) -> QuerySet[User, tuple[int]]:
        return User.objects.order_by("pk").values_list("pk")[:most]

    with pytest.raises(ValueError, match="first has no place for most"):
        once(first)(most=3)
