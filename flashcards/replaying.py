"""Proves that every stored schedule is its log folded, for the whole database."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isclose
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from flashcards import history
from flashcards.models import ReviewLog, ReviewState
from flashcards.scheduling import memory, schedule
from flashcards.scheduling.schedule import Event, Kind, Schedule

CHUNK = 500
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that isn't what the log says; `field` begins with "log 3: " for the third event's row."""

    state: ReviewState
    field: str
    stored: object
    folded: object

    def __str__(self) -> str:
        whose = f"learner {self.state.learner_id}, {self.state.card.key}"
        return f"{whose}: {self.field}: stored {self.stored}, folded {self.folded}"


@dataclass(slots=True)
class Report:
    """What was compared, how many values differ, and the first of those."""

    states: int = 0
    events: int = 0
    differing: int = 0
    differences: list[Difference] = field(default_factory=list)

    def __str__(self) -> str:
        verdict = f"{self.differing} differences" if self.differing else "all equal"
        return f"{self.states} states, {self.events} events: {verdict}"


def check() -> Report:
    """Compare every state with the fold of its log; two statements for each CHUNK of states."""
    report = Report()
    for states in _chunks():
        report.states += len(states)
        for state in states:
            report.events += len(state.log.all())
            for difference in _confirmed(state):
                report.differing += 1
                if report.differing <= SHOWN:
                    report.differences.append(difference)
    return report


def _states() -> QuerySet[ReviewState]:
    log = Prefetch("log", ReviewLog.objects.order_by("sequence"))
    return ReviewState.objects.order_by("pk").prefetch_related(log)


def _chunks() -> Iterator[list[ReviewState]]:
    last = 0
    while states := list(_states().filter(pk__gt=last)[:CHUNK]):
        yield states
        last = states[-1].pk


def _confirmed(state: ReviewState) -> list[Difference]:
    """Return the state's differences; one that shows any is read again, locked.

    State and log come in two statements, so an answer between them would look like a difference.
    """
    if not any(_differences(state)):
        return []
    with transaction.atomic():
        again = _states().select_for_update().filter(pk=state.pk).first()
        return list(_differences(again)) if again else []


def _differences(state: ReviewState) -> Iterator[Difference]:
    rows = list(state.log.all())
    try:
        folded = _folds([history.event_of(row) for row in rows])
    except ValueError as error:
        yield Difference(state, "log", "as it is", error)
        return
    before = schedule.NEW
    for row, after in zip(rows, folded, strict=True):
        yield from _compared(state, f"log {row.sequence}: ", row, _logged(state, row, before, after))
        before = after
    yield from _compared(state, "", state, _kept(state, before, len(rows)))


def _folds(events: list[Event]) -> list[Schedule]:
    """Return the fold of every prefix of the log, in one pass but for the undos."""
    schedule.fold(events)  # refuses gaps, and undos of anything but the latest
    folds: list[Schedule] = []
    for place, event in enumerate(events, start=1):
        before = folds[-1] if folds else schedule.NEW
        undo = event.kind is Kind.UNDO
        folds.append(schedule.fold(events[:place]) if undo else schedule.apply(before, event))
    return folds


def _logged(
    state: ReviewState, row: ReviewLog, before: Schedule, after: Schedule
) -> dict[str, object]:
    """Return what the log row of an event should hold."""
    return {
        "learner_id": state.learner_id,
        "interval_before": before.state.interval,
        **after.state._asdict(),
        "due_on": after.due_on,
        "lapses": after.lapses,
        "predicted": memory.prediction(before.memory, row.study_day) if row.grade is not None else None,
    }


def _kept(state: ReviewState, folded: Schedule, events: int) -> dict[str, object]:
    """Return what the state row should hold."""
    row = ReviewState(pk=state.pk, learner_id=state.learner_id, card_id=state.card_id, version=events)
    history.put(row, folded)
    names = (
        "repetitions ease interval drill due_on own_due_on introduced_on last_reviewed_on last_answered_at "
        "lapses stability difficulty remembered_on shuffle version"
    )
    return {name: getattr(row, name) for name in names.split()}


def _compared(
    state: ReviewState, prefix: str, row: ReviewState | ReviewLog, folded: dict[str, Any]
) -> Iterator[Difference]:
    for name, value in folded.items():
        if not _same(getattr(row, name), value):
            yield Difference(state, prefix + name, getattr(row, name), value)


def _same(stored: object, folded: object) -> bool:
    """Whether two values are equal; floats to a part in a billion, since another machine's may differ there."""
    if isinstance(stored, float) and isinstance(folded, float):
        return isclose(stored, folded, rel_tol=1e-9)
    return stored == folded
