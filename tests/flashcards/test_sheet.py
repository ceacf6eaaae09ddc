"""The last-night sheet: what it is for, which cards are on it and in which order, and how many fit."""

from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from flashcards import night_sheet, notes
from flashcards.models import Card, Interview, InterviewTopic, Topic
from flashcards.night_sheet import SheetCard
from flashcards.readiness import TopicReadiness
from tests.making import at, day, deck, learner, scheduled
from tests.visiting import client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db
ON = day(20)


@pytest.fixture
def who(time_machine) -> User:
    time_machine.move_to(at(10), tick=False)
    return learner()


def known(who: User, what: Card, stability: float, **columns: Any) -> None:
    """Give the learner a card that is remembered with this stability, in days, since day 9."""
    scheduled(who, what, day(30), stability=stability, difficulty=5.0, remembered_on=day(9), **columns)


def page(who: User) -> str:
    return html_of(client_of(who).get(reverse("sheet")))


def sheet_card(points: int = 3, note: str = "", lede: str = "A sentence.") -> SheetCard:
    html: Any = {
        "lede": lede,
        "answer": "",
        "formula": "",
        "formula_note": "",
        "practice": "",
        "key_points": [{"html": "A point.", "must": False}] * points,
        "follow_ups": [],
    }
    return SheetCard(Card(question="What?"), 0.5, html, note)


def topic(name: str, recalled: float, cards: int, weight: int = 1) -> TopicReadiness:
    return TopicReadiness(Topic(name=name), recalled, cards, weight, (), ())


# What it is for


def test_it_is_named_for_the_interview_that_leads(who):
    known(who, deck(1)[0], 5)
    Interview.objects.create(learner=who, company="Later", on=day(40))
    Interview.objects.create(learner=who, company="Acme", role="MLOps engineer", on=ON)
    html = page(who)
    assert "<h1>Last-night sheet for Acme, MLOps engineer, 21 March</h1>" in html
    assert "<title>Last-night sheet for Acme, MLOps engineer, 21 March" in html
    assert "most likely to miss on 21 March" in words_of(html)


def test_without_a_role_or_an_interview_it_says_the_day_alone(who):
    known(who, deck(1)[0], 5)
    assert "Last-night sheet for the time until 25 March" in page(who)
    Interview.objects.create(learner=who, company="Acme", on=date(2027, 1, 4))
    assert "Last-night sheet for Acme, 4 January 2027" in page(who)


def test_with_nothing_started_it_says_so_and_offers_to_begin(who):
    deck(3)
    html = page(who)
    assert "you haven’t started a card that counts for it" in html
    assert f'href="{reverse("today")}">Go to today’s cards' in html
    assert "Print" not in words_of(html)


def test_without_any_deck_the_page_is_there(who):
    assert "There’s nothing to put on it yet" in page(who)


# What is on it


