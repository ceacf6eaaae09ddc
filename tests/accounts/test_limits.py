"""Attempts are counted by client and by account, whoever the client says to be, known account or not."""

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import Client

from tests.accounts.people import ADA, PASSWORD, account, app_of, browser, log_in, text_of

pytestmark = pytest.mark.django_db


def attempt(client_address, forwarded, path="/accounts/login/"):
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    return Client(headers=headers, REMOTE_ADDR=client_address).post(path, {}).status_code


def test_a_hundred_forged_addresses_of_one_peer_are_one_client(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    statuses = [attempt("10.0.0.1", f"198.51.100.{number}, 192.0.2.7") for number in range(100)]
    assert statuses == [200] * 30 + [429] * 70


def test_two_peers_behind_the_proxy_are_two_clients(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    statuses = [attempt("10.0.0.1", f"203.0.113.1, 192.0.2.{7 + number % 2}") for number in range(62)]
    assert statuses == [200] * 60 + [429] * 2


def test_without_a_proxy_the_header_counts_for_nothing(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    statuses = [attempt("192.0.2.7", f"198.51.100.{number}") for number in range(31)]
    assert statuses == [200] * 30 + [429]
    assert attempt("192.0.2.8", "198.51.100.1") == 200


def test_of_two_proxies_the_second_last_entry_is_the_client(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    statuses = [attempt("10.0.0.1", f"198.51.100.{n}, 192.0.2.7, 10.0.0.2") for n in range(31)]
    assert statuses == [200] * 30 + [429]
    assert attempt("10.0.0.1", "198.51.100.1, 192.0.2.8, 10.0.0.2") == 200


def test_failures_are_counted_by_account_wherever_they_come_from():
    account()
    for number in range(5):
        Client(REMOTE_ADDR=f"192.0.2.{number}").post("/accounts/login/", {"login": ADA, "password": "wrong"})
    refused = Client(REMOTE_ADDR="192.0.2.99").post("/accounts/login/", {"login": ADA, "password": PASSWORD})
    assert "Too many failed attempts" in text_of(refused)


def answers(path, **form):
    """Return what a form answers for an address that is known and for one that isn't, and what it sets."""
    found = []
    for email in (ADA, "adb@example.org"):
        client = Client()
        answer = client.post(path, {name: value.format(email=email) for name, value in form.items()})
        page = client.get(answer["Location"]) if answer.status_code == 302 else answer
        text = text_of(page).replace(email, "ADDRESS")
        found.append((answer.status_code, answer.get("Location"), text, sorted(client.cookies)))
    return found


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password is worked on: that takes nearly all of an answer's time."""

    algorithm = "counting"
    worked = 0

    def encode(self, password, salt):
        type(self).worked += 1
        return super().encode(password, salt)


FORMS = pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/accounts/login/", {"login": "{email}", "password": "wrong"}),
        ("/accounts/password/reset/", {"email": "{email}"}),
        ("/accounts/signup/", {"email": "{email}", "password1": "another good password"}),
        ("/accounts/login/", {"login": "{email}", "password": ""}),
    ],
)


@FORMS
def test_a_form_hashes_and_mails_as_often_for_an_address_that_is_known(path, form, settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    account(confirmed=True)
    done = []
    for email in (ADA, "nobody@example.org"):
        CountingHasher.worked, mail.outbox = 0, []
        Client().post(path, {name: value.format(email=email) for name, value in form.items()})
        done.append((CountingHasher.worked, len(mail.outbox)))
    known, unknown = done
    assert known == unknown


@FORMS
def test_an_address_that_is_known_gets_the_answer_of_one_that_is_not(path, form):
    account(confirmed=True)
    known, unknown = answers(path, **form)
    assert known == unknown
    assert len(mail.outbox) in (0, 2)


def test_an_account_with_a_second_factor_shows_that_to_nobody_without_the_password():
    app_of(account())
    with_factor = text_of(log_in(browser(), password="wrong"))
    without = text_of(log_in(browser(), email="bob@example.org", password="wrong"))
    assert with_factor.replace(ADA, "") == without.replace("bob@example.org", "")
