"""Real workers and beats, over a real Redis to a real mail server, and all that is done to them."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import redis
from django.db import connection

from tests.running import redis_server, servers
from tests.running.fault_proxy import Proxy, fault_proxy
from tests.running.faults import every_kind
from tests.running.smtp_sink import Sink, smtp_sink
from tests.services import crowd
from tests.services.crowd import Findings

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300  # seconds after the last fault, in which every mail finds its end
SPOILT = 0.05  # the share of attempts in which the mail server fails
# Celery warns whoever is root.
PYTHON = (sys.executable, "-W", "ignore:You're running the worker", "-m")
CELERY = (*PYTHON, "celery", "-A", "tests.services.hurried", "--quiet", "--skip-checks")
WORKER = ("worker", "--without-gossip", "--without-mingle", "--loglevel", "WARNING")
BEAT = ("beat", "--loglevel", "WARNING")


@dataclass(slots=True)
class Post:
    """A running post office: the mail server, the way to Redis, and the processes that send.

    The first of the `stores` is the Redis in use, the others are empty: what it is after a restart.
    """

    folder: Path
    sink: Sink
    proxy: Proxy
    stores: list[servers.Server]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    beats: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a process of Celery's in a group of its own."""
        with (self.folder / "celery.log").open("ab") as log:
            return subprocess.Popen(
                [*CELERY, *words],
                cwd=ROOT,
                env=environment(self),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def kill_worker(self, place: int) -> None:
        """Kill one with its children, and start another in its place."""
        kill(self.workers[place])
        self.workers[place] = self.start(*WORKER)

    def kill_child(self, place: int) -> None:
        """Kill one of a worker's children; it starts another itself."""
        listed = subprocess.run(
            ["pgrep", "-P", str(self.workers[place].pid)], capture_output=True, text=True, check=False
        )
        for pid in listed.stdout.split()[:1]:
            os.kill(int(pid), signal.SIGKILL)

    def flush(self) -> None:
        """Empty Redis."""
        with redis.Redis.from_url(self.stores[0].url) as client:
            client.flushall()

    def waiting(self) -> int:
        """Return how many tasks wait for a worker, but for those that send."""
        with redis.Redis.from_url(self.stores[0].url) as client:
            return int(client.llen("celery"))

    def limit_redis(self, most: int) -> None:
        """Let Redis hold so many bytes, 0 for as many as there are; beyond them it refuses what writes."""
        with redis.Redis.from_url(self.stores[0].url) as client:
            client.config_set("maxmemory", most)

    def kill_redis(self) -> None:
        """Kill Redis; what comes back where it was has forgotten everything."""
        self.stores.pop(0).process.kill()
        self.proxy.cut()
        self.proxy.target = port_of(self.stores[0])

    def runs(self, task: str) -> Counter[str]:
        """Return how often each message with this task was run to its end, by the message's id."""
        lines = (json.loads(line) for line in self.said().splitlines() if f'"task": "{task}"' in line)
        return Counter(line["id"] for line in lines if line["logger"] == "engram.tasks")

    def said(self) -> str:
        """Return what the processes have printed."""
        return (self.folder / "celery.log").read_text()


def environment(post: Post) -> dict[str, str]:
    """Return what the processes find: the tests' own database, our mail server, Redis behind the proxy."""
    return os.environ | {
        "DATABASE_URL": url_of_database(),
        "REDIS_URL": "",
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{post.proxy.port}/0",
        "EMAIL_URL": post.sink.url,
        "EMAIL_TIMEOUT": "1",
        "REMINDER_SWEEP_SECONDS": "1",
        "SECRET_KEY": "for-tests-only",
        "BASE_URL": "http://localhost:8000",
        "DEBUG": "0",
        "VAR_DIR": str(post.folder),
    }


def url_of_database() -> str:
    """Return the address of the database that Django is connected to."""
    where = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{where['NAME']}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{where['NAME']}").geturl()


@contextmanager
def post_office(
    folder: Path, workers: int, beats: int, seed: int = 0, redis_kills: int = 1
) -> Iterator[Post]:
    """Run everything for the block, in which Redis may be killed so many times."""
    with ExitStack() as stack:
        stores = [started_redis(folder / f"redis-{n}" / "data", stack) for n in range(redis_kills + 1)]
        sink = stack.enter_context(smtp_sink(folder, seed))
        proxy = stack.enter_context(fault_proxy(port_of(stores[0])))
        post = Post(folder, sink, proxy, stores)
        try:
            post.workers += [post.start(*WORKER) for _ in range(workers)]
            post.beats += [post.start(*BEAT) for _ in range(beats)]
            yield post
        finally:
            for process in (*post.workers, *post.beats):
                kill(process)


def started_redis(folder: Path, stack: ExitStack) -> servers.Server:
    folder.mkdir(parents=True)
    server = redis_server.start(folder)
    assert server is not None
    stack.callback(servers.stop, server.process)
    servers.wait_until_it_answers(server)
    return server


def port_of(server: servers.Server) -> int:
    return urlsplit(server.url).port or 0


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def until(condition: Callable[[], object], seconds: float) -> bool:
    """Return whether this comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@dataclass(frozen=True, slots=True)
class Size:
    """How many learners, and how often what is done to those who send."""

    learners: int
    kills: int
    flushes: int
    redis_kills: int = 0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the mails, and how many seconds after the last fault the last of them was final."""

    findings: Findings
    seconds: float

    def figures(self, size: Size) -> list[tuple[str, object]]:
        """Return what was done and what came of it, by name."""
        done = [(one.name, getattr(size, one.name)) for one in fields(size)]
        return [*done, *self.findings.figures(), ("seconds", round(self.seconds, 1))]


def storm(size: Size, post: Post) -> Outcome:
    """Remind so many learners, while all sorts of things go wrong."""
    people = crowd.crowd(size.learners, datetime.now(UTC))
    post.sink.fail(*every_kind(SPOILT))
    rage(post, size)
    began = time.monotonic()
    until(lambda: not crowd.unfinished(people), PATIENCE)
    return Outcome(crowd.findings(people, post.sink.attempts()), time.monotonic() - began)


def rage(post: Post, size: Size) -> None:
    """Let the faults strike one after the other, each when a share of the mails drawn by lot has gone out."""
    dice = random.Random(size.seed)
    faults: list[Callable[[], None]] = [post.flush] * size.flushes + [post.kill_redis] * size.redis_kills
    for number in range(1, size.kills + 1):
        kill_one = post.kill_worker if number % 4 else post.kill_child
        faults.append(partial(kill_one, number % 2))
    dice.shuffle(faults)
    moments = sorted(dice.sample(range(1, size.learners * 9 // 10), len(faults)))
    for moment, fault in zip(moments, faults, strict=True):
        assert until(lambda: post.sink.many_kept >= moment, PATIENCE), post.said()  # noqa: B023
        fault()
