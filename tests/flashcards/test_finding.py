"""Browse among very many cards: the same cards in the same order, found in bounded time, and it says so."""

from itertools import product

import pytest

from accounts.models import User
from flashcards import browsing, finding, reviewing
from flashcards.browsing import Search
from flashcards.models import Card, ReviewState
from flashcards.standings import Standing
from tests.making import at, day, deck, graded, learner, scheduled
from tests.visiting import cells_of, client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(time_machine, monkeypatch) -> User:
    """Return a learner to whom twelve cards, in every state, are very many."""
    time_machine.move_to(at(1), tick=False)
    monkeypatch.setattr(finding, "MOST_CARDS", 5)
    user, cards = learner(), deck(12)
    memory = {"difficulty": 5.0, "remembered_on": day(0)}
    scheduled(user, cards[7], day(1), stability=9.0, **memory)
    scheduled(user, cards[2], day(-3), stability=1.0, **memory)
    graded(user, cards[3], 2, at(1, 9))
    scheduled(user, cards[4], day(2), lapses=8, stability=4.0, **memory)
    scheduled(user, cards[9], day(9), stability=2.0, **memory)
    scheduled(user, cards[5], day(5), suspended=True, stability=3.0, **memory)
    scheduled(user, cards[6], day(0), buried_on=day(1))
    reviewing.bury(user, cards[11].pk, at(1))
    Card.objects.filter(pk=cards[10].pk).update(retired=True)
    scheduled(learner(), cards[0], day(1))
    return user


def found(who: User, search: Search, part: int = 1) -> list[str]:
    keys = list(finding.among_many(who, search, day(1), part).keys)
    return [card.question for card in browsing.with_keys(who, search, day(1), keys)]


STATES = ["", *Standing.values, "leech"]
EVERY = list(product(STATES, ["", "deck", "due", "recall"], ["", "question 1", "7"]))


def test_among_very_many_cards_the_same_are_found_in_the_same_order(who):
    topic = Card.objects.order_by("position")[0].topic.key
    for state, order, text in EVERY:
        for search in (Search(text, "", state, order), Search(text, topic, state, order)):
            expected = [card.question for card in browsing.find(who, search, day(1))]
            assert found(who, search) == expected, search
    assert found(who, Search(state="review", order="recall")) == ["Question 10?", "Question 5?"]


def test_words_are_looked_for_in_one_part_of_the_cards_after_another(who, monkeypatch):
    monkeypatch.setattr(finding, "WINDOW", 4)
    assert [found(who, Search("question"), part) for part in (1, 2, 3)] == [
        [f"Question {number}?" for number in numbers] for numbers in ((1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 12))
    ]
    parts = [finding.among_many(who, Search("1"), day(1), part).part for part in (0, 2, 3, 99)]
    assert [part and (*part, part.next) for part in parts] == [
        (1, 1, 4, 11, 2),
        (2, 5, 8, 11, 3),
        (3, 9, 11, 11, None),
        (3, 9, 11, 11, None),
    ]


def test_the_page_says_which_cards_were_looked_through_and_leads_to_the_next(who, monkeypatch):
    monkeypatch.setattr(finding, "WINDOW", 6)
    client = client_of(who)
    first = html_of(client.get("/browse/?q=question&page=9"))
    assert "Among the cards 1 to 6 of 11, in deck order." in words_of(first)
    assert 'href="?q=question&amp;part=2">Look through the next cards' in first
    second = html_of(client.get("/browse/?q=question&part=2"))
    assert cells_of(second)[0][0] == "Question 7?"
    assert 'href="?q=question">Look from the first card again' in second
    assert "Look through the next" not in second
    nothing = html_of(client.get("/browse/?q=zebra&part=nonsense"))
    assert "No cards match “zebra” among the cards 1 to 6 of 11." in words_of(nothing)
    assert 'href="?q=zebra&amp;part=2">Look through the next cards' in nothing


def test_where_all_were_looked_through_the_page_says_nothing_of_it(who):
    page = words_of(html_of(client_of(who).get("/browse/?q=question")))
    assert "11 cards" in page
    assert "Among the cards" not in page
    assert "More than" not in page


def test_a_list_ends_after_so_many_and_says_that_there_are_more(who, monkeypatch):
    monkeypatch.setattr(finding, "MOST_FOUND", 3)
    page = html_of(client_of(who).get("/browse/?order=due"))
    assert "More than 3 cards" in words_of(page)
    assert [row[0] for row in cells_of(page)] == ["Question 3?", "Question 7?", "Question 8?"]
    assert len(cells_of(html_of(client_of(who).get("/browse/")))) == 11  # counted by an index, to the end


@pytest.mark.parametrize("query", ["", "?q=question&state=review&order=recall", "?state=new&page=2"])
def test_the_statements_are_as_many_for_one_card_as_for_all(who, query):
    client = client_of(who)
    assert statements(client, f"/browse/{query}") <= 10
    ReviewState.objects.all().delete()
    assert statements(client, f"/browse/{query}") <= 10
