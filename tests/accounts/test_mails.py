import re

import pytest
from django.core import mail
from django.core.mail import get_connection
from django.test import Client

from accounts.models import User
from tests import caches
from tests.accounts.people import (
    ADA,
    EVE,
    PASSWORD,
    account,
    browser,
    link_in,
    send,
    sign_up,
    text_of,
    who_is_at,
)

pytestmark = pytest.mark.django_db


def every_mail():
    """Make Engram send each of its account mails."""
    client = browser()
    sign_up(client)  # confirm
    send(client, link_in(mail.outbox[0]))
    caches.look_empty()  # one address gets such a mail once in three minutes
    sign_up(browser(), password="another password")  # taken
    send(browser(), "/accounts/password/reset/", email=ADA)
    send(browser(), "/accounts/password/reset/", email="nobody@example.org")
    send(client, "/accounts/password/change/", oldpassword=PASSWORD, password1="a quite new password")
    asked = send(client, "/accounts/email/", email=EVE, action_add="")
    send(client, asked["Location"], password="a quite new password")
    send(client, link_in(mail.outbox[-1]))
    return mail.outbox


def test_every_mail_is_plain_text_in_our_words():
    sent = every_mail()
    assert [message.subject for message in sent] == [
        "Confirm your address for Engram",
        "You already have an Engram account",
        "Choose a new password for Engram",
        "No Engram account has this address",
        "Your Engram password was changed",
        "Confirm your address for Engram",
        "Your Engram address was changed",
    ]
    for message in sent:
        assert message.from_email == "Engram <engram@localhost>"
        assert message.body.endswith("Engram\nhttp://localhost:8000/")
        assert not re.search(r"&\w+;|<|\{|example\.com|Hello from|\n\n\n", message.body)


def test_a_link_stands_on_a_line_of_its_own():
    for message in every_mail():
        for line in message.body.splitlines():
            assert "http" not in line or re.fullmatch(r"http://localhost:8000/\S*", line)


def test_an_apostrophe_in_an_address_stays_one():
    sign_up(browser(), email="o'neil@example.org")
    assert "o'neil@example.org" in mail.outbox[0].body


def test_links_come_from_the_configured_address_never_from_the_host_header(settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.BASE_URL = "https://engram.example"
    account(confirmed=True)
    for path, form in [
        ("/accounts/signup/", {"email": "new@example.org", "password1": PASSWORD}),
        ("/accounts/signup/", {"email": ADA, "password1": "another password"}),
        ("/accounts/password/reset/", {"email": ADA}),
        ("/accounts/password/reset/", {"email": "nobody@example.org"}),
    ]:
        Client(headers={"Host": "evil.example"}).post(path, form)
    assert len(mail.outbox) == 4
    for message in mail.outbox:
        links = re.findall(r"https?://\S+", str(message.body))
        assert links
        assert all(link.startswith("https://engram.example/") for link in links)
        assert "evil" not in str(message.message())


def test_the_link_on_the_console_is_one_unbroken_line(capsys):
    sign_up(browser(), email="ada.with.a.long.name.of.sixty.letters.and.more@example.org")
    link = link_in(mail.outbox[0])
    get_connection("django.core.mail.backends.console.EmailBackend").send_messages(mail.outbox)
    printed = capsys.readouterr().out
    assert f"\nhttp://localhost:8000{link}\n" in printed
    assert "=\n" not in printed
    assert "Content-Transfer-Encoding: 8bit" in printed or "Content-Transfer-Encoding: 7bit" in printed


def test_a_mail_server_that_is_away_stops_no_sign_up(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    client = browser()
    assert sign_up(client).status_code == 302
    assert who_is_at(client) == User.objects.get()
    assert "couldn’t be sent" in text_of(client.get("/today/"))


@pytest.mark.parametrize("email", [ADA, "nobody@example.org"])
def test_a_mail_server_that_is_away_is_admitted_to_who_forgot_a_password(settings, email):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    account(confirmed=True)
    client = browser()
    answer = send(client, "/accounts/password/reset/", email=email)
    assert "couldn’t be sent" in text_of(client.get(answer["Location"]))


def test_no_address_smuggles_a_header_into_a_mail():
    for email in (
        "ada@example.org\nBcc: eve@example.org",
        "ada@example.org\r\nSubject: x",
        '"a\nb"@example.org',
    ):
        sign_up(browser(), email=email)
    assert not mail.outbox
