"""Redis is away, full or frozen: whoever studies notices nothing, and what needs it says so."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.test import Client

from accounts.models import User
from config import caching
from tests.making import deck, learner, proven
from tests.running import redis_server, servers
from tests.visiting import HTMX, client_of, html_of, words_of

pytestmark = pytest.mark.django_db

PAGES = ["/", "/today/", "/review/", "/dashboard/", "/decks/", "/browse/", "/settings/", "/settings/export/"]
IN_TIME = 10  # seconds for all of it; the forecast waits for a frozen one, twice a second


@pytest.fixture
def server(tmp_path: Path) -> Iterator[servers.Server]:
    (tmp_path / "redis").mkdir()
    started = redis_server.start(tmp_path / "redis")
    assert started is not None
    servers.wait_until_it_answers(started)
    yield started
    started.process.send_signal(signal.SIGCONT)
    servers.stop(started.process)


def away(server: servers.Server) -> None:
    server.process.kill()
    server.process.wait()


def full(server: servers.Server) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", 1)  # which evicts nothing, unless it is told to


def frozen(server: servers.Server) -> None:
    server.process.send_signal(signal.SIGSTOP)


def a_day(who: User) -> list[int]:
    """Let a learner look at everything, answer, take back and set aside; return the statuses."""
    client, (one, two) = client_of(who), deck(2)
    answer = {"grade": 4, "submission": uuid4(), "version": 0}
    statuses = [client.get(url).status_code for url in PAGES]
    statuses.append(client.post(f"/review/{one.pk}/grade/", answer, headers=HTMX).status_code)
    statuses.append(client.post(f"/review/{one.pk}/grade/", answer).status_code)
    statuses.append(client.post("/review/undo/", {"log": who.log.get().pk}).status_code)
    statuses.append(client.post(f"/review/{two.pk}/suspend/").status_code)
    statuses.append(client.post(f"/cards/{one.pk}/note/", {"text": "mine", "seen": ""}).status_code)
    return statuses


@pytest.mark.parametrize("trouble", [away, full, frozen], ids=lambda trouble: trouble.__name__)
def test_whoever_studies_notices_nothing_and_whoever_logs_in_is_told(
    trouble: Callable[[servers.Server], None], server: servers.Server, settings: Any
):
    settings.CACHES = {"default": caching.from_url(server.url)}
    usual, who = a_day(learner()), learner()
    trouble(server)
    began = monotonic()
    assert a_day(who) == usual
    assert monotonic() - began < IN_TIME
    proven(who)
    visitor = Client(raise_request_exception=False)
    response = visitor.post("/accounts/login/", {"login": who.email, "password": "x" * 12})
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "What you just sent was not saved." in words_of(html_of(response))
    assert max(usual) < 400
