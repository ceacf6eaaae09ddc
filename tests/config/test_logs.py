"""What stands in the log: a line for each request with its number, and nothing of anybody's."""

import json
import logging
import re
import smtplib
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from logging.config import dictConfig
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from django.conf import settings as configured
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends import locmem
from django.db import IntegrityError, OperationalError
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from django.utils import timezone

from accounts.models import User
from config import logs, request_ids, urls
from flashcards.models import Card, Note, Reminder, ReviewState
from flashcards.reminders import links, listing, sending
from tests import making
from tests.accounts.people import account, browser, log_in, send, sign_up, token_of
from tests.visiting import HTMX, client_of, html_of

NUMBER = re.compile(r"[0-9a-f]{16}")


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What a server would print, all of it, down to the least line."""
    said = StringIO()
    wanted = logs.configuration("json", "DEBUG")
    wanted["handlers"]["console"]["stream"] = said
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    dictConfig(wanted)
    # The statements of the database, which Django logs only while it debugs.
    logging.getLogger("django.db.backends").setLevel("INFO")
    yield said
    dictConfig(configured.LOGGING)
    root.handlers[:] = before
    root.setLevel(level)


def lines(log: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def requests(log: StringIO) -> list[dict[str, Any]]:
    return [line for line in lines(log) if line["logger"] == "engram.requests"]


def record(message: str, *values: object, name: str = "x", error: BaseException | None = None) -> Any:
    """Return what a library logs."""
    given: Any = values[0] if len(values) == 1 and isinstance(values[0], dict) else values
    about = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(name, logging.ERROR, "file.py", 1, message, given, about)


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    """Return the error as it is after it was raised, a text of a learner's beside it."""
    secret = "what a learner wrote"  # noqa: F841 - it stands in the frame
    try:
        raise error from cause
    except Exception as caught:  # noqa: BLE001
        return caught


# The line of a request


@pytest.mark.django_db
def test_each_request_has_a_line_with_its_view_and_without_its_address(log):
    client_of(making.learner()).get("/cards/4711/?q=secret")
    (line,) = requests(log)
    assert {key: line[key] for key in ("level", "method", "view", "status")} == {
        "level": "info",
        "method": "GET",
        "view": "card",
        "status": 404,
    }
    assert line["ms"] > 0
    assert "4711" not in log.getvalue()
    assert "secret" not in log.getvalue()


@pytest.mark.django_db
def test_the_number_is_the_same_in_the_answer_and_in_all_lines_of_the_request(log):
    answer = Client().post("/webhooks/nothing-here/")
    numbers = {line["id"] for line in lines(log)}
    assert numbers == {answer["X-Request-ID"]}
    assert NUMBER.fullmatch(answer["X-Request-ID"])
    assert Client().get("/")["X-Request-ID"] not in numbers


@pytest.mark.django_db
def test_what_is_asked_every_few_seconds_gets_no_line_and_an_unknown_address_has_no_name(log):
    Client().get("/healthz")
    Client().get("/wp-login.php")
    assert [line["view"] for line in requests(log)] == ["nowhere"]


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["0123456789abcdef", "A-well_formed-1"])
def test_a_number_of_our_own_proxy_is_taken(settings, given):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert Client().get("/", headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["short", "x" * 65, "with blank", "new\\nline", "<script>", "ä" * 10, ""])
def test_a_number_that_isnt_well_formed_is_replaced(settings, given):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    answer = Client().get("/", HTTP_X_REQUEST_ID=given)
    assert NUMBER.fullmatch(answer["X-Request-ID"])


@pytest.mark.django_db
def test_without_a_proxy_of_ours_no_stranger_chooses_the_number(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    given = "0123456789abcdef"
    assert Client().get("/", headers={"X-Request-ID": given})["X-Request-ID"] != given


# Errors


def break_down(request: Any) -> HttpResponse:
    text = request.POST["text"]
    raise ValueError(f"This can’t be right: {text}")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, settings: Any) -> str:
    """The address of a page that breaks, and says what was sent to it."""
    monkeypatch.setattr(urls, "urlpatterns", [*urls.urlpatterns, path("broken/", break_down, name="broken")])
    settings.ROOT_URLCONF = "config.urls"
    from django.urls import clear_url_caches  # noqa: PLC0415

    clear_url_caches()
    return "/broken/"


@pytest.mark.django_db
def test_an_error_page_says_the_number_and_the_log_says_the_way(log, broken):
    client = client_of(making.learner())
    client.raise_request_exception = False
    answer = client.post(broken, {"text": "my private words"})
    assert answer.status_code == 500
    assert answer["X-Request-ID"] in html_of(answer)
    assert "my private words" not in log.getvalue()
    (line,) = [line for line in lines(log) if "error" in line]
    assert line["id"] == answer["X-Request-ID"]
    assert line["error"]["what"] == "ValueError"
    assert re.fullmatch(r"tests/config/test_logs\.py:\d+ break_down", line["error"]["way"][-1])


