"""Catching up after days away: what waits is spread over the next days, as one batch with one undo."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Q

from accounts.models import User
from flashcards import batches, planning, queue, recording
from flashcards.batches import Places
from flashcards.models import DayStat, ReviewLog
from flashcards.scheduling import days, spreading
from flashcards.scheduling.schedule import Kind

CHOICES: Final = (3, 5, 7)
PACE_DAYS = 30
LEAST_PACE = 10
MORE_THAN_DAYS = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """How a learner studies: `usual` answers on a day on which they study, and the last such day."""

    usual: float
    last_on: date | None


@dataclass(frozen=True, slots=True)
class Share:
    """What a day would hold, in cards: `scheduled` there already, and `put` there of the waiting ones."""

    day: date
    scheduled: int
    put: int

    @property
    def total(self) -> int:
        """Cards on this day."""
        return self.scheduled + self.put


@dataclass(frozen=True, slots=True)
class Spread:
    """How the waiting cards would lie: `shares` by day from today on, of the `asked` number of days.

    There are fewer where the interview or the break leaves fewer; the two flags say which of them did.
    """

    asked: int
    shares: tuple[Share, ...]
    before_interview: bool
    around_break: bool

    @property
    def waiting(self) -> int:
        """Cards to spread."""
        return sum(share.put for share in self.shares)

    @property
    def moved(self) -> int:
        """Cards that would not come today."""
        return self.waiting - self.shares[0].put

    @property
    def most(self) -> int:
        """Cards on the fullest day."""
        return max(share.total for share in self.shares)

    @property
    def until(self) -> date:
        """The last of the days."""
        return self.shares[-1].day


@dataclass(frozen=True, slots=True)
class Moved:
    """What one spreading did: `cards` moved to `days` later days, the last of them `until`."""

    cards: int
    days: int
    until: date


def pace(learner: User, today: date) -> Pace:
    """Return the mean of the last 30 study days with answers, at least 10, and the last of those days."""
    studied = DayStat.objects.filter(learner=learner, day__lte=today, answers__gt=0).order_by("-day")
    rows = list(studied.values_list("day", "answers")[:PACE_DAYS])
    if not rows:
        return Pace(LEAST_PACE, None)
    mean = sum(answers for _, answers in rows) / len(rows)
    return Pace(max(LEAST_PACE, mean), rows[0][0])


def offer(learner: User, waiting: int, today: date) -> Spread | None:
    """Return the spreading to offer; None unless the learner was away and more than two usual days wait.

    `waiting` is the number of cards that are due. Away is who gave no answer yesterday nor today.
    """
    if waiting <= MORE_THAN_DAYS * LEAST_PACE or planning.plan_of(learner).in_break(today):
        return None
    pace_now = pace(learner, today)
    away = pace_now.last_on is not None and pace_now.last_on < today - days.ONE_DAY
    if not away or waiting <= MORE_THAN_DAYS * pace_now.usual:
        return None
    best = suggested(choices(learner, waiting, today), pace_now)
    return best if best.moved else None


def choices(learner: User, waiting: int, today: date) -> tuple[Spread, ...]:
    """Return the spreadings over 3, 5 and 7 days, without those that have no more days than a shorter one."""
    scheduled = _scheduled(learner, today)
    found: list[Spread] = []
    for asked in CHOICES:
        spread_out = _laid_out(learner, waiting, asked, scheduled, today)
        if not found or len(spread_out.shares) > len(found[-1].shares):
            found.append(spread_out)
    return tuple(found)


def suggested(offered: tuple[Spread, ...], pace_now: Pace) -> Spread:
    """Return the shortest of these on which no day holds more than a usual one, else the longest."""
    return next((each for each in offered if each.most <= pace_now.usual), offered[-1])


@transaction.atomic
def spread(learner: User, asked: int, batch: UUID, now: datetime) -> int:
    """Spread what is due over this many days from today on; return how many cards moved, at first.

    The oldest stay, the others come later in the order of the queue, never in a break nor on or after the
    day of the interview. All moves are events of this batch. The learner's row is locked first: what
    else moves many cards waits. Of very many the last are moved, and batches.py moves the others. Raises
    Refused while cards are being moved.
    """
    planning.hold(learner)
    if planning.is_moving(learner):
        raise recording.Refused("Your cards are still being moved. Spread them when that is done.")
    today = queue.today_of(learner, now)
    keys = batches.last_due(learner, today, settings.CARDS_AT_ONCE + 1)
    found = batches.locked(learner, today, keys)
    few = len(keys) <= settings.CARDS_AT_ONCE
    waiting = len(found) if few else queue.due(learner, today).count()
    laid_out = _laid_out(learner, waiting, asked, _scheduled(learner, today), today)
    places = tuple(share.day for share in laid_out.shares if share.day > today for _ in range(share.put))
    return batches.put(learner, Places(batch, today, places), found, now)


def moved_by(learner_id: int, batch: UUID) -> Moved:
    """Return what the spreading with this batch did, undone or not. Raises Refused if there is none."""
    moves = ReviewLog.objects.filter(learner=learner_id, batch=batch).exclude(kind=Kind.UNDO)
    found = moves.aggregate(cards=Count("pk"), days=Count("due_on", distinct=True), until=Max("due_on"))
    if found["until"] is None:
        raise recording.Refused("These cards were never spread.")
    return Moved(**found)


def _laid_out(learner: User, waiting: int, asked: int, scheduled: dict[date, int], today: date) -> Spread:
    plan = planning.plan_of(learner)
    on = spreading.usable_days(plan, today, asked)
    loads = [scheduled.get(day, 0) for day in on]
    parts = zip(on, loads, spreading.shares(loads, waiting), strict=True)
    end = today + asked * days.ONE_DAY
    return Spread(
        asked=asked,
        shares=tuple(Share(*part) for part in parts),
        before_interview=plan.interview_on is not None and today <= plan.interview_on < end,
        around_break=any(plan.in_break(today + n * days.ONE_DAY) for n in range(1, asked)),
    )


def _scheduled(learner: User, today: date) -> dict[date, int]:
    """Count the cards that come on each of the next days anyway, those buried until tomorrow among them."""
    last = today + (max(CHOICES) - 1) * days.ONE_DAY
    coming = Q(due_on__gt=today, due_on__lte=last) | Q(due_on__lte=today, buried_on=today)
    active = queue.active(learner).filter(coming)
    counted = dict[date, int]()
    for due_on, cards in active.order_by().values_list("due_on").annotate(cards=Count("pk")):
        day = max(due_on, today + days.ONE_DAY)
        counted[day] = counted.get(day, 0) + cards
    return counted
