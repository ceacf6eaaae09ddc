"""Many rows by one statement, each a copy of a row that the models have made.

Columns that are not named keep the pattern's value, so a new field of a model needs no change here.
"""

from datetime import date

from django.db import connection
from django.db.models import Model


def copies(pattern: Model, source: str, where: str = "true", order: str = "", **columns: str) -> None:
    """Insert a copy of the row for each row of `source` (a FROM item), with these SQL expressions in it.

    `order` is an SQL expression by which they get their keys, where that is of account.
    """
    meta = type(pattern)._meta
    fields = [field for field in meta.concrete_fields if not (field.primary_key or field.generated)]
    names = [str(field.column) for field in fields]
    values = [columns.get(name, f'pattern."{name}"') for name in names]
    listed = ", ".join(f'"{name}"' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {meta.db_table} ({listed}) "
            f"SELECT {', '.join(values)} FROM {meta.db_table} AS pattern CROSS JOIN {source} "
            f"WHERE pattern.id = {pattern.pk} AND {where}"
            f"{f' ORDER BY {order}' if order else ''}"
        )


def numbers(last: int) -> str:
    """Return a FROM item whose rows are n = 1, 2, ..., last."""
    return f"""(WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {last})
        SELECT n FROM counted) AS numbers"""


def days_from(day: date | str, offset: str = "0") -> str:
    """Return the SQL expression of the day that is `offset` later; both may be SQL expressions themselves."""
    since = day if isinstance(day, str) else f"'{day}'"
    if connection.vendor == "sqlite":
        return f"date({since}, ({offset}) || ' days')"
    return f"({since}::date + ({offset})::int)"


def a_uuid() -> str:
    """Return the SQL expression of another random UUID for each row."""
    return "lower(hex(randomblob(16)))" if connection.vendor == "sqlite" else "gen_random_uuid()"


def settled() -> None:
    """Let the database look at its new rows, as PostgreSQL does by itself in time."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
