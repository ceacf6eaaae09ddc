"""`manage.py serve`: web server, worker, beat and a Redis of its own, as one program (config/serving.py)."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import redis
from celery import Celery
from kombu.exceptions import OperationalError

from config import private_redis, serving, supervising
from config.celery import app
from config.supervising import Child, KeepsStopping, Program
from tests.running import servers

ROOT = Path(__file__).resolve().parents[2]
# As in `make run`: no service is named, and what a developer keeps in .env doesn't decide.
ALONE = {
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "CELERY_BROKER_URL": "",
    "DEBUG": "0",
    "SECRET_KEY": "for-tests-only",
    "REMINDER_SWEEP_SECONDS": "3600",  # beat keeps quiet, so that the queue holds what a test puts there
}
# Somebody who wants a mail at the half hour that it is.
WAITS_FOR_A_MAIL = """
from django.utils import timezone
from tests.accounts.people import ADA, account
from tests.making import deck

now = timezone.now()
deck(3)
account(ADA, confirmed=True, reminders=True, remind_at=2 * now.hour + now.minute // 30)
"""
SECONDS = 90  # for what takes one or two on a machine that has nothing else to do
ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a process that its parent has died"
)


@dataclass(frozen=True)
class Engram:
    """A running `manage.py serve` whose files, socket and output are in `folder`."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int

    @property
    def queue(self) -> str:
        """The address of its private Redis."""
        return f"unix://{self.folder}/redis-{self.port}.sock"

    def output(self) -> str:
        """Return what it and its children have printed."""
        return (self.folder / "output").read_text()

    def children(self) -> dict[str, int]:
        """Return its children's process ids by what they are."""
        marks = {"gunicorn": "web", " worker": "worker", " beat": "beat", "-server": "redis"}
        own = [(one.pid, one.command) for one in processes() if one.parent == self.process.pid]
        return {name: pid for pid, command in own for mark, name in marks.items() if mark in command}

    def everything(self) -> set[int]:
        """Return the ids of its processes, with all that they started."""
        family = {self.process.pid}
        while grown := {one.pid for one in processes() if one.parent in family} - family:
            family |= grown
        return family


@dataclass(frozen=True)
class Process:
    """A line of `ps`."""

    pid: int
    parent: int
    command: str


def processes() -> list[Process]:
    """Return what runs on this machine; what is dead and waits to be reaped doesn't."""
    command = ["ps", "-A", "-ww", "-o", "pid=,ppid=,state=,command="]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    fields = [line.split(None, 3) for line in lines]
    return [
        Process(int(pid), int(parent), " ".join(rest))
        for pid, parent, state, *rest in fields
        if not state.startswith("Z")
    ]


def until(condition: Callable[[], object]) -> bool:
    """Return whether this comes true within the time that we have."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def command_of(port: int) -> list[str]:
    return [sys.executable, "manage.py", "serve", "--bind", f"127.0.0.1:{port}"]


@cache
def database(script: str = "") -> bytes:
    """Return a migrated SQLite file, after a script has filled it."""
    with tempfile.TemporaryDirectory() as folder:
        file, command = Path(folder) / "engram.sqlite3", ["manage.py", "migrate", "--verbosity", "0"]
        if script:
            file.write_bytes(database())
            command = ["-c", f"import django; django.setup()\n{script}"]
        environment = os.environ | ALONE | {"VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
        subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=True)
        return file.read_bytes()


@contextmanager
def run_engram(script: str = "", **environment: str) -> Iterator[Engram]:
    """Run Engram until it answers and its worker does; whatever is left of it afterwards is killed.

    Its mails go to a folder of their own.
    """
    # Not in pytest's folder, whose path may be too long for a socket.
    with tempfile.TemporaryDirectory(prefix="engram-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), servers.free_port()
        (folder / "engram.sqlite3").write_bytes(database(script))
        own = {"VAR_DIR": name, "EMAIL_URL": f"filemail://{name}/mails"}
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                command_of(port),
                cwd=ROOT,
                env=os.environ | ALONE | own | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        engram = Engram(process, folder, port)
        family = set()
        try:
            assert until(lambda: process.poll() is not None or worker_answers(engram)), engram.output()
            assert asked(engram) == "ok\n"
            family = engram.everything()
            yield engram
        finally:
            process.kill()
            process.wait()
            assert until(lambda: gone(family))


@pytest.fixture(scope="module")
def engram() -> Iterator[Engram]:
    with run_engram() as started:
        yield started
        started.process.terminate()
        assert started.process.wait(SECONDS) == 0


@pytest.fixture(scope="module")
def ticking() -> Iterator[Engram]:
    with run_engram(WAITS_FOR_A_MAIL, REMINDER_SWEEP_SECONDS="1") as started:
        yield started


def rows(engram: Engram, query: str) -> list[Any]:
    """Return what its database holds."""
    with closing(sqlite3.connect(f"file:{engram.folder}/engram.sqlite3?mode=ro", uri=True)) as held:
        return held.execute(query).fetchall()


def mails(engram: Engram) -> list[str]:
    """Return the mails that it has sent."""
    files = sorted((engram.folder / "mails").glob("*.log"))
    return [mail for file in files for mail in file.read_text().split(f"\n{'-' * 79}\n") if mail.strip()]


def asked(engram: Engram) -> str:
    with urlopen(f"http://127.0.0.1:{engram.port}/healthz", timeout=SECONDS) as answer:
        text: str = answer.read().decode()
        return text


def client_of(url: str) -> Celery:
    """Return an app like ours that hands its tasks to another Redis."""
    client = Celery(broker=private_redis.for_celery(url), set_as_current=False)
    client.conf.update(
        broker_transport_options=app.conf.broker_transport_options,
        task_publish_retry=app.conf.task_publish_retry,
    )
    return client


def worker_answers(engram: Engram) -> bool:
    """Return whether a worker answers a ping through the queue's server, within a second."""
    try:
        with client_of(engram.queue) as client:
            return bool(client.control.ping(timeout=1, limit=1))
    except (OperationalError, redis.ConnectionError):
        return False


def gone(family: set[int]) -> bool:
    return not family & {one.pid for one in processes()}


def waiting(engram: Engram) -> int:
    """Return how many tasks wait, or are taken and not done."""
    with redis.Redis.from_url(engram.queue) as queue:
        waits, taken = queue.llen("celery"), queue.hlen("unacked")
        assert isinstance(waits, int)
        assert isinstance(taken, int)
        return waits + taken


# All of it


def test_it_runs_four_programs_and_says_where_the_pages_are(engram):
    assert set(engram.children()) == {"web", "worker", "beat", "redis"}
    assert engram.output() == f"Engram is on http://localhost:{engram.port}/ (Ctrl-C stops it)\n"


def test_whoever_is_killed_comes_back_and_what_was_asked_meanwhile_is_done(engram):
    before = engram.children()
    for name in ("worker", "web"):
        os.kill(before[name], signal.SIGKILL)
    with client_of(engram.queue) as client:
        client.send_task("celery.accumulate", args=[1])
    assert waiting(engram) == 1
    # The port stays open: a page that is asked for meanwhile is late, and not refused.
    assert asked(engram) == "ok\n"
    assert until(lambda: waiting(engram) == 0)
    after = engram.children()
    assert {name for name in after if after[name] != before[name]} == {"worker", "web"}
    assert "The worker has stopped (killed by SIGKILL). It starts again in 1 s." in engram.output()


def test_the_worker_finds_a_redis_that_was_killed_and_came_back(engram):
    before = engram.children()
    os.kill(before["redis"], signal.SIGKILL)
    assert until(lambda: engram.children().get("redis", before["redis"]) != before["redis"])
    assert until(lambda: worker_answers(engram))
    assert engram.children()["worker"] == before["worker"]


def test_ctrl_c_stops_everything_and_is_no_failure():
    with run_engram() as engram:
        family = engram.everything()
        engram.process.send_signal(signal.SIGINT)
        assert engram.process.wait(SECONDS) == 0
        assert gone(family)
        assert not Path(engram.queue.removeprefix("unix://")).exists()


@ON_LINUX
def test_killed_it_leaves_no_process_behind():
    with run_engram() as engram:
        family = engram.everything()
        engram.process.kill()
        engram.process.wait()
        assert until(lambda: gone(family))


def test_a_taken_port_is_told_in_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        environment = os.environ | ALONE | {"VAR_DIR": str(tmp_path)}
        done = subprocess.run(
            command_of(port), cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"CommandError: Port {port} is taken: another program listens on it.")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("bind", ["nowhere", "127.0.0.1:http", "127.0.0.1:99999", "8000"])
def test_what_is_no_address_is_refused(bind):
    with pytest.raises(serving.CannotServe, match=f"“{bind}” is no address"):
        serving.listen(bind)


def test_a_web_process_does_without_celery():
    script = (
        "import sys, config.wsgi; from django.urls import reverse; reverse('healthz'); "
        "sys.exit('celery' in sys.modules)"
    )
    environment = os.environ | ALONE | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    assert (
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=False).returncode == 0
    )