@pytest.mark.django_db
def test_a_form_without_its_token_is_answered_with_the_number(log):
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", headers=HTMX)
    assert answer.status_code == 403
    assert answer["X-Request-ID"] in html_of(answer)
    assert "Refused: csrf (CSRF cookie not set.)" in {line["message"] for line in lines(log)}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("a card of hers"), "ValueError"),
        (IntegrityError("Key (email)=(ada@example.org) exists"), "django.db.utils.IntegrityError"),
        (
            OperationalError("no answer for ada@example.org\nDETAIL: more"),
            "django.db.utils.OperationalError: no answer for …@…",
        ),
        (
            SMTPRecipientsRefused({"ada@example.org": (550, b"no")}),
            "smtplib.SMTPRecipientsRefused",
        ),
        (smtplib.SMTPDataError(451, b"ada@example.org: later"), "smtplib.SMTPDataError: 451"),
        (SMTPServerDisconnected("ada@example.org"), "smtplib.SMTPServerDisconnected"),
        (
            FileNotFoundError(2, "No such file", "/home/ada"),
            "FileNotFoundError: No such file",
        ),
    ],
)
def test_an_error_is_told_by_its_type_and_its_words_only_where_they_are_about_machines(error, told):
    assert logs.what(error) == told


def test_what_caused_an_error_is_told_and_no_value_of_a_frame():
    error = raised(RuntimeError("hers"), raised(KeyError("ada")))
    line = logs.Json().format(record("It failed", error=error))
    assert json.loads(line)["error"]["causes"] == ["caused by KeyError"]
    assert "learner wrote" not in line
    assert "hers" not in line


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (record("Not found: %s", "/snooze/token/", name="django.request"), "Internal server error"),
        (
            record("Forbidden (%s): %s", "Origin checking failed - /token", "/", name="django.security.csrf"),
            "Refused: csrf (Origin checking failed)",
        ),
        (
            record("Invalid header: x", name="django.security.DisallowedHost"),
            "Refused: DisallowedHost",
        ),
        (
            record(
                "Task %(name)s[%(id)s] %(description)s: %(exc)s",
                {"name": "clear", "id": "1", "description": "raised unexpected", "exc": "ValueError('hers')"},
                name="celery.app.trace",
            ),
            "Task clear raised unexpected",
        ),
        (
            record("Error handling request %s", "/a/token", name="gunicorn.error", error=ValueError()),
            "Error handling request",
        ),
        (
            record("Invalid request from ip=203.0.113.9: no"),
            "Invalid request from ip=… no",
        ),
        (record("Mail to <%s> waits", "ada@example.org"), "Mail to <…@…> waits"),
    ],
)
def test_what_libraries_say_comes_without_paths_and_addresses(given, said):
    assert logs.message_of(given) == said


# The two forms


def test_for_people_a_line_begins_with_the_time_and_ends_with_the_number():
    before = logs.about.set({"id": "0123"})
    line = logs.Line().format(record("It failed", error=raised(ValueError("hers"))))
    logs.about.reset(before)
    first, *way, last = line.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d ERROR x: It failed \[0123\]", first)
    assert re.fullmatch(r"  tests/config/test_logs\.py:\d+ raised", way[-1])
    assert last == "  ValueError"


def test_only_whoever_debugs_sees_an_error_in_full():
    given = record("It failed", error=raised(ValueError("hers")))
    assert "ValueError: hers" in logs.Line(debug=True).format(given)
    assert "hers" not in logs.Line().format(given)


@pytest.mark.parametrize(
    ("form", "level", "named"), [("xml", "INFO", "LOG_FORMAT"), ("json", "LOUD", "LOG_LEVEL")]
)
def test_a_form_or_level_that_we_dont_have_stops_the_start(form, level, named):
    with pytest.raises(ImproperlyConfigured, match=named):
        logs.configuration(form, level)


# Nobody's data


class Refusing(locmem.EmailBackend):
    """A mail server that refuses every address, and says it again."""

    def send_messages(self, messages: Any) -> int:
        to = messages[0].to[0]
        raise SMTPRecipientsRefused({to: (550, f"5.1.1 {to} unknown".encode())})


def canaries(count: int = 40) -> list[str]:
    return [f"canary{number:02}x{number * 7919:06}" for number in range(count)]


def live(word: Iterator[str], broken: str) -> list[str]:
    """Do what learners do, with a word of its own in each thing they give us; return what else is secret."""
    secrets = _accounts(word)
    secrets += _study(word, broken)
    secrets += _mails(word)
    return secrets


