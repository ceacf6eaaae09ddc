"""From pressing a key to the next side or card on the screen, in a real Chromium."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from playwright.sync_api import Page, sync_playwright

from tests.bench.people import reviewer
from tests.bench.report import Row, times
from tests.bench.server import browser_of, running
from tests.bench.timing import Sample
from tests.bench.world import World
from tests.running import chromium

CARDS, WARM_UP = 80, 10
# Measures from the key's own time stamp until the frame with the wanted side has been painted: what is posted
# from an animation frame's callback runs after that frame.
WATCH = """
    (side) => {
        const before = document.querySelector("#q");
        const there = () => {
            const stage = document.querySelector("#stage");
            return stage.dataset.side === side && (side === "a" || document.querySelector("#q") !== before);
        };
        window.painted = new Promise((done) => addEventListener("keydown", (key) => {
            const frame = () => {
                if (!there()) return requestAnimationFrame(frame);
                const after = new MessageChannel();
                after.port1.onmessage = () => done(performance.now() - key.timeStamp);
                after.port2.postMessage(0);
            };
            requestAnimationFrame(frame);
        }, { capture: true, once: true }));
    }
"""


def rows(world: World) -> Iterator[Row]:
    """Yield the times of revealing and of grading on localhost, after a few to warm up."""
    with review_page(world) as page:
        both = [(press(page, "Space", "a"), press(page, "3", "q")) for _ in range(CARDS)][WARM_UP:]
    reveals, grades = (Sample(taken) for taken in zip(*both, strict=True))
    seen = f"{len(both)} cards by keyboard, server and database beside it"
    yield times("grade to the next card painted", grades, 60, 100, seen)
    yield times("reveal to the answer painted", reveals, seen="asks no server")


def press(page: Page, key: str, side: str) -> float:
    """Press a key and return how many milliseconds later the side was on the screen."""
    page.evaluate(WATCH, side)
    page.keyboard.press(key)
    taken: float = page.evaluate("() => window.painted")
    return taken


@contextmanager
def review_page(world: World) -> Iterator[Page]:
    """Open the review in a Chromium, for a learner with enough to do."""
    database = world.many.database
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with database.chosen(), running(database) as server:
        cookies = browser_of(reviewer(world.today, world.spread), server).cookies
        session = cookies[settings.SESSION_COOKIE_NAME].value
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium.find(), args=["--disable-gpu", "--disable-dev-shm-usage", *root]
            )
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": server.url}])
            page = context.new_page()
            page.goto(f"{server.url}/review/", wait_until="networkidle")
            yield page
            browser.close()
