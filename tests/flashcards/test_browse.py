"""Browse: words, filters, order and pages; the filters agree with the queue."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from flashcards import browsing, queue, reviewing, standings
from flashcards.browsing import Search
from flashcards.models import Card, Interview, ReviewState
from flashcards.standings import Standing
from tests.making import answered, at, card, day, deck, graded, learner, scheduled
from tests.visiting import HTMX, cells_of, client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(time_machine) -> User:
    time_machine.move_to(at(1), tick=False)
    return learner()


def found(who: User, **search: str) -> list[str]:
    return [card.question for card in browsing.find(who, Search(**search), day(1))]


def written(**texts: object) -> Card:
    one = card()
    Card.objects.filter(pk=one.pk).update(**texts)
    one.refresh_from_db()
    return one


def test_a_word_is_found_in_question_answer_and_key_points_whatever_its_case(who):
    for texts in (
        {"question": "What is Precision?"},
        {"answer": "It has PRECISION."},
        {"key_points": [{"text": "One", "must": True}, {"text": "High precision", "must": False}]},
    ):
        assert found(who, text="pRECISION") == []
        one = written(**texts)
        assert found(who, text="pRECISION") == [one.question]
        one.delete()


def test_the_names_inside_the_stored_key_points_are_not_text(who):
    written(key_points=[{"text": "One “point” 100%", "must": True}])
    assert found(who, text="must") == found(who, text="true") == found(who, text="text") == []
    assert len(found(who, text="“point” 100%")) == 1


def test_every_word_must_be_found_but_each_may_be_elsewhere(who):
    one = written(question="Bias?", answer="And variance.")
    assert found(who, text="variance bias") == [one.question]
    assert found(who, text="variance bias recall") == []


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", '"', "$.", "(", "*"])
def test_signs_that_mean_something_to_a_database_are_only_signs(who, text):
    written(question="Plain")
    signed = written(question=f"With {text}")
    assert found(who, text=text) == [signed.question]


def test_a_retired_card_is_not_found(who):
    written(question="Gone", retired=True)
    assert found(who, text="Gone") == []


def test_the_found_words_are_marked_and_the_question_is_escaped(who):
    written(question="Is <b>bias</b> & Bias bad?")
    html = html_of(client_of(who).get("/browse/?q=BIAS+b"))
    assert "Is &lt;<mark>b</mark>&gt;<mark>bias</mark>&lt;/<mark>b</mark>&gt; &amp; <mark>Bias</mark>" in html
    assert 'value="BIAS b"' in html


def everything(who: User) -> dict[str, Card]:
    """Return a card in each standing, on study day 1."""
    cards = dict(
        zip(
            [*Standing, "late", "undone", "buried new", "suspended due", "owing and buried"],
            deck(11),
            strict=True,
        )
    )
    scheduled(who, cards["due"], day(1))
    scheduled(who, cards["late"], day(-3))
    graded(who, cards["learning"], 2, at(1, 9))
    scheduled(who, cards["review"], day(2), lapses=8)
    scheduled(who, cards["suspended"], day(5), suspended=True, buried_on=day(1))
    scheduled(who, cards["buried"], day(-1), buried_on=day(1))
    row = graded(who, cards["undone"], 4, at(1, 10))
    reviewing.undo(who, row.pk, at(1, 10))
    reviewing.bury(who, cards["buried new"].pk, at(1))
    scheduled(who, cards["suspended due"], day(0), suspended=True)
    graded(who, cards["owing and buried"], 2, at(1, 11))
    reviewing.bury(who, cards["owing and buried"].pk, at(1))
    return cards


def test_each_filter_finds_its_cards(who):
    cards = everything(who)
    names = {card.pk: name for name, card in cards.items()}
    by_filter = {
        state: {names[card.pk] for card in browsing.find(who, Search(state=state), day(1))}
        for state in [*Standing.values, "leech"]
    }
    assert by_filter == {
        "new": {"new", "undone"},
        "due": {"due", "late"},
        "learning": {"learning"},
        "review": {"review"},
        "suspended": {"suspended", "suspended due"},
        "buried": {"buried", "buried new", "owing and buried"},
        "leech": {"review"},
    }


def test_filters_label_and_queue_agree(who):
    cards = everything(who)
    scheduled(learner(), cards["new"], day(1), suspended=True)  # somebody else's
    counts = queue.counts(who, day(1))
    shown = {state: browsing.find(who, Search(state=state), day(1)) for state in Standing}
    sizes = [len(shown[state]) for state in (Standing.DUE, Standing.NEW, Standing.LEARNING)]
    assert sizes == [counts.due, counts.new, counts.drills]
    for state, rows in shown.items():
        assert {browsing.row(card, day(1)).standing for card in rows} == {state}
    assert sum(len(rows) for rows in shown.values()) == len(cards)


states = st.fixed_dictionaries(
    {
        "due": st.none() | st.integers(-2, 2),
        "last": st.none() | st.integers(-2, 0),
        "drill": st.booleans(),
        "suspended": st.booleans(),
        "buried": st.none() | st.integers(-1, 0),
    }
)


@settings(max_examples=40)
@given(drawn=st.lists(states, max_size=8))
def test_every_card_is_in_exactly_the_set_that_its_label_says(drawn):
    who, cards, today = learner(), deck(9), day(1)
    ReviewState.objects.bulk_create(
        ReviewState(
            learner=who,
            card=card,
            due_on=None if one["due"] is None else today + timedelta(days=one["due"]),
            interval=0 if one["due"] is None else 1,
            last_reviewed_on=None if one["last"] is None else today + timedelta(days=one["last"]),
            drill=one["drill"],
            suspended=one["suspended"],
            buried_on=None if one["buried"] is None else today + timedelta(days=one["buried"]),
        )
        for card, one in zip(cards, drawn, strict=False)
    )
    keys = list(browsing.keys_in_deck(cards[0].topic.deck))
    in_deck = browsing.with_keys(who, Search(), today, keys)
    labels = [browsing.row(card, today).standing for card in in_deck]
    sets = standings.card_ids(who, today)
    mine = Card.objects.filter(topic__deck=cards[0].topic.deck).order_by("position")
    for name in Standing:
        inside = set(mine.filter(pk__in=sets[name]).values_list("pk", flat=True))
        assert inside == {card.pk for card, label in zip(cards, labels, strict=True) if label == name}


def test_topics_narrow_what_is_found(who):
    cards = deck(12)
    assert found(who, topic=cards[10].topic.key) == ["Question 11?", "Question 12?"]
    assert found(who, topic=cards[10].topic.key, text="12") == ["Question 12?"]


def test_cards_come_in_deck_order_or_by_due_day_with_the_unscheduled_last(who):
    cards = deck(4)
    scheduled(who, cards[1], day(9))
    scheduled(who, cards[3], day(2))
    assert found(who) == [f"Question {n}?" for n in (1, 2, 3, 4)]
    assert found(who, order="due") == [f"Question {n}?" for n in (4, 2, 1, 3)]


def remembered(who: User, one: Card, stability: float, ago: int, **columns: Any) -> None:
    memory = {"stability": stability, "difficulty": 5.0, "remembered_on": day(1 - ago)}
    scheduled(who, one, day(9), **memory, **columns)


def test_cards_come_by_predicted_recall_on_the_leads_day_with_those_not_started_last(who):
    cards = deck(6)
    remembered(who, cards[1], 40.0, ago=20)
    remembered(who, cards[2], 2.0, ago=0)  # 100% today, but the lowest in 14 days
    remembered(who, cards[4], 2.0, ago=0, suspended=True)
    remembered(who, cards[5], 9.0, ago=3)
    remembered(learner(), cards[3], 0.1, ago=50)
    assert found(who, order="recall") == [f"Question {n}?" for n in (3, 5, 6, 2, 1, 4)]
    Interview.objects.create(learner=who, company="Acme", on=day(1))
    assert found(who, order="recall") == [f"Question {n}?" for n in (2, 6, 3, 5, 1, 4)]


def test_sorted_by_predicted_recall_a_row_says_it_and_the_head_says_for_which_day(who):
    cards = deck(3)
    remembered(who, cards[1], 12.0, ago=0)
    graded(who, cards[2], 2, at(1))
    Interview.objects.create(learner=who, company="Acme", on=day(13))
    html = html_of(client_of(who).get("/browse/?order=recall"))
    assert "Recall on 14 Mar" in words_of(html)
    assert "recall on 14 March if you stopped now" in words_of(html)
    rows = cells_of(html)
    assert rows[1] == ["Question 2?", "Topic 1", "90%", "Review 10 March", "10 March"]
    assert rows[2] == ["Question 1?", "Topic 1", "–", "New", "–"]
    assert "Recall on" not in words_of(html_of(client_of(who).get("/browse/?order=due")))


def test_a_row_says_topic_state_interval_and_due_day(who):
    cards = deck(8)
    scheduled(who, cards[0], day(1), interval=6)
    graded(who, cards[1], 2, at(1))
    scheduled(who, cards[2], day(5), suspended=True, interval=21)
    scheduled(who, cards[3], day(-1), interval=1)
    scheduled(who, cards[4], day(2), buried_on=day(1), lapses=9)
    scheduled(who, cards[5], day(1), buried_on=day(1), interval=1500)
    scheduled(who, cards[6], day(400))
    rows = cells_of(html_of(client_of(who).get("/browse/")))
    assert rows == [
        ["Question 1?", "Topic 1", "Due Today", "6 days", "Today"],
        ["Question 2?", "Topic 1", "Learning Again today", "1 day", "Again today"],
        ["Question 3?", "Topic 1", "Suspended", "21 days", "–"],
        ["Question 4?", "Topic 1", "Due 2 days late", "1 day", "2 days late"],
        ["Question 5?", "Topic 1", "Buried missed often Tomorrow", "15 days", "Tomorrow"],
        ["Question 6?", "Topic 1", "Buried Tomorrow", "1,500 days", "Tomorrow"],
        ["Question 7?", "Topic 1", "Review 5 April 2027", "15 days", "5 April 2027"],
        ["Question 8?", "Topic 1", "New", "–", "–"],
    ]


def test_pages_hold_fifty_cards_and_keep_the_search(who):
    deck(70)
    client = client_of(who)
    first, second = (html_of(client.get(f"/browse/?q=question&state=new&page={n}")) for n in (1, 2))
    assert len(cells_of(first)) == 50
    assert cells_of(second)[0][0] == "Question 51?"
    assert 'href="?q=question&amp;state=new&amp;page=2"' in first
    assert "51 to 70" in second


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=999", "page=x", "state=x", "topic=x", "order=x"]
)
def test_nonsense_in_the_address_is_left_out(who, query):
    deck(2)
    response = client_of(who).get(f"/browse/?{query}")
    assert response.status_code == 200
    assert len(cells_of(html_of(response))) == 2


@pytest.mark.parametrize(
    ("text", "sentence"), [("a\0b", "A NUL character can’t be stored"), ("x" * 201, "at most 200 characters")]
)
def test_a_search_that_cant_be_made_says_why(who, text, sentence):
    response = client_of(who).get("/browse/", {"q": text})
    assert response.status_code == 200
    assert sentence in html_of(response)


def test_no_result_repeats_the_words_and_offers_topics(who):
    one = card()
    html = html_of(client_of(who).get("/browse/?q=<zebra>"))
    assert "No cards match “&lt;zebra&gt;”." in html
    assert f'href="/browse/?topic={one.topic.key}"' in html


def test_filters_that_exclude_everything_say_so_and_can_be_cleared(who):
    one = card()
    html = html_of(client_of(who).get(f"/browse/?q=a%26b&topic={one.topic.key}&state=suspended"))
    assert "No suspended cards in Topic 1 match “a&amp;b”." in html
    assert 'href="/browse/?q=a%26b">Clear filters' in html


def test_htmx_gets_the_results_alone_and_the_count_for_the_status(who):
    deck(3)
    response = client_of(who).get("/browse/?q=question", headers=HTMX)
    html = html_of(response)
    assert html.strip().startswith('<section class="panel" id="browse_results"')
    assert "<h1" not in html
    assert '<p hx-swap-oob="innerHTML:#say">3 cards</p>' in html
    assert "HX-Request" in response["Vary"]


def test_a_page_restored_from_history_is_whole(who):
    headers = HTMX | {"HX-History-Restore-Request": "true"}
    response = client_of(who).get("/browse/?q=question", headers=headers)
    assert "<h1>Browse</h1>" in html_of(response)


def test_the_page_is_whole_and_works_without_javascript(who):
    response = client_of(who).get("/browse/?q=question")
    assert "HX-Request" in response["Vary"]
    assert '<form class="sift" id="browse_form" role="search" action="/browse/"' in html_of(response)
    assert "hx-swap-oob" not in html_of(response)


def test_asking_for_an_empty_search_puts_the_cursor_into_the_field(who):
    client = client_of(who)
    assert "autofocus" in html_of(client.get("/browse/?q="))
    assert "autofocus" not in html_of(client.get("/browse/"))


def test_a_learner_sees_only_their_own_schedule(who):
    one = card()
    answered(learner(), one, 4)
    assert "New" in words_of(html_of(client_of(who).get("/browse/")))
    assert found(who, state="review") == []


def test_looking_and_asking_for_the_head_change_nothing(who):
    deck(2)
    client = client_of(who)
    assert client.get("/browse/").status_code == client.head("/browse/").status_code == 200
    assert client.post("/browse/").status_code == 405
    assert not ReviewState.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?q=question+5",
        "?state=due",
        "?state=new&order=due",
        "?state=due&order=recall",
        "?state=review&q=card&page=2",
    ],
)
def test_the_number_of_statements_does_not_grow_with_the_cards(who, query):
    def grow(cards: list[Card]) -> None:
        ReviewState.objects.bulk_create(
            ReviewState(learner=who, card=one, due_on=day(n % 5 - 1), interval=1)
            for n, one in enumerate(cards)
            if n % 3
        )

    grow(deck(50))
    client, url = client_of(who), reverse("browse") + query
    few = statements(client, url)
    grow(deck(3_900))  # beyond 4,000 it is the other way of test_finding
    assert statements(client, url) == few <= 12
