"""Proves for the whole database that each stored schedule and each study day's counts are the log folded.

And that the counts kept with the topics are those of their cards, and that no learner's frontier has passed
a card which they haven't begun.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from math import isclose
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from accounts.models import User
from flashcards import frontier, history, rollup, topic_counts
from flashcards.differences import Difference, Report
from flashcards.models import Card, DayStat, Frontier, ReviewLog, ReviewState
from flashcards.scheduling import memory, schedule
from flashcards.scheduling.schedule import Event, Kind, Schedule

CHUNK = 500
LEARNERS = 50


def check() -> Report:
    """Compare every state with the fold of its log, and every study day's counts with the answers that stand.

    Every frontier with the cards before it, too. Two statements for each CHUNK of states, five for as many
    LEARNERS.
    """
    report = Report()
    for states in _chunks():
        report.states += len(states)
        for state in states:
            report.events += len(state.log.all())
            report.note(_confirmed(state))
    for learners in _learners():
        days = _days(learners)
        report.days += len(days)
        for learner in sorted({learner for (learner, _), row in days.items() if any(row)}):
            report.note(_days_confirmed(learner))
        report.frontiers += Frontier.objects.filter(learner__in=learners).count()
        report.note(_frontiers(learners))
    if wrong := list(topic_counts.differing().values_list("pk", flat=True)):
        report.note(_counts_confirmed(wrong))
    return report


@transaction.atomic
def _counts_confirmed(topics: list[int]) -> list[Difference]:
    """Return the differences of those of these topics that are wrong while nobody changes their cards."""
    topic_counts.hold(topics)
    wrong: Iterable[Any] = topic_counts.differing().filter(pk__in=topics)
    return [Difference(topic, "cards", topic.card_count, topic.counted) for topic in wrong]


def _states() -> QuerySet[ReviewState]:
    log = Prefetch("log", ReviewLog.objects.order_by("sequence"))
    return ReviewState.objects.filter(learner__gone_at=None).order_by("pk").prefetch_related(log)


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
        again = _states().select_for_update(of=("self",)).filter(pk=state.pk).first()
        return list(_differences(again)) if again else []


def _differences(state: ReviewState) -> Iterator[Difference]:
    rows = list(state.log.all())
    try:
        folded = _folds([history.event_of(row) for row in rows])
    except ValueError as error:
        yield Difference(state, "log", "as it is", error)
        return
    befores = [schedule.NEW, *folded]
    firsts = _firsts(rows, befores)
    for row, before, after in zip(rows, befores, folded, strict=False):
        logged = _logged(state, row, before, after) | {"for_retention": row.sequence in firsts}
        yield from _compared(state, f"log {row.sequence}: ", row, logged)
    yield from _compared(state, "", state, _kept(state, befores[-1], len(rows)))


def _folds(events: list[Event]) -> list[Schedule]:
    """Return the fold of every prefix of the log, in one pass but for the undos."""
    schedule.fold(events)  # refuses gaps, and undos of anything but the latest
    folds: list[Schedule] = []
    for place, event in enumerate(events, start=1):
        before = folds[-1] if folds else schedule.NEW
        undo = event.kind is Kind.UNDO
        folds.append(schedule.fold(events[:place]) if undo else schedule.apply(before, event))
    return folds


def _firsts(rows: Sequence[ReviewLog], befores: Sequence[Schedule]) -> set[int]:
    """Return which events (by sequence) were, when they came, their day's first review with an interval."""
    standing, taken, firsts = list[int](), dict[date, int](), set[int]()
    for row, before in zip(rows, befores, strict=False):
        if row.kind == Kind.UNDO:
            undone = standing.pop()
            taken = {day: first for day, first in taken.items() if first != undone}
            continue
        standing.append(row.sequence)
        if row.kind == Kind.REVIEW and before.state.interval and row.study_day not in taken:
            taken[row.study_day] = row.sequence
            firsts.add(row.sequence)
    return firsts


def _logged(state: ReviewState, row: ReviewLog, before: Schedule, after: Schedule) -> dict[str, object]:
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
    of: ReviewState | DayStat, prefix: str, row: ReviewState | ReviewLog | DayStat, folded: dict[str, Any]
) -> Iterator[Difference]:
    for name, value in folded.items():
        if not _same(getattr(row, name), value):
            yield Difference(of, prefix + name, getattr(row, name), value)


def _same(stored: object, folded: object) -> bool:
    """Whether two values are equal; floats to a part in a billion, as another machine's may differ there."""
    if isinstance(stored, float) and isinstance(folded, float):
        return isclose(stored, folded, rel_tol=1e-9)
    return stored == folded


def _frontiers(learners: list[int]) -> Iterator[Difference]:
    for mark in frontier.too_far(learners):
        passed = Card.objects.get(key=mark.passed)  # type: ignore[attr-defined]
        field = f"has passed “{passed.key}”, which isn’t begun and would never come up"
        yield Difference(mark, field, _place(mark), f"up to {_place(passed)}")


def _place(there: Frontier | Card) -> str:
    return f"{there.deck_number}/{there.position}"


def _learners() -> Iterator[list[int]]:
    last = 0
    everyone = User.objects.filter(gone_at=None).order_by("pk").values_list("pk", flat=True)
    while learners := list(everyone.filter(pk__gt=last)[:LEARNERS]):
        yield learners
        last = learners[-1]


def _days_confirmed(learner: int) -> list[Difference]:
    """Return the differences of a learner's days, read again while nothing of theirs can be written.

    Every event's row names its learner, and no database commits that while the learner's row is locked.
    """
    with transaction.atomic():
        User.objects.select_for_update().filter(pk=learner).first()
        return [difference for row in _days([learner]).values() for difference in row]


def _days(learners: list[int]) -> dict[tuple[int, date], list[Difference]]:
    """Return what differs on each study day that has a row or, in the log, an answer that stands."""
    stored = {(row.learner_id, row.day): row for row in DayStat.objects.filter(learner__in=learners)}
    folded = rollup.recounted(learners)
    days = sorted(stored.keys() | folded.keys())
    return {day: list(_day_differences(*day, stored.get(day), folded.get(day))) for day in days}


def _day_differences(
    learner: int, day: date, stored: DayStat | None, folded: dict[str, int] | None
) -> Iterator[Difference]:
    row = stored or DayStat(learner_id=learner, day=day)
    counts = folded or dict.fromkeys(rollup.COUNTS, 0)
    if stored is None:
        yield Difference(row, "study day", "nothing", f"{counts['answers']} answers")
    elif folded is None and row.answers:
        yield Difference(row, "study day", f"{row.answers} answers", "nothing")
    else:
        yield from _compared(row, "", row, counts)
