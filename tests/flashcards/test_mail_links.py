"""The links of our mails: they work without a log-in for whoever has the token; opening one does nothing."""

import re
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from urllib.parse import quote, urlsplit

import pytest
from django.apps import apps
from django.core import mail
from django.core.mail.backends import locmem
from django.test import Client

from accounts.models import User
from flashcards import queue, reviewing
from flashcards.models import Reminder
from flashcards.reminders import links, listing, wanted
from tests import making
from tests.accounts.people import account, browser, send, text_of, title_of, visitor
from tests.making import at, day
from tests.visiting import words_of

pytestmark = pytest.mark.django_db

EIGHT, TEN = at(1, 8), at(1, 10)  # of a Monday
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
EVE = "eve@example.org"


@pytest.fixture(autouse=True)
def clock(time_machine):
    time_machine.move_to(TEN, tick=False)
    return time_machine


@pytest.fixture
def ada():
    return account(confirmed=True, reminders=True, weekly_summary=True)


def anybody():
    """Return a mail provider's client: no cookie, no token, and the checks of a real server."""
    return Client(enforce_csrf_checks=True)


def path(url):
    return urlsplit(url).path


def stop_at(who, kind="daily"):
    return path(links.unsubscribe_url(who.pk, kind))


def snooze_at(who):
    return path(links.snooze_url(who.pk))


def stored(who):
    fields = "reminders", "weekly_summary", "snoozed_to", "mail_from_on", "mails_unanswered"
    return User.objects.values_list(*fields).get(pk=who.pk)


def everything():
    """Return all rows of all tables."""
    return {
        model.__name__: sorted(map(str, model._default_manager.values_list())) for model in apps.get_models()
    }


# The links themselves.


def test_links_are_built_from_base_url_whatever_the_host_header_says(settings, ada):
    settings.BASE_URL = "https://engram.example/sub"
    for url in (links.unsubscribe_url(ada.pk, "daily"), links.snooze_url(ada.pk)):
        assert url.startswith("https://engram.example/sub/")
    settings.ALLOWED_HOSTS = ["*"]
    html = anybody().get(stop_at(ada).removeprefix("/sub"), headers={"host": "evil.example"}).content.decode()
    assert "evil.example" not in html


def test_a_token_fits_an_address_as_it_is(ada):
    for url in (links.unsubscribe_url(ada.pk, "weekly"), links.snooze_url(ada.pk)):
        assert re.fullmatch(r"http://localhost:8000/(unsubscribe|snooze)/[A-Za-z0-9_.-]+/", url)


def test_a_token_is_the_same_in_every_mail_and_names_who_and_what(ada):
    assert links.snooze_url(ada.pk) == links.snooze_url(ada.pk)
    assert links.unsubscriber(token(stop_at(ada, "weekly"))) == (ada.pk, Reminder.Kind.WEEKLY)
    assert links.snoozer(token(snooze_at(ada))) == ada.pk


def token(address):
    return address.strip("/").split("/")[1]


@pytest.mark.parametrize("page", [stop_at, snooze_at])
def test_a_token_with_any_one_bit_turned_is_refused(ada, page):
    address = page(ada)
    good, before = token(address), everything()
    turned = [
        good[:n] + chr(ord(good[n]) ^ 1 << bit) + good[n + 1 :] for n in range(len(good)) for bit in range(8)
    ]
    client = anybody()
    for each in turned:
        assert links.unsubscriber(each) is None
        assert links.snoozer(each) is None
        response = client.post(address.replace(good, quote(each, safe="")), ONE_CLICK | {"for": "week"})
        assert response.status_code == 404, each
    assert everything() == before


def test_a_forged_token_is_a_missing_page(ada):
    good_stop, good_snooze = token(stop_at(ada)), token(snooze_at(ada))
    signature = good_stop.rpartition(".")[2]
    forged = ["x", good_stop[:-1], good_stop[1:], f"{ada.pk}.daily", f"{ada.pk + 1}.daily.{signature}"]
    forged += [
        f"{ada.pk}.weekly.{signature}",
        f"{ada.pk}.{signature}",
        good_snooze,
        good_stop + "A",
        "%00",
        "%F0",
    ]
    client, missing = anybody(), anybody().get("/nowhere/")
    for method in (client.get, client.head, client.post):
        for each in forged:
            assert method(f"/unsubscribe/{each}/").status_code == 404
            if each != good_snooze:
                assert method(f"/snooze/{each}/").status_code == 404
        assert method(f"/snooze/{good_stop}/").status_code == 404
    assert client.get("/unsubscribe/x/").content == missing.content
    assert stored(ada) == (True, True, None, None, 0)


