"""The operator's pages: cards are checked as they are saved, logs can't be touched, lists stay cheap."""

import json
import re
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin import site
from django.contrib.auth.models import Group
from django.urls import reverse

import accounts.admin
import flashcards.admin_pages
from accounts.models import AccountEvent, User
from flashcards import finding, queue, rollup, topic_counts
from flashcards.models import Card, Deck, Frontier, Note, Reminder, ReviewLog, ReviewState, Topic
from tests import making
from tests.accounts.people import proven
from tests.making import at, day
from tests.visiting import cells_of, html_of, statements

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


def test_whether_a_deck_may_be_deleted_is_found_without_reading_its_cards(operator, monkeypatch):
    who, cards = making.learner(), making.deck(12)
    kept, empty = cards[0].topic.deck, making.card().topic.deck
    making.answered(who, cards[0], 4)
    refused = operator.get(page("flashcards_deck_delete", kept.pk))
    assert "schedules and answers of learners" in html_of(refused)
    assert "Question 7?" not in html_of(refused)
    monkeypatch.setattr(flashcards.admin_pages, "MOST_DELETED", 0)
    operator.post(page("flashcards_deck_delete", empty.pk), {"post": "yes"})
    assert "more than 0 cards" in html_of(operator.get(page("flashcards_deck_delete", empty.pk)))
    monkeypatch.setattr(flashcards.admin_pages, "MOST_DELETED", 1)
    operator.post(page("flashcards_deck_delete", empty.pk), {"post": "yes"})
    assert list(Deck.objects.all()) == [kept]


def test_the_list_of_cards_is_in_deck_order_and_of_very_many_in_that_of_their_making(operator, monkeypatch):
    first, second = making.deck(2)
    Card.objects.filter(pk=first.pk).update(position=second.position + 1)
    for most, shown in ((9, [second, first]), (1, [first, second])):
        monkeypatch.setattr(finding, "MOST_CARDS", most)
        html = html_of(operator.get(page("flashcards_card_changelist")))
        assert re.findall(r">(Question \d\?)</a>", html) == [card.question for card in shown]


def test_every_page_of_the_cards_holds_its_own(operator, monkeypatch):
    cards = making.deck(9)
    monkeypatch.setattr(site.get_model_admin(Card), "list_per_page", 4)
    pages = [html_of(operator.get(page("flashcards_card_changelist") + f"?p={n}")) for n in (1, 2, 3)]
    names = [re.findall(r">(Question \d\?)</a>", html) for html in pages]
    expected = [card.question for card in cards]
    assert names == [expected[:4], expected[4:8], expected[8:]]


