"""Thirty-two learners at once, without a pause, before the pages as the container image runs them."""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from django.db import connection

from accounts.models import User
from tests.bench.databases import Database
from tests.bench.people import due_again, reviewer
from tests.bench.report import Row, times
from tests.bench.reviewers import Line, Renew, Taken, review
from tests.bench.server import Server, browser_of, children, cpu_of, of_the_image, running
from tests.bench.timing import Sample
from tests.bench.world import World

CONNECTIONS, CORES = 32, 2
AT_LENGTH, BRIEFLY, WARM_UP = 300, 20, 5  # seconds
PAUSE = 8  # seconds that a learner takes for a card
A_MINUTE = 60
WEB_CONCURRENCY = "2"  # as in docker-compose.yml


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: requests, seconds of CPU by who took them, the web's memory in MB second by second."""

    taken: Taken
    seconds: float
    cpu: dict[str, float]
    resident: list[float]


@dataclass(frozen=True, slots=True)
class Load:
    """A server and the learners before it; `pool` is the one thread that may ask the database meanwhile."""

    database: Database
    postmaster: int
    server: Server
    learners: list[tuple[User, Line]]
    pool: ThreadPoolExecutor
    today: date

    async def applied(self, seconds: float) -> Outcome:
        """Let everybody review for so long, after a while that doesn't count."""
        await self._review(WARM_UP, Taken())
        taken, resident = Taken(), list[float]()
        began, before = perf_counter(), self._cpu()
        watching = asyncio.create_task(self._watch(resident))
        await self._review(seconds, taken)
        watching.cancel()
        cpu = {who: spent - before[who] for who, spent in self._cpu().items()}
        return Outcome(taken, perf_counter() - began, cpu, resident)

    def _cpu(self) -> dict[str, float]:
        backends = cpu_of(children(self.postmaster))
        return {"web": self.server.cpu() / 1_000, "PostgreSQL": backends / 1_000, "client": process_time()}

    async def _review(self, seconds: float, taken: Taken) -> None:
        until = perf_counter() + seconds
        await asyncio.gather(*(review(line, self._renew(who), until, taken) for who, line in self.learners))

    async def _watch(self, resident: list[float]) -> None:
        while True:
            resident.append(self.server.resident())
            await asyncio.sleep(1)

    def _renew(self, who: User) -> Renew:
        """Return a function that lets all that this learner has answered be due once more."""
        act = self.database.asked(partial(due_again, who, self.today))
        return lambda: asyncio.get_running_loop().run_in_executor(self.pool, act)


def rows(world: World) -> Iterator[Row]:
    """Yield the figures of a short while."""
    return figures(outcome(world, BRIEFLY))


def rows_at_length(world: World) -> Iterator[Row]:
    """Yield those of a while in which memory would grow, were it to."""
    return figures(outcome(world, AT_LENGTH))


def outcome(world: World, seconds: float) -> Outcome:
    """Return what the load comes to on the database of many learners."""
    database = world.many.database
    database.wrapper.inc_thread_sharing()
    with database.chosen(), on_two_cores() as postmaster, vacuumed(), ThreadPoolExecutor(1) as pool:
        people = [reviewer(world.today, world.spread) for _ in range(CONNECTIONS)]
        with running(database, of_the_image(), WEB_CONCURRENCY=WEB_CONCURRENCY) as server:
            learners = [(who, Line(server.port, browser_of(who, server).cookie)) for who in people]
            load = Load(database, postmaster, server, learners, pool, world.today)
            return asyncio.run(load.applied(seconds))


def figures(found: Outcome) -> Iterator[Row]:
    """Yield the rows of an outcome."""
    taken = found.taken
    every = Sample(taken.pages + taken.grades)
    last = every.percentile(99)
    errors = f"; {taken.errors[0]}" if taken.errors else ""
    seen = f"{len(every.values):,} requests in {found.seconds:.0f} s over {CONNECTIONS} connections{errors}"
    yield Row("errors under load", "", len(taken.errors), budget=0, seen=seen)
    yield times("review page under load", Sample(taken.pages))
    yield times("grade under load", Sample(taken.grades))
    slowest = f"{last:.1f} ms against {every.median:.1f} ms"
    yield Row("99th percentile under load", "x the median", last / every.median, budget=4, seen=slowest)
    yield memory(found.resident)
    shares = ", ".join(f"{who} {seconds / found.seconds:.2f}" for who, seconds in found.cpu.items())
    yield Row("requests under load", "a second", len(every.values) / found.seconds, seen=f"cores: {shares}")
    cards = len(taken.grades) / (found.cpu["web"] + found.cpu["PostgreSQL"])
    yield Row(f"learners, a card every {PAUSE} s", "a core", cards * PAUSE, seen="of web and PostgreSQL")


def memory(resident: list[float]) -> Row:
    """Return the row that holds memory in the last minute against the first; of a short while, quarters."""
    window = max(1, min(A_MINUTE, len(resident) // 4))
    first, last = median(resident[:window]), median(resident[-window:])
    unit = f"x the first {window} s"
    return Row(
        "memory under load", unit, last / first, budget=1.05, seen=f"{last:.0f} MB against {first:.0f} MB"
    )


@contextmanager
def on_two_cores() -> Iterator[int]:
    """Keep us, what we start and PostgreSQL on two cores for the block; yield the postmaster's id."""
    before = os.sched_getaffinity(0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    # After the name in brackets come the state and the parent.
    postmaster = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
    everybody = (0, backend, postmaster)
    for process in everybody:
        os.sched_setaffinity(process, sorted(before)[:CORES])
    try:
        yield postmaster
    finally:
        for process in everybody:
            os.sched_setaffinity(process, before)


@contextmanager
def vacuumed() -> Iterator[None]:
    """Let PostgreSQL clear away what the load leaves behind, as it does anywhere but in tests."""
    _tell("ALTER SYSTEM SET autovacuum = on")
    try:
        yield
    finally:
        _tell("ALTER SYSTEM RESET autovacuum")


def _tell(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        cursor.execute("SELECT pg_reload_conf()")
