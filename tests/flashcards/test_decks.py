"""Decks: counts per topic that agree with the queue, and a deck's cards in order."""

from random import Random

import pytest
from django.urls import reverse

from accounts.models import User
from flashcards import reviewing, standings
from flashcards.models import Card, ReviewState
from tests.making import at, card, day, deck, graded, learner, left, scheduled
from tests.visiting import cells_of, client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(time_machine) -> User:
    time_machine.move_to(at(1), tick=False)
    return learner()


def deck_page(who: User, one: Card, query: str = "") -> str:
    return html_of(client_of(who).get(reverse("deck", args=[one.topic.deck.key]) + query))


def test_a_topic_is_counted_by_where_its_cards_stand(who):
    cards = deck(12)
    scheduled(who, cards[0], day(0))
    graded(who, cards[1], 2, at(1, 9))
    scheduled(who, cards[2], day(3))
    reviewing.suspend(who, cards[3].pk, at(1))
    reviewing.bury(who, cards[4].pk, at(1))
    Card.objects.filter(pk=cards[5].pk).update(retired=True)
    rows = cells_of(html_of(client_of(who).get("/decks/")))
    assert rows == [["Topic 1", "9", "4", "2", "2", "1"], ["Topic 2", "2", "2", "0", "0", "0"]]


def test_the_counts_of_all_decks_together_are_those_of_the_queue(who):
    for one in (*deck(12), *deck(3)):
        if one.pk % 2:
            scheduled(who, one, day(one.pk % 4))
    rows = [counts for _deck, topics in standings.decks(who, day(1)) for counts in topics]
    due, new, drills = left(who, at(1))
    assert sum(counts.due for counts in rows) == due + drills
    assert sum(counts.by_standing["new"] for counts in rows) == new
    assert sum(counts.cards for counts in rows) == Card.objects.count() == 15


def test_somebody_elses_schedule_counts_for_nothing(who):
    scheduled(learner(), card(), day(1))
    assert cells_of(html_of(client_of(who).get("/decks/"))) == [["Topic 1", "1", "1", "0", "0", "0"]]


def test_without_decks_the_page_says_how_to_get_one(who):
    assert "No decks yet" in html_of(client_of(who).get("/decks/"))


def test_a_decks_cards_stand_in_order_under_their_topics(who):
    cards = deck(12)
    deck(2)
    scheduled(who, cards[1], day(4))
    html = deck_page(who, cards[0])
    rows = cells_of(html)
    assert [row[0] for row in rows] == [f"Question {n}?" for n in range(1, 13)]
    assert rows[:2] == [["Question 1?", "New", "–"], ["Question 2?", "Review 5 March", "5 March"]]
    assert "10 cards: 9 new, 0 due today, 1 scheduled" in words_of(html)


def test_practice_is_offered_where_something_is_scheduled_and_review_where_something_is_due(who):
    cards = deck(12)
    scheduled(who, cards[0], day(4))
    html = deck_page(who, cards[0])
    assert html.count("Practise this topic") == 1
    assert f'href="/practice/?topic={cards[0].topic.key}"' in html
    assert "Review what’s due" not in html
    scheduled(who, cards[11], day(1))
    assert "Review what’s due" in deck_page(who, cards[0])


def test_a_long_deck_comes_a_hundred_cards_at_a_time(who):
    cards = deck(120)
    first, second = deck_page(who, cards[0]), deck_page(who, cards[0], "?page=2")
    assert len(cells_of(first)) == 100
    assert [cells_of(second)[place][0] for place in (0, -1)] == ["Question 101?", "Question 120?"]
    assert 'href="?page=2"' in first
    assert "Topic 1 " not in words_of(second)


def test_many_topics_come_fifty_at_a_time_and_a_deck_goes_on_under_its_name(who):
    cards, other = deck(520), card()
    scheduled(who, cards[515], day(1))
    first, second = (html_of(client_of(who).get(f"/decks/?page={n}")) for n in (1, 2))
    assert [row[0] for row in cells_of(first)] == [f"Topic {n}" for n in range(1, 51)]
    assert cells_of(second)[1:] == [
        ["Topic 52", "10", "9", "1", "0", "0"],
        ["Topic 1", "1", "1", "0", "0", "0"],
    ]
    for one in (cards[0], other):
        assert one.topic.deck.name in words_of(second)
    assert 'href="?page=2"' in first


@pytest.mark.parametrize("seed", range(8))
def test_the_counts_are_the_sets_of_each_standing(who, seed):
    chance, cards = Random(seed), deck(30)
    for one in cards[:25]:
        scheduled(
            who,
            one,
            chance.choice([day(0), day(1), day(2)]),
            suspended=not chance.randrange(4),
            buried_on=chance.choice([None, day(0), day(1)]),
            last_reviewed_on=chance.choice([None, day(0), day(1)]),
            drill=chance.choice([True, False]),
        )
    ReviewState.objects.filter(card=cards[0]).update(due_on=None, interval=0)
    Card.objects.filter(pk__in=[cards[1].pk, cards[2].pk]).update(retired=True)
    ids = standings.card_ids(who, day(1))
    for counts in standings.topic_counts(who, standings.topics(), day(1)):
        inside = counts.topic.cards.filter(retired=False)
        expected = {name: inside.filter(pk__in=ids[name]).count() for name in standings.Standing}
        assert counts.by_standing == expected


def test_an_unknown_deck_is_not_found(who):
    assert client_of(who).get("/decks/no-such-deck/").status_code == 404


def test_looking_changes_nothing(who):
    one = card()
    deck_page(who, one)
    client_of(who).head("/decks/")
    assert client_of(who).post("/decks/").status_code == 405
    assert not ReviewState.objects.exists()


def test_the_number_of_statements_does_not_grow_with_the_cards(who):
    def grow(cards: list[Card]) -> None:
        ReviewState.objects.bulk_create(
            ReviewState(learner=who, card=one, due_on=day(n % 5 - 1), interval=1)
            for n, one in enumerate(cards)
            if n % 3
        )

    client = client_of(who)
    grow(small := deck(50))
    few = {url: statements(client, url) for url in ("/decks/", f"/decks/{small[0].topic.deck.key}/")}
    grow(large := deck(4_950))
    key = large[0].topic.deck.key
    many = {"/decks/": statements(client, "/decks/"), f"/decks/{key}/": statements(client, f"/decks/{key}/")}
    assert list(many.values()) == list(few.values())
    assert max(few.values()) <= 12
