"""A card's HTML and what a card must be like."""

from typing import Any

import pytest
from django.utils.html import conditional_escape

from flashcards import cards
from flashcards.models import Card
from flashcards.rendering import TextError
from tests import making

WHOLE: dict[str, Any] = {
    "key": "precision",
    "position": 1,
    "question": "What is precision?",
    "answer": "The **share** that is right.\n\nIt judges $TP$ alone.\n\n- one\n- two",
    "formula": r"\frac{TP}{TP + FP}",
    "formula_note": "$TP$: true positives.",
    "practice": "Of 200 alerts, 16 are wasted.",
    "key_points": [
        {"text": "True over *all* flagged", "must": True},
        {"text": "Not recall", "must": False},
        {"text": "Depends on the threshold", "must": False},
    ],
    "follow_ups": [{"question": "And $R$?", "answer": "The **other** one."}],
}


def whole(**changes):
    return Card(**WHOLE | changes)


def fields(problems):
    return [problem.field for problem in problems]


def test_the_first_paragraph_stands_apart_from_the_rest():
    html = cards.render(whole())
    assert html["lede"] == "The <strong>share</strong> that is right."
    assert html["answer"].startswith("<p>It judges <math")
    assert html["answer"].endswith("</ul>")


def test_an_answer_that_begins_with_a_list_has_no_lede():
    html = cards.render(whole(answer="- one\n- two"))
    assert (html["lede"], html["answer"][:4]) == ("", "<ul>")


def test_every_field_becomes_html():
    html = cards.render(whole())
    assert html["formula"].startswith('<div class="formula__scroll"><math')
    assert html["formula_note"].startswith("<math")
    assert html["practice"] == "<p>Of 200 alerts, 16 are wasted.</p>"
    assert html["key_points"][0] == {"html": "True over <em>all</em> flagged", "must": True}
    assert html["follow_ups"][0]["answer"] == "The <strong>other</strong> one."


def test_a_field_without_text_is_empty():
    expected: cards.CardHtml = {
        "lede": "Because.",
        "answer": "",
        "formula": "",
        "formula_note": "",
        "practice": "",
        "key_points": [],
        "follow_ups": [],
    }
    assert cards.render(Card(question="Why?", answer="Because.")) == expected


@pytest.mark.parametrize(
    ("changes", "beginning"),
    [
        ({"answer": "Fine.\n\nBad $x^$ here."}, "answer: Line 3, column 5"),
        ({"formula": r"\frac{a"}, "formula: Formula"),
        ({"key_points": [{"text": "$x^$", "must": True}]}, "key_points: Number 1: Line 1, column 1"),
        ({"follow_ups": [{"question": "Why?", "answer": "$x^$"}]}, "follow_ups: Number 1: Line 1"),
    ],
)
def test_a_formula_that_does_not_parse_is_refused_with_its_field_and_place(changes, beginning):
    with pytest.raises(TextError) as refusal:
        cards.render(whole(**changes))
    assert str(refusal.value).startswith(beginning)


def test_stored_html_is_shown_as_it_is():
    card = whole(html={"lede": "<b>stored</b>"})
    assert conditional_escape(cards.rendered(card)["lede"]) == "<b>stored</b>"


def test_a_card_without_stored_html_is_rendered_when_it_is_shown():
    assert cards.rendered(whole()) == cards.render(whole())


def test_a_formula_that_does_not_parse_is_shown_as_its_source():
    html = cards.rendered(whole(answer="**Bold** and $<b>x^$ here.", formula=r"\frac{<i>"))
    assert html["lede"] == "<strong>Bold</strong> and <code>&lt;b&gt;x^</code> here."
    assert html["formula"] == r"<code>\frac{&lt;i&gt;</code>"


def test_what_cannot_be_shown_at_all_is_shown_as_its_source():
    assert cards.rendered(whole(practice="![a](b)"))["practice"] == "<code>![a](b)</code>"


@pytest.mark.parametrize(
    "value", [None, 7, "text", {"text": "x"}, [None], [["x"]], [{"text": 7, "must": True}]]
)
def test_lists_of_a_wrong_shape_break_no_page_and_are_named(value):
    card = whole(key_points=value, follow_ups=value)
    assert cards.rendered(card)["key_points"] == []
    assert "key_points" in fields(cards.problems(card))
    assert "follow_ups" in fields(cards.problems(card))


def test_a_whole_card_has_no_problems_and_no_gaps():
    card = whole()
    assert cards.problems(card) == []
    assert cards.gaps(card, cards.render(card)) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"question": ""}, "question"),
        ({"question": "x" * 501}, "question"),
        ({"answer": ""}, "answer"),
        ({"answer": "x" * 50_001}, "answer"),
        ({"key": "Not a slug"}, "key"),
        ({"level": "expert"}, "level"),
        ({"position": None}, "position"),
        ({"key_points": [{"text": "x", "must": False}]}, "key_points"),
        ({"key_points": [{"text": "x", "must": 1}]}, "key_points"),
        ({"key_points": [{"text": " ", "must": True}]}, "key_points"),
        ({"key_points": [{"text": "x", "must": True, "more": 1}]}, "key_points"),
        ({"key_points": [{"text": "x", "must": True}] * 7}, "key_points"),
        ({"follow_ups": [{"question": "x", "answer": "y"}] * 4}, "follow_ups"),
        ({"follow_ups": [{"question": "x"}]}, "follow_ups"),
        ({"practice": "$x^$"}, "practice"),
    ],
)
def test_a_problem_names_its_field(changes, field):
    assert set(fields(cards.problems(whole(**changes)))) == {field}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"answer": "- only\n- a list"}, "answer"),
        ({"formula_note": ""}, "formula_note"),
        ({"practice": ""}, "practice"),
        ({"key_points": WHOLE["key_points"][:2]}, "key_points"),
        ({"follow_ups": []}, "follow_ups"),
    ],
)
def test_a_deck_card_has_no_gaps(changes, field):
    card = whole(**changes)
    assert cards.problems(card) == []
    assert fields(cards.gaps(card, cards.render(card))) == [field]


@pytest.mark.django_db
def test_html_comes_back_from_the_database_as_it_was_stored():
    card = making.card()
    html = cards.render(whole())
    Card.objects.filter(pk=card.pk).update(html=html)
    assert cards.rendered(Card.objects.get(pk=card.pk)) == html
