"""Every figure that a monitor may want, read from the database: any web process answers for all of them."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max

from flashcards.models import ReviewLog, Tally
from flashcards.operating import machines, reading
from flashcards.operating.exposition import Family, Sample, gauge, gauges
from flashcards.operating.tallies import BOUNDS, COLUMNS
from flashcards.reminders import watching

TICKS: Final = [*(f"{bound / 1_000:g}" for bound in BOUNDS), "+Inf"]


def families(now: datetime) -> list[Family]:
    """Return all metrics, in about ten statements whatever the number of learners."""
    return [*_counted(), *_reminders(now), *_database(), *_machine()]


def _counted() -> Iterator[Family]:
    counted = reading.ever()
    requests, tasks = counted.get(Tally.Kind.REQUEST, []), counted.get(Tally.Kind.TASK, [])
    yield _histogram(
        "engram_request_seconds", "How long requests took, by view and class of status.", "status", requests
    )
    yield _histogram("engram_task_seconds", "How long tasks took, by how they ended.", "outcome", tasks)
    errors = counted.get(Tally.Kind.ERROR, [])
    yield Family(
        "engram_errors_total",
        "counter",
        "Requests that broke, by view and type of the error.",
        tuple(Sample(row.count, {"view": row.name, "type": row.outcome}) for row in errors),
    )


def _histogram(name: str, meaning: str, outcome: str, rows: Iterable[Tally]) -> Family:
    thing = "task" if outcome == "outcome" else "view"
    samples = list[Sample]()
    for row in rows:
        labels, seen = {thing: row.name, outcome: row.outcome}, 0
        for tick, column in zip(TICKS, [*COLUMNS, None], strict=True):
            seen = seen + getattr(row, column) if column else row.count
            samples.append(Sample(seen, labels | {"le": tick}, "_bucket"))
        samples.append(Sample(row.milliseconds / 1_000, labels, "_sum"))
        samples.append(Sample(row.count, labels, "_count"))
    return Family(name, "histogram", meaning, tuple(samples))


def _reminders(now: datetime) -> Iterator[Family]:
    status = watching.status(now)
    yield gauges("engram_reminders", "Mails meant for yesterday or later.", "state", status.states)
    yield gauge("engram_reminders_late", "Mails that wait for more than five minutes.", status.late)
    yield _lasting("engram_reminder_oldest_seconds", "The longest wait among late mails.", status.oldest, 0)
    meaning = "By how much the latest mails left after their half hour: half of them by less."
    yield _lasting("engram_reminder_lag_seconds", meaning, status.typical_lag)
    meaning = "By how much the worst of the latest mails left after its half hour."
    yield _lasting("engram_reminder_worst_lag_seconds", meaning, status.worst_lag)
    meaning = "The time since a task last came through broker and worker."
    yield _lasting("engram_heartbeat_age_seconds", meaning, status.silence)


def _lasting(name: str, meaning: str, length: timedelta | None, otherwise: float | None = None) -> Family:
    return gauge(name, meaning, otherwise if length is None else length.total_seconds())


def _database() -> Iterator[Family]:
    latest = ReviewLog.objects.aggregate(latest=Max("pk"))["latest"] or 0
    meaning = "Events written to the review log, by the highest number given out."
    yield Family("engram_log_events_total", "counter", meaning, (Sample(latest, {}),))
    database = machines.database()
    yield gauge("engram_database_bytes", "The size of the database.", database.size)
    meaning = "Connections to the database, of all programs, by state."
    yield gauges("engram_database_connections", meaning, "state", database.connections)
    meaning = "How many connections the database takes."
    yield gauge("engram_database_connections_max", meaning, database.most)


def _machine() -> Iterator[Family]:
    waiting = machines.waiting()
    yield gauge("engram_queue_up", "Whether the queue answers: 1 or 0.", int(waiting is not None))
    yield gauges("engram_queue_tasks", "Tasks that wait for a worker.", "queue", waiting or {})
    processes, memory = machines.resident()
    yield gauge("engram_web_processes", "Web processes on the machine that answers.", processes)
    yield gauge("engram_web_resident_bytes", "The memory of these processes together.", memory)
    yield gauge("engram_info", "Which releases work together here.", 1, **machines.versions())
