"""What gunicorn reads with `-c python:config.gunicorn_hooks`: the lines of its first process are JSON too.

Its workers have Django's settings, this process hasn't, and shouldn't: what it has loaded stays as it was
when a new release is reloaded with SIGHUP. So nothing but gunicorn and the standard library is used here.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

from gunicorn import glogging

accesslog: Final = None  # each request has a line from us, without its address and path


class Json(logging.Formatter):
    """Writes a line as config/logs.py does."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        return json.dumps(told | {"message": record.getMessage()}, ensure_ascii=False)


class Logger(glogging.Logger):  # type: ignore[misc]
    """gunicorn's own, which writes this form from its first line on."""

    def setup(self, cfg: Any) -> None:
        """Set the form of its lines."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(Json())


logger_class: Final = Logger
