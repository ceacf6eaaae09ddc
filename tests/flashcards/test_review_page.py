"""The review page as a browser without JavaScript, and as htmx, sees it."""

import re
from datetime import date
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from flashcards import reviewing
from flashcards.models import Card, ReviewLog, ReviewState
from tests.making import answered, at, day, deck, graded, learner, scheduled, state
from tests.visiting import HTMX, client_of

pytestmark = pytest.mark.django_db


class Forms(HTMLParser):
    """Collects each form's action, method, fields and submit buttons, as a browser would send them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found = list[dict[str, Any]]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.found.append({"action": attributes.get("action", ""), "fields": {}, "buttons": []})
        elif self.found and tag == "input" and "name" in attributes:
            self.found[-1]["fields"][attributes["name"]] = attributes.get("value", "")
        elif self.found and tag == "button" and "name" in attributes:
            self.found[-1]["buttons"].append((attributes["name"], attributes["value"]))


def form_on(response: Any, ending: str) -> dict[str, Any]:
    html = response.content.decode()
    return next(form for form in Forms(html).found if form["action"].endswith(ending))


def press(client: Client, form: dict[str, Any], grade: int, headers: Any = None, follow: bool = False) -> Any:
    sent = form["fields"] | {"grade": grade}
    return client.post(form["action"], sent, follow=follow, headers=headers)


def _number(due_on: date | None) -> int:
    assert due_on is not None
    return (due_on - day(1)).days + 1


@pytest.fixture
def noon(time_machine):
    time_machine.move_to(at(1), tick=False)


@pytest.fixture
def who(noon) -> User:
    return learner(new_cards_per_day=5)


@pytest.fixture
def cards(who) -> list[Card]:
    return deck(6)


def test_the_question_page_carries_a_form_with_the_four_grades(who, cards):
    form = form_on(client_of(who).get("/review/"), "/grade/")
    assert form["action"] == f"/review/{cards[0].pk}/grade/"
    assert form["buttons"] == [("grade", "2"), ("grade", "3"), ("grade", "4"), ("grade", "5")]
    assert {"submission", "version", "csrfmiddlewaretoken"} <= form["fields"].keys()


def test_the_answer_is_hidden_until_it_is_asked_for(who, cards):
    client = client_of(who)
    question, answer = client.get("/review/").content.decode(), client.get("/review/?side=a").content.decode()
    assert re.search(r'<section[^>]*id="answer"[^>]*\shidden>', question)
    assert not re.search(r'<section[^>]*id="answer"[^>]*\shidden>', answer)


def test_without_javascript_a_grade_leads_back_to_the_review_by_303(who, cards):
    client = client_of(who)
    response = press(client, form_on(client.get("/review/"), "/grade/"), 4)
    assert (response.status_code, response["Location"]) == (303, "/review/")
    assert "Question 2?" in client.get("/review/").content.decode()


def test_htmx_gets_the_next_card_as_a_fragment_with_its_title_and_the_status(who, cards):
    client = client_of(who)
    response = press(client, form_on(client.get("/review/"), "/grade/"), 4, HTMX)
    html = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in html
    assert '<div class="review" id="stage"' in html
    assert "<title>Question 2 of 5: Question 2?" in html
    assert 'hx-swap-oob="true">Question 1? graded Good, next on 3 March.' in html


def test_history_restoration_gets_a_whole_page(who, cards):
    headers = HTMX | {"HX-History-Restore-Request": "true"}
    assert "<html" in client_of(who).get("/review/", headers=headers).content.decode()


def test_the_review_is_never_kept_by_a_cache(who, cards):
    response = client_of(who).get("/review/")
    assert "no-store" in response["Cache-Control"]
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_last_grade_leads_to_the_summary(who, cards, headers):
    client = client_of(who)
    for _ in range(5):
        response = press(client, form_on(client.get("/review/"), "/grade/"), 4, headers)
    assert response.get("HX-Redirect" if headers else "Location") in ("/review/done/", "/review/")
    assert client.get("/review/")["Location"] == "/review/done/"


@pytest.mark.parametrize("grade", ["", "6", "-1", "2.5", "good", "1e99", "٣", None])
def test_a_grade_that_is_none_is_refused_in_a_sentence_and_changes_nothing(who, cards, grade):
    client = client_of(who)
    form = form_on(client.get("/review/"), "/grade/")
    sent = form["fields"] | ({} if grade is None else {"grade": grade})
    response = client.post(form["action"], sent)
    if grade == "٣":  # an Arabic three is a three
        assert response.status_code == 303
        return
    assert response.status_code == 422
    assert "a grade is a whole number from 0 to 5" in response.content.decode()
    assert not ReviewState.objects.exists()


@pytest.mark.parametrize("field", ["submission", "version"])
@pytest.mark.parametrize("value", ["", "nonsense", "-1"])
def test_a_form_without_its_key_or_version_is_refused_by_name(who, cards, field, value):
    client = client_of(who)
    form = form_on(client.get("/review/"), "/grade/")
    response = client.post(form["action"], form["fields"] | {"grade": 4, field: value})
    assert response.status_code == 422
    assert field in response.content.decode()
    assert not ReviewLog.objects.exists()


def test_the_same_form_sent_twice_counts_once_and_is_answered_alike(who, cards):
    client = client_of(who)
    form = form_on(client.get("/review/"), "/grade/")
    first, second = press(client, form, 4), press(client, form, 4)
    assert (second.status_code, second["Location"]) == (first.status_code, first["Location"])
    assert ReviewLog.objects.count() == 1


def test_a_second_tab_is_told_that_the_card_was_graded_and_gets_the_next_one(who, cards):
    client = client_of(who)
    here, there = (form_on(client.get("/review/"), "/grade/") for _ in range(2))
    press(client, here, 4)
    response = press(client, there, 2)
    assert response.status_code == 409
    html = response.content.decode()
    assert "You already graded this card, so we kept that" in html
    assert 'id="q"' in html
    assert "Question 2?</h1>" in html
    assert state(who, cards[0]).version == 1


def test_a_card_suspended_meanwhile_is_not_graded(who, cards):
    client = client_of(who)
    form = form_on(client.get("/review/"), "/grade/")
    reviewing.suspend(who, cards[0].pk, at(1))
    response = press(client, form, 4)
    assert response.status_code == 409
    assert "That card is paused" in response.content.decode()
    assert not ReviewLog.objects.exists()


def test_a_card_deleted_meanwhile_is_a_plain_404(who, cards):
    client = client_of(who)
    form = form_on(client.get("/review/"), "/grade/")
    cards[0].delete()
    assert press(client, form, 4).status_code == 404


def test_a_stale_answer_to_the_last_card_is_told_on_the_summary(who):
    deck(1)
    client = client_of(who)
    form = form_on(client.get("/review/"), "/grade/")
    press(client, form, 4)
    response = press(client, form, 2, follow=True)
    assert "You already graded this card" in response.content.decode()
    assert ReviewLog.objects.count() == 1


def test_each_button_shows_the_interval_that_its_grade_gives(who, time_machine):
    (card,) = deck(1)
    answered(who, card, 4, 4, 4)
    time_machine.move_to(at(23), tick=False)
    html = client_of(who).get("/review/").content.decode()
    assert 'aria-label="Again, again today, then next review in 1 day' in html
    for name in ("Hard, again today, then", "Good,", "Easy,"):
        assert f'aria-label="{name} next review in 38 days' in html


def test_undo_brings_the_card_back_with_its_answer_showing(who, cards):
    client = client_of(who)
    press(client, form_on(client.get("/review/"), "/grade/"), 2)
    undo = form_on(client.get("/review/"), "/undo/")
    response = client.post(undo["action"], undo["fields"])
    assert (response.status_code, response["Location"]) == (303, "/review/?side=a")
    html = client.get("/review/?side=a").content.decode()
    assert "Question 1?</h1>" in html
    assert "Undone." in html
    assert state(who, cards[0]).due_on is None


@pytest.mark.parametrize("how", ["bury", "suspend"])
def test_a_card_set_aside_after_its_undo_is_not_shown_again(who, cards, how):
    client = client_of(who)
    press(client, form_on(client.get("/review/"), "/grade/"), 2)
    undo = form_on(client.get("/review/"), "/undo/")
    client.post(undo["action"], undo["fields"])
    html = client.post(f"/review/{cards[0].pk}/{how}/", headers=HTMX).content.decode()
    assert "Question 2?</h1>" in html
    assert "Undone." not in html
    assert "Question 2?</h1>" in client.get("/review/").content.decode()


@pytest.mark.parametrize(("change", "to"), [(reviewing.reset, ()), (reviewing.set_due, (day(9),))])
def test_an_undo_of_what_was_no_answer_asks_for_no_grade_and_shows_no_answer(who, cards, change, to):
    answered(who, cards[0], 4)
    change(who, cards[0].pk, 1, *to, at(1))
    client = client_of(who)
    undo = form_on(page := client.get("/review/"), "/undo/")
    assert "Undo last change" in page.content.decode()
    assert "Undo last change" in client.get("/review/done/").content.decode()
    html = client.post(undo["action"], undo["fields"], follow=True).content.decode()
    assert "Question 2?</h1>" in html
    assert 'data-side="q"' in html
    assert "Grade it again" not in html
    assert state(who, cards[0]).due_on == day(2)


def test_undo_works_on_the_summary_of_a_finished_day(who):
    (card,) = deck(1)
    client = client_of(who)
    press(client, form_on(client.get("/review/"), "/grade/"), 4)
    undo = form_on(client.get("/review/done/"), "/undo/")
    response = client.post(undo["action"], undo["fields"], headers=HTMX)
    assert "Answer 1 of 1: Question 1?" in response.content.decode()
    assert state(who, card).due_on is None


def test_the_same_undo_sent_twice_takes_back_one_answer(who, cards):
    client = client_of(who)
    for _ in range(2):
        press(client, form_on(client.get("/review/"), "/grade/"), 4)
    undo = form_on(client.get("/review/"), "/undo/")
    for _ in range(2):
        client.post(undo["action"], undo["fields"])
    assert state(who, cards[0]).due_on == day(2)
    assert state(who, cards[1]).due_on is None


def test_an_undo_of_an_answer_that_is_not_the_latest_is_refused(who, cards):
    client = client_of(who)
    press(client, form_on(client.get("/review/"), "/grade/"), 4)
    undo = form_on(client.get("/review/"), "/undo/")
    press(client, form_on(client.get("/review/"), "/grade/"), 4)
    response = client.post(undo["action"], undo["fields"])
    assert response.status_code == 409
    assert "Undo the latest one first" in response.content.decode()


def test_there_is_no_undo_button_when_there_is_nothing_to_undo(who, cards):
    assert "/review/undo/" not in client_of(who).get("/review/").content.decode().replace(
        'class="session__end" method="post" action="/review/undo/"', ""
    )


@pytest.mark.parametrize(
    ("how", "words"), [("bury", "is buried until tomorrow"), ("suspend", "is suspended")]
)
def test_setting_a_card_aside_shows_the_next_and_the_way_back(who, cards, how, words):
    client = client_of(who)
    response = client.post(f"/review/{cards[0].pk}/{how}/", follow=True)
    html = response.content.decode()
    assert words in html
    assert "Put it back" in html
    assert "Question 2?</h1>" in html
    client.post(reverse("release", args=[cards[0].pk]), {"next": "/review/"})
    assert "Question 1?</h1>" in client.get("/review/").content.decode()


def test_a_chosen_new_card_can_be_learnt_beyond_the_daily_limit(who, cards):
    who.new_cards_per_day = 0
    who.save()
    client = client_of(who)
    assert client.get("/review/")["Location"] == "/review/done/"
    form = form_on(client.get(f"/review/?card={cards[0].pk}"), "/grade/")
    press(client, form, 4)
    assert state(who, cards[0]).due_on == day(2)


@pytest.mark.parametrize("wanted", ["0", "999999", "x", "-1", "1e3", "9" * 30])
def test_a_chosen_card_that_does_not_exist_is_a_404(who, cards, wanted):
    assert client_of(who).get(f"/review/?card={wanted}").status_code == 404


def test_the_miss_that_makes_a_card_a_leech_is_pointed_out_with_what_to_do(who, time_machine):
    (card,) = deck(1)
    answered(who, card, *[4, 2] * 7, 4)
    time_machine.move_to(at(_number(state(who, card).due_on)), tick=False)
    client = client_of(who)
    press(client, form_on(client.get("/review/"), "/grade/"), 2)
    html = client.get("/review/").content.decode()
    assert "8 times" in html
    assert "suspend it for now" in html


def test_a_get_of_the_grade_address_only_leads_to_the_review(who, cards):
    response = client_of(who).get(f"/review/{cards[0].pk}/grade/")
    assert (response.status_code, response["Location"]) == (302, "/review/")


def test_a_grade_without_a_csrf_token_is_refused(who, cards):
    client = Client(enforce_csrf_checks=True)
    client.force_login(who)
    sent = {"grade": 4, "submission": uuid4(), "version": 0}
    assert client.post(f"/review/{cards[0].pk}/grade/", sent).status_code == 403
    assert not ReviewState.objects.exists()


# Practice


def test_practice_goes_through_cards_ahead_of_their_day_once(who, cards):
    for place, card in enumerate(cards[:3]):
        scheduled(who, card, day(5 + place))
    client = client_of(who)
    seen = []
    while (response := client.get("/practice/")).status_code == 200:
        form = form_on(response, "/grade/")
        seen.append(form["action"])
        assert press(client, form, 4)["Location"] == "/practice/?topic="
    assert seen == [f"/review/{card.pk}/grade/" for card in cards[:3]]
    assert [state(who, card).due_on for card in cards[:3]] == [day(5), day(6), day(7)]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_undo_and_putting_aside_stay_in_the_practice_and_its_topic(who, cards, headers):
    for card in cards[:2]:
        answered(who, card, 4)
    client, topic = client_of(who), cards[0].topic.key
    page = client.get(f"/practice/?topic={topic}")
    assert f"next=/practice/%3Ftopic%3D{topic}" in page.content.decode()  # the way back from the note
    form = form_on(page, "/grade/")
    undo = form_on(press(client, form, 4, HTMX), "/undo/")
    back = client.post(undo["action"], undo["fields"], follow=True, headers=headers)
    html = back.content.decode()
    assert "<b>Practice</b>" in html
    assert "Grade it again." in html
    assert form_on(back, "/grade/")["action"] == form["action"]
    sent, bury = {"flow": "practice", "topic": topic}, form["action"].replace("grade", "bury")
    other = client.post(bury, sent, follow=True, headers=headers)
    html = other.content.decode()
    assert "<b>Practice</b>" in html
    assert "is buried until tomorrow" in html
    assert f'name="next" value="/practice/?topic={topic}"' in html
    assert form_on(other, "/grade/")["action"] != form["action"]


def test_a_miss_in_practice_counts(who, cards):
    scheduled(who, cards[0], day(9))
    client = client_of(who)
    press(client, form_on(client.get("/practice/"), "/grade/"), 2)
    assert (state(who, cards[0]).due_on, state(who, cards[0]).interval) == (day(2), 1)


def test_practice_keeps_to_the_topic(who):
    first, second = deck(1)[0], deck(1)[0]
    for card in (first, second):
        scheduled(who, card, day(9))
    client = client_of(who)
    form = form_on(client.get(f"/practice/?topic={second.topic.key}"), "/grade/")
    assert form["action"] == f"/review/{second.pk}/grade/"
    response = press(client, form, 4, HTMX)
    assert response["HX-Redirect"] == "/decks/"


# Sizes


@pytest.mark.parametrize("path", ["/review/", "/review/?side=a", "/today/", "/review/done/", "/practice/"])
def test_a_page_takes_as_many_statements_with_5000_cards_as_with_50(who, path, django_assert_max_num_queries):
    graded(who, deck(50)[0], 4, at(1))
    client = client_of(who)
    with django_assert_max_num_queries(12) as few:
        client.get(path)
    many = deck(4_950)
    ReviewState.objects.bulk_create(
        ReviewState(learner=who, card=card, due_on=day(1 + n % 40), interval=9, repetitions=3)
        for n, card in enumerate(many[:4_000])
    )
    with django_assert_max_num_queries(len(few)):
        client.get(path)


@pytest.mark.parametrize("started", [0, 20], ids=["a new card", "a card that is due"])
@pytest.mark.parametrize("number", [5, 60])
def test_a_grade_takes_six_statements_with_any_number_of_cards(who, number, started):
    cards = deck(number)
    for card in cards[:started]:
        scheduled(who, card, day(1))
    client = client_of(who)
    press(client, form_on(client.get("/review/"), "/grade/"), 4)
    form = form_on(client.get("/review/"), "/grade/")
    with CaptureQueriesContext(connection) as captured:
        press(client, form, 4, HTMX)
    # session with learner; state locked or made; day counted, plan read; state; log; counts and next card
    assert len([query for query in captured if "SAVEPOINT" not in query["sql"]]) == 6


def test_an_undo_takes_at_most_twelve_statements_with_the_card_that_it_shows(who):
    cards = deck(6)
    client = client_of(who)
    for what in cards[:2]:
        graded(who, what, 4, at(1))
    form = form_on(client.get("/review/"), "/undo/")
    with CaptureQueriesContext(connection) as captured:
        response = client.post("/review/undo/", form["fields"], headers=HTMX)
    assert "Undone" in response.content.decode()
    assert len([query for query in captured if "SAVEPOINT" not in query["sql"]]) <= 12