def test_no_action_goes_through_thousands_of_learners(operator, monkeypatch):
    monkeypatch.setattr(accounts.admin, "MOST_AT_ONCE", 2)
    chosen = [making.learner().pk for _ in range(3)]
    address = page("accounts_user_changelist")
    refused = operator.post(address, {"action": "sign_out", "_selected_action": chosen}, follow=True)
    assert "learners at a time" in html_of(refused)
    operator.post(address, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    operator.post(address, {"action": "sign_out", "_selected_action": chosen[:2]})
    epochs = User.objects.filter(pk__in=chosen).order_by("pk").values_list("session_epoch", flat=True)
    assert list(epochs) == [1, 1, 0]


def test_among_very_many_cards_the_search_leaves_the_answers_out(operator, monkeypatch):
    card = making.card()
    Card.objects.filter(pk=card.pk).update(answer="Zebra.", question="Gnu?")
    address = page("flashcards_card_changelist")
    for most, words, found in ((9, "zebra", True), (0, "zebra", False), (0, "gnu", True)):
        monkeypatch.setattr(finding, "MOST_CARDS", most)
        assert (f"/{card.pk}/change/" in html_of(operator.get(f"{address}?q={words}"))) == found


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


def test_a_card_is_found_by_its_words_and_retired_and_brought_back_from_the_list(operator):
    first, second = making.deck(2)
    Card.objects.filter(pk=first.pk).update(answer="Gradient descent.")
    html = html_of(operator.get(page("flashcards_card_changelist"), {"q": "gradient"}))
    assert first.key in html
    assert second.key not in html
    for action, retired in (("retire", True), ("bring_back", False)):
        sent = {"action": action, "_selected_action": [first.pk]}
        answer = operator.post(page("flashcards_card_changelist"), sent, follow=True)
        assert "1 card." in html_of(answer)
        first.refresh_from_db()
        assert first.retired is retired


def test_a_card_that_is_brought_back_is_met_by_whoever_is_past_its_place(operator):
    who, cards = making.learner(), making.deck(3)
    Card.objects.filter(pk=cards[0].pk).update(retired=True)
    making.graded(who, cards[1], 4, at(1))
    rollup.begin(who, day(2))
    sent = {"action": "bring_back", "_selected_action": [cards[0].pk, cards[2].pk]}
    assert "Back: 1 card." in html_of(operator.post(page("flashcards_card_changelist"), sent, follow=True))
    assert queue.counts(who, day(2)).first_new == cards[0].pk


def test_decks_and_topics_say_how_many_cards_they_have(operator):
    cards = making.deck(12)
    Card.objects.filter(pk__in=[card.pk for card in cards[:2]]).update(retired=True)
    decks = cells_of(html_of(operator.get(page("flashcards_deck_changelist"))))
    assert decks[-1][-2:] == ["10", "2"]
    topics = cells_of(html_of(operator.get(page("flashcards_topic_changelist"))))
    assert [row[-2:] for row in topics[-2:]] == [["8", "2"], ["2", "0"]]


def test_whatever_is_done_to_cards_their_topics_know_how_many_they_have(operator):
    cards = making.deck(12)
    first, second = cards[0].topic, cards[10].topic

    def counts():
        assert not topic_counts.differing().exists()
        return [Topic.objects.get(pk=topic.pk).card_count for topic in (first, second)]

    operator.post(page("flashcards_card_change", cards[0].pk), form(cards[0], topic=second.pk))
    assert counts() == [9, 3]
    operator.post(page("flashcards_card_change", cards[1].pk), form(cards[1], retired="on"))
    assert counts() == [8, 3]
    operator.post(page("flashcards_card_add"), form(cards[2], key="another", position=99))
    assert counts() == [9, 3]
    for action, expected in (("retire", [8, 2]), ("bring_back", [9, 3])):
        sent = {"action": action, "_selected_action": [cards[3].pk, cards[11].pk]}
        operator.post(page("flashcards_card_changelist"), sent)
        assert counts() == expected
    operator.post(page("flashcards_card_delete", cards[4].pk), {"post": "yes"})
    assert counts() == [8, 3]
    sent = {"action": "delete_selected", "_selected_action": [cards[5].pk, cards[10].pk], "post": "yes"}
    operator.post(page("flashcards_card_changelist"), sent)
    assert counts() == [7, 2]


def test_a_learners_page_leads_to_their_mails_events_and_schedules_and_shows_no_note(operator):
    who, stranger, card = making.learner(), making.learner(), making.card()
    for learner in (who, stranger):
        making.graded(learner, card, 4, making.at(1))
    Note.objects.create(learner=who, card=card, text="a secret of mine")
    html = html_of(operator.get(page("accounts_user_change", who.pk)))
    links = re.findall(r'href="([^"]*learner__id__exact=\d+)"', html)
    assert len(links) == 4
    for link in links:
        listed = html_of(operator.get(link))
        assert "secret" not in html + listed
        assert stranger.email not in listed
    assert who.email in listed


def many(number):
    """Store that many more rows of everything that the admin lists, each learner with a card of their own."""
    made = making.deck(number)
    row = making.graded(making.learner(), made[0], 4, making.at(1))
    state = making.state(row.learner, made[0])
    learners = User.objects.bulk_create(User(email=f"{card.key}@example.org") for card in made[1:])
    EmailAddress.objects.bulk_create(EmailAddress(user=who, email=who.email) for who in learners)
    pairs = zip(learners, made[1:], strict=True)
    states = ReviewState.objects.bulk_create(
        copied(state, learner_id=who.pk, card_id=card.pk) for who, card in pairs
    )
    ReviewLog.objects.bulk_create(
        copied(row, learner_id=held.learner_id, state_id=held.pk, submission=uuid4()) for held in states
    )
    mail = {"intended_on": making.day(1), "expires_at": making.at(2), "next_try_at": making.at(1)}
    Reminder.objects.bulk_create(
        Reminder(learner=who, kind="daily", message_id=f"<{who.pk}@x>", **mail) for who in learners
    )
    event = {"kind": AccountEvent.Kind.LOGGED_IN, "at": making.at(1)}
    AccountEvent.objects.bulk_create(AccountEvent(learner=who, **event) for who in learners)
    Topic.objects.bulk_create(
        Topic(deck=card.topic.deck, key=f"topic-of-{card.key}", name="Topic", position=1_000 + card.position)
        for card in made
    )
    Deck.objects.bulk_create(Deck(key=f"deck-of-{card.key}", name=card.key) for card in made)
    Group.objects.bulk_create(Group(name=card.key) for card in made)


def copied(row, **other):
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return type(row)(**(values | {"id": None} | other))


def test_every_list_takes_as_many_statements_for_five_hundred_rows_as_for_five(operator):
    names = [f"{model._meta.app_label}_{model._meta.model_name}" for model in site._registry]
    assert len(names) == 10
    lists = [page(f"{name}_changelist") for name in names]
    addresses = lists + [f"{address}?q=example.org" for address in lists if "/group/" not in address]
    many(5)
    few = {address: statements(operator, address) for address in addresses}
    many(500)
    cards = page("flashcards_card_changelist")
    now = {address: statements(operator, address) for address in addresses}
    assert now == few | {cards: few[cards] + 1}  # which finds the keys first, where there are pages
    assert max(now.values()) <= 12


@pytest.mark.parametrize(
    ("name", "model"), [("flashcards_card", Card), ("flashcards_topic", Topic), ("accounts_user", User)]
)
def test_the_page_of_one_takes_as_many_statements_beside_five_hundred_as_beside_five(operator, name, model):
    taken = []
    for number in (1, 5, 500):  # the first visit also asks once for what is kept from then on
        many(number)
        taken.append(statements(operator, page(f"{name}_change", model.objects.latest("pk").pk)))
    assert taken[1] == taken[2] <= 12