def _accounts(word: Iterator[str]) -> list[str]:
    address, password = f"{next(word)}@{next(word)}.example", f"{next(word)} battery staple"
    ada = browser()
    assert sign_up(ada, address, password).status_code == 302
    found = re.search(r"/accounts/confirm-email/(\S+)/", str(mail.outbox[-1].body))
    assert found
    send(ada, f"/accounts/confirm-email/{found[1]}/")
    for wrong in (next(word), next(word)):
        log_in(browser(), address, wrong)
    log_in(browser(), f"{next(word)}@example.org", next(word))
    again = browser()
    log_in(again, address, password)
    again.get(f"/accounts/password/reset/key/{next(word)}-{next(word)}/")
    send(browser(), "/accounts/password/reset/", email=address)
    reset = re.search(r"/accounts/password/reset/key/(\S+)/", str(mail.outbox[-1].body))
    assert reset
    browser().get(f"/accounts/password/reset/key/{reset[1]}/", follow=True)
    again.get(f"/?next={next(word)}", headers={"Referer": f"http://x/{next(word)}", "User-Agent": next(word)})
    strange = ("Authorization", "X-Forwarded-For", "X-Request-ID", "HX-Current-URL", "X-Forwarded-Host")
    again.get("/today/", headers={name: next(word) for name in strange})
    again.get("/today/", HTTP_HOST=f"{next(word)}.example")
    return [found[1], reset[1], again.cookies["sessionid"].value, ada.cookies["csrftoken"].value]


def _study(word: Iterator[str], broken: str) -> list[str]:
    cards = making.deck(3)
    Card.objects.update(question=next(word), answer=next(word), practice=next(word), key_points=[next(word)])
    eve = account(f"{next(word)}@example.org", confirmed=True)
    client = browser(eve)
    session = client.cookies["sessionid"].value
    client.raise_request_exception = False
    page = html_of(client.get("/review/"))
    submission = re.search(r'name="submission" value="([^"]+)"', page)
    assert submission
    token = token_of(client, "/review/")
    grade = {"grade": "4", "submission": submission[1], "version": "0"}
    assert client.post(f"/review/{cards[0].pk}/grade/", token | grade).status_code == 303
    client.post(f"/review/{cards[0].pk}/grade/", token | grade | {"grade": next(word), "version": next(word)})
    client.post(f"/cards/{cards[0].pk}/note/", token | {"text": next(word), "version": "0"})
    client.get(f"/browse/?q={next(word)}")
    client.post("/review/undo/", token | {"submission": next(word)})
    client.get(f"/{next(word)}/{next(word)}/")
    client.post("/settings/", {"time_zone": next(word)})
    client.post("/interviews/", token | {"company": next(word), "role": next(word), "on": "2027-02-30"})
    client.post(broken, token | {"text": next(word)})
    client.get(f"{broken}?text={next(word)}", headers={"Cookie": f"sessionid={next(word)}"})
    assert ReviewState.objects.count() == 1
    assert Note.objects.count() == 1
    return [submission[1], token["csrfmiddlewaretoken"], session]


def _mails(word: Iterator[str]) -> list[str]:
    now = timezone.now()
    fields: dict[str, Any] = {"reminders": True, "remind_at": now.hour * 2 + now.minute // 30}
    refused, sent = (account(f"{next(word)}@example.org", confirmed=True, **fields) for _ in range(2))
    listing.plan(now)
    for learner, backend in ((refused, f"{__name__}.Refusing"), (sent, configured.EMAIL_BACKEND)):
        configured.EMAIL_BACKEND = backend
        ids = list(Reminder.objects.filter(learner=learner).values_list("pk", flat=True))
        sending.send(ids, lambda: now + timedelta(seconds=1))
    assert set(Reminder.objects.values_list("state", flat=True)) == {"refused", "sent"}
    urls_of = [links.unsubscribe_url(sent.pk, "daily"), links.snooze_url(sent.pk)]
    paths = [url.removeprefix(configured.BASE_URL) for url in urls_of]
    for there in paths:
        Client().get(there)
        Client().post(there, {"List-Unsubscribe": "One-Click", "for": "week"})
        Client().get(there[:-5] + next(word) + "/")
    assert not User.objects.get(pk=sent.pk).reminders
    return [there.split("/")[2] for there in paths]


@pytest.mark.django_db
def test_forty_canaries_live_a_learners_day_and_none_is_found_in_the_log(log, broken, settings):
    settings.EMAIL_BACKEND = settings.EMAIL_BACKEND  # put back afterwards
    words = canaries()
    word = iter(words)
    secrets = live(word, broken)
    assert list(word) == [], "every canary has flown"
    said = log.getvalue()
    assert min(len(one) for one in secrets) >= 20
    assert [one for one in [*words, *secrets] if one in said] == []
    assert "127.0.0.1" not in said
    # The log isn't silent: every request has its line, and so has each error.
    views = {line["view"] for line in requests(log)}
    assert {"account_signup", "account_login", "grade", "note", "unsubscribe", "snooze", "broken"} <= views
    assert sum("error" in line for line in lines(log)) >= 2


@pytest.mark.django_db
def test_the_test_above_would_find_a_canary(log):
    before = logs.about.set({"id": canaries()[0]})
    logging.getLogger(request_ids.__name__).error("It failed")
    logs.about.reset(before)
    assert canaries()[0] in log.getvalue()
