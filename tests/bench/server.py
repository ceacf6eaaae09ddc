"""A real gunicorn, asked over one kept connection, with the CPU time of its workers read from the kernel."""

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from time import perf_counter, sleep
from urllib.parse import urlencode

from django.test import Client

from accounts.models import User
from tests.bench.databases import Database
from tests.running import servers

# However long a page or a rival takes, that is a figure and no error.
PATIENCE = 300  # seconds
ONE_THREAD = (
    "gunicorn config.wsgi:application --worker-class gthread --workers 1 --threads 1 "
    f"--timeout {PATIENCE} --keep-alive {PATIENCE} --no-control-socket --log-level error"
).split()
DOCKERFILE = Path(__file__).resolve().parents[2] / "Dockerfile"
FIELD = re.compile(r'name="(submission|version|flow|topic|csrfmiddlewaretoken)" value="([^"]*)"')
ACTION = re.compile(r'action="(/review/\d+/grade/)"')
HTMX = {"HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Server:
    """A gunicorn; it took `started_in` seconds to answer."""

    port: int
    master: int
    started_in: float
    connection: http.client.HTTPConnection

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def workers(self) -> list[Path]:
        """What the kernel says of each worker."""
        return children(self.master)

    def cpu(self) -> float:
        """Return the CPU milliseconds of the workers so far."""
        return cpu_of(self.workers)

    def resident(self) -> float:
        """Return the workers' resident memory in MB."""
        pages = sum(int((worker / "statm").read_text().split()[1]) for worker in self.workers)
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> str:
        """Return the text of an answer, which must be a 200."""
        self.connection.request(method, path, body, dict(headers or {}))
        answer = self.connection.getresponse()
        text = answer.read().decode()
        assert answer.status == http.client.OK, f"{method} {path}: {answer.status}\n{text}"
        return text

    def hello(self) -> None:
        """Ask for the page that does nothing."""
        self.ask("GET", "/healthz")


def children(process: int) -> list[Path]:
    """Return what the kernel says of each process that this one has started."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [Path(f"/proc/{child}") for child in found.split()]


def cpu_of(processes: Iterable[Path]) -> float:
    """Return the CPU milliseconds of these processes so far, all their threads together."""
    tasks = [task for process in processes for task in (process / "task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def of_the_image() -> list[str]:
    """Return the command that the container image runs the pages with, but for the address."""
    words: list[str] = json.loads(DOCKERFILE.read_text().rpartition("CMD")[2].replace("\\\n", ""))
    place = words.index("--bind")
    return words[:place] + words[place + 2 :]


@contextmanager
def running(database: Database, words: Sequence[str] = ONE_THREAD, **settings: str) -> Iterator[Server]:
    """Run a server on this database, with these variables; without other words one with a single thread."""
    port = servers.free_port()
    command = [sys.executable, "-m", *words, "--bind", f"127.0.0.1:{port}"]
    began = perf_counter()
    log = Path(os.environ["VAR_DIR"]) / f"server-{port}.log"
    with log.open("wb") as output:
        master = subprocess.Popen(
            command,
            env=os.environ | {"DATABASE_URL": database.url} | settings,
            stdout=output,
            stderr=output,
        )
    try:
        while not _answers(port):
            assert master.poll() is None, f"gunicorn has stopped:\n{log.read_text()}"
        took = perf_counter() - began
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        yield Server(port, master.pid, took, connection)
    finally:
        master.terminate()
        master.wait(10)


def _answers(port: int) -> bool:
    sleep(0.005)
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.client.OK
    except OSError:
        return False


@dataclass(slots=True)
class Browser:
    """A learner at work: it keeps its cookies and the page at hand, and sends forms as htmx does."""

    server: Server
    cookies: SimpleCookie
    page: str = ""
    answers: list[str] = field(default_factory=list)

    def open(self, path: str = "/review/") -> str:
        """Fetch a page and keep it at hand."""
        self.page = self.server.ask("GET", path, self._headers())
        return self.page

    def grade(self) -> None:
        """Press Good on the card at hand, and take the next one in hand."""
        action = ACTION.search(self.page)
        assert action, "there is no card to grade"
        body = urlencode(dict(FIELD.findall(self.page)) | {"grade": 4})
        self.page = self.server.ask("POST", action[1], HTMX | self._headers(), body)
        self.answers.append(self.page)

    @property
    def cookie(self) -> str:
        """The cookies as a request's header."""
        return "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())

    def _headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie}


def browser_of(who: User, server: Server) -> Browser:
    """Return a browser in which this learner, of the database chosen now, is logged in."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(who)
    client.get("/review/")  # for the CSRF token's cookie
    return Browser(server, client.cookies)
