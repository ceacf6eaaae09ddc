"""Whether the process of a container does its work: `python -m config.probing web [port]`, `worker`, `beat`.

The exit status is 0 if so; else there is a sentence. A process that lives proves nothing: the web server is
asked for a page, the worker for an answer through the queue, and beat is known by a task that came through.
"""

import http.client
import os
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

PORT: Final = 8000  # inside the container
SECONDS: Final = 4


def web(port: int = PORT, environment: Mapping[str, str] = os.environ) -> str:
    """Return what is wrong with the web server, or nothing; ask it as the proxy would."""
    base_url = urlsplit(environment.get("BASE_URL") or "http://localhost")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        headers = {"Host": base_url.netloc, "X-Forwarded-Proto": base_url.scheme}
        connection.request("GET", "/healthz", headers=headers)
        status = connection.getresponse().status
    except OSError as error:
        return f"The web server doesn’t answer: {error}."
    finally:
        connection.close()
    return "" if status == http.client.OK else f"The web server answers {status}."


def worker() -> str:
    """Return what is wrong with the worker of this container, or nothing."""
    from config.celery import app  # noqa: PLC0415 - a probe loads only what it needs

    name = f"celery@{socket.gethostname()}"
    answers = app.control.ping(destination=[name], timeout=SECONDS)
    return "" if answers else f"{name} doesn’t answer through the queue."


def beat() -> str:
    """Return what is wrong on the way from beat over the queue and a worker to the database, or nothing."""
    import django  # noqa: PLC0415

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from flashcards.models import Heartbeat  # noqa: PLC0415
    from flashcards.reminders import watching  # noqa: PLC0415

    last = Heartbeat.objects.filter(name=watching.HEARTBEAT).first()
    if last is None:
        return "No task has come through yet."
    silence = timezone.now() - last.at
    most = max(watching.SILENT, watching.SWEEPS * timedelta(seconds=settings.REMINDER_SWEEP_SECONDS))
    return "" if silence < most else f"No task has come through for {watching.lasting(silence)}."


PROBES: Final[Mapping[str, Callable[..., str]]] = {"web": web, "worker": worker, "beat": beat}


if __name__ == "__main__":
    name, *port = sys.argv[1:]
    sys.exit(PROBES[name](*map(int, port)) or 0)
