"""All of Engram on one machine: the pages, the worker, beat and, where none is named, a Redis."""

import errno
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import redis
from django.conf import settings

from config import private_redis
from config.supervising import Child, Program, asked_to_stop, keep_running, start, stop

SECONDS_TO_START = 10  # for Redis, which takes some milliseconds
# For requests and tasks under way. What is cut off then was acknowledged to nobody, and tasks run again.
SECONDS_TO_STOP = 7
PYTHON = (sys.executable, "-m")
WEB = (*PYTHON, "gunicorn", "config.wsgi:application", "--threads", "4", "--graceful-timeout", "5")
QUIET_WEB = ("--no-control-socket", "--log-level", "warning")
# Celery warns whoever is root. Here that is a container or a bare machine, and the web server is root too.
NO_WARNING = ("-W", "ignore:You're running the worker with superuser privileges")
# Django's checks would load every page into worker and beat, which need none.
CELERY = ("-m", "celery", "-A", "config", "--quiet", "--skip-checks")
WORKER = (sys.executable, *NO_WARNING, *CELERY, "worker", "--without-gossip", "--without-mingle")
BEAT = (sys.executable, *CELERY, "beat")
QUIET_CELERY = ("--loglevel", "WARNING")


class CannotServe(Exception):
    """Something that Engram needs is missing or taken; the text says what."""


def listen(bind: str) -> socket.socket:
    """Return a socket that listens at "host:port".

    It stays open while the web server is started again, so that a learner waits instead of being refused.
    Raises CannotServe when it can't be had.
    """
    host, colon, port = bind.rpartition(":")
    if not (colon and port.isdecimal() and int(port) < 65_536):
        raise CannotServe(f"“{bind}” is no address; one is 127.0.0.1:8000.")
    host = host.strip("[]")
    try:
        return socket.create_server(
            (host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotServe(
                f"Port {port} is taken: another program listens on it. Stop that one or choose another port, "
                "for example with PORT=9000 make run."
            ) from None
        raise CannotServe(f"Can’t listen on {bind}: {error}.") from None


def serve(listener: socket.socket, say: Callable[[str], object]) -> None:
    """Run everything, the pages on this socket, until SIGINT, SIGTERM or SIGHUP.

    Raises CannotServe, or KeepsStopping when one program ends again and again.
    """
    asked = asked_to_stop()
    port = listener.getsockname()[1]
    environment = os.environ | {"PORT": str(port)}
    queue = []
    if not (settings.REDIS_URL or os.environ.get("CELERY_BROKER_URL")):
        server = private_redis.on_this_machine(settings.VAR_DIR, port)
        queue.append(Child(_redis(server, port)))
        environment |= _addresses(server.url)
    children = [Child(program) for program in _programs(listener.fileno(), environment)]
    try:
        for child in queue:
            start(child)
            _wait_until_it_answers(child, server.url, asked)
        keep_running([*queue, *children], asked, say)
    finally:
        stop(children, SECONDS_TO_STOP)
        # Last, as the worker still puts back what it had taken.
        stop(queue, 2)


def _addresses(url: str) -> dict[str, str]:
    """Return what the private Redis is used for: the queue, and the cache if several processes share one."""
    several = int(os.environ.get("WEB_CONCURRENCY") or 1) > 1
    return {"CELERY_BROKER_URL": private_redis.for_celery(url)} | ({"REDIS_URL": url} if several else {})


def _redis(server: private_redis.PrivateRedis, port: int) -> Program:
    binary = private_redis.find_binary()
    if binary is None:
        raise CannotServe(
            "No Redis found: install one with apt-get install redis-server or brew install redis, "
            "or set REDIS_URL."
        )
    log = settings.VAR_DIR / f"redis-{port}.log"
    return Program("Redis", (str(binary), "-"), reads=server.configuration, log=log)


def _programs(listener: int, environment: Mapping[str, str]) -> Sequence[Program]:
    # How many processes the web server has, WEB_CONCURRENCY says; by default one.
    web = (*WEB, *QUIET_WEB, "--bind", f"fd://{listener}")
    return (
        Program("web server", web, environment=environment, sockets=(listener,)),
        Program("worker", (*WORKER, *QUIET_CELERY), environment=environment),
        Program("beat", (*BEAT, *QUIET_CELERY), environment=environment),
    )


def _wait_until_it_answers(child: Child, url: str, asked: Sequence[int]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while not asked:
        try:
            private_redis.ping(url)
        except redis.ConnectionError as error:
            assert child.process is not None
            if child.process.poll() is not None or time.monotonic() > deadline:
                raise CannotServe(f"Redis doesn’t start ({error}); see {child.program.log}.") from None
            time.sleep(0.01)
        else:
            return
