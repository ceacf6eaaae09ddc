"""Why a mail didn't leave: each kind of failure by real servers, through the backends that send mails."""

import re
import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.errors import HeaderParseError
from socketserver import StreamRequestHandler, TCPServer
from threading import Thread
from typing import Any

import pytest
from anymail.exceptions import AnymailInvalidAddress, AnymailRecipientsRefused, AnymailUnsupportedFeature
from django.core import mail

from config import mail_settings
from flashcards.reminders import trouble
from flashcards.reminders.trouble import Trouble
from tests.running.faults import Rule
from tests.running.http_answers import answering
from tests.running.smtp_sink import smtp_sink

ADA = "ada.lovelace+cards@example.org"


@contextmanager
def telling(**answers: str) -> Iterator[str]:
    """Run a mail server that answers these commands as told and agrees to others; yield its EMAIL_URL."""
    told = {"EHLO": "250-x\r\n250 AUTH PLAIN", "QUIT": "221 x"} | answers

    class Talk(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 x\r\n")
            while line := self.rfile.readline():
                answer = told.get(line[:4].decode().upper(), "250 x")
                self.wfile.write(f"{answer}\r\n".encode())

    with TCPServer(("127.0.0.1", 0), Talk) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"smtp://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def outcome(settings: Any, tmp_path: Any) -> Any:
    """Return what a send by this EMAIL_URL comes to."""

    def outcome(url: str, timeout: float = 10, **anymail: str) -> tuple[Trouble, str]:
        found = mail_settings.from_url(url, folder=tmp_path, timeout=10)
        for name, value in found.items():
            setattr(settings, name, value)
        settings.ANYMAIL = found.get("ANYMAIL", {}) | anymail
        settings.EMAIL_TIMEOUT = timeout
        connection = mail.get_connection()
        try:
            with pytest.raises(Exception) as raised:  # noqa: PT011  # which one it is, is the question
                mail.send_mail(
                    "9 cards today", "Nine.", "engram@engram.example", [ADA], connection=connection
                )
        finally:
            connection.close()
        kind, reason = trouble.classify(raised.value)
        assert ADA not in reason
        assert "@" not in reason
        return kind, reason

    return outcome


# What the server says about the recipient


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("550 no such user", Trouble.ADDRESS),
        ("550 5.1.1 unknown", Trouble.ADDRESS),
        ("550 5.4.1 access denied", Trouble.ADDRESS),  # what Exchange says of an unknown mailbox
        ("550 5.5.0 mailbox unavailable", Trouble.ADDRESS),  # and Outlook
        ("550 5.2.1 disabled", Trouble.ADDRESS),
        ("551 moved", Trouble.ADDRESS),
        ("553 5.1.3 bad syntax", Trouble.ADDRESS),
        ("554 5.1.1 unknown", Trouble.ADDRESS),
        ("501 5.1.3 bad syntax", Trouble.ADDRESS),
        ("550 5.7.1 your network is blocked", Trouble.MESSAGE),
        ("550 5.1.8 sender unknown", Trouble.MESSAGE),
        ("550 5.3.4 too big", Trouble.MESSAGE),
        ("550 5.4.6 routing loop", Trouble.MESSAGE),
        ("554 relay access denied", Trouble.MESSAGE),
        ("552 5.2.2 mailbox full", Trouble.TEMPORARY),
        ("550 5.2.2 mailbox full", Trouble.TEMPORARY),
        ("552 full", Trouble.TEMPORARY),
        ("450 4.2.0 greylisted", Trouble.TEMPORARY),
        ("451 4.7.1 5.1.1 later", Trouble.TEMPORARY),
        ("452 full", Trouble.TEMPORARY),
        ("421 4.3.2 closing", Trouble.UNREACHABLE),
    ],
)
def test_a_refused_recipient_is_at_fault_only_where_the_answer_says_so(outcome, answer, kind):
    with telling(RCPT=answer) as url:
        assert outcome(url) == (kind, answer)


# What it says at any other moment


@pytest.mark.parametrize(
    ("stage", "code", "kind"),
    [
        ("connect", 421, Trouble.UNREACHABLE),
        ("connect", 451, Trouble.UNREACHABLE),
        ("connect", 554, Trouble.UNREACHABLE),
        ("mail", 421, Trouble.UNREACHABLE),
        ("mail", 451, Trouble.TEMPORARY),
        ("mail", 530, Trouble.TEMPORARY),
        ("mail", 550, Trouble.TEMPORARY),
        ("rcpt", 421, Trouble.UNREACHABLE),
        ("rcpt", 451, Trouble.TEMPORARY),
        ("rcpt", 550, Trouble.ADDRESS),
        ("data", 451, Trouble.TEMPORARY),
        ("data", 554, Trouble.MESSAGE),
        ("end", 421, Trouble.UNREACHABLE),
        ("end", 451, Trouble.TEMPORARY),
        ("end", 550, Trouble.MESSAGE),
        ("end", 552, Trouble.MESSAGE),
        ("end", 554, Trouble.MESSAGE),
    ],
)
def test_a_code_means_what_its_stage_makes_of_it(outcome, tmp_path, stage, code, kind):
    with smtp_sink(tmp_path) as sink:
        sink.fail(Rule(stage, "reply", code=code))
        found, reason = outcome(sink.url)
    assert found is kind
    assert reason.startswith(str(code))


