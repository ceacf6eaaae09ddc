"""The mail server of the tests: it tells apart what it kept and what it said (tests/running/smtp_sink.py)."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.running.faults import Rule
from tests.running.smtp_sink import Sink, smtp_sink
from tests.running.well_formed import troubles

ADA, BAD = "ada@example.org", "bad.bob@example.org"
PATIENCE = 0.5  # seconds for an answer
LEFT = (OSError, smtplib.SMTPServerDisconnected)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with smtp_sink(tmp_path) as running:
        yield running


def mail(to: str = ADA, message_id: str = "<1@engram.example>", text: str = "9 cards today.") -> EmailMessage:
    """Return a mail with all that a reminder has."""
    made = EmailMessage()
    headers = {
        "From": "Engram <engram@engram.example>",
        "To": to,
        "Subject": "9 cards today",
        "Date": "Tue, 03 Mar 2026 08:00:00 +0000",
        "Message-ID": message_id,
        "List-Id": "Reminders <daily.engram.example>",
        "List-Unsubscribe": "<https://engram.example/unsubscribe/token/>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }
    for name, value in headers.items():
        made[name] = value
    made.set_content(text)
    return made


def deliver(sink: Sink, *mails: EmailMessage) -> None:
    """Hand the mails over on one connection."""
    with smtplib.SMTP("127.0.0.1", sink.port, timeout=PATIENCE) as client:
        for one in mails or [mail()]:
            client.send_message(one)


def last(sink: Sink) -> tuple[str, bool, str]:
    """Return at which stage the last attempt ended, whether it was kept, and what the client was told."""
    attempt = sink.attempts()[-1]
    return attempt.stage, bool(attempt.kept), attempt.told


def test_a_mail_is_kept_with_all_that_names_it(sink):
    deliver(sink, mail(text=".a line that begins with a dot"))
    [kept] = sink.kept()
    assert (kept.recipients, kept.message_id, kept.told, kept.trouble) == (
        ADA,
        "<1@engram.example>",
        "250",
        "",
    )
    assert kept.content.endswith(b"\r\n.a line that begins with a dot\r\n")


@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "data", "end"])
@pytest.mark.parametrize("action", ["reply", "hang", "drop"])
def test_at_each_stage_it_fails_as_it_is_told_and_keeps_nothing(stage, action, sink):
    sink.fail(Rule(stage, action, code=451, times=1))
    with pytest.raises((smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, *LEFT)):
        deliver(sink)
    assert last(sink) == (stage, False, "451" if action == "reply" else "")
    deliver(sink)
    assert last(sink) == ("end", True, "250")


@pytest.mark.parametrize("action", ["reply", "hang", "drop"])
def test_it_can_keep_a_mail_without_saying_so(action, sink):
    sink.fail(Rule("end", action, keeps=True, times=1))
    with pytest.raises((smtplib.SMTPDataError, *LEFT)):
        deliver(sink)
    assert last(sink) == ("end", True, "451" if action == "reply" else "")


def test_a_mail_is_not_kept_when_the_client_has_gone_before_the_end_of_a_delay(sink):
    sink.fail(Rule("end", "delay", seconds=2 * PATIENCE))
    with pytest.raises(LEFT):
        deliver(sink)
    sink.fail(Rule("end", "delay", seconds=0.1))
    deliver(sink)
    assert [attempt.told for attempt in sink.kept()] == ["250"]


def test_421_ends_the_connection(sink):
    sink.fail(Rule("mail", "reply", code=421))
    with smtplib.SMTP("127.0.0.1", sink.port, timeout=PATIENCE) as client:
        assert client.mail("a@example.org")[0] == 421
        with pytest.raises(LEFT):
            client.mail("a@example.org")


def test_a_rule_may_be_for_some_recipients_only(sink):
    sink.fail(Rule("rcpt", "reply", code=550, to="^bad"))
    deliver(sink)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        deliver(sink, mail(to=BAD))
    assert [(attempt.recipients, attempt.told) for attempt in sink.attempts()] == [(ADA, "250"), (BAD, "550")]


def test_every_third_time_is_every_third_time(sink):
    sink.fail(Rule("end", "reply", every=3, keeps=True, code=250))
    deliver(sink, *[mail()] * 6)
    assert [attempt.action for attempt in sink.attempts()] == ["", "", "reply", "", "", "reply"]


def test_the_same_seed_throws_the_same_dice(tmp_path):
    fates = list[list[str]]()
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        with smtp_sink(folder, seed=7) as sink:
            sink.fail(Rule("end", "reply", code=250, keeps=True, chance=0.5))
            deliver(sink, *[mail()] * 20)
            fates.append([attempt.action for attempt in sink.attempts()])
    assert fates[0] == fates[1]
    assert set(fates[0]) == {"", "reply"}


def test_down_it_refuses_and_up_again_it_is_where_it_was(sink):
    with smtplib.SMTP("127.0.0.1", sink.port, timeout=PATIENCE) as client:
        sink.down()
        with pytest.raises(LEFT):
            client.noop()
    with pytest.raises(ConnectionRefusedError):
        deliver(sink)
    sink.up()
    deliver(sink)
    assert len(sink.kept()) == 1


def wrong(change: dict[str, str], text: str = "Text", to: tuple[str, ...] = (ADA,)) -> list[str]:
    """Return what is said about a mail in which these headers are changed, or taken out where empty."""
    made = mail(text=text)
    for name, value in change.items():
        del made[name]
        if value:
            made[name] = value
    return troubles(made.as_bytes().replace(b"\n", b"\r\n"), list(to))


def test_what_is_wrong_with_a_mail_is_named():
    assert wrong({}) == []
    assert wrong({"List-Unsubscribe": ""}) == ["List-Unsubscribe: 0 times"]
    assert wrong({"Bcc": BAD}) == ["Bcc is shown"]
    assert wrong({"To": BAD}) == ["To isn't who gets it"]
    assert wrong({}, to=(ADA, BAD)) == ["2 recipients", "To isn't who gets it"]
    assert wrong({}, text=f"For {BAD}") == [f"names {BAD}"]
    raw = mail().as_bytes().replace(b"\n", b"\r\n")
    assert troubles(raw + b"a\nb\r\n", [ADA]) == ["a bare CR, LF or NUL"]
    assert troubles(raw + b"a" * 999 + b"\r\n", [ADA]) == ["a line of 999 bytes"]