def test_the_cards_most_likely_to_slip_come_first(who):
    cards = deck(4)
    for what, stability in zip(cards, (9.0, 2.0, 30.0), strict=False):
        known(who, what, stability)
    html = page(who)
    assert [f"Question {n}?" in html for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert html.index("Question 2?") < html.index("Question 1?") < html.index("Question 3?")
    assert "The 3 cards you’re most likely to miss" in words_of(html)
    assert "Topic 1, 72% on the day" in words_of(html)


def test_topics_that_do_not_count_are_left_out(who):
    cards = deck(11)
    for what in cards:
        known(who, what, 5)
    coming = Interview.objects.create(learner=who, company="Acme", on=ON)
    InterviewTopic.objects.create(interview=coming, topic=cards[0].topic, weight=0)
    html = page(who)
    assert "Question 11?" in html
    assert "Question 1?" not in html
    assert "Topic 1" not in html
    InterviewTopic.objects.create(interview=coming, topic=cards[10].topic, weight=0)
    assert "you haven’t started a card that counts for it" in page(who)


def test_suspended_and_retired_cards_are_left_out(who):
    cards = deck(2)
    known(who, cards[0], 5, suspended=True)
    known(who, cards[1], 5)
    Card.objects.filter(pk=cards[1].pk).update(retired=True)
    assert "Question" not in page(who)


def test_a_card_says_what_one_says_aloud_its_formula_its_key_points_and_the_learners_own_note(who):
    what = deck(1)[0]
    Card.objects.filter(pk=what.pk).update(
        answer="Say **this**.\n\nThe long rest.",
        formula="a^2",
        practice="A case.",
        key_points=[{"text": "Must be said", "must": True}, {"text": "May be said", "must": False}],
    )
    known(who, what, 5)
    notes.save(learner(), what.pk, "A stranger’s note", "")
    notes.save(who, what.pk, "My *own* words <script>", "")
    html = page(who)
    for part in ("Say <strong>this</strong>.", "<math", "My <em>own</em> words &lt;script&gt;"):
        assert part in html
    assert '<li class="must">Must be said <span class="must__tag">must</span></li>' in html
    assert "<li>May be said</li>" in html
    for part in ("The long rest", "A case.", "A stranger’s note"):
        assert part not in html


def test_a_card_without_key_points_formula_or_note_is_shown_all_the_same(who):
    known(who, deck(1)[0], 5)
    html = page(who)
    assert "Answer 1." in html
    for part in ("sheet__formula", "sheet__note", 'class="points"'):
        assert part not in html


def test_the_weakest_topics_are_those_with_the_smallest_share_and_count():
    topics = [
        topic("A", 9, 10),
        topic("B", 1, 2),
        topic("C", 1, 10, weight=0),
        topic("D", 3, 10),
        topic("E", 8, 10),
        topic("F", 0, 0),
    ]
    assert [weak.topic.name for weak in night_sheet.weakest(topics)] == ["D", "B", "E"]


def test_the_page_names_the_weakest_topics(who):
    cards = deck(21)
    for what in cards[:15]:
        known(who, what, 3 if what.topic == cards[10].topic else 90)
    assert "Weakest topics: Topic 3 0.0 of 1, Topic 2 3.8 of 10, Topic 1 9.8 of 10." in words_of(page(who))


# How many fit


def test_more_than_sixteen_cards_are_never_on_it(who):
    for what in deck(30):
        known(who, what, 5)
    assert page(who).count("sheet__card") == night_sheet.MOST_CARDS


def test_cards_that_do_not_fit_are_left_out_from_the_end():
    cards = [sheet_card(points=20) for _ in range(16)]
    height = night_sheet.lines(cards[0])
    fit = night_sheet.fitting(cards)
    assert len(fit) == sum(column // height for column in night_sheet.COLUMNS)
    assert fit == cards[: len(fit)]


def test_a_card_too_long_for_any_page_is_there_all_the_same():
    long = sheet_card(points=500)
    assert night_sheet.fitting([long]) == [long]
    assert night_sheet.fitting([long] * 9) == [long] * 4  # each begins a column


def test_a_long_note_or_first_paragraph_takes_no_more_room_than_print_gives_it():
    plain = night_sheet.lines(sheet_card())
    assert night_sheet.lines(sheet_card(note="<p>" + "word " * 9_000 + "</p>")) == plain + night_sheet.NOTE
    long = night_sheet.lines(sheet_card(lede="word " * 9_000))
    assert long == plain - 1 + night_sheet.LEDE


def test_each_paragraph_and_list_item_begins_a_line():
    note = "<p>One.</p>\n<ul>\n<li>Two.</li>\n<li>Three.</li>\n</ul>"
    assert night_sheet.lines(sheet_card(note=note)) == night_sheet.lines(sheet_card()) + 3


def test_the_number_of_statements_does_not_grow_with_the_cards(who):
    Interview.objects.create(learner=who, company="Acme", on=ON)
    known(who, deck(1)[0], 5)
    client, url = client_of(who), reverse("sheet")
    few = statements(client, url)
    for what in deck(40):
        known(who, what, 4)
        notes.save(who, what.pk, "A note", "")
    assert statements(client, url) == few <= 10


def test_a_visitor_is_asked_to_log_in(client):
    assert client.get(reverse("sheet")).status_code == 302
