"""Each study day in one row: the answers counted as they are given, so that no figure reads the whole log."""

from datetime import date, timedelta

from django.db.models import F, Max, Min, QuerySet

from accounts.models import User
from flashcards import queue
from flashcards.models import DayStat, ReviewLog, ReviewState
from flashcards.scheduling import schedule, sm2

MATURE = 21


def counted(row: ReviewLog) -> dict[str, int]:
    """Return what this event adds to its day's columns; empty for all but answers."""
    if row.kind not in schedule.ANSWERS or row.grade is None:
        return {}
    tested = int(row.for_retention)
    recalled = int(tested and sm2.passed(row.grade))
    mature = int(row.interval_before >= MATURE)
    return {
        "answers": 1,
        "tested": tested,
        "recalled": recalled,
        "mature_tested": tested * mature,
        "mature_recalled": recalled * mature,
    }


def add(learner: User, row: ReviewLog, today: date) -> None:
    """Count an answer; call it before the card's state is saved, since it may begin the day."""
    if not (counts := counted(row)):
        begin(learner, today)
        return
    changes = {name: F(name) + count for name, count in counts.items() if count}
    if not _on(learner, row.study_day).update(**changes):
        begin(learner, row.study_day)
        _on(learner, row.study_day).update(**changes)


def take_back(learner: User, row: ReviewLog) -> None:
    """Count an undone answer no more."""
    if counts := counted(row):
        _on(learner, row.study_day).update(**{name: F(name) - count for name, count in counts.items()})


def begin(learner: User, today: date) -> None:
    """Note, before anything of this study day has changed, whether the days since the last were free."""
    if _on(learner, today).exists():
        return
    row = DayStat(learner=learner, day=today, unbroken=unbroken(learner, today))
    DayStat.objects.bulk_create([row], ignore_conflicts=True)


def unbroken(learner: User, today: date) -> bool:
    """Whether on each day between the last one with an answer and today there was nothing to do.

    Nothing is to do in a planned break, and on a day on which no card is due and none may be started.
    """
    past = DayStat.objects.filter(learner=learner, day__lt=today, answers__gt=0)
    last = past.aggregate(last=Max("day"))["last"]
    if last is None:
        return False
    gap = [last + timedelta(days=n) for n in range(1, (today - last).days)]
    missable = [day for day in gap if not _in_break(learner, day)]
    if not missable:
        return True
    if learner.new_cards_per_day and queue.new(learner, today).exists():
        return False
    first_due = _active(learner).aggregate(first=Min("due_on"))["first"]
    return first_due is None or missable[-1] < first_due


def _on(learner: User, day: date) -> QuerySet[DayStat]:
    return DayStat.objects.filter(learner=learner, day=day)


def _active(learner: User) -> QuerySet[ReviewState]:
    return ReviewState.objects.filter(learner=learner, suspended=False, card__retired=False)


def _in_break(learner: User, day: date) -> bool:
    if learner.break_from is None or learner.break_until is None:
        return False
    return learner.break_from <= day <= learner.break_until


