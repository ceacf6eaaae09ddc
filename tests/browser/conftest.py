"""A real Chromium whose page fails the test on any error that a visitor's console would show.

Two habits: wait with `expect(locator)`, never with `page.wait_for_function("text")`, which is eval and so
stopped by the site's content security policy; and name what a learner sees (`get_by_role`, `get_by_label`).
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, ConsoleMessage, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.accounts.people import proven
from tests.browser.looks import LOOKS
from tests.running import chromium

# Playwright's synchronous API runs an event loop in the test's thread; Django takes that for async code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

SWITCHES = [
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # No test may depend on a foreign host, nor wait for one.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
]
# How far something moved by itself, as the browser rates it, with what it was.
SHIFTS = """
    window.shifts = [];
    const seen = (list) => list.getEntries().forEach((entry) => shifts.push(
        [entry.value, ...entry.sources.map((one) => one.node && (one.node.outerHTML || "").slice(0, 80))],
    ));
    new PerformanceObserver(seen).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use the machine's Chromium; without one, playwright looks for its own."""
    own = {"executable_path": path} if (path := chromium.find()) else {}
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return browser_type_launch_args | own | {"args": [*SWITCHES, *root]}


@pytest.fixture
def look() -> dict[str, Any]:
    """Return the screen: a desktop in daylight, unless a decorator of looks.py says otherwise."""
    return LOOKS["desktop-light"]


@pytest.fixture
def browser_context_args(
    browser_context_args: dict[str, Any], look: dict[str, Any], live_server: LiveServer
) -> dict[str, Any]:
    """Make addresses relative to the live server, and zone and language a learner's, not the machine's."""
    about_the_learner = {"locale": "en-GB", "timezone_id": "Europe/Berlin", "reduced_motion": "reduce"}
    return browser_context_args | about_the_learner | look | {"base_url": live_server.url}


@pytest.fixture
def expected_trouble() -> list[str]:
    """Return a list for parts of console errors that the test provokes, such as "status of 409"."""
    return []


@pytest.fixture
def page(page: Page, expected_trouble: list[str]) -> Iterator[Page]:
    """Give a page, and afterwards fail on errors, warnings and broken policy in its console."""
    trouble: list[str] = []
    page.add_init_script(SHIFTS)
    page.on("console", lambda message: trouble.extend(complaints(message)))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    yield page
    unexpected = [text for text in trouble if not any(part in text for part in expected_trouble)]
    assert not unexpected, unexpected


def complaints(message: ConsoleMessage) -> list[str]:
    # A download has no head to name an icon in, and the browser may ask for one by itself.
    if message.type not in ("error", "warning") or message.location["url"].endswith("/favicon.ico"):
        return []
    return [f"{message.text} ({message.location['url']})"]


@pytest.fixture
def sign_in(context: BrowserContext, live_server: LiveServer) -> Callable[[User], None]:
    """Return a function that gives the browser a session of this learner, without the log-in page."""

    def with_session_of(learner: User) -> None:
        client = Client()
        client.force_login(learner)
        if learner.is_staff:
            proven(client, learner)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )

    return with_session_of
