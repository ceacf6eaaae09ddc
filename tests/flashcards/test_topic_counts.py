"""How many cards a topic has: kept with it, never wrong, and counted where nobody has yet."""

from io import StringIO
from threading import Event, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from flashcards import many_sql, topic_counts
from flashcards.models import Card, Topic
from tests.flashcards.waiting import one_waits_for_the_other
from tests.making import deck

pytestmark = pytest.mark.django_db


def counted(*topics: int) -> None:
    with transaction.atomic():
        topic_counts.hold(topics)
        topic_counts.recount(topics)


def count_of(topic: int) -> int | None:
    stored: int | None = Topic.objects.get(pk=topic).card_count
    return stored


def test_retired_cards_do_not_count_and_a_topic_without_cards_has_none():
    cards = deck(12)
    Card.objects.filter(pk__in=[cards[0].pk, cards[10].pk, cards[11].pk]).update(retired=True)
    first, second = cards[0].topic_id, cards[10].topic_id
    counted(first, second)
    assert (count_of(first), count_of(second)) == (9, 0)


@pytest.mark.parametrize("each", [True, False])
def test_what_is_not_counted_yet_is_counted_where_it_is_looked_at(each):
    cards = deck(25)
    Card.objects.filter(pk=cards[7].pk).update(retired=True)
    mine = [unit.cards for unit in many_sql.units(2, each=each)[0] if unit.deck_pk == cards[0].topic.deck_id]
    assert mine == ([9, 10, 5] if each else [24])
    counted(cards[0].topic_id)
    again = [unit.cards for unit in many_sql.units(2, each=each)[0] if unit.deck_pk == cards[0].topic.deck_id]
    assert again == mine


def test_a_check_names_a_count_that_is_wrong_and_none_that_is_not_there():
    cards = deck(12)
    call_command("check_schedules", stdout=StringIO())
    Topic.objects.filter(pk=cards[0].topic_id).update(card_count=11)
    said = StringIO()
    with pytest.raises(CommandError, match="1 difference"):
        call_command("check_schedules", stdout=said)
    assert f"topic {cards[0].topic.key}: cards: stored 11, counted 10" in said.getvalue()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_a_card_at_once_neither_counts_only_their_own():
    topic = deck(3)[0].topic
    counted(topic.pk)
    added, go_on = Event(), Event()

    def add(key: str, *, wait: bool) -> None:
        with transaction.atomic():
            topic_counts.hold([topic.pk])
            Card(topic=topic, key=key, position=9, question="Late?", answer="Yes.").save()
            topic_counts.recount([topic.pk])
            if wait:
                added.set()
                go_on.wait(60)
        connection.close()

    first = Thread(target=add, args=["one"], kwargs={"wait": True})
    second = Thread(target=add, args=["two"], kwargs={"wait": False})
    one_waits_for_the_other(first, second, added, go_on)
    assert count_of(topic.pk) == 5
