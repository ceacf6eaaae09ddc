"""Reports to Sentry: none without a DSN, and with one nothing of a learner's in them."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import brotli
import pytest

ROOT = Path(__file__).resolve().parents[2]
BREAKS = """
import logging, os, sys
import django
django.setup()
from django.urls import path
from config import urls
from flashcards.models import Card

def broken(request, token):
    secret = request.POST["text"] + "-in-a-frame"
    try:
        raise KeyError("canary-cause")
    except KeyError as error:
        raise ValueError(f"canary-message {secret}") from error

urls.urlpatterns.append(path("broken/<str:token>/", broken, name="broken"))
from config.wsgi import application
from django.test import RequestFactory
from io import BytesIO
import sentry_sdk

body = b"text=canary-body"
environ = RequestFactory().generic("POST", "/broken/canary-token/?q=canary-query", body,
    "application/x-www-form-urlencoded", HTTP_COOKIE="other=canary-cookie", HTTP_REFERER="http://x/canary-referer",
    HTTP_AUTHORIZATION="Bearer canary-bearer", REMOTE_ADDR="203.0.113.77").environ
environ["HTTP_HOST"] = "localhost"
from django.views.decorators.csrf import csrf_exempt
broken.csrf_exempt = True
broken.login_required = False
list(application(environ, lambda status, headers: print(status)))
logging.getLogger("x").error("It failed for %s", "canary@example.org", extra={"more": "canary-extra"})
sentry_sdk.flush(5)
print("sentry_sdk" in sys.modules)
"""


class Inbox(BaseHTTPRequestHandler):
    """Takes reports as Sentry does."""

    reports: list[bytes] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        unpack = {"gzip": gzip.decompress, "br": brotli.decompress}
        self.reports.append(unpack[self.headers["Content-Encoding"]](body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def sentry() -> Iterator[str]:
    """The DSN of a server that keeps what it is told."""
    Inbox.reports = []
    server = HTTPServer(("127.0.0.1", 0), Inbox)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://public@127.0.0.1:{server.server_port}/1"
    server.shutdown()
    server.server_close()
    thread.join()


def run(tmp_path: Path, script: str, **more: str) -> str:
    own = {"VAR_DIR": str(tmp_path), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-c", script]
    environment = os.environ | own | more
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def events() -> list[dict[str, Any]]:
    found = [
        json.loads(line) for body in Inbox.reports for line in body.splitlines() if line.startswith(b"{")
    ]
    return [one for one in found if "level" in one]


def test_without_a_dsn_not_even_the_package_is_loaded(tmp_path):
    script = "import sys, config.wsgi; print('sentry_sdk' in sys.modules)"
    assert run(tmp_path, script) == "False\n"


def test_a_report_holds_the_way_to_the_error_and_nothing_of_a_learners(tmp_path, sentry):
    assert run(tmp_path, BREAKS, SENTRY_DSN=sentry).startswith("500")
    text = b"\n".join(Inbox.reports).decode()
    assert "canary" not in text
    assert "203.0.113.77" not in text
    broken = next(event for event in events() if "exception" in event)
    assert [value["type"] for value in broken["exception"]["values"]] == ["KeyError", "ValueError"]
    assert broken["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "broken"
    assert len(broken["tags"]["id"]) == 16
    assert {event.get("message") for event in events()} >= {"It failed for …@…"}
