"""Rows of our models, read and written by statements that are put together once.

The ORM builds each statement anew, which takes several times what the database takes to run it. On most
pages that is of no account; for an answer and the next card, asked for all day long, it is nearly all.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final, Generic, TypeVar

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Field, Model
from django.db.models.expressions import Col

Row = TypeVar("Row", bound=Model)
Convert = Callable[[Any], Any]
LARGEST_KEY: Final = 2**63 - 1  # the databases refuse to look for a larger one


@dataclass(frozen=True, slots=True)
class Columns(Generic[Row]):
    """Columns of a model that a statement reads from the table of this alias; the others are deferred."""

    model: type[Row]
    alias: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(f'{self.alias}."{name}"' for name in self.names)

    def __len__(self) -> int:
        return len(self.names)

    def row(self, values: Sequence[Any]) -> Row:
        """Return the row of these values, which are as the database gave them."""
        return self.made(self.read(values))

    def made(self, values: Sequence[Any]) -> Row:
        """Return the row of these values, which are as it has them: the ORM or accounts.once gave them."""
        return self.model.from_db("default", self.names, values)

    def read(self, values: Sequence[Any]) -> list[Any]:
        """Return these values, which are as the database gave them, as the row would have them."""
        turns = _converters(self.model, self.names, connection.vendor)
        return [turn(value) if turn else value for value, turn in zip(values, turns, strict=True)]


def columns(model: type[Row], alias: str, but: Collection[str] = ()) -> Columns[Row]:
    """Return a model's columns without these."""
    names = (str(field.column) for field in _fields(model))
    return Columns(model, alias, tuple(name for name in names if name not in but))


def table(model: type[Model]) -> str:
    """Return the name of a model's table, quoted."""
    return f'"{model._meta.db_table}"'


def prepared() -> CursorWrapper:
    """Return a cursor for statements that PostgreSQL shall plan once for each connection, not each time.

    Planning takes it several times what running them does. Behind a pooler, which may take another connection
    for each transaction, and with SQLite it is a cursor like all others.
    """
    options = connection.settings_dict.get("OPTIONS", {})
    if connection.vendor != "postgresql" or options.get("prepare_threshold") is None:
        return connection.cursor()
    connection.ensure_connection()
    raw: Any = connection.connection
    usual, raw.cursor_factory = raw.cursor_factory, import_module("accounts.planned_cursor").PlannedCursor
    try:
        return connection.cursor()
    finally:
        raw.cursor_factory = usual


def update(row: Model) -> None:
    """Store all columns of a row that is there."""
    values = _values(row)
    with connection.cursor() as cursor:
        cursor.execute(_update(type(row)), [*values, row.pk])


def insert(*rows: Model) -> None:
    """Store new rows of one model in one statement; they get their keys in this order."""
    values = [value for row in rows for value in _values(row)]
    with connection.cursor() as cursor:
        cursor.execute(_insert(type(rows[0]), len(rows)), values)
        keys = sorted(key for (key,) in cursor.fetchall())
    for row, key in zip(rows, keys, strict=True):
        _stored(row, key)


def insert_beside(row: Model, other: Columns[Row], by: str) -> Row | None:
    """Store a new row if its column `by` names another's key, and return that other row, in one statement.

    Returns None, with nothing stored, where there is no such other row, or one already that this would break
    a constraint with; of two that come at once, one waits for the other's transaction.
    """
    with prepared() as cursor:
        cursor.execute(_insert_beside(type(row), other, by), [*_values(row), getattr(row, by)])
        values = cursor.fetchone()
    if values is None:
        return None
    _stored(row, values[0])
    return other.row(values[1:])


def _stored(row: Model, key: int) -> None:
    row.pk = key
    row._state.adding, row._state.db = False, "default"


def _fields(model: type[Model]) -> Sequence["Field[Any, Any]"]:
    return model._meta.concrete_fields


def _values(row: Model) -> list[Any]:
    fields = [field for field in _fields(type(row)) if not field.primary_key]
    return [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]


@cache
def _update(model: type[Model]) -> str:
    marks = ", ".join(f'"{field.column}" = %s' for field in _fields(model) if not field.primary_key)
    return f'UPDATE {table(model)} SET {marks} WHERE "id" = %s'


@cache
def _insert(model: type[Model], rows: int) -> str:
    names = [f'"{field.column}"' for field in _fields(model) if not field.primary_key]
    marks = ", ".join([f"({', '.join(['%s'] * len(names))})"] * rows)
    return f'INSERT INTO {table(model)} ({", ".join(names)}) VALUES {marks} RETURNING "id"'


@cache
def _insert_beside(model: type[Model], other: Columns[Any], by: str) -> str:
    names = ", ".join(f'"{field.column}"' for field in _fields(model) if not field.primary_key)
    marks = ", ".join(["%s"] * (len(_fields(model)) - 1))
    named = f'FROM {table(other.model)} {other.alias} WHERE {other.alias}."id" ='
    found = ", ".join(f'(SELECT {other.alias}."{name}" {named} "{by}")' for name in other.names)
    return (
        f"INSERT INTO {table(model)} ({names}) SELECT {marks} {named} %s "
        f'ON CONFLICT DO NOTHING RETURNING "id", {found}'
    )


@cache
def _converters(model: type[Model], names: tuple[str, ...], vendor: str) -> list[Convert | None]:
    """Return what turns each column's value into the field's, None where it is the same already."""
    del vendor  # it only keeps one database's converters apart from another's
    fields = {field.column: field for field in _fields(model)}
    return [_converter(fields[name]) for name in names]


def _converter(field: "Field[Any, Any]") -> Convert | None:
    column = Col("", field)
    turns = [*connection.ops.get_db_converters(column), *field.get_db_converters(connection)]
    if not turns:
        return None

    def convert(value: Any) -> Any:
        for turn in turns:
            value = turn(value, column, connection)
        return value

    return convert