@pytest.mark.parametrize("page", [stop_at, snooze_at])
def test_the_link_of_a_learner_who_is_gone_is_a_missing_page(ada, page):
    address = page(ada)
    User.objects.all().delete()
    assert anybody().get(address).status_code == 404
    assert anybody().post(address, ONE_CLICK | {"for": "day"}).status_code == 404


def test_whose_account_is_closed_can_still_stop_mails(ada):
    User.objects.update(is_active=False)
    assert anybody().post(stop_at(ada), ONE_CLICK).status_code == 200
    assert stored(ada)[0] is False


@pytest.mark.parametrize("somebody", [None, EVE, "the learner"])
def test_opening_a_link_changes_nothing(ada, somebody):
    client = browser(account(EVE) if somebody == EVE else ada if somebody else None)
    before = everything()
    for address in (stop_at(ada), stop_at(ada, "weekly"), snooze_at(ada), snooze_at(ada) + "?for=week"):
        for response in (client.get(address), client.head(address)):
            assert response.status_code == 200
            assert not response.cookies
            assert "no-store" in response["Cache-Control"]
    assert everything() == before


@pytest.mark.parametrize("page", [stop_at, snooze_at])
def test_other_methods_are_not_allowed(ada, page):
    for method in ("put", "patch", "delete", "options"):
        assert getattr(anybody(), method)(page(ada)).status_code == 405


# Unsubscribing.


@pytest.mark.parametrize("multipart", [True, False])
@pytest.mark.parametrize("kind", ["daily", "weekly"])
def test_one_click_stops_this_list_without_cookie_or_token(ada, kind, multipart):
    eve = account(EVE, reminders=True, weekly_summary=True)
    body = (
        {"data": ONE_CLICK}
        if multipart
        else {
            "data": "List-Unsubscribe=One-Click",
            "content_type": "application/x-www-form-urlencoded",
        }
    )
    for _ in range(2):
        response = anybody().post(stop_at(ada, kind), **body)
        assert response.status_code == 200
        assert not response.cookies
        assert stored(ada)[:2] == (kind == "weekly", kind == "daily")
    assert stored(eve)[:2] == (True, True)


@pytest.mark.parametrize(
    "body",
    [{}, {"List-Unsubscribe": ""}, {"List-Unsubscribe": "one-click"}, {"list-unsubscribe": "One-Click"}],
)
def test_another_body_is_refused_with_a_sentence(ada, body):
    response = anybody().post(stop_at(ada), body)
    assert response.status_code == 400
    assert title_of(response).startswith("Error: ")
    assert "nothing was changed" in text_of(response)
    assert stored(ada)[0] is True


def test_the_address_alone_is_no_body(ada):
    assert anybody().post(f"{stop_at(ada)}?List-Unsubscribe=One-Click").status_code == 400
    assert stored(ada)[0] is True


@pytest.mark.parametrize("kind", ["daily", "weekly"])
def test_the_pages_own_button_does_the_same(ada, kind):
    client = browser(ada)
    html = client.get(stop_at(ada, kind)).content.decode()
    found = re.search(r'<form[^>]* action="([^"]+)">\s*<button[^>]* name="([^"]+)" value="([^"]+)"', html)
    assert found
    action, name, value = found.groups()
    response = client.post(action, {name: value})
    assert (response.status_code, action) == (200, stop_at(ada, kind))
    assert f"{kind} " in title_of(response)
    assert "is stopped" in title_of(response)
    assert stored(ada)[:2] == (kind == "weekly", kind == "daily")


def test_it_works_for_whoever_is_logged_in_as_somebody_else(ada):
    eve = account(EVE, reminders=True)
    client = browser(eve)
    html = text_of(client.get(stop_at(ada)))
    assert "not about the one you’re logged in to here" in html
    assert "Change the hour instead" not in html
    assert client.post(stop_at(ada), ONE_CLICK).status_code == 200
    assert (stored(ada)[0], stored(eve)[0]) == (False, True)


def test_the_hour_can_be_changed_instead(ada):
    for client in (browser(ada), anybody()):
        html = text_of(client.get(stop_at(ada)))
        assert '<a class="btn" href="/settings/#reminders">Change the hour instead</a>' in html
        assert "not about the one" not in html


def test_no_page_behind_a_link_says_whose_it_is(ada):
    for client in (anybody(), browser(account(EVE))):
        for address in (stop_at(ada), snooze_at(ada)):
            assert ada.email not in text_of(client.get(address))


