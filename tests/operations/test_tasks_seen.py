"""Real processes: lines in one form, ids that go from a task to its children, figures in one table."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.request import urlopen

import pytest

from tests.running.servers import free_port
from tests.services.test_serve import (
    ALONE,
    ROOT,
    SECONDS,
    WAITS_FOR_A_MAIL,
    Engram,
    database,
    run_engram,
    until,
)

# As on a server, and with a sweep each second.
LOGGED = {"LOG_FORMAT": "json", "LOG_LEVEL": "INFO", "REMINDER_SWEEP_SECONDS": "1"}


@pytest.fixture(scope="module")
def engram() -> Iterator[Engram]:
    with run_engram(WAITS_FOR_A_MAIL, **LOGGED) as started:
        yield started


def lines(engram: Engram) -> list[dict[str, Any]]:
    """Return what its programs have logged: each line but those of `serve` itself."""
    said = [line for line in engram.output().splitlines() if line.startswith("{")]
    return [json.loads(line) for line in said]


def of(engram: Engram, task: str) -> list[dict[str, Any]]:
    return [line for line in lines(engram) if line.get("task") == task]


def tallies(engram: Engram) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(f"file:{engram.folder}/engram.sqlite3?mode=ro", uri=True)) as held:
        return held.execute("SELECT kind, name FROM flashcards_tally WHERE span = 'ever'").fetchall()


def test_each_run_of_a_task_has_a_line_with_an_id_of_its_own(engram):
    assert until(lambda: len(of(engram, "reminders.sweep")) > 2)
    sweeps = of(engram, "reminders.sweep")
    assert len({line["id"] for line in sweeps}) == len(sweeps)
    assert {line["outcome"] for line in sweeps} == {"done"}
    assert not [line for line in sweeps if "parent" in line]
    assert not [line for line in lines(engram) if line["logger"].startswith("celery.app.trace")]


def test_a_task_that_another_handed_out_carries_its_id(engram):
    assert until(lambda: of(engram, "reminders.send"))
    (sent,) = of(engram, "reminders.send")[:1]
    assert sent["parent"] in {line["id"] for line in of(engram, "reminders.sweep")}
    assert "ada@example.org" not in engram.output()


def test_requests_have_lines_but_what_probes_ask_for(engram):
    with urlopen(f"http://127.0.0.1:{engram.port}/help/", timeout=SECONDS) as answer:
        number = answer.headers["X-Request-ID"]
    assert until(lambda: number in {line.get("id") for line in lines(engram)})
    assert {line["view"] for line in lines(engram) if "view" in line} == {"help"}


def test_what_web_server_and_worker_count_ends_in_the_table_when_they_are_stopped_at_the_latest():
    with run_engram(**LOGGED) as engram:
        with urlopen(f"http://127.0.0.1:{engram.port}/help/", timeout=SECONDS):
            pass
        assert until(lambda: of(engram, "reminders.sweep"))
        engram.process.terminate()
        assert engram.process.wait(SECONDS) == 0
        assert ("request", "help") in tallies(engram)
        assert ("task", "reminders.sweep") in tallies(engram)


def test_the_first_process_of_gunicorn_speaks_json_too(tmp_path):
    (tmp_path / "engram.sqlite3").write_bytes(database())
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    hooks = ["-c", "python:config.gunicorn_hooks", "--no-control-socket"]
    environment = os.environ | ALONE | LOGGED | {"VAR_DIR": str(tmp_path)}
    with (tmp_path / "output").open("wb") as output:
        server = subprocess.Popen([*command, *hooks], cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        assert until(lambda: "Booting worker" in (tmp_path / "output").read_text())
    finally:
        server.terminate()
        server.wait(SECONDS)
    said = (tmp_path / "output").read_text().splitlines()
    assert len(said) > 3
    assert [
        line for line in said if not {"at", "level", "logger", "message"} <= json.loads(line).keys()
    ] == []
