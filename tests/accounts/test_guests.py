import pytest
from django.core import mail
from django.test import Client

from accounts.models import User
from tests.accounts.people import (
    account,
    browser,
    link_in,
    log_in,
    send,
    sign_up,
    text_of,
    visitor,
    who_is_at,
)

pytestmark = pytest.mark.django_db


def test_a_visitor_studies_at_once():
    client = browser()
    response = send(client, "/", to="/try/", time_zone="Asia/Tokyo")
    assert (response.status_code, response["Location"]) == (303, "/review/")
    guest = who_is_at(client)
    assert guest
    assert (guest.is_guest, guest.email, guest.time_zone) == (True, "", "Asia/Tokyo")
    assert client.get("/today/").status_code == 200


def test_a_visitor_can_name_the_page_to_begin_with():
    assert send(browser(), "/", to="/try/", next="/today/")["Location"] == "/today/"


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", "A" * 500, "/etc/localtime"])
def test_a_visitor_whose_zone_we_do_not_know_gets_utc(zone):
    assert getattr(who_is_at(visitor(time_zone=zone)), "time_zone", None) == "UTC"


def test_trying_again_makes_no_second_guest():
    client = visitor()
    guest = who_is_at(client)
    send(client, "/settings/", to="/try/")
    assert who_is_at(client) == guest == User.objects.get()


def test_trying_while_logged_in_changes_nothing():
    user = account()
    client = browser(user)
    send(client, "/settings/", to="/try/")
    assert who_is_at(client) == user == User.objects.get()


def test_trying_needs_a_post():
    assert browser().get("/try/").status_code == 405
    assert not User.objects.exists()


def test_trying_from_another_site_is_refused():
    assert browser().post("/try/").status_code == 403
    assert not User.objects.exists()


def test_nobody_makes_guests_by_the_hundred():
    statuses = [Client().post("/try/").status_code for _ in range(21)]
    assert statuses == [303] * 20 + [429]
    assert User.objects.count() == 20


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/password/change/",
        "/accounts/password/set/",
        "/accounts/email/",
        "/accounts/reauthenticate/",
    ],
)
def test_pages_that_need_an_account_send_a_guest_to_sign_up(path):
    client = visitor()
    assert client.get(path)["Location"] == "/accounts/signup/"
    assert send(client, "/settings/", to=path)["Location"] == "/accounts/signup/"


def test_a_guest_has_settings_and_an_offer_to_sign_up():
    html = text_of(visitor().get("/settings/"))
    assert 'value="Asia/Tokyo" selected' in html
    assert "Sign up to keep this" in html
    assert "Change password" not in html


def test_the_log_in_page_says_what_stays_behind():
    assert "stays behind" in text_of(visitor().get("/accounts/login/"))
    assert "stays behind" not in text_of(browser().get("/accounts/login/"))


def test_a_guest_who_logs_in_is_at_the_account_and_the_account_is_unchanged():
    user = account(time_zone="Europe/Paris")
    client = visitor(time_zone="Asia/Tokyo")
    log_in(client)
    assert who_is_at(client) == user
    assert User.objects.get(pk=user.pk).time_zone == "Europe/Paris"


def test_a_failed_log_in_leaves_the_guest_a_guest():
    client = visitor()
    guest = who_is_at(client)
    log_in(client, password="wrong")
    assert who_is_at(client) == guest


def test_the_log_out_page_warns_a_guest():
    client = visitor()
    assert "Leave and lose it" in text_of(client.get("/accounts/logout/"))
    assert who_is_at(client)
    send(client, "/accounts/logout/")
    assert who_is_at(client) is None


def test_a_link_from_a_mail_never_logs_a_guest_out():
    sign_up(browser())
    client = visitor()
    guest = who_is_at(client)
    link = link_in(mail.outbox[0])
    client.get(link)
    assert who_is_at(client) == guest
    send(client, link)
    assert who_is_at(client) == guest
    assert "is confirmed" in text_of(client.get("/today/"))


def test_choosing_a_forgotten_password_never_logs_a_guest_out():
    account(confirmed=True)
    client = visitor()
    guest = who_is_at(client)
    send(client, "/accounts/password/reset/", email="ada@example.org")
    page = client.get(link_in(mail.outbox[0]))["Location"]
    assert send(client, page, password1="a quite new password").status_code == 302
    assert who_is_at(client) == guest
    assert log_in(browser(), password="a quite new password").status_code == 302
