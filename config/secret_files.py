"""Secrets that are given by file: instead of SECRET_KEY there may be SECRET_KEY_FILE, which names one.

Container engines hand over secrets this way, so that they stand in no process list and in no image.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured

NAMES: Final = (
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "DATABASE_URL",
    "DATABASE_PASSWORD",
    "REDIS_URL",
    "EMAIL_URL",
    "ANYMAIL_WEBHOOK_SECRET",
    "METRICS_TOKEN",
    "SENTRY_DSN",
)


def read(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets that are given by file, under their own names.

    A variable that is given too, and isn't empty, wins over its file. Raises ImproperlyConfigured for a file
    that can't be read or is empty, and never with what is in it.
    """
    by_file = {name: environment.get(f"{name}_FILE", "") for name in NAMES if not environment.get(name)}
    return {name: _content(name, Path(path)) for name, path in by_file.items() if path}


def _content(name: str, path: Path) -> str:
    try:
        content = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it isn’t text"
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which can’t be read: {reason}.") from None
    if not content:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which is empty.")
    return content
