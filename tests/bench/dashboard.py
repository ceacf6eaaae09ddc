"""The dashboard: with a short history and one ten times as long, and of a few cards and very many."""

from collections.abc import Callable, Iterator
from time import perf_counter

from django.core.cache import cache

from accounts.models import User
from tests.bench.people import historian
from tests.bench.report import Row, ratio, times
from tests.bench.server import Browser, Server, browser_of, running
from tests.bench.timing import measured
from tests.bench.world import SMALL_DECK, Single, World

SHORT, LONG = 10_000, 100_000
ROUNDS = 40


def rows(world: World) -> Iterator[Row]:
    """Yield what one worker with one thread takes, each time after something has changed."""
    database = world.many.database
    with database.chosen():
        short, long = historian(SHORT, world.today, world.spread), historian(LONG, world.today, world.spread)
        with running(database) as server:
            few, many = measured(
                fresh(short, browser_of(short, server)), fresh(long, browser_of(long, server)), rounds=ROUNDS
            )
    seen = "whole page, 50 cards, nothing in the cache"
    yield times(f"dashboard, {SHORT:,} answers", few, 200, seen=seen)
    yield ratio(f"dashboard, {LONG:,} answers", many, few, f"x at {SHORT:,}", 2, seen)


def by_deck(world: World) -> Iterator[Row]:
    """Yield what the page takes for a veteran of a great deck, against one of the seed's."""
    for kind, large in world.large.items():
        small = world.small[kind]
        with running(large.database) as server, running(small.database) as other:
            many, few = measured(opened(large, server), opened(small, other), rounds=ROUNDS)
        what, seen = f"dashboard, {world.size.large_deck:,} cards, {kind}", "whole page, nothing in the cache"
        yield times(what, many, 110, seen=seen)
        yield ratio(what, many, few, f"x {SMALL_DECK} cards", 2)


def opened(single: Single, server: Server) -> Callable[[], float]:
    """Return a function that opens the veteran's dashboard afresh; it says how long that took."""
    with single.database.chosen():
        act = fresh(single.veteran, browser_of(single.veteran, server))

    def once() -> float:
        with single.database.chosen():
            return act()

    return once


def fresh(who: User, browser: Browser) -> Callable[[], float]:
    """Return a function that opens the dashboard with nothing in the cache; it says how long that took."""

    def once() -> float:
        cache.clear()
        began = perf_counter()
        page = browser.open("/dashboard/")
        took = 1_000 * (perf_counter() - began)
        assert "Readiness on" in page
        return took

    return once
