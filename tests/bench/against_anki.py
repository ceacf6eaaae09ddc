"""Anki's own engine, where it is installed, before as large a deck: its queue against ours, its graphs too.

Both have as many cards started, due, new and logged. What Anki takes to draw its graphs isn't counted, so it
is the dashboard's figures that have the budget; the whole page, over HTTP, stands beside them. Nothing is in
the cache.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from statistics import median
from time import perf_counter

from django.core.cache import cache
from django.utils import timezone

from accounts.models import User
from flashcards.models import DayStat, ReviewLog
from flashcards.views.dashboard import shown
from flashcards.views.stage import Moment
from tests.bench.anki_collection import FURTHEST, Anki, version
from tests.bench.copying import copies, days_from, numbers
from tests.bench.dashboard import fresh
from tests.bench.queueing import looks
from tests.bench.report import Row, faster, skipped
from tests.bench.server import browser_of, running
from tests.bench.timing import clocked, measured
from tests.bench.world import LEFT_NEW, Single, World

QUEUES, GRAPHS = 25, 5  # rounds
A_YEAR = 365
BUDGETED = 200_000  # cards; Anki's times grow with the deck, so before a small one nothing is promised


def rows(world: World) -> Iterator[Row]:
    """Yield how many times faster we are on either database; one line that says why not without Anki."""
    if not version():
        yield skipped("against Anki", "anki isn't installed; pip install anki")
        return
    some = world.large["SQLite"]
    with some.database.chosen():
        answers = ReviewLog.objects.filter(learner=some.veteran).count()
    anki = Anki(world.folder / "anki" / "collection.anki2")
    anki.fill(world.size.large_deck, answers, world.spread)
    yield from queues(world, anki)
    yield from graphs(world, anki, answers)


def queues(world: World, anki: Anki) -> Iterator[Row]:
    """Yield its queue, built when it is started, against our counts and next card, read for each page."""
    kinds = list(world.large)
    ours = [
        single.database.asked(clocked(looks([single.veteran], world.today)))
        for single in world.large.values()
    ]
    theirs, *taken = measured(anki.queue, *ours, rounds=QUEUES)
    seen = f"Anki {version()}, of which {median(anki.opening):.1f} ms to open the collection"
    for kind, sample in zip(kinds, taken, strict=True):
        what = f"counts and next card, {world.size.large_deck:,} cards, {kind}"
        yield faster(what, sample, theirs, "Anki's queue build", budget(world, 20), seen)


def graphs(world: World, anki: Anki, answers: int) -> Iterator[Row]:
    """Yield its figures for a year, in an open collection, against our page after something has changed."""
    collection = anki.opened()

    def draw() -> None:
        found = collection._backend.graphs(search="", days=A_YEAR)
        assert found.card_counts.including_inactive.newCards == LEFT_NEW

    with ExitStack() as stack:
        stack.callback(collection.close)
        pages = [_page(single, world.today, stack) for single in world.large.values()]
        figures = [_figures(single, world.today) for single in world.large.values()]
        theirs, *taken = measured(clocked(draw), *figures, *pages, rounds=GRAPHS, warm_up=1)
    said = f"{world.size.large_deck:,} cards"
    for kind, sample, page in zip(world.large, taken, taken[len(figures) :], strict=False):
        seen = f"{answers:,} answers; all of the page's, before they are drawn"
        what = f"the dashboard's figures, {said}, {kind}"
        yield faster(what, sample, theirs, "Anki's graphs", budget(world, 10), seen)
        yield faster(f"the whole dashboard, {said}, {kind}", page, theirs, "Anki's graphs", None, "over HTTP")


def budget(world: World, at_least: float) -> float | None:
    """Return the budget where it holds: before a deck that is large enough."""
    return at_least if world.size.large_deck >= BUDGETED else None


def _figures(single: Single, today: date) -> Callable[[], float]:
    """Return a function that works the veteran's page out with nothing in the cache; it says how long."""
    now = timezone.now()

    def once() -> float:
        cache.clear()
        began = perf_counter()
        assert shown(Moment(single.veteran, now, today))["ready"].of
        return 1_000 * (perf_counter() - began)

    return single.database.asked(once)


def _page(single: Single, today: date, stack: ExitStack) -> Callable[[], float]:
    """Return a function that says what the veteran's page takes a server that runs as long as the stack."""
    with single.database.chosen():
        _studied(single.veteran, today)
        server = stack.enter_context(running(single.database))
        return single.database.asked(fresh(single.veteran, browser_of(single.veteran, server)))


def _studied(who: User, today: date) -> None:
    """Let the learner's days be as many as those in Anki's log."""
    yesterday = DayStat.objects.filter(learner=who, day__lt=today).latest("day")
    copies(yesterday, numbers(FURTHEST - 1), day=days_from(yesterday.day, "-n"))
