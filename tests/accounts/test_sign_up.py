import threading

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection, connections

from accounts.models import User
from tests.accounts.people import (
    ADA,
    EVE,
    PASSWORD,
    account,
    browser,
    log_in,
    send,
    sign_up,
    text_of,
    title_of,
    token_of,
    visitor,
    who_is_at,
)

pytestmark = pytest.mark.django_db
# Pages show the time of day; two of them that are compared must not lie around a full minute.
frozen = time_machine.travel("2026-11-24T12:00:30+00:00", tick=False)


def test_an_address_and_a_password_are_enough_to_study_at_once():
    client = browser()
    response = sign_up(client)
    assert (response.status_code, response["Location"]) == (302, "/today/")
    user = who_is_at(client)
    assert user
    assert user.email == ADA
    assert not user.is_guest
    assert client.get("/today/").status_code == 200


def test_sign_up_leads_back_to_the_page_that_asked_for_it():
    assert sign_up(browser(), next="/help/")["Location"] == "/help/"


def test_the_address_is_kept_in_lower_case():
    sign_up(browser(), email="Ada@Example.ORG")
    assert User.objects.get().email == ADA
    assert EmailAddress.objects.get().email == ADA


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Europe/Stockholm", "Europe/Stockholm"),
        ("", "UTC"),
        ("Mars/Olympus", "UTC"),
        ("../etc/passwd", "UTC"),
    ],
)
def test_the_browsers_time_zone_is_taken_where_we_know_it(sent, kept):
    sign_up(browser(), time_zone=sent)
    assert User.objects.get().time_zone == kept


def test_the_form_asks_the_script_for_the_time_zone():
    assert 'name="time_zone" data-time-zone' in browser().get("/accounts/signup/").content.decode()


@pytest.mark.parametrize(
    "password",
    ["correct horse battery staple " * 8, "  spaces at both ends  ", "пароль из нескольких слов", "🦑" * 9],
)
def test_a_long_passphrase_in_any_script_is_a_password(password):
    client = browser()
    assert sign_up(client, password=password).status_code == 302
    assert log_in(browser(), password=password).status_code == 302


@pytest.mark.parametrize("password", ["", "short", "1234567890", "password123", "ada@example.org"])
def test_a_password_that_is_guessed_at_once_is_refused(password):
    response = sign_up(browser(), password=password)
    assert title_of(response).startswith("Error: ")
    assert 'href="#id_password1"' in text_of(response)
    assert not User.objects.exists()


def pages_after_sign_up(client, email):
    """Return everything that whoever signs up gets to see, with the address taken out."""
    before = len(mail.outbox)
    answer = sign_up(client, email=email)
    seen = [str(answer.status_code), answer["Location"], str(sorted(answer.cookies)), text_of(answer)]
    paths = ["/today/", "/settings/", "/accounts/email/", "/accounts/password/change/"]
    seen += [text_of(client.get(path)) for path in paths]
    seen.append(text_of(send(client, "/settings/", to="/settings/confirm-again/", email=email)))
    seen.append(text_of(client.get("/settings/")))
    seen.append(f"{len(mail.outbox) - before} mail")
    return [page.replace(email, "ADDRESS") for page in seen]


@frozen
@pytest.mark.parametrize("confirmed", [True, False])
def test_signing_up_with_a_taken_address_looks_like_any_sign_up(confirmed):
    account("taken@example.org", password="another password", confirmed=confirmed)
    assert pages_after_sign_up(browser(), "taken@example.org") == pages_after_sign_up(
        browser(), "tango@example.org"
    )


@frozen
def test_signing_up_right_after_somebody_else_with_the_same_address_looks_like_any_sign_up():
    sign_up(browser(), email="taken@example.org", password="another password")
    after, fresh = (
        pages_after_sign_up(browser(), email) for email in ("taken@example.org", "tango@example.org")
    )
    assert after[:-1] == fresh[:-1]  # but for the mail, which goes to one address once in three minutes


@pytest.mark.parametrize("confirmed", [True, False])
def test_whoever_signed_up_with_a_taken_address_can_log_in_again(confirmed):
    """If they couldn't, the next log-in would tell that the address is taken."""
    owner = account(confirmed=confirmed, password="the owner's password")
    sign_up(browser(), password="the second password")
    client = browser()
    assert log_in(client, password="the second password").status_code == 302
    assert who_is_at(client) not in {None, owner}
    assert log_in(client := browser(), password="the owner's password").status_code == 302
    assert who_is_at(client) == owner