def test_what_is_stopped_is_not_listed_any_more(ada):
    anybody().post(stop_at(ada), ONE_CLICK)
    listing.plan(TEN)
    assert [row.kind for row in Reminder.objects.all()] == ["weekly"]


# Snoozing.


@pytest.mark.parametrize(
    ("choice", "zone", "first"),
    [
        ("day", "UTC", day(2)),
        ("week", "UTC", day(8)),
        ("day", "Pacific/Kiritimati", day(3)),  # where it is Tuesday already
        ("day", "Pacific/Pago_Pago", day(1)),  # and where it is still Sunday
    ],
)
def test_a_snooze_lasts_until_a_day_of_the_learners_zone(ada, choice, zone, first):
    User.objects.update(time_zone=zone)
    eve = account(EVE)
    for _ in range(2):
        response = anybody().post(snooze_at(ada), {"for": choice})
        assert response.status_code == 200
        assert not response.cookies
        assert f"No mail before {first:%A} {first.day} March" in words_of(text_of(response))
        assert stored(ada)[2:4] == (first, first)
    assert stored(eve)[2:4] == (None, None)


def test_no_mail_is_listed_before_and_the_next_one_on_that_day(ada, clock):
    anybody().post(snooze_at(ada), {"for": "week"})
    for number in range(1, 9):
        listing.plan(at(number, 10))
    assert {row.intended_on for row in Reminder.objects.all()} == {day(8)}


@pytest.mark.parametrize("body", [{}, {"for": ""}, {"for": "month"}, {"for": "Week"}, {"days": "7"}])
def test_another_snooze_is_refused_with_a_sentence(ada, body):
    response = anybody().post(snooze_at(ada) + "?for=week", body)
    assert response.status_code == 400
    assert "nothing was changed" in text_of(response)
    assert stored(ada)[2:4] == (None, None)


@pytest.mark.parametrize(("query", "order"), [("", ["day", "week"]), ("?for=week", ["week", "day"])])
def test_the_link_says_which_button_comes_first(ada, query, order):
    html = text_of(anybody().get(snooze_at(ada) + query))
    assert re.findall(r'name="for" value="(\w+)"', html) == order


def test_who_snoozes_after_the_last_mail_gets_mails_again(ada):
    User.objects.update(mails_unanswered=7)
    anybody().post(snooze_at(ada), {"for": "day"})
    assert stored(ada)[4] == 0
    listing.plan(at(2, 10))
    assert Reminder.objects.get().intended_on == day(2)


def test_a_snooze_leaves_the_count_of_unanswered_mails(ada):
    User.objects.update(mails_unanswered=3)
    anybody().post(snooze_at(ada), {"for": "day"})
    assert stored(ada)[4] == 3


# Why no mail would come.


def why_not(who, now):
    today = queue.today_of(who, now)
    return wanted.why_not(who, queue.counts(who, today), today)


def test_a_mail_is_wanted_when_enough_is_due_and_nothing_was_answered():
    who, cards = making.learner(remind_from_cards=2), making.deck(2)
    assert why_not(who, at(1)) == ""
    User.objects.update(remind_from_cards=3)
    who.refresh_from_db()
    assert why_not(who, at(1)) == wanted.TOO_FEW
    making.answered(who, cards[0], 4)
    assert why_not(who, at(1, 13)) == wanted.STUDIED


def test_whoever_only_practised_has_studied_too():
    who, (first, _) = making.learner(), making.deck(2)
    making.answered(who, first, 4, 4)
    making.graded(who, first, 4, at(3))
    assert making.kinds(who, first)[-1] == "practice"
    assert why_not(who, at(3, 13)) == wanted.STUDIED


def test_an_answer_that_was_undone_is_none():
    who, card = making.learner(), making.card()
    row = making.graded(who, card, 4, at(1))
    reviewing.undo(who, row.pk, at(1, 13))
    assert why_not(who, at(1, 14)) == ""


def test_with_nothing_left_nothing_is_due():
    who = making.learner()
    assert why_not(who, at(1)) == wanted.NOTHING_DUE


def test_in_a_break_nothing_is_wanted():
    making.card()
    assert why_not(making.learner(break_from=day(1), break_until=day(2)), at(2)) == wanted.IN_A_BREAK
    assert why_not(making.learner(break_from=day(1), break_until=day(2)), at(3)) == ""


# One mail on request.


