"""How far a learner has come: it saves looking, and takes nothing from what they are shown."""

from threading import Event, Thread

import pytest
from django.db import connection, transaction

from accounts.models import User
from flashcards import frontier, queue, reviewing, rollup
from flashcards.models import Card, Frontier
from tests.flashcards.waiting import one_waits_for_the_other
from tests.making import at, day, deck, graded, learner, version

pytestmark = pytest.mark.django_db


def place(card: Card) -> tuple[int, int]:
    return card.deck_number, card.position


def frontier_of(who: User) -> tuple[int, int]:
    mark = Frontier.objects.get(learner=who)
    return mark.deck_number, mark.position


def begun(who: User, cards: list[Card]) -> None:
    """Start these cards on day 1, and begin day 2."""
    for card in cards:
        graded(who, card, 4, at(1))
    rollup.begin(who, day(2))


def first_new(who: User) -> Card:
    """Return the first new card of day 2."""
    first: Card = Card.objects.get(pk=queue.counts(who, day(2)).first_new)
    return first


def test_a_day_begins_where_the_untouched_cards_do():
    who, cards = learner(), deck(4)
    begun(who, cards[:2])
    assert frontier_of(who) == place(cards[2])


def test_on_a_learner_s_first_day_it_lies_before_everything():
    who, cards = learner(), deck(3)
    graded(who, cards[0], 4, at(1))
    assert frontier_of(who) == (0, 0)


def test_a_card_that_was_passed_over_holds_it_back():
    who, cards = learner(), deck(4)
    begun(who, [cards[0], cards[2]])
    assert frontier_of(who) == place(cards[1])


def test_when_everything_is_started_a_deck_added_behind_is_met():
    who, cards = learner(), deck(2)
    begun(who, cards)
    assert frontier_of(who) == place(cards[-1])
    behind = deck(1)
    assert first_new(who) == behind[0]


def test_a_card_that_is_reset_behind_it_is_met_again():
    who, cards = learner(), deck(3)
    begun(who, cards[:2])
    reviewing.reset(who, cards[0].pk, version(who, cards[0]), at(2))
    assert first_new(who) == cards[0]


def test_a_first_answer_that_is_undone_behind_it_is_met_again():
    who, cards = learner(), deck(3)
    begun(who, cards[:1])
    row = graded(who, cards[1], 4, at(2))
    frontier.advance(who)
    assert frontier_of(who) == place(cards[2])
    reviewing.undo(who, row.pk, at(2))
    assert first_new(who) == cards[1]


def test_a_new_card_that_was_suspended_is_met_once_it_is_released():
    who, cards = learner(), deck(3)
    reviewing.suspend(who, cards[0].pk, at(1))
    begun(who, [])
    assert (frontier_of(who), first_new(who)) == (place(cards[1]), cards[1])
    reviewing.release(who, cards[0].pk, at(2))
    assert first_new(who) == cards[0]


def test_cards_that_are_new_in_their_places_draw_back_whoever_is_past_them_and_no_one_else():
    ahead, behind, cards = learner(), learner(), deck(4)
    begun(ahead, cards[:3])
    begun(behind, cards[:1])
    frontier.draw_back([cards[2]])
    assert (frontier_of(ahead), frontier_of(behind)) == (place(cards[2]), place(cards[1]))


@pytest.mark.django_db(transaction=True)
def test_who_goes_ahead_while_a_card_comes_in_behind_meets_it():
    who, cards = learner(), deck(3)
    begun_day_one, gone_ahead, go_on = cards[:2], Event(), Event()
    for card in begun_day_one:
        graded(who, card, 4, at(1))
    late = Card(topic=cards[0].topic, key="late", position=2, question="Late?", answer="Yes.")

    def ahead() -> None:
        with transaction.atomic():
            frontier.advance(who)
            gone_ahead.set()
            go_on.wait(60)
        connection.close()

    def behind() -> None:
        with transaction.atomic():
            late.save()
            frontier.draw_back([late])
        connection.close()

    first, second = Thread(target=ahead), Thread(target=behind)
    one_waits_for_the_other(first, second, gone_ahead, go_on)
    assert first_new(who) == late
