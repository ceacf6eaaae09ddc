"""Whether mails leave as they should: how many are in which state, how late they are, and what goes wrong.

A lag is counted from the half hour that the learner has chosen.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Case, CharField, Count, F, Q, QuerySet, Value, When

from flashcards.models import Heartbeat, Reminder
from flashcards.reminders.listing import TOO_LATE
from flashcards.scheduling import hours
from flashcards.scheduling.days import ONE_DAY

State = Reminder.State

LATE: Final = timedelta(minutes=5)
SILENT: Final = timedelta(seconds=150)  # without a heartbeat, tasks are taken not to come through
SWEEPS: Final = 10  # or so many, where they come less often than by default
LATEST: Final = 1_000  # sent mails of which the lag is looked at
REASONS: Final = 10  # the most frequent ones
FRUITLESS: Final = 2  # tries, after which a mail counts as held up
HEARTBEAT: Final = "heartbeat"


@dataclass(frozen=True, slots=True)
class Reason:
    """How many mails are in a state for the same reason."""

    state: str
    reason: str
    mails: int


@dataclass(frozen=True, slots=True)
class Status:
    """How mails do at the instant `now`; states and reasons are of those meant for `since` and later.

    `late` ones wait for more than five minutes, `oldest` is the longest wait among them. The lags are those
    of the `measured` latest mails, None without any.
    """

    now: datetime
    since: date
    states: dict[str, int]
    skipped: list[Reason]
    troubles: list[Reason]
    late: int
    oldest: timedelta | None
    measured: int
    typical_lag: timedelta | None
    worst_lag: timedelta | None
    beat_at: datetime | None

    @property
    def silence(self) -> timedelta | None:
        """The time since a task last came through; None when none ever did."""
        return max(self.now - self.beat_at, timedelta()) if self.beat_at else None

    @property
    def alive(self) -> bool:
        """Whether beat, broker, worker and database work together."""
        return self.silence is not None and self.silence < longest_silence()

    @property
    def well(self) -> bool:
        """Whether nobody has to do anything."""
        return self.alive and not self.late


def longest_silence() -> timedelta:
    """Return how long no task may come through before they are taken not to."""
    return max(SILENT, SWEEPS * timedelta(seconds=settings.REMINDER_SWEEP_SECONDS))


def beat(name: str, now: datetime) -> None:
    """Note that this task has come through to a worker, in one statement."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=now)], update_conflicts=True, unique_fields=["name"], update_fields=["at"]
    )


def status(now: datetime) -> Status:
    """Return how mails do, in six statements whatever their number."""
    since = now.date() - ONE_DAY
    recent = Reminder.objects.filter(intended_on__gte=since)
    counted = dict(recent.values_list("state").annotate(mails=Count("pk")))
    late, oldest = _late(now)
    lags = _lags(recent)
    return Status(
        now=now,
        since=since,
        states={state.value: counted.get(state, 0) for state in State},
        skipped=_reasons(recent.filter(state=State.SKIPPED)),
        troubles=_reasons(recent.filter(state__in=[State.DUE, State.SENDING, State.REFUSED])),
        late=late,
        oldest=oldest,
        measured=len(lags),
        typical_lag=lags[len(lags) // 2] if lags else None,
        worst_lag=lags[-1] if lags else None,
        beat_at=Heartbeat.objects.filter(name=HEARTBEAT).values_list("at", flat=True).first(),
    )


def says(status: Status) -> str:
    """Say in one or two sentences whether all is well."""
    troubles = []
    if status.silence is None:
        troubles.append("No task has come through yet, so no mail leaves.")
    elif not status.alive:
        troubles.append(f"No task has come through for {lasting(status.silence)}, so no mail leaves.")
    if status.late and status.oldest is not None:
        mails = "1 mail is" if status.late == 1 else f"{status.late:,} mails are"
        troubles.append(f"{mails} late, the oldest by {lasting(status.oldest)}.")
    return " ".join(troubles) or "All is well: tasks come through, and no mail is late."


def lasting(time: timedelta) -> str:
    """Say a length of time in its largest unit, rounded down: “40 seconds”, “3 hours”."""
    seconds = int(time.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count:,} {unit}" + ("" if count == 1 else "s")
    return f"{seconds} second" + ("" if seconds == 1 else "s")


def _reasons(mails: QuerySet[Reminder]) -> list[Reason]:
    """Return the most frequent reasons, all that was given up as too late under one of them."""
    short = Case(
        When(reason__startswith=TOO_LATE, then=Value(TOO_LATE)), default=F("reason"), output_field=CharField()
    )
    given = mails.exclude(reason="").annotate(short=short).values_list("state", "short")
    counts = given.annotate(mails=Count("pk")).order_by("-mails", "state", "short")
    return [Reason(*row) for row in counts[:REASONS]]


def _late(now: datetime) -> tuple[int, timedelta | None]:
    """Return how many mails are late, and the longest wait among them.

    A mail whose time came long ago isn't late when it was only listed just now: its learner has turned
    reminders on since. It is, when it waits to be taken, or when tries have been fruitless.
    """
    waits = Q(next_try_at__lte=now - LATE)
    fruitless = Q(state=State.DUE, tries__gt=FRUITLESS) | Q(state=State.SENDING, tries__gt=FRUITLESS + 1)
    held_up = (fruitless | Q(next_try_at__gt=now)) & ~waits
    is_open = Reminder.objects.filter(state__in=[State.DUE, State.SENDING])
    groups = is_open.values_list("intended_on", "learner__remind_at", "learner__time_zone").annotate(
        waiting=Count("pk", filter=waits), held_up=Count("pk", filter=held_up)
    )
    late, longest = 0, None
    for day, slot, zone, waiting, held in groups:
        wait = now - hours.slot_start(day, slot, zone)
        found = waiting + (held if wait >= LATE else 0)
        if found:
            late += found
            longest = max(wait, LATE, longest or LATE)
    return late, longest


def _lags(recent: QuerySet[Reminder]) -> list[timedelta]:
    """Return by how much the latest mails left after the time they were meant for, the least first."""
    sent = recent.filter(state=State.SENT).order_by("-pk")
    fields = sent.values_list("intended_on", "learner__remind_at", "learner__time_zone", "sent_at")
    lags = (
        sent_at - hours.slot_start(day, slot, zone) for day, slot, zone, sent_at in fields[:LATEST] if sent_at
    )
    return sorted(max(lag, timedelta()) for lag in lags)
