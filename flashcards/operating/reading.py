"""Reads the tallies: how the last hour went, what was slow on the last day."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, Final

from django.db.models import Max, Q, Sum

from flashcards.models import Tally
from flashcards.operating.tallies import BOUNDS, COLUMNS, HOUR, MINUTE

MOST_STATEMENTS: Final = 15
MINUTES: Final = 60  # of the page
FAILED: Final = {Tally.Kind.REQUEST: "5xx", Tally.Kind.TASK: "failed"}


@dataclass(frozen=True, slots=True)
class Moment:
    """A minute by its beginning in seconds since 1970, with its requests and those that broke."""

    since: int
    requests: int
    errors: int


@dataclass(frozen=True, slots=True)
class Times:
    """How often something happened, how often it broke, and how long it took in ms.

    `within` counts those up to each bound.
    """

    name: str
    count: int
    errors: int
    milliseconds: int
    longest: int
    within: tuple[int, ...]

    @property
    def mean(self) -> float:
        """The mean in ms."""
        return self.milliseconds / self.count

    @property
    def typical(self) -> int | None:
        """The bound within which half of them stayed, in ms; None beyond the last one."""
        return quantile(self.within, self.count, 0.5)

    @property
    def slowest(self) -> int | None:
        """The bound within which 95 of 100 stayed."""
        return quantile(self.within, self.count, 0.95)


@dataclass(frozen=True, slots=True)
class Broken:
    """How often a view or task broke with an error of this type."""

    name: str
    type: str
    count: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A shape of slow statements, where they came from, how many, for how long together and at most."""

    shape: str
    where: str
    count: int
    milliseconds: int
    longest: int


def quantile(within: Sequence[int], count: int, share: float) -> int | None:
    """Return the lowest bound in ms within which this share stayed, None where it is beyond all of them."""
    needed, seen = ceil(share * count), 0
    for bound, number in zip(BOUNDS, within, strict=True):
        seen += number
        if seen >= needed:
            return bound
    return None


def minutes(now: datetime) -> list[Moment]:
    """Return the last sixty whole minutes, oldest first, in one statement; the current one isn't over."""
    end = int(now.timestamp()) // MINUTE * MINUTE
    start = end - MINUTES * MINUTE
    found = _of(Tally.Kind.REQUEST, Tally.Span.MINUTE, start).values_list("since").annotate(**_counts("5xx"))
    counted = {since: (requests, errors or 0) for since, requests, errors in found}
    return [Moment(since, *counted.get(since, (0, 0))) for since in range(start, end, MINUTE)]


def times(kind: Tally.Kind, now: datetime) -> list[Times]:
    """Return what views or tasks took in the last hour, those that took most together first."""
    start = int(now.timestamp()) // MINUTE * MINUTE - HOUR
    rows = _of(kind, Tally.Span.MINUTE, start).values("name")
    sums = {f"sum_{name}": Sum(name) for name in ("milliseconds", *COLUMNS)}
    rows = rows.annotate(**_counts(FAILED[kind]), most=Max("longest"), **sums)
    return [_times(row) for row in rows.order_by("-sum_milliseconds", "name")]


def broken(now: datetime) -> list[Broken]:
    """Return what broke on the last day, most frequent first."""
    start = int(now.timestamp()) // HOUR * HOUR - 24 * HOUR
    rows = _of(Tally.Kind.ERROR, Tally.Span.HOUR, start).values_list("name", "outcome")
    counted = rows.annotate(times=Sum("count")).order_by("-times", "name", "outcome")
    return [Broken(*row) for row in counted[:MOST_STATEMENTS]]


def statements(now: datetime) -> list[Statement]:
    """Return the slow statements of the last day, those that took most together first."""
    start = int(now.timestamp()) // HOUR * HOUR - 24 * HOUR
    rows = _of(Tally.Kind.STATEMENT, Tally.Span.HOUR, start).values_list("name", "outcome")
    summed = rows.annotate(times=Sum("count"), together=Sum("milliseconds"), most=Max("longest"))
    return [Statement(*row) for row in summed.order_by("-together", "name")[:MOST_STATEMENTS]]


def ever() -> Mapping[str, list[Tally]]:
    """Return what has been counted since the first day, by kind."""
    found = defaultdict[str, list[Tally]](list)
    for tally in Tally.objects.filter(span=Tally.Span.EVER).order_by("kind", "name", "outcome"):
        found[tally.kind].append(tally)
    return found


def _of(kind: str, span: str, start: int) -> Any:
    return Tally.objects.filter(kind=kind, span=span, since__gte=start)


def _counts(outcome: str) -> dict[str, Sum]:
    return {"total": Sum("count"), "failed": Sum("count", filter=Q(outcome=outcome))}


def _times(row: Mapping[str, Any]) -> Times:
    within = tuple(row[f"sum_{column}"] for column in COLUMNS)
    return Times(row["name"], row["total"], row["failed"] or 0, row["sum_milliseconds"], row["most"], within)
