"""Whether a container does its work: the probes know a server that answers from one that doesn't."""

import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.utils import timezone

from config import probing
from flashcards.models import Heartbeat
from flashcards.reminders import watching
from tests.running import servers

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = {"BASE_URL": "https://engram.example"}


@contextmanager
def answering(status):
    """Answer each GET with this status; yield the port and what was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Host"], self.headers["X-Forwarded-Proto"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_address[1], asked
        server.shutdown()
        thread.join()


def test_a_web_server_that_answers_is_well_and_is_asked_as_the_proxy_asks():
    with answering(200) as (port, asked):
        assert probing.web(port, PUBLIC) == ""
    assert asked == [("/healthz", "engram.example", "https")]


@pytest.mark.parametrize("status", [301, 400, 500, 503])
def test_a_web_server_with_any_other_answer_is_not(status):
    with answering(status) as (port, _):
        assert str(status) in probing.web(port, PUBLIC)


def test_a_web_server_that_is_away_is_not():
    assert "doesn’t answer" in probing.web(servers.free_port(), PUBLIC)


@pytest.mark.django_db
def test_beat_is_well_as_long_as_its_tasks_come_through():
    assert probing.beat() == "No task has come through yet."
    watching.beat(watching.HEARTBEAT, timezone.now())
    assert probing.beat() == ""
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert probing.beat() == "No task has come through for 5 minutes."


@pytest.mark.parametrize(("status", "fails"), [(200, False), (500, True)])
def test_the_command_tells_by_its_exit_status(status, fails):
    with answering(status) as (port, _):
        command = [sys.executable, "-m", "config.probing", "web", str(port)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, bool(done.stderr)) == ((1, True) if fails else (0, False))