def test_an_account_with_a_taken_address_never_sees_the_owners_data():
    account(confirmed=True, password="the owner's password", time_zone="Europe/Paris")
    client = browser()
    sign_up(client, password="the second password")
    assert 'value="Europe/Paris" selected' not in text_of(client.get("/settings/"))


def test_the_owner_of_a_taken_address_is_told_and_gets_no_link_to_confirm():
    account(confirmed=True, password="another password")
    sign_up(browser())
    (message,) = mail.outbox
    assert message.to == [ADA]
    assert message.subject == "You already have an Engram account"
    assert "confirm-email" not in message.body


def test_a_form_sent_twice_opens_one_account():
    client = browser()
    form = token_of(client, "/accounts/signup/") | {"email": ADA, "password1": PASSWORD}
    cookies = client.cookies.output()
    assert client.post("/accounts/signup/", form).status_code == 302
    again = browser()
    again.cookies.load(cookies.replace("Set-Cookie: ", ""))
    assert again.post("/accounts/signup/", form).status_code == 302
    assert who_is_at(again) == who_is_at(client) == User.objects.get()


def test_signing_up_with_the_password_of_ones_account_logs_in_to_it():
    owner = account(confirmed=True)
    client = browser()
    sign_up(client)
    assert who_is_at(client) == owner
    assert "there already" in text_of(client.get("/today/"))


def test_sign_up_is_no_way_to_guess_passwords_faster():
    owner = account()
    for number in range(5):
        sign_up(browser(), password=f"wrong guess {number}")
    client = browser()
    sign_up(client)
    assert who_is_at(client) != owner


def test_a_guest_who_signs_up_keeps_everything():
    client = visitor(time_zone="Asia/Tokyo")
    guest = who_is_at(client)
    assert guest
    send(
        client,
        "/settings/",
        time_zone="Asia/Seoul",
        day_start="2",
        new_cards_per_day="9",
        reviews_per_day="77",
        theme="dark",
    )
    assert sign_up(client, time_zone="Europe/Paris").status_code == 302
    user = who_is_at(client)
    assert user
    assert (user.pk, user.email, user.is_guest) == (guest.pk, ADA, False)
    assert (user.time_zone, user.new_cards_per_day, user.theme) == ("Asia/Seoul", 9, "dark")
    assert user.check_password(PASSWORD)
    assert User.objects.count() == 1
    assert log_in(browser()).status_code == 302


@pytest.mark.parametrize(
    "typed", [{"email": "nowhere"}, {"password": "short"}, {"email": "", "password": ""}]
)
def test_a_guest_who_mistypes_stays_a_guest(typed):
    client = visitor()
    guest = who_is_at(client)
    response = sign_up(client, **typed)
    assert title_of(response).startswith("Error: ")
    assert response.wsgi_request.user.is_guest
    assert who_is_at(client) == guest == User.objects.get(is_guest=True, email="")
    assert "Sign up to keep this" in text_of(client.get("/today/"))


def test_a_guest_who_signs_up_with_a_taken_address_keeps_everything_too():
    account(confirmed=True, password="another password")
    client = visitor()
    guest = who_is_at(client)
    sign_up(client)
    assert who_is_at(client) == guest


def test_a_guest_who_has_an_account_is_told_what_stays_behind():
    owner = account()
    client = visitor()
    sign_up(client)
    assert who_is_at(client) == owner
    assert "What you did as a visitor isn’t in it." in text_of(client.get("/today/"))


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_turn_a_guest_into_one_account():
    client = visitor()
    guest = who_is_at(client)
    form = token_of(client, "/accounts/signup/") | {"email": EVE, "password1": PASSWORD}
    answers = list[int]()

    def press():
        second = browser()
        second.cookies = client.cookies
        answers.append(second.post("/accounts/signup/", form).status_code)
        connections.close_all()

    presses = [threading.Thread(target=press) for _ in range(4)]
    for thread in presses:
        thread.start()
    for thread in presses:
        thread.join()
    connection.close()
    assert answers == [302] * 4
    assert User.objects.get() == guest
    assert EmailAddress.objects.get().user == guest


def test_logged_in_one_is_sent_on_from_the_sign_up_and_log_in_pages():
    client = browser(account())
    assert client.get("/accounts/signup/")["Location"] == "/today/"
    assert client.get("/accounts/login/?next=/help/")["Location"] == "/help/"
    assert client.get("/accounts/login/?next=//evil.example/")["Location"] == "/today/"
