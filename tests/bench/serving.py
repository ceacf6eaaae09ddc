"""What a grade costs the server against its own hello, and what the server and its answers weigh."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

from django.contrib.staticfiles import finders

from flashcards.models import Card
from tests.bench.people import SEEDED, due_again, reviewer
from tests.bench.report import Row, ratio, times
from tests.bench.server import Browser, Server, browser_of, running
from tests.bench.timing import Sample, measured
from tests.bench.world import World

ROUNDS, HELLOS, PAGES, GRADES = 14, 100, 25, 40
STARTS = 5


def rows(world: World) -> Iterator[Row]:
    """Yield what one worker with one thread does, on the database of many learners."""
    database = world.many.database
    with database.chosen():
        who = reviewer(world.today, world.spread)
        with running(database) as server:
            browser = browser_of(who, server)
            yield from cpu_of(server, browser, lambda: due_again(who, world.today))
            seen = f"after {len(browser.answers)} reviews"
            yield Row("web process, resident", "MB", server.resident(), budget=140, seen=seen)
            yield weight("answer to a grade", browser.answers, 4)
            yield weight("review page", [browser.open(f"/review/?card={card}") for card in seeded()], 60)
    started = []
    for _ in range(STARTS):
        with running(database) as server:
            started.append(server.started_in)
    yield Row("start-up to the first answer", "s", Sample(started).median, Sample(started).p95, budget=2)
    yield raw("our own script", ["js/engram.js"], 8)
    yield raw("our own styles", ["css/app.css", "css/code.css"], 40)


def cpu_of(server: Server, browser: Browser, renew: Callable[[], None]) -> Iterator[Row]:
    """Yield the worker's CPU time of a hello, a grade and a review page, measured in turn."""

    def spent(times: int, act: Callable[[], object]) -> float:
        before = server.cpu()
        for _ in range(times):
            act()
        return (server.cpu() - before) / times

    def grades() -> float:
        renew()
        browser.open()
        return spent(GRADES, browser.grade)

    hello, page, grade = measured(
        lambda: spent(HELLOS, server.hello), lambda: spent(PAGES, browser.open), grades, rounds=ROUNDS
    )
    yield times("hello, CPU of the server", hello, seen=f"`GET /healthz`, {ROUNDS} rounds of {HELLOS}")
    yield ratio("grade, CPU of the server", grade, hello, "x hello", 12, f"{ROUNDS} rounds of {GRADES}")
    yield ratio("review page, CPU of the server", page, hello, "x hello", seen=f"{ROUNDS} rounds of {PAGES}")


def seeded() -> list[int]:
    """Return the ids of the seed's own cards."""
    return list(Card.objects.filter(position__lte=SEEDED).values_list("pk", flat=True))


def weight(what: str, texts: list[str], budget: float) -> Row:
    """Return the row of these answers' size under gzip; the heaviest of them is named too."""
    sizes = Sample([compressed(text.encode()) for text in texts])
    seen = f"{len(texts)} of them, the heaviest {max(sizes.values):.2f} kB"
    return Row(f"{what}, gzip", "kB", sizes.median, sizes.p95, budget, budget, seen=seen)


def raw(what: str, names: list[str], budget: float) -> Row:
    """Return the row of the size of static files as they are written."""
    content = b"".join(Path(str(finders.find(name))).read_bytes() for name in names)
    return Row(what, "kB", len(content) / 1e3, budget=budget, seen=f"{compressed(content):.2f} kB gzip")


def compressed(content: bytes) -> float:
    """Return the size under gzip in kB."""
    return len(gzip.compress(content)) / 1e3
