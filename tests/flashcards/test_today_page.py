"""Today and the summary: what they say with nothing, something and too much to do."""

import pytest
from django.test import Client

from accounts.models import User
from tests.making import at, day, deck, graded, learner, scheduled

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(at(1), tick=False)


def page(who: User, path: str = "/today/") -> str:
    client = Client()
    client.force_login(who)
    return client.get(path).content.decode()


def test_the_first_visit_offers_the_first_cards_and_says_what_will_happen():
    deck(9)
    html = page(learner(new_cards_per_day=5))
    assert "Your first five cards" in html
    assert "Start with 5 cards" in html


def test_a_usual_day_says_how_many_and_how_long():
    who, cards = learner(new_cards_per_day=1), deck(12)
    for what in cards[:8]:
        scheduled(who, what, day(1))
    graded(who, cards[0], 4, at(1))
    html = page(who)
    assert "<b>8</b> cards, about 3 minutes" in html
    assert "Go on with 8 cards" in html


def test_a_backlog_beyond_the_limit_is_told_with_the_reason_for_no_new_cards():
    who, cards = learner(reviews_per_day=3), deck(9)
    for what in cards[:5]:
        scheduled(who, what, day(1))
    graded(who, cards[0], 4, at(1))
    html = page(who)
    assert "<b>2</b> cards" in html
    assert "4 cards are waiting, more than your limit of 3 reviews a day" in html


def test_nothing_due_says_when_and_offers_one_new_card():
    who, cards = learner(new_cards_per_day=1, time_zone="Europe/Berlin"), deck(3)
    graded(who, cards[0], 4, at(1))
    html = page(who)
    assert "Nothing due until tomorrow at 04:00" in html
    assert f'href="/review/?card={cards[1].pk}"' in html
    assert "Tomorrow: 2 cards" in html


def test_a_learner_without_any_cards_is_told_so_plainly():
    html = page(learner())
    assert "Nothing due until tomorrow" in html
    assert "Nothing comes back tomorrow either." in html
    assert "Start 1 new card" not in html


def test_the_summary_of_a_day_without_answers_says_so():
    html = page(learner(), "/review/done/")
    assert "You haven’t answered a card yet today." in html


def test_the_summary_calls_new_what_was_new_and_not_what_was_practised():
    who, cards = learner(), deck(3)
    graded(who, cards[0], 4, at(1))
    assert "All of them were new." in page(who, "/review/done/")
    scheduled(who, cards[1], day(9))
    graded(who, cards[1], 4, at(1))
    html = page(who, "/review/done/")
    assert "<b>2</b> cards" in html
    assert "All of them were new." not in html


def test_the_summary_in_the_middle_of_a_day_leads_on():
    who, cards = learner(), deck(3)
    graded(who, cards[0], 4, at(1))
    html = page(who, "/review/done/")
    assert "So far today" in html
    assert "Go on with 2 cards" in html


def test_the_day_is_the_learners_study_day_not_the_servers(time_machine):
    time_machine.move_to(at(2, 11), tick=False)
    assert "Tuesday 3 March" in page(learner(time_zone="UTC"))
    assert "Monday 2 March" in page(learner(time_zone="Pacific/Niue", day_start=4))


def test_the_landing_page_counts_the_topics_there_are_and_names_twelve_at_most():
    deck(130)
    html = Client().get("/").content.decode()
    assert "13 topics, 130 cards" in html
    assert html.count("<li>Topic") == 12
    assert "<li>and 1 more</li>" in html


def test_a_visitor_sees_the_landing_page_and_a_learner_goes_on_to_today():
    html = Client().get("/").content.decode()
    assert "Try it without an account" in html
    client = Client()
    client.force_login(learner())
    assert client.get("/")["Location"] == "/today/"
