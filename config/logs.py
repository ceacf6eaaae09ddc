"""How things are logged: one JSON object a line on servers, a readable line on a laptop.

A log is read by more people, and kept for longer, than what learners write. So no line holds an address, a
token or a text of theirs: paths are left out, and an error is told by its type and the way to it.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from smtplib import SMTPResponseException
from traceback import walk_tb
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError

FORMS: Final = ("json", "line")
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
ROOT: Final = Path(__file__).resolve().parent.parent
DEEPEST: Final = 30  # frames of an error's way that are told
MOST_CAUSES: Final = 5
ADDRESS: Final = re.compile(r"[^\s@<>\"'(),:;=]+@[^\s@<>\"'(),:;]+")
CLIENT: Final = re.compile(r"\bip=\S+")
# What these say is about machines, not about people.
OF_MACHINES: Final = (OperationalError, InterfaceError, ImproperlyConfigured)
BROKER: Final = ("redis.", "kombu.")

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode  # made once, for speed

# What each line of a request or task says of it: its `id`, and for a task that another began, its `parent`.
about: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)


def configuration(form: str, level: str, *, debug: bool = False) -> dict[str, Any]:
    """Return Django's LOGGING; with `debug`, readable lines tell errors in full, private texts and all.

    Raises ImproperlyConfigured where the form or the level is none of ours.
    """
    if form not in FORMS:
        raise ImproperlyConfigured(f"LOG_FORMAT is “{form}”; it can be {' or '.join(FORMS)}.")
    if level.upper() not in LEVELS:
        raise ImproperlyConfigured(f"LOG_LEVEL is “{level}”; it can be {', '.join(LEVELS)}.")
    ours: dict[str, Any] = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": Json}, "line": {"()": Line, "debug": debug}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["console"], "level": level.upper()},
        "loggers": {
            "django": ours,
            "django.request": ours | {"level": "ERROR"},  # the rest has its line as a request
            "django.server": ours | {"level": "ERROR"},
            "gunicorn.error": ours,
            # Each task has its line from us.
            "celery.app.trace": ours | {"level": "WARNING"},
            "celery.worker.strategy": ours | {"level": "WARNING"},
            "celery.beat": ours | {"level": "WARNING"},
        },
    }


class Json(logging.Formatter):
    """Writes a record as one JSON object, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return _encode(fields(record))


class Line(logging.Formatter):
    """Writes a record for people, an error's way below it."""

    def __init__(self, *, debug: bool = False) -> None:
        super().__init__()
        self.debug = debug

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and for an error some more."""
        told = fields(record)
        at, number = f"{datetime.fromisoformat(told['at']):%H:%M:%S}", told.get("id", "")
        line = f"{at} {record.levelname} {record.name}: {told['message']}"
        line += f" [{number}]" if number else ""
        if not record.exc_info or record.exc_info[1] is None:
            return line
        if self.debug:
            return f"{line}\n{self.formatException(record.exc_info)}"
        return "\n  ".join([line, *told["error"]["way"], *told["error"]["causes"], told["error"]["what"]])


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a line says, under the names that it has in JSON."""
    told = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": message_of(record),
        **(about.get() or {}),
        **getattr(record, "fields", {}),
    }
    if record.exc_info and record.exc_info[1] is not None:
        told["error"] = error_of(record.exc_info[1])
    return told


def message_of(record: logging.LogRecord) -> str:
    """Return the message without the paths, addresses and texts that others put into theirs."""
    name, given = record.name, record.args
    if name == "django.request":
        return "Internal server error"
    if name.startswith("django.security."):
        reason = str(given[0]).partition(" - ")[0] if isinstance(given, tuple) and given else ""
        kind = name.rpartition(".")[2]
        return f"Refused: {kind}" + (f" ({reason})" if reason and kind == "csrf" else "")
    if name == "celery.app.trace" and isinstance(given, Mapping) and "exc" in given:
        return f"Task {given.get('name')} {given.get('description', 'failed')}"
    if name == "gunicorn.error" and record.exc_info and given:
        return str(record.msg).partition("%")[0].strip()
    said = record.getMessage()
    said = ADDRESS.sub("…@…", said) if "@" in said else said
    return CLIENT.sub("ip=…", said) if "ip=" in said else said


def error_of(error: BaseException) -> dict[str, Any]:
    """Return an error as its type, the way to it and what caused it, with no value and no line of a text."""
    causes = list[str]()
    cause = error.__cause__ or error.__context__
    while cause and len(causes) < MOST_CAUSES:
        causes.append(f"caused by {what(cause)}")
        cause = cause.__cause__ or cause.__context__
    frames = [
        f"{_place(frame.f_code.co_filename)}:{line} {frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
    ]
    return {"what": what(error), "way": frames[-DEEPEST:], "causes": causes}


def what(error: BaseException) -> str:
    """Return the type of an error, with what it says where that is about machines and not about people."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    said = ""
    if isinstance(error, SMTPResponseException):
        said = str(error.smtp_code)
    elif isinstance(error, OSError):
        said = error.strerror or ""
    elif isinstance(error, OF_MACHINES) or type(error).__module__.startswith(BROKER):
        said = str(error).partition("\n")[0]
    return f"{kind}: {ADDRESS.sub('…@…', said)}" if said else kind


def _place(file: str) -> str:
    """Return a file as it is called in the project or among the packages."""
    for folder in (str(ROOT), *sys.path):
        if folder and file.startswith(f"{folder}/"):
            return file[len(folder) + 1 :].rpartition("site-packages/")[2]
    return file
