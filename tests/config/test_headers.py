"""The headers and cookies of every kind of answer, under https and, with less, under plain HTTP."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import security_settings

ROOT = Path(__file__).resolve().parents[2]
ALWAYS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "font-src 'self'",
    "connect-src 'self'", "manifest-src 'self'", "form-action 'self'", "frame-ancestors 'none'",
    "base-uri 'none'",
}  # fmt: skip
HSTS = "max-age=63072000; includeSubDomains; preload"
# Runs in a process of its own, whose settings are those of BASE_URL, and prints what was answered.
PROGRAM = """
import json, logging, sys
import django
django.setup()
logging.disable()
from django.core.management import call_command
from django.test import Client
from django.conf import settings
from accounts.models import User
call_command("migrate", verbosity=0)
settings.ACCOUNT_RATE_LIMITS = {"guest": "1/m/ip"}
secure = settings.BASE_URL.startswith("https")
client = Client(enforce_csrf_checks=True, raise_request_exception=False, SERVER_NAME="localhost")
loose = Client(raise_request_exception=False, SERVER_NAME="localhost")
def broken(request): raise RuntimeError("canary")
from django.urls import path
import config.urls
from django.contrib.auth.decorators import login_not_required
config.urls.urlpatterns.append(path("broken", login_not_required(broken)))
kinds = {
    "page": (client, "GET", "/accounts/login/"), "head": (client, "HEAD", "/help/"),
    "nothing": (client, "GET", "/nowhere/"), "broken": (client, "GET", "/broken"),
    "redirect": (client, "GET", "/today/"), "static": (client, "GET", "/static/css/app.css"),
    "no token": (client, "POST", "/try/"), "guest": (loose, "POST", "/try/"),
    "too many": (loose, "POST", "/try/"), "trace": (client, "TRACE", "/help/"),
    "other method": (client, "PROPFIND", "/help/"), "health": (client, "GET", "/healthz"),
    "no slash": (client, "GET", "/help"), "signed out": (client, "GET", "/today/"),
}
told = {}
for kind, (who, method, url) in kinds.items():
    if kind == "too many": who = Client(raise_request_exception=False, SERVER_NAME="localhost")
    response = who.generic(method, url, secure=secure)
    body = b"".join(response) if response.streaming else response.content
    cookies = {c.key: {k: v for k, v in c.items() if v} for c in response.cookies.values()}
    told[kind] = [response.status_code, dict(response.headers), cookies, body.decode()[:4000]]
evil = client.get("/help/", headers={"host": "evil.example"}, secure=secure)
told["other host"] = [evil.status_code, dict(evil.headers), {}, evil.content.decode()]
if secure:
    plain = client.get("/help/")
    told["to https"] = [plain.status_code, dict(plain.headers), {}, ""]
elsewhere = "//evil.example/", "\\\\\\\\evil.example", "/\\\\evil.example", "https:evil.example", "https://evil.example"
for wanted in elsewhere:
    other = Client(SERVER_NAME="localhost", REMOTE_ADDR="192.0.2.%d" % len(told))
    sent = other.post("/try/", {"next": wanted}, secure=secure)
    told["next " + wanted] = [sent.status_code, dict(sent.headers), {}, ""]
print(json.dumps(told))
"""


@pytest.fixture(scope="module", params=["https://localhost", "http://localhost:8000"])
def answers(request, tmp_path_factory):
    """Return scheme and answers by their kind, as a fresh Engram gives them."""
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    mine = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "BASE_URL": request.param,
        "SECRET_KEY": "x" * 60,
        "VAR_DIR": str(tmp_path_factory.mktemp("var")),
        "TRUSTED_PROXIES": "0",
    }
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=keep | mine,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return request.param.partition(":")[0], json.loads(ran.stdout.splitlines()[-1])


def test_every_kind_of_answer_has_every_header(answers):
    scheme, told = answers
    for kind, (_, headers, _, _) in told.items():
        assert {name: headers.get(name) for name in ALWAYS} == ALWAYS, kind
        assert set(headers["Content-Security-Policy"].split("; ")) == POLICY, kind
        if kind != "to https":
            assert headers.get("Strict-Transport-Security") == (HSTS if scheme == "https" else None), kind
        assert not {"Server", "X-Powered-By", "Access-Control-Allow-Origin"} & set(headers), kind


def test_each_kind_is_what_it_is_called(answers):
    statuses = {kind: told[0] for kind, told in answers[1].items()}
    wanted = {
        "page": 200, "head": 200, "nothing": 404, "broken": 500, "redirect": 302, "static": 200,
        "no token": 403, "guest": 303, "too many": 429, "trace": 405, "other method": 405, "other host": 400,
    }  # fmt: skip
    assert {kind: statuses[kind] for kind in wanted} == wanted


def test_cookies_are_bound_to_the_host_under_https_and_plain_under_http(answers):
    scheme, told = answers
    cookies = {name: cookie for _, _, set_, _ in told.values() for name, cookie in set_.items()}
    prefix = "__Host-" if scheme == "https" else ""
    assert {f"{prefix}sessionid", f"{prefix}csrftoken"} <= set(cookies)
    for name, cookie in cookies.items():
        assert name.startswith(prefix)
        assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == ("/", "Lax", True)
        assert cookie.get("secure", False) is (scheme == "https")
        assert "domain" not in cookie


def test_another_host_is_refused_without_detail(answers):
    status, _, _, body = answers[1]["other host"]
    assert status == 400
    assert "evil.example" not in body
    assert "ALLOWED_HOSTS" not in body


def test_an_error_tells_nothing_of_its_cause(answers):
    assert "canary" not in answers[1]["broken"][3]


def test_no_next_leads_to_another_site(answers):
    ways = {kind: told[1].get("Location") for kind, told in answers[1].items() if kind.startswith("next ")}
    assert len(ways) == 5
    assert set(ways.values()) <= {"/review/", None}


def test_the_origin_that_may_send_forms_has_no_path():
    assert security_settings.of("https://engram.example/sub")["CSRF_TRUSTED_ORIGINS"] == [
        "https://engram.example"
    ]