# Its ticks


def test_a_tick_of_beat_comes_through_the_queue_and_a_worker_to_the_database(ticking):
    assert until(lambda: rows(ticking, "SELECT at FROM flashcards_heartbeat WHERE name = 'heartbeat'"))


def test_by_itself_it_sends_a_learner_whose_hour_has_come_one_mail(ticking):
    assert until(lambda: rows(ticking, "SELECT 1 FROM flashcards_reminder WHERE state = 'sent'"))
    later = "SELECT 1 FROM flashcards_heartbeat, flashcards_reminder WHERE julianday(at) > julianday(sent_at)"
    assert until(lambda: rows(ticking, later))
    ((message_id,),) = rows(ticking, "SELECT message_id FROM flashcards_reminder")
    (mail,) = mails(ticking)
    assert "\nTo: ada@example.org\n" in mail
    assert f"\nMessage-ID: {message_id}\n" in mail
    assert "Traceback" not in ticking.output()


# Its queue


def test_a_task_is_handed_out_again_only_when_it_can_no_longer_run(engram):
    with app.connection_for_write(private_redis.for_celery(engram.queue)) as connection:
        channel: Any = connection.default_channel
        assert channel.visibility_timeout > app.conf.task_time_limit


@contextmanager
def running(program: Program) -> Iterator[Child]:
    child = Child(program)
    supervising.start(child)
    try:
        yield child
    finally:
        supervising.stop([child], 5)


