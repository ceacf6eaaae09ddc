"""Querysets whose statements are put together once, not for each page.

Django takes several times as long to put one of our figures' statements together as the database takes to
answer it. So the function that makes such a queryset is called with stand-ins; the statement that comes of it
is kept, and each time values take the stand-ins' places. What a figure means is still said by the ORM, once.
PostgreSQL plans it once for each connection, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache, wraps
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from accounts.rows import prepared

Make = Callable[..., QuerySet[Any, Any]]
KEPT: Final = 256  # statements
FIRST_NUMBER: Final = 1_987_654_321
FIRST_DAY: Final = date(5000, 1, 1)
APART: Final = timedelta(days=400)  # twice as far as a statement may go from a day that it is given


@dataclass(frozen=True, slots=True)
class _Statement:
    """The SQL; what is to be put in, a value or a _Place; what converts which columns."""

    sql: str
    places: tuple[Any, ...]
    converters: tuple[tuple[int, Any, Any], ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a named value goes, a day as so much later."""

    name: str
    later: timedelta | None = None


def once(make: Make) -> Callable[..., list[tuple[Any, ...]]]:
    """Return a function that gives the rows of the queryset that `make` would return: a values_list().

    All arguments go by name. Whole numbers and days are put into the kept statement, where each has to be
    found; what a tuple holds is part of the statement, of which there is one for each such tuple.
    """

    @lru_cache(maxsize=KEPT)
    def put_together(vendor: str, names: tuple[tuple[str, Any], ...]) -> _Statement:
        del vendor  # it keeps one database's statements apart from another's
        return _put_together(make, dict(names))

    @wraps(make)
    def rows(**given: Any) -> list[tuple[Any, ...]]:
        shape = ((name, value if isinstance(value, tuple) else type(value)) for name, value in given.items())
        statement = put_together(connection.vendor, tuple(shape))
        params = [_value(place, given) for place in statement.places]
        with prepared() as cursor:
            cursor.execute(statement.sql, params)
            found = cursor.fetchall()
        return _converted(found, statement) if statement.converters else found

    return rows


def _put_together(make: Make, shape: dict[str, Any]) -> _Statement:
    stand_ins = dict[str, Any]()
    for number, (name, kind) in enumerate(shape.items()):
        usual = FIRST_DAY + number * APART if kind is date else FIRST_NUMBER + number
        stand_ins[name] = kind if isinstance(kind, tuple) else usual
    compiler = make(**stand_ins).query.get_compiler(connection=connection)
    sql, params = compiler.as_sql()
    places = tuple(_place(param, stand_ins) for param in params)
    missing = {name for name, kind in shape.items() if not isinstance(kind, tuple)}
    missing -= {place.name for place in places if isinstance(place, _Place)}
    if missing:
        raise ValueError(f"{make.__name__} has no place for {', '.join(sorted(missing))}.")
    selected = [column[0] for column in compiler.select]
    converters = compiler.get_converters(selected).items()
    return _Statement(sql, places, tuple((place, turns, column) for place, (turns, column) in converters))


def _place(param: Any, stand_ins: dict[str, Any]) -> Any:
    """Return what a parameter stands for: a name, or itself."""
    day = _day(param)
    for name, usual in stand_ins.items():
        if day and isinstance(usual, date) and abs(day - usual) < APART / 2:
            return _Place(name, day - usual)
        if type(usual) is int and isinstance(param, int) and param == usual:
            return _Place(name)
    return param


def _day(param: Any) -> date | None:
    """Return a parameter's day; SQLite's are texts."""
    if isinstance(param, str) and param.startswith("50"):
        try:
            return date.fromisoformat(param)
        except ValueError:
            return None
    return param if isinstance(param, date) else None


def _value(place: Any, given: dict[str, Any]) -> Any:
    if not isinstance(place, _Place):
        return place
    value = given[place.name]
    return value if place.later is None else connection.ops.adapt_datefield_value(value + place.later)


def _converted(rows: list[Any], statement: _Statement) -> list[tuple[Any, ...]]:
    found = [list(row) for row in rows]
    for place, turns, column in statement.converters:
        for row in found:
            for turn in turns:
                row[place] = turn(row[place], column, connection)
    return [tuple(row) for row in found]
