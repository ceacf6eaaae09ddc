"""A real gunicorn, asked over one kept connection, with the CPU time of its worker read from the kernel."""

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
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
ONE_THREAD = "--worker-class gthread --workers 1 --threads 1".split()
PATIENT = f"--timeout {PATIENCE} --keep-alive {PATIENCE} --no-control-socket --log-level error".split()
FIELD = re.compile(r'name="(submission|version|flow|topic|csrfmiddlewaretoken)" value="([^"]*)"')
ACTION = re.compile(r'action="(/review/\d+/grade/)"')
HTMX = {"HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Server:
    """A gunicorn with one worker and one thread; it took `started_in` seconds to answer."""

    port: int
    master: int
    worker: int
    started_in: float
    connection: http.client.HTTPConnection

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """Return the CPU milliseconds of the worker so far, all its threads together."""
        tasks = Path(f"/proc/{self.worker}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6

    def resident(self) -> float:
        """Return the worker's resident memory in MB."""
        pages = int(Path(f"/proc/{self.worker}/statm").read_text().split()[1])
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


@contextmanager
def running(database: Database) -> Iterator[Server]:
    """Run a server on this database, as on a production machine but for the one thread."""
    port = servers.free_port()
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    began = perf_counter()
    log = Path(os.environ["VAR_DIR"]) / f"server-{port}.log"
    with log.open("wb") as output:
        master = subprocess.Popen(
            [*command, *ONE_THREAD, *PATIENT],
            env=os.environ | {"DATABASE_URL": database.url},
            stdout=output,
            stderr=output,
        )
    try:
        while not _answers(port):
            assert master.poll() is None, f"gunicorn has stopped:\n{log.read_text()}"
        took = perf_counter() - began
        children = Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text().split()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        yield Server(port, master.pid, int(children[0]), took, connection)
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

    def _headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())}


def browser_of(who: User, server: Server) -> Browser:
    """Return a browser in which this learner, of the database chosen now, is logged in."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(who)
    client.get("/review/")  # for the CSRF token's cookie
    return Browser(server, client.cookies)