def ask(client):
    """Press the button and return what the next page says about it."""
    response = send(client, "/settings/", to="/settings/send-one-now/")
    assert (response.status_code, response["Location"]) == (303, "/settings/")
    html = text_of(client.get("/settings/"))
    found = re.search(r'<div class="notes" id="messages">(.*?)</main>', html, re.DOTALL)
    assert found
    return words_of(found[1].split("</div> </div>")[0].split('<div class="pagehead">')[0])


def test_one_is_sent_now_whatever_the_hour_and_whether_or_not_reminders_are_on(ada):
    making.deck(9)
    User.objects.update(reminders=False, snoozed_to=day(30), remind_days=0, new_cards_per_day=9)
    client = browser(ada)
    before = everything()
    assert f"Sent to {ada.email}" in ask(client)
    (message,) = mail.outbox
    assert message.to == [ada.email]
    assert "9 cards" in message.body
    assert re.fullmatch(r"<\S+@localhost>", message.extra_headers["Message-ID"])
    after = everything()
    assert {name for name in after if after[name] != before[name]} <= {"Session"}


def test_every_link_of_the_mail_comes_from_base_url_and_works(settings, ada):
    making.card()
    settings.ALLOWED_HOSTS = ["*"]
    client = Client(headers={"host": "evil.example"})
    client.force_login(ada)
    client.post("/settings/send-one-now/")
    (message,) = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    text = str(message.body) + str(message.alternatives[0][0])
    assert "evil.example" not in str(message.message())
    addresses = set(re.findall(r"https?://[^\s\"<>]+", text))
    for address in addresses:
        assert address.startswith(settings.BASE_URL)
        assert anybody().get(address.removeprefix(settings.BASE_URL)).status_code in {200, 302}
    one_click = message.extra_headers["List-Unsubscribe"].strip("<>").removeprefix(settings.BASE_URL)
    assert anybody().post(one_click, ONE_CLICK).status_code == 200
    assert stored(ada)[:2] == (False, True)


def test_each_has_a_message_id_of_its_own(ada):
    making.card()
    client = browser(ada)
    ask(client)
    ask(client)
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"new_cards_per_day": 0}, "0 cards are due, so no mail would come now."),
        ({"remind_from_cards": 10}, "5 cards to answer today, fewer than the 10 you asked for"),
        ({"break_from": day(1), "break_until": day(2)}, "You’re in a break, so no mail would come now."),
        ({"refused_email": "ada@example.org"}, "Mail to ada@example.org came back, so we sent nothing."),
    ],
)
def test_when_none_would_come_it_says_why_and_sends_none(ada, fields, said):
    making.deck(9)
    User.objects.update(**fields)
    assert said in ask(browser(ada))
    assert not mail.outbox


def test_who_has_studied_gets_none(ada):
    cards = making.deck(3)
    making.graded(ada, cards[0], 4, EIGHT)
    assert "You’ve studied today" in ask(browser(ada))
    assert not mail.outbox


def test_an_address_that_is_not_confirmed_gets_none():
    making.card()
    assert "isn’t confirmed yet, so we sent nothing" in ask(browser(account()))
    assert not mail.outbox


def test_a_guest_is_told_to_sign_up_first():
    making.card()
    assert "Sign up first" in ask(visitor())
    assert not mail.outbox


def test_nobody_gets_more_than_five_an_hour(ada, clock):
    making.card()
    client = browser(ada)
    for _ in range(5):
        ask(client)
    assert "as many as we send within an hour" in ask(client)
    assert len(mail.outbox) == 5
    other = account(EVE, confirmed=True)
    assert "Sent to" in ask(browser(other))
    clock.move_to(at(1, 11, 1), tick=False)
    assert "Sent to" in ask(client)


@pytest.mark.parametrize(
    ("error", "said", "refused"),
    [
        (SMTPServerDisconnected("gone"), "couldn’t be sent just now", ""),
        (TimeoutError(), "couldn’t be sent just now", ""),
        (
            SMTPRecipientsRefused({"ada@example.org": (550, b"5.1.1 no such user")}),
            "Mail to ada@example.org came back",
            "ada@example.org",
        ),
    ],
    ids=["server", "time", "address"],
)
def test_a_mail_server_that_fails_is_a_sentence(ada, monkeypatch, error, said, refused):
    making.card()

    def fail(self, messages):
        raise error

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", fail)
    assert said in ask(browser(ada))
    assert User.objects.get(pk=ada.pk).refused_email == refused


def test_asking_needs_the_forms_token_and_a_post(ada):
    client = browser(ada)
    assert client.get("/settings/send-one-now/").status_code == 405
    assert client.post("/settings/send-one-now/").status_code == 403
    assert anybody().post("/settings/send-one-now/").status_code == 403
    assert not mail.outbox
