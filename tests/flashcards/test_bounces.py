"""A provider's reports: an address that nobody reads gets no more mail, a complaint turns mails off."""

import hashlib
import hmac
import importlib
import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from anymail.signals import tracking
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import clear_url_caches

import config.urls
from accounts.models import User
from config import mail_settings
from flashcards.reminders import bounces
from tests.accounts.people import ADA, EVE, account

pytestmark = pytest.mark.django_db
SECRET = "provider:secret"
URLS = {name: f"anymail+{name}://key" for name in mail_settings.PROVIDERS} | {
    "mailgun": "anymail+mailgun://key@mg.example.org"
}


@pytest.fixture
def listening(settings: Any, tmp_path: Any) -> Iterator[Any]:
    """Return a function that makes this Engram take the reports of a provider, as its environment would."""

    def listen(name: str) -> None:
        found = mail_settings.from_url(URLS[name], folder=tmp_path, timeout=10, webhook_secret=SECRET)
        settings.ANYMAIL, settings.MAIL_WEBHOOK = found["ANYMAIL"], found["MAIL_WEBHOOK"]
        apps.get_app_config("flashcards").ready()
        addresses_anew()

    yield listen
    settings.MAIL_WEBHOOK = ""
    tracking.disconnect(bounces.receive, dispatch_uid="bounces")
    addresses_anew()


def addresses_anew() -> None:
    importlib.reload(config.urls)
    clear_url_caches()


def report(body: Any, secret: str = SECRET) -> int:
    """Send a report as the provider would and return the status."""
    headers = {"Authorization": f"Basic {b64encode(secret.encode()).decode()}"} if secret else {}
    client = Client(enforce_csrf_checks=True)
    response = client.post("/webhooks/mail/", json.dumps(body), "application/json", headers=headers)
    return response.status_code


def who(email: str = ADA, **fields: Any) -> User:
    return account(email, **({"confirmed": True, "reminders": True, "weekly_summary": True} | fields))


def seen(learner: User) -> tuple[str, bool, bool]:
    learner.refresh_from_db()
    return learner.refused_email, learner.reminders, learner.weekly_summary


UNTOUCHED, REFUSED, COMPLAINED = ("", True, True), (ADA, True, True), (ADA, False, False)


def mailgun(**event: Any) -> dict[str, Any]:
    signature = hmac.new(b"key", b"1700000000token", hashlib.sha256).hexdigest()
    return {
        "signature": {"timestamp": "1700000000", "token": "token", "signature": signature},
        "event-data": {"recipient": ADA, "timestamp": 1700000000.5, "message": {"headers": {}}} | event,
    }


def postmark(kind: str, **fields: Any) -> dict[str, Any]:
    return {"RecordType": "Bounce", "Type": kind, "ID": 1, "MessageID": "1", "Email": ADA} | fields


def resend(kind: str, **bounce: str) -> dict[str, Any]:
    data = {"created_at": "2026-11-24T08:00:00.000Z", "email_id": "1", "to": [ADA]}
    return {
        "type": kind,
        "created_at": "2026-11-24T08:00:01.000Z",
        "data": data | ({"bounce": bounce} if bounce else {}),
    }


def sparkpost(kind: str, **fields: str) -> list[dict[str, Any]]:
    return [
        {"msys": {"message_event": {"type": kind, "timestamp": "1700000000", "raw_rcpt_to": ADA} | fields}}
    ]


def brevo(kind: str) -> dict[str, Any]:
    return {"event": kind, "email": ADA, "ts_epoch": 1700000000000, "message-id": "<1@example.org>"}


GENERAL = "The recipient's email provider sent a bounce message."