def answers(url: str) -> bool:
    try:
        private_redis.ping(url)
    except redis.ConnectionError:
        return False
    return True


@pytest.mark.parametrize("name", ["short", 'with blanks, 100%41 "quotes" and a ?', "long" * 30])
def test_the_private_redis_answers_whatever_its_folder_is_called(name, tmp_path):
    folder = tmp_path / name
    folder.mkdir()
    server = private_redis.on_this_machine(folder, 8000)
    binary = private_redis.find_binary()
    program = Program("Redis", (str(binary), "-"), reads=server.configuration, log=tmp_path / "redis.log")
    with running(program):
        assert until(lambda: answers(server.url))
        with client_of(server.url) as client:
            client.send_task("celery.accumulate", args=[1])
        with redis.Redis.from_url(server.url) as queue:
            assert queue.llen("celery") == 1


def test_where_it_has_to_take_a_port_it_answers_nobody_without_the_password(tmp_path):
    server = private_redis.on_this_machine(tmp_path / ("long" * 30), 8000)
    program = Program("Redis", (str(private_redis.find_binary()), "-"), reads=server.configuration)
    with running(program):
        assert until(lambda: answers(server.url))
        stranger = "redis://" + server.url.partition("@")[2]
        with redis.Redis.from_url(stranger) as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_a_task_for_a_redis_that_hangs_is_given_up_soon():
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"redis://127.0.0.1:{mute.getsockname()[1]}/0"
        with client_of(url) as client, pytest.raises(OperationalError):
            client.send_task("celery.accumulate", args=[1])
    assert time.monotonic() - began < 10


# One child


def shell(script: str) -> Program:
    return Program("script", ("sh", "-c", script))


def test_a_program_that_keeps_ending_ends_the_whole():
    said: list[str] = []
    child = Child(shell("exit 3"))
    with pytest.raises(KeepsStopping, match=r"The script has stopped 3 times in a row \(exit status 3\)"):
        supervising.keep_running([child], [], said.append, pauses=(0, 0))
    assert said == ["The script has stopped (exit status 3). It starts again in 0 s."] * 2


def test_an_end_after_a_long_life_is_the_first_one_again():
    said: list[str] = []
    with running(shell("exit 0")) as child:
        assert child.process is not None
        child.process.wait()
        child.began, child.ends = time.monotonic() - supervising.SETTLED - 1, 4
        supervising.look_after(child, said.append, supervising.PAUSES)
    assert said == ["The script has stopped (exit status 0). It starts again in 1 s."]


def test_what_a_program_leaves_behind_ends_with_it(tmp_path):
    with running(shell(f"sleep 60 & echo $! > {tmp_path}/pid; exit 1")) as child:
        assert child.process is not None
        child.process.wait()
        left = int((tmp_path / "pid").read_text())
        assert not gone({left})
        supervising.look_after(child, print, (60,))
        assert until(lambda: gone({left}))


def test_a_program_that_does_not_want_to_stop_is_stopped(tmp_path):
    child = Child(shell(f"trap '' TERM; touch {tmp_path}/deaf; while true; do sleep 1; done"))
    supervising.start(child)
    assert until((tmp_path / "deaf").exists)
    assert child.process is not None
    pid = child.process.pid
    supervising.stop([child], 0.1)
    assert gone({pid})
