"""What backups ask about this installation: which database it has, whose it is, and which key it uses."""

from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.crypto import salted_hmac

PEOPLE: Final = "accounts_user"


def is_sqlite() -> bool:
    """Tell SQLite from PostgreSQL."""
    return connection.vendor == "sqlite"


def sqlite_file() -> Path:
    """Return the file of the database."""
    return Path(connection.settings_dict["NAME"])


def key() -> str:
    """Return what tells SECRET_KEY from others and says nothing of it."""
    return _fingerprint(settings.SECRET_KEY)


def has_key(fingerprint: str) -> bool:
    """Tell whether this is SECRET_KEY's fingerprint, or that of a former key which still opens things."""
    return fingerprint in map(_fingerprint, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def is_empty() -> bool:
    """Tell whether nobody has an account here, so that there is nothing to lose.

    A damaged SQLite file isn't empty. Raises OperationalError when PostgreSQL is away.
    """
    if is_sqlite() and not sqlite_file().exists():
        return True  # to connect would make one
    try:
        with connection.cursor() as cursor:
            tables = connection.introspection.table_names(cursor)
            if PEOPLE not in tables:
                return not tables
            cursor.execute(f"SELECT 1 FROM {PEOPLE} LIMIT 1")  # noqa: S608 - a constant; older schemas have it too
            return cursor.fetchone() is None
    except DatabaseError:
        if is_sqlite():
            return False
        raise


def _fingerprint(secret: str | bytes) -> str:
    return salted_hmac("engram.backup", "which key?", secret, algorithm="sha256").hexdigest()[:16]
