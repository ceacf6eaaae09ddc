"""The proxy's own file, obeyed by the real Caddy in front of a server that tells what it was asked."""

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from config import probing
from tests.running import servers

ROOT = Path(__file__).resolve().parents[2]
CADDY = Path(sys.executable).with_name("caddy")
CADDYFILE = ROOT / "deploy" / "Caddyfile"
SECONDS = 60  # for what takes one on a machine that has nothing else to do


class Teller(BaseHTTPRequestHandler):
    """Answers with the headers that it got; a POST as well."""

    def do_GET(self):
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode() * 20
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_):
        """Keep quiet."""


@dataclass(frozen=True)
class Proxy:
    """A running Caddy: its ports, and the folder with the authority that signed its certificate."""

    http_port: int
    https_port: int
    folder: Path

    def ask(self, path="/", method="GET", headers=None, body=None, https=False):
        """Return status, headers and body of an answer."""
        if https:
            authority = self.folder / "caddy/pki/authorities/local/root.crt"
            context = ssl.create_default_context(cafile=authority)
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                "localhost", self.https_port, timeout=SECONDS, context=context
            )
        else:
            connection = http.client.HTTPConnection("localhost", self.http_port, timeout=SECONDS)
        with closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()


@contextmanager
def caddy(folder: Path, base_url: str, upstream: int, patience: str = "30s") -> Iterator[Proxy]:
    """Run Caddy with our file in front of this port of ours; `patience` is how long requests wait for it."""
    proxy = Proxy(servers.free_port(), servers.free_port(), folder)
    # The file as it is, but for Caddy's own interface, which has one port, and its wish to be trusted here.
    text = CADDYFILE.read_text().replace("{\n", "{\n\tadmin off\n\tskip_install_trust\n", 1)
    config = folder / "Caddyfile"
    config.write_text(text.replace("lb_try_duration 30s", f"lb_try_duration {patience}"))
    environment = {
        "BASE_URL": base_url.format(http=proxy.http_port, https=proxy.https_port),
        "HTTP_PORT": str(proxy.http_port),
        "HTTPS_PORT": str(proxy.https_port),
        "WEB": f"127.0.0.1:{upstream}",
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "HOME": str(folder),
    }
    command = [str(CADDY), "run", "--config", str(config), "--adapter", "caddyfile"]
    process = servers.start_process(command, folder / "caddy.log", environment)
    try:
        wait_for(proxy, process, https="{https}" in base_url)
        yield proxy
    finally:
        servers.stop(process)


def wait_for(proxy, process, https):
    """Wait for its certificate or, without https, for its port: the server behind it may not be there."""
    deadline = time.monotonic() + SECONDS
    while True:
        with suppress(OSError):
            if https:
                proxy.ask(https=True)
            else:
                socket.create_connection(("127.0.0.1", proxy.http_port)).close()
            return
        assert process.poll() is None, (proxy.folder / "caddy.log").read_text()
        assert time.monotonic() < deadline, "the proxy doesn’t answer"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def teller():
    with ThreadingHTTPServer(("127.0.0.1", 0), Teller) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory, teller):
    with caddy(tmp_path_factory.mktemp("caddy"), "https://localhost:{https}", teller) as running:
        yield running


