"""/metrics: there for whoever has the token, whole, and readable by Prometheus' own parser."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import reload
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import clear_url_caches
from prometheus_client.parser import text_string_to_metric_families

from config import urls
from flashcards.models import Reminder
from flashcards.operating import exposition, tallies
from flashcards.operating.exposition import Family, Sample
from flashcards.reminders import watching
from tests import making
from tests.making import answered
from tests.running import redis_server, servers
from tests.visiting import html_of

pytestmark = pytest.mark.django_db
TOKEN = "a-long-random-text"
NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def rebuilt() -> None:
    reload(urls)
    clear_url_caches()


@pytest.fixture
def _with_token(settings: Any) -> Any:
    settings.METRICS_TOKEN = TOKEN
    rebuilt()
    yield
    settings.METRICS_TOKEN = ""
    rebuilt()


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis in which two mails wait."""
    folder = tmp_path_factory.mktemp("redis") / "data"
    folder.mkdir()
    server = redis_server.start(folder)
    assert server is not None
    try:
        servers.wait_until_it_answers(server)
        with redis.Redis.from_url(server.url) as client:
            client.lpush("mails", "1", "2")
        yield server.url
    finally:
        servers.stop(server.process)


def asked(token: str = TOKEN, **more: Any) -> Any:
    return Client().get("/metrics", headers={"Authorization": f"Bearer {token}"}, **more)


def families() -> dict[str, Any]:
    answer = asked()
    assert answer.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(html_of(answer))}


def values(family: Any) -> dict[tuple[str, ...], float]:
    """Return the numbers of a metric by the ending of their names and their labels."""
    return {
        (sample.name.removeprefix(family.name), *sample.labels.values()): sample.value
        for sample in family.samples
    }


# Who may read it


def test_without_a_token_in_the_settings_there_is_no_such_address(settings):
    assert settings.METRICS_TOKEN == ""
    assert asked("").status_code == 404
    assert "metrics" not in {getattr(one, "name", "") for one in urls.urlpatterns}


@pytest.mark.usefixtures("_with_token")
@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Bearer x", f"Basic {TOKEN}", TOKEN, "Bearer ü"])
def test_a_wrong_token_finds_what_a_wrong_address_finds(given):
    wrong, missing = (Client().get(path, HTTP_AUTHORIZATION=given) for path in ("/metrics", "/metricz"))
    assert (wrong.status_code, wrong.content) == (404, missing.content)


@pytest.mark.usefixtures("_with_token")
@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
def test_there_is_nothing_to_send_to_it(method):
    client = Client(enforce_csrf_checks=True)
    answer = getattr(client, method)("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 404


@pytest.mark.usefixtures("_with_token")
def test_nobody_keeps_the_answer():
    answer = asked()
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


# What it says


@pytest.mark.usefixtures("_with_token")
def test_requests_are_a_histogram_by_view_and_class_of_status():
    tallies._counted.clear()
    for ms in (5, 20, 20_000):
        tallies.note("request", "grade", "2xx", ms, NOW.timestamp())
    tallies.write(NOW)
    family = families()["engram_request_seconds"]
    assert family.type == "histogram"
    told = values(family)
    assert told["_bucket", "grade", "2xx", "0.01"] == 1
    assert told["_bucket", "grade", "2xx", "0.025"] == 2
    assert told["_bucket", "grade", "2xx", "10"] == 2
    assert told["_bucket", "grade", "2xx", "+Inf"] == 3
    assert told["_count", "grade", "2xx"] == 3
    assert told["_sum", "grade", "2xx"] == pytest.approx(20.025)


@pytest.mark.usefixtures("_with_token")
def test_tasks_errors_mails_events_and_the_heartbeat_are_told():
    tallies._counted.clear()
    tallies.note("task", "clear", "failed", 5, NOW.timestamp())
    tallies.note("error", "grade", "KeyError", 5, NOW.timestamp())
    tallies.write(NOW)
    learner = making.learner()
    answered(learner, making.card(), 4, 4)
    watching.beat(watching.HEARTBEAT, datetime.now(UTC))
    Reminder.objects.create(
        learner=learner,
        kind="daily",
        intended_on=datetime.now(UTC).date(),
        message_id="<1@engram.example>",
        expires_at=NOW,
        next_try_at=NOW,
    )
    found = families()
    assert values(found["engram_task_seconds"])["_count", "clear", "failed"] == 1
    assert values(found["engram_errors"]) == {("_total", "grade", "KeyError"): 1}
    assert values(found["engram_reminders"])["", "due"] == 1
    assert {key[1] for key in values(found["engram_reminders"])} == set(Reminder.State.values)
    assert values(found["engram_log_events"])["_total",] >= 2
    assert 0 <= values(found["engram_heartbeat_age_seconds"])["",] < 60


@pytest.mark.usefixtures("_with_token")
def test_the_database_and_the_machine_are_told():
    found = families()
    assert values(found["engram_database_bytes"])["",] > 10_000
    assert values(found["engram_web_resident_bytes"])["",] > 10_000_000
    (info,) = values(found["engram_info"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", info[1])
    if connection.vendor == "postgresql":
        assert values(found["engram_database_connections"])["", "active"] >= 1
        assert values(found["engram_database_connections_max"])["",] >= 10


@pytest.mark.usefixtures("_with_token")
def test_what_is_unknown_has_a_name_and_no_number(monkeypatch, settings):
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    settings.REDIS_URL = "redis://127.0.0.1:1"
    found = families()
    assert values(found["engram_queue_up"]) == {("",): 0}
    assert values(found["engram_queue_tasks"]) == {}
    assert values(found["engram_heartbeat_age_seconds"]) == {}


@pytest.mark.usefixtures("_with_token")
def test_the_queues_are_told_by_their_length(monkeypatch, queue):
    monkeypatch.setenv("CELERY_BROKER_URL", queue)
    found = families()
    assert values(found["engram_queue_up"]) == {("",): 1}
    assert values(found["engram_queue_tasks"]) == {("", "celery"): 0, ("", "mails"): 2}


@pytest.mark.usefixtures("_with_token")
def test_the_number_of_statements_doesnt_grow_with_what_there_is():
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            families()
        return len(captured)

    few = statements()
    for number in range(30):
        tallies.note("request", f"view{number}", "2xx", 5, NOW.timestamp())
    tallies.write(NOW)
    for who in (making.learner(), making.learner()):
        answered(who, making.card(), 4, 4)
    assert statements() == few <= 15


def test_a_label_may_hold_anything():
    family = Family("x", "gauge", "Means x.", (Sample(1.5, {"a": 'say "hi"\\\nthere'}),))
    (parsed,) = text_string_to_metric_families(exposition.text([family]))
    assert parsed.samples[0].labels == {"a": 'say "hi"\\\nthere'}
