"""EMAIL_URL: each form yields settings that send a mail, and what is wrong with one is said."""

import json
import os
import smtplib
import ssl
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured

from config import mail_settings
from tests.running.http_answers import Asked, answering
from tests.running.smtp_sink import smtp_sink

ROOT = Path(__file__).resolve().parents[2]
ADA = "ada@example.org"
MESSAGE_ID = "<daily-2026-11-24-7@engram.example>"
HEADERS = {
    "Message-ID": MESSAGE_ID,
    "List-Id": "Daily reminders <daily.engram.example>",
    "List-Unsubscribe": "<https://engram.example/unsubscribe/token/>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Auto-Submitted": "auto-generated",
}
# What each provider answers when it has taken a mail.
TAKEN = {
    "brevo": {"messageId": "<1@smtp-relay.example>"},
    "mailgun": {"id": "<1@mg.example.org>", "message": "Queued. Thank you."},
    "postmark": {"ErrorCode": 0, "Message": "OK", "MessageID": "1", "To": ADA},
    "resend": {"id": "1"},
    "sparkpost": {"results": {"total_accepted_recipients": 1, "total_rejected_recipients": 0, "id": "1"}},
}
URLS = {
    "brevo": "anymail+brevo://SECRET",
    "mailgun": "anymail+mailgun://SECRET@mg.example.org",
    "postmark": "anymail+postmark://SECRET",
    "resend": "anymail+resend://SECRET",
    "sparkpost": "anymail+sparkpost://SECRET",
}


def read(url, folder=Path("/srv/engram"), timeout=10, webhook_secret=""):
    return mail_settings.from_url(url, folder=folder, timeout=timeout, webhook_secret=webhook_secret)


def obey(settings, url, **more):
    """Let the settings be what this EMAIL_URL stands for."""
    found = read(url, **more)
    for name, value in found.items():
        setattr(settings, name, value)
    return found


def send(connection=None):
    sender = "Engram <engram@engram.example>"
    message = mail.EmailMultiAlternatives(
        "9 cards today", "Nine.", sender, [ADA], headers=HEADERS, connection=connection
    )
    message.attach_alternative("<p>Nine.</p>", "text/html")
    return message.send()


def refusal(url, **more):
    with pytest.raises(ImproperlyConfigured) as refused:
        read(url, **more)
    return str(refused.value)


# Mail servers


@pytest.mark.parametrize(
    ("url", "port", "tls", "implicit"),
    [
        ("smtp://mail.example.org", 25, False, False),
        ("smtp+tls://mail.example.org", 587, True, False),
        ("smtp+ssl://mail.example.org", 465, False, True),
        ("smtp+tls://mail.example.org:2525/", 2525, True, False),
    ],
)
def test_a_mail_server_has_the_usual_port_of_its_kind_unless_the_url_names_one(url, port, tls, implicit):
    found = read(url)
    assert found["EMAIL_HOST"] == "mail.example.org"
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (port, tls, implicit)


def test_user_and_password_may_hold_whatever_is_percent_encoded():
    found = read("smtp+tls://engram%40example.org:p%40ss%2Fw%3Ard%25@mail.example.org")
    assert found["EMAIL_HOST_USER"] == "engram@example.org"
    assert found["EMAIL_HOST_PASSWORD"] == "p@ss/w:rd%"


def test_smtp_hands_the_mail_to_the_server(settings, tmp_path):
    with smtp_sink(tmp_path) as sink:
        obey(settings, sink.url)
        assert send() == 1
        assert [kept.message_id for kept in sink.kept()] == [MESSAGE_ID]


@pytest.mark.parametrize(
    ("scheme", "error"), [("smtp+tls", smtplib.SMTPNotSupportedError), ("smtp+ssl", ssl.SSLError)]
)
def test_a_server_that_does_not_encrypt_gets_nothing_where_that_is_asked(settings, tmp_path, scheme, error):
    with smtp_sink(tmp_path) as sink:
        obey(settings, sink.url.replace("smtp", scheme, 1))
        connection = mail.get_connection()
        with pytest.raises(error):
            send(connection)
        connection.close()
        assert not sink.attempts()


