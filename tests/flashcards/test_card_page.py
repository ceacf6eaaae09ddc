"""The card page: the whole card, its schedule and past, and what can be done with it."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import User
from flashcards import notes, reviewing
from flashcards.models import Card, ReviewLog, ReviewState
from tests.making import (
    answer,
    answered,
    at,
    card,
    day,
    deck,
    graded,
    kinds,
    learner,
    proven,
    scheduled,
    state,
)
from tests.visiting import cells_of, client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db
ACTIONS = ["suspend", "release", "bury", "reset", "set-due"]


@pytest.fixture
def who(time_machine) -> User:
    time_machine.move_to(at(1), tick=False)
    return learner()


@pytest.fixture
def one(who) -> Card:
    return card()


def page(who: User, what: Card, query: str = "") -> str:
    response = client_of(who).get(reverse("card", args=[what.pk]) + query)
    assert response.status_code == 200
    return html_of(response)


def post(who: User, name: str, what: Card, **data: object):
    return client_of(who).post(reverse(name, args=[what.pk]), data)


def said(who: User, name: str, what: Card, **data: object) -> str:
    client = client_of(who)
    response = client.post(reverse(name, args=[what.pk]), data)
    assert (response.status_code, response["Location"]) == (303, reverse("card", args=[what.pk]))
    return html_of(client.get(response["Location"]))


def test_the_page_shows_every_part_of_the_card(who, one):
    Card.objects.filter(pk=one.pk).update(
        answer="The lede.\n\nThe **rest**.",
        formula="a^2",
        formula_note="a: a side",
        practice="At *92* %.",
        key_points=[{"text": "A point", "must": True}],
        follow_ups=[{"question": "And then?", "answer": "Nothing."}],
    )
    notes.save(who, one.pk, "My *own* words", "")
    html = page(who, one)
    for part in ("Question 1?", "The lede.", "<strong>rest</strong>", "<math", "a: a side", "<em>92</em>"):
        assert part in html
    for part in ("A point", "And then?", "Nothing.", "My <em>own</em> words", "Edit my note", "Topic 1"):
        assert part in html


def test_the_schedule_says_state_due_day_interval_ease_and_misses(who, one):
    scheduled(who, one, day(3), interval=15, ease=236, lapses=2)
    words = words_of(page(who, one))
    assert "State Review Due 4 March Interval 15 days Ease 2.36 Missed (lapses) 2 times" in words
    assert f'href="/review/?card={one.pk}"' in page(who, one)


def test_a_card_that_owes_a_repeat_says_so(who, one):
    graded(who, one, 2, at(1, 9))
    assert "State Learning, once more today Due Tomorrow" in words_of(page(who, one))


def test_a_new_card_has_no_schedule_to_change(who, one):
    html = page(who, one)
    assert "You haven’t answered this card yet." in html
    assert "Reset this card" not in html
    assert "Set due day" not in html


def test_a_card_missed_eight_times_says_so_and_offers_a_way_out(who, one):
    row = scheduled(who, one, day(3), lapses=7)
    assert "You’ve missed this card" not in page(who, one)
    ReviewState.objects.filter(pk=row.pk).update(lapses=8)
    words = words_of(page(who, one))
    assert "You’ve missed this card 8 times." in words
    assert "or suspend it for now. Write a note Suspend" in words
    reviewing.suspend(who, one.pk, at(1))
    assert "or suspend it" not in page(who, one)


def test_suspending_and_releasing_leave_the_schedule_alone(who, one):
    before = answered(who, one, 4)
    assert "Suspended: this card won’t come up until you release it." in said(who, "suspend", one)
    assert state(who, one).suspended
    html = page(who, one)
    assert "State Suspended" in words_of(html)
    assert "Review this card now" not in html
    assert "This card is back in the queue." in said(who, "release", one)
    after = state(who, one)
    assert (after.suspended, after.due_on, after.version) == (False, before.due_on, before.version)


def test_burying_lasts_until_the_next_study_day(who, one, time_machine):
    assert "comes back tomorrow" in said(who, "bury", one)
    assert "State Buried" in words_of(page(who, one))
    time_machine.move_to(at(2), tick=False)
    assert "State New" in words_of(page(who, one))


def test_a_buried_card_can_be_brought_back_and_a_suspended_one_released(who, one):
    reviewing.bury(who, one.pk, at(1))
    assert "Bring it back today" in page(who, one)
    post(who, "release", one)
    assert state(who, one).buried_on is None


def test_a_reset_makes_the_card_new_and_keeps_its_history(who, one):
    answered(who, one, 4)
    html = said(who, "reset", one, version=1)
    assert "This card is new again. Its history is kept." in html
    assert kinds(who, one) == ["review", "reset"]
    assert state(who, one).due_on is None
    assert cells_of(html)[0][1:5] == ["Reset", "–", "–", "1 day → new"]
    proven(who)


def test_a_reset_says_what_it_does_before_it_does_it(who, one):
    answered(who, one, 4)
    html = page(who, one)
    asks = html[html.index("<details") : html.index("</details>")]
    assert "becomes new again" in asks
    assert "Its history stays" in asks
    assert '<input type="hidden" name="version" value="1">' in asks


def test_a_due_day_can_be_chosen(who, one):
    answered(who, one, 4)
    assert "Due on 9 March 2026." in said(who, "set-due", one, version=1, due_on="2026-03-09")
    assert state(who, one).due_on == day(8)
    assert kinds(who, one) == ["review", "set_due"]
    proven(who)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Choose a day."),
        ("2026-03-01", "Choose a day from today to 100 years ahead."),
        ("2126-12-31", "Choose a day from today to 100 years ahead."),
        ("9999-12-31", "Choose a day from today to 100 years ahead."),
        ("2026-02-30", "Choose a day, such as 2026-12-31."),
        ("soon <b>", "Choose a day, such as 2026-12-31."),
        ("1\0", "Choose a day, such as 2026-12-31."),
    ],
)
def test_a_day_that_cant_be_is_refused_and_what_was_typed_stays(who, one, typed, sentence):
    answered(who, one, 4)
    response = post(who, "set-due", one, version=1, due_on=typed)
    html = html_of(response)
    assert response.status_code == 422
    assert sentence in html
    assert "<title>Error: " in html
    assert re.search(r'<input[^>]* name="due_on"[^>]* autofocus', html)
    assert 'aria-invalid="true"' in html
    assert kinds(who, one) == ["review"]
    if typed.isascii() and typed.replace("-", "").isdigit():
        assert f'value="{typed}"' in html


@pytest.mark.parametrize("name", ["reset", "set-due"])
@pytest.mark.parametrize("version", ["", "x", "-1", "99999999999999999999", None])
def test_a_form_without_a_proper_version_changes_nothing(who, one, name, version):
    answered(who, one, 4)
    data = {"due_on": "2026-03-09"} | ({} if version is None else {"version": version})
    response = post(who, name, one, **data)
    assert response.status_code == 422
    assert "The form was incomplete; try again." in html_of(response)
    assert kinds(who, one) == ["review"]


@pytest.mark.parametrize("name", ["reset", "set-due"])
def test_a_form_from_before_another_answer_is_refused_and_can_be_sent_again(who, one, name):
    answered(who, one, 4, 4)
    response = post(who, name, one, version=1, due_on="2026-03-19")
    html = html_of(response)
    assert response.status_code == 409
    assert "This card changed in the meantime." in html
    assert 'name="version" value="2"' in html
    if name == "set-due":
        assert 'value="2026-03-19"' in html
    assert kinds(who, one) == ["review", "review"]


@pytest.mark.parametrize("name", ["reset", "set-due"])
def test_a_new_card_has_nothing_to_reset_or_move(who, one, name):
    response = post(who, name, one, version=0, due_on="2026-03-19")
    assert response.status_code == 409
    assert "This card is new" in html_of(response)


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_leads_to_the_page_named_by_next_but_never_off_the_site(who, one, name):
    for wanted, lead in [
        ("/browse/?q=x", "/browse/?q=x"),
        ("https://evil.example/", f"/cards/{one.pk}/"),
        ("//evil.example/", f"/cards/{one.pk}/"),
        ("javascript:alert(1)", f"/cards/{one.pk}/"),
    ]:
        row = answered(who, one, 4) if name in ("reset", "set-due") else None
        version = row.version if row else 0
        response = post(who, name, one, next=wanted, version=version, due_on="2026-03-09")
        assert (response.status_code, response["Location"]) == (303, lead)
        ReviewState.objects.all().delete()


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_needs_a_post_a_token_and_a_card(who, one, name):
    client = client_of(who)
    url = reverse(name, args=[one.pk])
    assert client.get(url).status_code == client.head(url).status_code == 405
    strict = client_of(who)
    strict.handler.enforce_csrf_checks = True
    assert strict.post(url).status_code == 403
    for number in (one.pk + 1_000, 10**18, 10**30):
        assert client.post(f"/cards/{number}/{url.split('/')[3]}/", {"version": 0}).status_code == 404
    assert not ReviewState.objects.exists()


@pytest.mark.parametrize("name", ["card", "note", *ACTIONS])
def test_a_visitor_is_asked_to_log_in(client, one, name):
    url = reverse(name, args=[one.pk])
    response = client.get(url) if name in ("card", "note") else client.post(url)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_a_card_that_is_nobodys_business_looks_like_one_that_never_was(who, one):
    someone = learner()
    answered(someone, one, 4)
    notes.save(someone, one.pk, "Secret", "")
    assert "Secret" not in page(who, one)
    Card.objects.update(retired=True)
    client = client_of(who)
    bodies = [client.get(f"/cards/{number}/") for number in (one.pk, one.pk + 1, 10**25)]
    assert [response.status_code for response in bodies] == [404] * 3
    assert len({words_of(html_of(response)) for response in bodies}) == 1


def test_a_retired_card_is_still_there_for_those_who_answered_it(who, one):
    answered(who, one, 4)
    Card.objects.update(retired=True)
    html = page(who, one)
    assert "This card has left the deck." in html
    assert len(cells_of(html)) == 1
    assert "Change the schedule" not in html
    assert "Review this card now" not in html
    for name in ACTIONS:
        response = post(who, name, one, version=1, due_on="2026-03-09")
        assert response.status_code == 409
        assert "isn’t scheduled any more" in html_of(response)
    assert kinds(who, one) == ["review"]


def test_a_retired_card_that_was_only_paused_is_gone(who, one):
    reviewing.suspend(who, one.pk, at(1))
    Card.objects.update(retired=True)
    assert client_of(who).get(f"/cards/{one.pk}/").status_code == 404


def test_the_history_tells_each_event_newest_first(who, one):
    graded(who, one, 3, at(1, 9, 5))
    graded(who, one, 4, at(1, 9, 30))
    graded(who, one, 1, at(2, 10))
    row = graded(who, one, 5, at(2, 10, 10))
    reviewing.undo(who, row.pk, at(2, 10, 11))
    reviewing.set_due(who, one.pk, 5, day(9), at(2, 11))
    assert cells_of(page(who, one)) == [
        ["3 March 2026, 11:00", "Due day set", "–", "–", "1 day", "10 March 2026", "–"],
        ["3 March 2026, 10:11", "Undo", "–", "–", "1 day", "4 March 2026", "–"],
        ["3 March 2026, 10:10", "Once more undone", "Easy", "–", "1 day", "4 March 2026", "10 s"],
        ["3 March 2026, 10:00", "Review", "Again (1)", "92%", "1 day", "4 March 2026", "10 s"],
        ["2 March 2026, 09:30", "Once more", "Good", "–", "1 day", "3 March 2026", "10 s"],
        ["2 March 2026, 09:05", "Review", "Hard", "–", "new → 1 day", "3 March 2026", "10 s"],
    ]


def test_the_history_is_told_in_the_learners_zone(one):
    who = learner(time_zone="Pacific/Auckland")
    graded(who, one, 4, at(1, 12))
    assert cells_of(page(who, one))[0][0] == "3 March 2026, 01:00"


def test_a_long_answer_is_told_in_minutes_and_an_unmeasured_one_not_at_all(who, one):
    graded(who, one, 4, at(1))
    ReviewLog.objects.update(thinking_ms=61_000, reading_ms=None)
    assert cells_of(page(who, one))[0][-1] == "1 min 1 s"
    ReviewLog.objects.update(thinking_ms=None, reading_ms=None)
    assert cells_of(page(who, one))[0][-1] == "–"


def test_a_long_history_comes_a_hundred_events_at_a_time(who, one):
    for n in range(120):
        reviewing.grade_card(who, one.pk, answer(2, n), at(1) + timedelta(minutes=n))
    first, second = page(who, one), page(who, one, "?page=2")
    assert len(cells_of(first)) == 100
    assert len(cells_of(second)) == 20
    assert "120 events" in first
    assert 'href="?page=2"' in first


def test_an_event_is_marked_undone_even_when_its_undo_is_on_another_page(who, one):
    row = graded(who, one, 4, at(1))
    reviewing.undo(who, row.pk, at(1))
    for n in range(2, 102):
        reviewing.grade_card(who, one.pk, answer(2, n), at(1) + timedelta(minutes=n))
    assert cells_of(page(who, one, "?page=2"))[-1][1] == "Review undone"


def test_looking_at_a_card_changes_nothing(who, one):
    page(who, one)
    assert client_of(who).head(f"/cards/{one.pk}/").status_code == 200
    assert not ReviewState.objects.exists()


def test_the_number_of_statements_does_not_grow_with_cards_or_history(who, one):
    graded(who, one, 4, at(1))
    client = client_of(who)
    few = statements(client, f"/cards/{one.pk}/")
    ReviewState.objects.bulk_create(
        ReviewState(learner=who, card=other, due_on=day(2), interval=1) for other in deck(5_000)
    )
    for n in range(1, 130):
        reviewing.grade_card(who, one.pk, answer(2, n), at(1) + timedelta(minutes=n))
    assert statements(client, f"/cards/{one.pk}/") == few <= 12
