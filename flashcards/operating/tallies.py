"""Counts what happens in this process, and adds it to the table of all processes from time to time.

Counting touches memory only. Whoever serves pages or runs tasks calls `write` once a minute, so that a
process makes at most one transaction a minute, however busy it is (docs/decisions/0012-observability.md).
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Final

from django.db import connection, transaction
from django.db.models import Q

from flashcards.models import Tally

BOUNDS: Final = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000)  # milliseconds
COLUMNS: Final = tuple(f"up_to_{bound}" for bound in BOUNDS)
TABLE: Final = "flashcards_tally"
ADDED: Final = ("count", "milliseconds", *COLUMNS)
KEYS: Final = ("span", "since", "kind", "name", "outcome")
MINUTE: Final = 60  # seconds, as all lengths here
HOUR: Final = 3_600
MINUTES_KEPT: Final = 2 * HOUR
HOURS_KEPT: Final = 8 * 24 * HOUR
MOST: Final = 2_000  # different things; beyond, what is new isn't counted until the next write
AT_ONCE: Final = 500  # rows of one statement

Key = tuple[int, str, str, str]  # the minute's beginning, kind, name, outcome
Row = tuple[str, int, str, str, str]  # span, since, kind, name, outcome


@dataclass(slots=True)
class Sum:
    """How often, for how many milliseconds together and at most, and how many within each bound."""

    count: int = 0
    milliseconds: int = 0
    longest: int = 0
    within: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    def add(self, other: "Sum") -> None:
        """Take in what another has counted."""
        self.count += other.count
        self.milliseconds += other.milliseconds
        self.longest = max(self.longest, other.longest)
        for place, number in enumerate(other.within):
            self.within[place] += number


_lock = Lock()
_counted: dict[Key, Sum] = {}


def note(kind: str, name: str, outcome: str, milliseconds: float, at: float) -> None:
    """Count one thing that took so long; `at` is its end in seconds since 1970."""
    key = (int(at) // MINUTE * MINUTE, kind, name, outcome)
    with _lock:
        known = _counted.get(key)
        if known is None:
            if len(_counted) >= MOST:
                return
            known = _counted[key] = Sum()
        whole = round(milliseconds)
        known.count += 1
        known.milliseconds += whole
        known.longest = max(known.longest, whole)
        known.within[bisect_left(BOUNDS, whole)] += 1


def write(now: datetime) -> int:
    """Add what this process has counted to the table, clear what is old, and return how many rows it took.

    What can't be written, because the database is away, is kept for the next time.
    """
    global _counted  # swapped, so that counting never waits for the database
    with _lock:
        taken, _counted = _counted, {}
    rows = _rows(taken)
    try:
        with transaction.atomic():
            for start in range(0, len(rows), AT_ONCE):
                _add(rows[start : start + AT_ONCE])
            clear(now)
    except Exception:
        _put_back(taken)
        raise
    return len(rows)


def clear(now: datetime) -> int:
    """Delete minutes older than two hours and hours older than eight days; return how many rows."""
    seconds = int(now.timestamp())
    minutes = Q(span=Tally.Span.MINUTE, since__lt=seconds - MINUTES_KEPT)
    hours = Q(span=Tally.Span.HOUR, since__lt=seconds - HOURS_KEPT)
    return Tally.objects.filter(minutes | hours).delete()[0]


def _put_back(taken: Mapping[Key, Sum]) -> None:
    with _lock:
        for key, counted in taken.items():
            if key in _counted:
                _counted[key].add(counted)
            elif len(_counted) < MOST:
                _counted[key] = counted


def _rows(taken: Mapping[Key, Sum]) -> list[tuple[Row, Sum]]:
    """Return what is to be added to which rows, in one order everywhere, so that no two writers deadlock."""
    rows = dict[Row, Sum]()
    for (minute, kind, name, outcome), counted in taken.items():
        for span, since in _spans(minute, kind):
            rows.setdefault((span, since, kind, name, outcome), Sum()).add(counted)
    return sorted(rows.items(), key=lambda row: row[0])


def _spans(minute: int, kind: str) -> Iterator[tuple[str, int]]:
    """Name the spans that a minute belongs to; the shapes of statements change with each release."""
    yield Tally.Span.HOUR.value, minute // HOUR * HOUR
    if kind != Tally.Kind.STATEMENT:
        yield Tally.Span.MINUTE.value, minute
        yield Tally.Span.EVER.value, 0


def _add(rows: list[tuple[Row, Sum]]) -> None:
    """Insert rows, or add to those that are there, in one statement; Django's upsert can't add."""
    columns = (*KEYS, *ADDED, "longest")
    values = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * len(rows))
    added = ", ".join(f"{name} = {TABLE}.{name} + excluded.{name}" for name in ADDED)
    longest = f"CASE WHEN excluded.longest > {TABLE}.longest THEN excluded.longest ELSE {TABLE}.longest END"
    statement = (
        f"INSERT INTO {TABLE} ({', '.join(columns)}) VALUES {values} "  # noqa: S608 - names of ours alone
        f"ON CONFLICT ({', '.join(KEYS)}) DO UPDATE SET {added}, longest = {longest}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for row in rows for value in _values(*row)])


def _values(row: Row, counted: Sum) -> tuple[str | int, ...]:
    within = counted.within[: len(BOUNDS)]
    return (*row, counted.count, counted.milliseconds, *within, counted.longest)
