"""How many grades a second the pages take over eight connections, as the container image runs them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from time import perf_counter
from urllib.parse import urlencode

from tests.bench.people import due_again, reviewer
from tests.bench.report import Row
from tests.bench.reviewers import HERE, Line
from tests.bench.server import ACTION, FIELD, browser_of, of_the_image, running
from tests.bench.timing import Sample, measured
from tests.bench.world import World

CONNECTIONS, WEB_CONCURRENCY = 8, "2"
HELLOS, GRADES, ROUNDS = 100, 20, 7  # of each connection in a round
# Two public flashcard apps graded 84 and 175 cards a second where a hello by gunicorn came 2,251 times.
TWICE_THE_BETTER = 2 * 175 / 2_251


def rows(world: World) -> Iterator[Row]:
    """Yield the rate and what share it is of the same server's hellos, measured in turn."""
    database = world.many.database
    with database.chosen():
        people = [reviewer(world.today, world.spread) for _ in range(CONNECTIONS)]
        with running(database, of_the_image(), WEB_CONCURRENCY=WEB_CONCURRENCY) as server:
            cookies = [browser_of(who, server).cookie for who in people]

            def graded() -> float:
                for who in people:
                    due_again(who, world.today)
                return asyncio.run(_rate([Line(server.port, one) for one in cookies], _grades))

            def greeted() -> float:
                return asyncio.run(_rate([Line(server.port, one) for one in cookies], _hellos))

            hellos, grades = measured(greeted, graded, rounds=ROUNDS, warm_up=2)
    said = f"{CONNECTIONS} connections, {WEB_CONCURRENCY} processes"
    yield Row("grades a second", "", grades.median, seen=said)
    share = [ours / theirs for ours, theirs in zip(grades.values, hellos.values, strict=True)]
    seen = f"against {hellos.median:,.0f} a second; twice what the better of two public apps came to"
    least = round(TWICE_THE_BETTER, 3)
    yield Row("grades a second", "x hellos", Sample(share).median, at_least=least, seen=seen)


async def _rate(lines: list[Line], ask: Callable[[Line], Awaitable[int]]) -> float:
    """Return how many of these a second all lines together get; the first of each doesn't count."""
    await asyncio.gather(*(line.ask("GET", "/healthz") for line in lines))
    began = perf_counter()
    answers = sum(await asyncio.gather(*map(ask, lines)))
    rate = answers / (perf_counter() - began)
    for line in lines:
        line.close()
    return rate


async def _hellos(line: Line) -> int:
    for _ in range(HELLOS):
        status, text, _ = await line.ask("GET", "/healthz")
        assert status == HERE, text
    return HELLOS


async def _grades(line: Line) -> int:
    """Grade card after card as htmx does, each with the form that came with the last answer."""
    status, page, _ = await line.ask("GET", "/review/")
    for _ in range(GRADES):
        action = ACTION.search(page)
        assert action, f"{status}: {page}"
        form = urlencode(dict(FIELD.findall(page)) | {"grade": 4})
        status, page, _ = await line.ask("POST", action[1], form)
    return GRADES