@pytest.mark.parametrize(
    ("provider", "body", "expected"),
    [
        ("brevo", brevo("hard_bounce"), REFUSED),
        ("brevo", brevo("invalid_email"), REFUSED),
        ("brevo", brevo("soft_bounce"), UNTOUCHED),
        ("brevo", brevo("deferred"), UNTOUCHED),
        ("brevo", brevo("delivered"), UNTOUCHED),
        ("brevo", brevo("blocked"), UNTOUCHED),
        ("brevo", brevo("spam"), COMPLAINED),
        ("mailgun", mailgun(event="failed", severity="permanent", reason="bounce"), REFUSED),
        ("mailgun", mailgun(event="failed", severity="permanent", reason="suppress-bounce"), REFUSED),
        ("mailgun", mailgun(event="failed", severity="temporary", reason="bounce"), UNTOUCHED),
        ("mailgun", mailgun(event="failed", severity="permanent", reason="generic"), UNTOUCHED),
        ("mailgun", mailgun(event="delivered"), UNTOUCHED),
        ("mailgun", mailgun(event="complained"), COMPLAINED),
        ("postmark", postmark("HardBounce"), REFUSED),
        ("postmark", postmark("BadEmailAddress"), REFUSED),
        ("postmark", postmark("SoftBounce"), UNTOUCHED),
        ("postmark", postmark("Transient"), UNTOUCHED),
        ("postmark", postmark("DMARCPolicy"), UNTOUCHED),
        ("postmark", postmark("VirusNotification"), UNTOUCHED),
        ("postmark", postmark("SpamNotification"), COMPLAINED),
        ("postmark", postmark("SpamComplaint", RecordType="SpamComplaint"), COMPLAINED),
        ("resend", resend("email.bounced", message=GENERAL, type="Permanent", subType="General"), REFUSED),
        ("resend", resend("email.bounced", message=GENERAL, type="Transient"), UNTOUCHED),
        ("resend", resend("email.delivery_delayed"), UNTOUCHED),
        ("resend", resend("email.complained"), COMPLAINED),
        ("sparkpost", sparkpost("bounce", bounce_class="10"), REFUSED),
        ("sparkpost", sparkpost("out_of_band", bounce_class="30"), REFUSED),
        ("sparkpost", sparkpost("bounce", bounce_class="22"), UNTOUCHED),
        ("sparkpost", sparkpost("bounce", bounce_class="51"), UNTOUCHED),
        ("sparkpost", sparkpost("delivery"), UNTOUCHED),
        ("sparkpost", sparkpost("spam_complaint"), COMPLAINED),
    ],
)
def test_only_a_hard_bounce_marks_the_address_and_only_a_complaint_turns_mails_off(
    listening, provider, body, expected
):
    ada, eve = who(), who(EVE)
    listening(provider)
    assert report(body) == 200
    assert seen(ada) == expected
    assert seen(eve) == UNTOUCHED
    assert report(body) == 200
    assert seen(ada) == expected


def test_a_report_that_is_not_the_providers_changes_nothing(listening):
    ada = who()
    listening("postmark")
    for secret in ("", "provider:guess", "provider:", ":secret", "x"):
        assert report(postmark("HardBounce"), secret) == 400
    assert seen(ada) == UNTOUCHED


def test_mailgun_must_sign_as_well(listening):
    ada = who()
    listening("mailgun")
    forged = mailgun(event="failed", severity="permanent", reason="bounce")
    forged["signature"]["token"] = "another"
    assert report(forged) == 400
    assert seen(ada) == UNTOUCHED


def test_without_a_secret_nothing_is_at_the_address():
    assert report(postmark("HardBounce")) == 404
    assert Client().head("/webhooks/mail/").status_code == 404


def test_nothing_but_a_report_can_be_sent_there_and_no_log_in_is_asked_for(listening):
    listening("postmark")
    assert Client().get("/webhooks/mail/").status_code == 405
    assert Client().post("/webhooks/mail/inbound/").status_code == 404


def test_only_learners_who_have_confirmed_the_address_and_are_active_are_marked():
    ada = who()
    unconfirmed, asleep = who(confirmed=False), who(confirmed=False, is_active=False)
    moved = who("new@example.org")
    EmailAddress.objects.create(user=moved, email="old@example.org", verified=False)
    assert bounces.refused("Ada@Example.org") == 1
    assert bounces.refused("old@example.org") == 0
    assert seen(ada) == REFUSED
    for learner in (unconfirmed, asleep, moved):
        assert seen(learner) == UNTOUCHED


def test_marking_takes_one_statement():
    who()
    with CaptureQueriesContext(connection) as statements:
        assert bounces.complained(ADA) == 1
    assert len(statements) == 1


def test_the_log_names_no_address(caplog):
    who()
    with caplog.at_level("INFO"):
        bounces.refused(ADA)
    assert caplog.messages == ["A provider reported a bounce; learners marked: 1"]