# Terminal and folder


def test_consolemail_prints(settings, capsys):
    obey(settings, "consolemail://")
    send()
    assert f"Message-ID: {MESSAGE_ID}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "form", ["filemail://{}", "filemail:///{}", "filemail://my%20mails", "filemail://a/b"]
)
def test_filemail_writes_each_mail_into_the_folder_absolute_or_beside_manage_py(settings, tmp_path, form):
    folder = tmp_path / "named"
    found = obey(settings, form.format(folder), folder=tmp_path)
    send()
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert f"Message-ID: {MESSAGE_ID}" in file.read_text()
    assert Path(found["EMAIL_FILE_PATH"]) == file.parent
    expected = {"filemail://my%20mails": "my mails", "filemail://a/b": "a/b"}.get(form, "named")
    assert file.parent == tmp_path / expected


# Providers


def keys_of(asked: Asked) -> str:
    """Return the headers in which providers look for their key."""
    names = ("authorization", "api-key", "x-postmark-server-token")
    return " ".join(asked.headers.get(name, "") for name in names)


@pytest.mark.parametrize("name", mail_settings.PROVIDERS)
def test_a_provider_is_handed_the_mail_with_its_headers_and_the_key(settings, name):
    with answering(200, TAKEN[name]) as server:
        found = obey(settings, URLS[name])
        settings.ANYMAIL = found["ANYMAIL"] | {f"{name.upper()}_API_URL": server.url}
        assert send() == 1
    (asked,) = server.asked
    assert keys_of(asked).strip()
    for header in HEADERS.values():
        assert header in asked.text


@pytest.mark.parametrize("name", ["mailgun", "postmark", "sparkpost"])
def test_providers_that_would_track_are_told_not_to(settings, name):
    with answering(200, TAKEN[name]) as server:
        settings.ANYMAIL = obey(settings, URLS[name])["ANYMAIL"] | {f"{name.upper()}_API_URL": server.url}
        send()
    said = server.asked[0].text
    expected = {
        "mailgun": ("o:tracking-opens=no", "o:tracking-clicks=no"),
        "postmark": ('"TrackOpens": false', '"TrackLinks": "None"'),
        "sparkpost": ('"open_tracking": false', '"click_tracking": false'),
    }[name]
    assert all(words in said for words in expected)


def test_a_key_keeps_its_case_and_its_special_characters():
    assert read("anymail+postmark://Ab%2FC")["ANYMAIL"]["POSTMARK_SERVER_TOKEN"] == "Ab/C"
    assert read("anymail+resend://re_Ab@")["ANYMAIL"]["RESEND_API_KEY"] == "re_Ab"


def test_mailgun_has_a_domain_and_may_be_in_europe():
    found = read("anymail+mailgun://key@mg.example.org?region=eu&webhook_signing_key=abc")["ANYMAIL"]
    assert found["MAILGUN_SENDER_DOMAIN"] == "mg.example.org"
    assert found["MAILGUN_API_URL"] == "https://api.eu.mailgun.net/v3"
    assert found["MAILGUN_WEBHOOK_SIGNING_KEY"] == "abc"


def test_a_provider_that_hangs_is_waited_for_no_longer_than_a_mail_server():
    assert read("anymail+brevo://key", timeout=7)["ANYMAIL"]["REQUESTS_TIMEOUT"] == 7


def test_a_provider_may_report_only_where_there_is_a_secret():
    assert read("anymail+brevo://key")["MAIL_WEBHOOK"] == ""
    found = read("anymail+brevo://key", webhook_secret="brevo:secret")
    assert found["MAIL_WEBHOOK"] == "anymail.webhooks.brevo.BrevoTrackingWebhookView"
    assert found["ANYMAIL"]["WEBHOOK_SECRET"] == "brevo:secret"


