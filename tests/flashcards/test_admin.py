"""The operator's pages: cards are checked as they are saved, logs can't be touched, lists stay cheap."""

import json

import pytest
from django.urls import reverse

from accounts.models import User
from flashcards import queue, rollup
from flashcards.models import Card, Frontier, ReviewLog, ReviewState, Topic
from tests import making
from tests.accounts.people import proven
from tests.making import at, day

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    """Return a client that is logged in as somebody who may do everything."""
    chief = User.objects.create_superuser("operator@example.org", "secret")
    client.force_login(chief)
    return proven(client, chief)


def page(name, *args):
    return reverse(f"admin:{name}", args=args)


def form(card, **changes):
    fields = {
        "topic": card.topic_id,
        "key": card.key,
        "position": card.position,
        "level": card.level,
        "question": card.question,
        "answer": card.answer,
        "key_points": "[]",
        "follow_ups": "[]",
    }
    return fields | changes


def test_saving_a_card_renders_it_and_keeps_schedules(operator):
    who, card = making.learner(), making.card()
    before = making.answered(who, card, 4, 4)
    points = json.dumps([{"text": "*Must*", "must": True}])
    data = form(card, answer="New **line**.", key_points=points)
    assert operator.post(page("flashcards_card_change", card.pk), data).status_code == 302
    card.refresh_from_db()
    assert card.html["lede"] == "New <strong>line</strong>."
    assert card.html["key_points"] == [{"html": "<em>Must</em>", "must": True}]
    assert making.state(who, card) == before
    making.proven(who)


def test_a_card_moved_forward_is_met_by_whoever_is_past_its_place_and_a_mended_text_moves_nobody(operator):
    who, cards = making.learner(), making.deck(3)
    making.graded(who, cards[1], 4, at(1))
    making.graded(who, cards[0], 4, at(1))
    rollup.begin(who, day(2))
    place = Frontier.objects.get(learner=who).position
    operator.post(page("flashcards_card_change", cards[0].pk), form(cards[0], answer="New."))
    assert Frontier.objects.get(learner=who).position == place == cards[2].position
    operator.post(page("flashcards_card_change", cards[2].pk), form(cards[2], position=0))
    assert Frontier.objects.get(learner=who).position == 0
    assert queue.counts(who, day(2)).first_new == cards[2].pk


def test_a_topic_stays_in_its_deck(operator):
    here, there = making.card().topic, making.card().topic
    data = {"deck": there.deck_id, "key": here.key, "name": "New", "position": 1}
    operator.post(page("flashcards_topic_change", here.pk), data)
    assert (here.deck_id, "New") == Topic.objects.values_list("deck", "name").get(pk=here.pk)


def test_a_new_card_is_rendered_too(operator):
    card = making.card()
    data = form(card, key="another", position=2, formula="x^2")
    assert operator.post(page("flashcards_card_add"), data).status_code == 302
    assert "<math" in Card.objects.get(key="another").html["formula"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("formula", r"\frac{a", "parse"),
        ("answer", "One.\n\n$x^$", "Line 3"),
        ("key_points", '[{"text": "x"}]', "Make number 1"),
        ("key_points", "[", "valid JSON"),
        ("follow_ups", '{"a": 1}', "Give a list"),
        ("question", "", "required"),
        ("level", "guru", "Select a valid choice"),
    ],
)
def test_a_fault_is_shown_at_its_field_and_nothing_is_saved(operator, field, value, words):
    card = making.card()
    response = operator.post(page("flashcards_card_change", card.pk), form(card, **{field: value}))
    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert list(errors) == [field]
    assert words in errors[field][0]
    assert Card.objects.values("html", field).get() == {"html": {}, field: getattr(card, field)}


def test_schedules_and_logs_can_be_looked_at_and_not_changed(operator):
    who, card = making.learner(), making.card()
    state = making.answered(who, card, 4)
    for model, row in (("reviewstate", state), ("reviewlog", state.log.get())):
        assert operator.get(page(f"flashcards_{model}_change", row.pk)).status_code == 200
        assert operator.post(page(f"flashcards_{model}_change", row.pk), {"ease": 999}).status_code == 403
        assert operator.get(page(f"flashcards_{model}_add")).status_code == 403
        assert operator.post(page(f"flashcards_{model}_delete", row.pk), {"post": "yes"}).status_code == 403
        many = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        operator.post(page(f"flashcards_{model}_changelist"), many)
    assert (ReviewState.objects.count(), ReviewLog.objects.count()) == (1, 1)


@pytest.mark.parametrize("model", ["card", "topic", "deck"])
def test_a_card_with_a_log_cannot_be_deleted_by_any_way(operator, model):
    who, card = making.learner(), making.card()
    making.answered(who, card, 4)
    row = {"card": card, "topic": card.topic, "deck": card.topic.deck}[model]
    assert operator.post(page(f"flashcards_{model}_delete", row.pk), {"post": "yes"}).status_code == 403
    many = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    operator.post(page(f"flashcards_{model}_changelist"), many)
    assert ReviewLog.objects.count() == 1


def test_a_learner_is_found_by_address_and_deleted_with_all_that_is_theirs(operator):
    who = making.learner()
    making.answered(who, making.card(), 4)
    assert who.email in operator.get(page("accounts_user_changelist"), {"q": who.email}).content.decode()
    assert operator.get(page("accounts_user_delete", who.pk)).status_code == 200
    assert operator.post(page("accounts_user_delete", who.pk), {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=who.pk).exists()
    assert not ReviewLog.objects.exists()


def test_a_learner_is_not_made_and_their_settings_can_be_mended(operator):
    assert operator.get(page("accounts_user_add")).status_code == 403
    who = making.learner()
    data = {
        "time_zone": "Europe/Berlin",
        "day_start": 2,
        "new_cards_per_day": 3,
        "reviews_per_day": 9,
        "theme": "dark",
        "is_active": "on",
        "remind_at": 17,
        "remind_days": 31,
        "remind_from_cards": 5,
    }
    response = operator.post(page("accounts_user_change", who.pk), data)
    assert response.status_code == 302
    who.refresh_from_db()
    assert (who.time_zone, who.day_start, who.theme) == ("Europe/Berlin", 2, "dark")


@pytest.mark.parametrize(
    "name",
    [
        "flashcards_card",
        "flashcards_topic",
        "flashcards_deck",
        "flashcards_reviewstate",
        "flashcards_reviewlog",
        "accounts_user",
    ],
)
def test_a_list_takes_as_many_statements_for_thirty_rows_as_for_three(
    operator, name, django_assert_max_num_queries
):
    for cards in (3, 27):
        for card in making.deck(cards):
            making.answered(making.learner(), card, 4)
        with django_assert_max_num_queries(12):
            assert operator.get(page(f"{name}_changelist")).status_code == 200