@pytest.mark.parametrize("action", ["drop", "hang"])
@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "data", "end"])
def test_a_server_that_breaks_off_or_says_nothing_more_is_unreachable(outcome, tmp_path, stage, action):
    with smtp_sink(tmp_path) as sink:
        sink.fail(Rule(stage, action))
        assert outcome(sink.url, timeout=0.3)[0] is Trouble.UNREACHABLE


def test_a_server_that_is_down_or_unknown_is_unreachable(outcome):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    kind, reason = outcome(f"smtp://127.0.0.1:{port}")
    assert (kind, "refused" in reason) == (Trouble.UNREACHABLE, True)
    assert outcome("smtp://mail.invalid")[0] is Trouble.UNREACHABLE


@pytest.mark.parametrize("answer", ["535 5.7.8 wrong password", "454 4.7.0 later"])
def test_a_refused_log_in_leaves_no_connection_to_go_on_with(outcome, answer):
    with telling(AUTH=answer) as url:
        assert outcome(url.replace("//", "//engram:secret@"))[0] is Trouble.UNREACHABLE


def test_what_encrypts_is_unreachable_where_the_server_does_not(outcome, tmp_path):
    with smtp_sink(tmp_path) as sink:
        for scheme in ("smtp+tls", "smtp+ssl"):
            assert outcome(sink.url.replace("smtp", scheme, 1))[0] is Trouble.UNREACHABLE


# A provider's interface


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Trouble.MESSAGE),
        (413, Trouble.MESSAGE),
        (422, Trouble.MESSAGE),
        (401, Trouble.UNREACHABLE),
        (402, Trouble.UNREACHABLE),
        (403, Trouble.UNREACHABLE),
        (404, Trouble.UNREACHABLE),
        (429, Trouble.UNREACHABLE),
        (500, Trouble.UNREACHABLE),
        (503, Trouble.UNREACHABLE),
        (200, Trouble.TEMPORARY),  # in words that nobody knows
    ],
)
def test_a_providers_status_tells_the_mail_from_the_moment(outcome, status, kind):
    with answering(status, {"message": f"no <{ADA}> here"}) as server:
        found, reason = outcome("anymail+brevo://key", BREVO_API_URL=server.url)
    assert found is kind
    assert str(status) in reason
    assert "key" not in reason.lower().replace("keyerror", "")


def test_a_provider_that_refuses_the_recipient_blames_the_address(outcome):
    body = {"results": {"total_accepted_recipients": 0, "total_rejected_recipients": 1, "id": "1"}}
    with answering(200, body) as server:
        kind, _ = outcome("anymail+sparkpost://key", SPARKPOST_API_URL=server.url)
    assert kind is Trouble.ADDRESS


def test_a_provider_that_cannot_be_reached_is_unreachable(outcome):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert (
        outcome("anymail+resend://key", RESEND_API_URL=f"http://127.0.0.1:{port}/")[0] is Trouble.UNREACHABLE
    )
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        kind, _ = outcome("anymail+resend://key", RESEND_API_URL=address, REQUESTS_TIMEOUT=0.3)
    assert kind is Trouble.UNREACHABLE


# Before anything was sent


@pytest.mark.parametrize(
    "error",
    [
        UnicodeEncodeError("ascii", "ö", 0, 1, "ordinal not in range"),
        HeaderParseError("no header"),
        mail.BadHeaderError("a line break in a header"),
        ValueError("invalid address"),
        AnymailUnsupportedFeature("no such thing"),
        AnymailInvalidAddress("invalid address"),
    ],
)
def test_a_mail_that_cannot_be_built_is_at_fault_itself(error):
    assert trouble.classify(error)[0] is Trouble.MESSAGE
    assert isinstance(error, trouble.ERRORS)


def test_what_nobody_thought_of_is_tried_again():
    assert trouble.classify(KeyError("x"))[0] is Trouble.TEMPORARY


# What is noted


def test_the_note_holds_code_and_words_without_addresses():
    words = f"5.1.1 <{ADA}>: rejected, to={ADA}; see https://example.org/?to=ada%40example.org".encode()
    _, reason = trouble.classify(smtplib.SMTPRecipientsRefused({ADA: (550, words)}))
    assert reason.startswith("550 5.1.1 <(address)>: rejected, to=(address); see")
    assert not re.search("ada|@|%40", reason)


def test_the_note_fits_its_column_and_any_database_takes_it():
    words = b"5.1.1 \x00\xff\r\n\x1b[31m" + "ö".encode() * 500
    _, reason = trouble.classify(smtplib.SMTPRecipientsRefused({ADA: (550, words)}))
    assert len(reason) == trouble.LONGEST
    assert reason.isprintable()
    assert trouble.classify(OSError("\udcff"))[1].encode()


def test_a_refusal_by_a_provider_is_noted_without_the_mail_itself():
    _, reason = trouble.classify(AnymailRecipientsRefused(payload={"to": ADA}, email_message=ADA))
    assert reason == "All message recipients were rejected or invalid"