# What is wrong is said


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("smtps://mail.example.org", "“smtps://”, which isn’t one of smtp+tls://"),
        ("mail.example.org:25", "isn’t one of"),
        ("smtp://", "names no mail server"),
        ("smtp+tls://engram@mail.example.org", "a user without a password"),
        ("smtp+tls://engram:secret/word@mail.example.org", "percent-encoded"),
        ("smtp+tls://engram:secret@mail.example.org:smtp", "the port is a number"),
        ("smtp://mail.example.org?tls=1", "goes on after the host"),
        ("smtp://mail.example.org/inbox", "goes on after the host"),
        ("filemail://", "names no folder"),
        ("filemail:///", "names no folder"),
        ("anymail+mailjet://key", "the provider “mailjet”; known are brevo, mailgun"),
        ("anymail+postmark://", "looks like this: anymail+postmark://KEY."),
        ("anymail+postmark://key@example.org", "looks like this: anymail+postmark://KEY."),
        ("anymail+postmark://a/b", "looks like this: anymail+postmark://KEY."),
        ("anymail+mailgun://key", "looks like this: anymail+mailgun://KEY@mg.example.org."),
        ("anymail+mailgun://key@mg.example.org?region=mars", "option “region”"),
        ("anymail+mailgun://key@mg.example.org?region=mars", "(region: us, eu)."),
        ("anymail+brevo://key?region=eu", "known are: none."),
    ],
)
def test_what_cannot_be_obeyed_is_refused_with_a_sentence(url, words):
    assert words in refusal(url)


def test_no_refusal_shows_a_password_or_a_key():
    for url in (
        "smtp+tls://engram:hush/hush@mail.example.org",
        "smtp+tls://engram:hush@mail.example.org?x=1",
        "smtps://engram:hush@mail.example.org",
        "anymail+mailgun://hush",
        "anymail+nobody://hush",
        "anymail+brevo://hush?x=1",
    ):
        assert "hush" not in refusal(url)


@pytest.mark.parametrize("secret", ["secret", ":secret", "user:", ":"])
def test_a_webhook_secret_is_a_user_and_a_password(secret):
    assert "user:password" in refusal("anymail+brevo://key", webhook_secret=secret)


def test_a_webhook_secret_without_a_provider_is_called_out():
    assert "EMAIL_URL names none" in refusal("smtp://localhost", webhook_secret="user:password")


# As a whole

FACTS = """
import json, sys
import django
django.setup()
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from flashcards.reminders.trouble import ERRORS
try:
    address = reverse("mail-webhook")
except NoReverseMatch:
    address = None
print(json.dumps({
    "backend": settings.EMAIL_BACKEND,
    "anymail": "anymail" in sys.modules,
    "address": address,
    "errors": [error.__name__ for error in ERRORS],
}))
"""


@cache
def process_with(email_url, secret=""):
    """Return what holds in a process that has these variables."""
    own = {"SECRET_KEY": "x", "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", FACTS],
        cwd=ROOT,
        env=os.environ | own | {"EMAIL_URL": email_url, "ANYMAIL_WEBHOOK_SECRET": secret},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


NOTHING, UNHEARD, HEARD = ("", ""), ("anymail+brevo://key", ""), ("anymail+brevo://key", "user:password")


def test_an_empty_email_url_prints_mails():
    assert process_with(*NOTHING)["backend"] == "django.core.mail.backends.console.EmailBackend"


def test_a_process_imports_anymail_only_when_a_provider_sends_the_mails():
    assert not process_with(*NOTHING)["anymail"]
    assert process_with(*UNHEARD)["anymail"]


def test_the_address_for_reports_exists_only_with_a_secret():
    assert process_with(*UNHEARD)["address"] is None
    assert process_with(*HEARD)["address"] == "/webhooks/mail/"


def test_errors_of_the_provider_are_among_those_that_a_send_may_raise():
    always = ["OSError", "ValueError", "MessageError"]
    assert process_with(*NOTHING)["errors"] == always
    assert process_with(*UNHEARD)["errors"] == [*always, "AnymailError"]