def told(body):
    return json.loads(body[: len(body) // 20])


def test_caddy_finds_nothing_wrong_with_its_file(tmp_path):
    environment = os.environ | {"BASE_URL": "https://engram.example", "XDG_DATA_HOME": str(tmp_path)}
    for command in (["validate"], ["adapt", "--validate"]):
        arguments = [str(CADDY), *command, "--config", str(CADDYFILE), "--adapter", "caddyfile"]
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert '"level":"warn"' not in done.stderr


def test_http_is_sent_on_to_https(proxy):
    status, headers, _ = proxy.ask("/today/?deck=1", headers={"Host": "localhost"})
    assert status == http.client.PERMANENT_REDIRECT
    assert headers["Location"] == "https://localhost/today/?deck=1"


def test_https_ends_here_and_the_server_is_told_so(proxy):
    status, headers, body = proxy.ask(https=True)
    assert status == http.client.OK
    assert told(body)["x-forwarded-proto"] == "https"
    assert told(body)["host"] == f"localhost:{proxy.https_port}"
    assert "Server" not in headers
    assert "Via" not in headers


def test_what_a_client_says_about_its_own_address_is_not_passed_on(proxy):
    forged = {"X-Forwarded-For": "203.0.113.7, 203.0.113.8", "X-Forwarded-Proto": "http"}
    body = proxy.ask(headers=forged, https=True)[2]
    assert told(body)["x-forwarded-for"] in {"127.0.0.1", "::1"}
    assert told(body)["x-forwarded-proto"] == "https"


def test_another_name_gets_nothing(proxy):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", proxy.https_port)) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="other.example")


def test_pages_are_compressed(proxy):
    headers = proxy.ask(headers={"Accept-Encoding": "gzip"}, https=True)[1]
    assert headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(("size", "status"), [(19_000_000, 200), (21_000_000, 413)])
def test_a_body_is_passed_on_up_to_twenty_megabytes(size, status, tmp_path, teller):
    with caddy(tmp_path, "http://localhost:{http}", teller) as proxy:
        connection = http.client.HTTPConnection("localhost", proxy.http_port, timeout=SECONDS)
        with closing(connection):
            connection.putrequest("POST", "/")
            connection.putheader("Content-Length", str(size))
            connection.endheaders()
            with suppress(ConnectionError):  # it need not read what it refuses
                connection.send(bytes(size))
            assert connection.getresponse().status == status


def test_a_server_that_stays_away_is_explained_and_the_page_is_not_kept(tmp_path):
    with caddy(tmp_path, "http://localhost:{http}", servers.free_port(), patience="1s") as proxy:
        status, headers, body = proxy.ask()
    assert status == http.client.BAD_GATEWAY
    assert b"Engram is away for a moment" in body
    assert headers["Cache-Control"] == "no-store"
    assert headers["Retry-After"] == "10"


GUNICORN = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--threads", "4"]
OPTIONS = [
    *("--worker-class", "config.web_worker.DrainingWorker", "--graceful-timeout", "25"),
    *("--no-control-socket", "--log-level", "error"),
]


@contextmanager
def web_server(port, folder):
    """Run the web server as the image does, on SQLite."""
    environment = os.environ | {
        "BASE_URL": "http://localhost:8000",
        "DATABASE_URL": "",
        "DEBUG": "0",
        "LOG_LEVEL": "ERROR",
        "SECRET_KEY": "for-tests-only",
        "VAR_DIR": str(folder),
    }
    command = [*GUNICORN, "--bind", f"127.0.0.1:{port}", *OPTIONS]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        deadline = time.monotonic() + SECONDS
        while said := probing.web(port, {}):
            assert process.poll() is None
            assert time.monotonic() < deadline, said
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


# A POST that may have reached the server is never sent twice, so it shows what a GET would get over.
# Without its token it is refused, which is an answer too.
ANSWERS = {"GET": http.client.OK, "POST": http.client.FORBIDDEN}


@dataclass
class Asker:
    """Asks without a pause; between `begun` and the answers that it has lies a request that waits."""

    method: str
    begun: int = 0
    statuses: list[int] = field(default_factory=list)

    def ask(self, proxy, over):
        while not over.is_set():
            self.begun += 1
            self.statuses.append(proxy.ask("/healthz", self.method, headers={"Host": "localhost"})[0])

    @property
    def waits(self):
        return self.begun > len(self.statuses)


def test_a_restart_of_the_web_server_costs_no_request(tmp_path):
    port, over = servers.free_port(), Event()
    askers = [Asker(method) for method in [*ANSWERS] * 2]

    def answered(times):
        return lambda: all(len(asker.statuses) > times for asker in askers)

    with caddy(tmp_path, "http://localhost:{http}", port) as proxy, ThreadPoolExecutor(4) as threads:
        try:
            with web_server(port, tmp_path):
                asking = [threads.submit(asker.ask, proxy, over) for asker in askers]
                until(answered(10))
            # Nobody listens now, as when a container is replaced.
            until(lambda: all(asker.waits for asker in askers))
            before = max(len(asker.statuses) for asker in askers)
            with web_server(port, tmp_path):
                until(answered(before + 10))
                over.set()
                for each in asking:
                    each.result()
        finally:
            over.set()
    for asker in askers:
        assert set(asker.statuses) == {ANSWERS[asker.method]}


def until(happens):
    deadline = time.monotonic() + SECONDS / 2
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_web_server_that_stops_finishes_what_it_began_and_lets_nobody_in(tmp_path):
    """Whom it let in after that would wait in vain, and the proxy couldn't know that it may ask again."""
    port, asked, done = servers.free_port(), tmp_path / "asked", tmp_path / "done"
    command = [sys.executable, "-m", "gunicorn", "tests.deploy.waiting_app", "--bind", f"127.0.0.1:{port}"]
    files = {"ASKED": str(asked), "DONE": str(done), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*command, *OPTIONS], cwd=ROOT, env=os.environ | files)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    with closing(connection):
        until(lambda: not refuses(port))
        connection.request("GET", "/")
        until(asked.exists)
        process.terminate()
        until(lambda: refuses(port))
        done.touch()
        assert connection.getresponse().read() == b"ok"
    assert process.wait(SECONDS) == 0
