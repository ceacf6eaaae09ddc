"""Each study day in one row: the answers counted as they are given, so that no figure reads the whole log."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Count, Exists, Q, QuerySet, Subquery

from accounts.models import User
from accounts.once import once
from accounts.rows import Columns, prepared, table
from flashcards import frontier, history, queue
from flashcards.models import DayStat, ReviewLog
from flashcards.scheduling import schedule, sm2
from flashcards.scheduling.days import ONE_DAY
from flashcards.scheduling.plan import Plan

COUNTS: Final = "answers tested recalled mature_tested mature_recalled".split()
MATURE: Final = 21
PLANNED: Final = ("interview_on", "break_from", "break_until")
PLAN = Columns(User, "u", PLANNED)
# By hand, so that an answer needs no statement more to read its learner's plan.
COUNT: Final = f"""
    UPDATE {table(DayStat)} SET {", ".join(f"{name} = {name} + %({name})s" for name in COUNTS)}
    WHERE learner_id = %(learner)s AND day = %(day)s
    RETURNING {", ".join(f"(SELECT {name} FROM {table(User)} u WHERE u.id = learner_id)" for name in PLANNED)}
"""
DAY: Final = ("day", *COUNTS, "unbroken")
PASSED: Final = [grade for grade in range(6) if sm2.passed(grade)]


class Day(NamedTuple):
    """What is stored of a study day, without its row."""

    day: date
    answers: int
    tested: int
    recalled: int
    mature_tested: int
    mature_recalled: int
    unbroken: bool


def days(learner: User) -> list[Day]:
    """Return all of a learner's study days in order, in one statement."""
    return [Day._make(row) for row in _days(learner=learner.pk)]


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
    """Count an event in its day, and read the learner's plan as it is now.

    Only an answer counts for more than nothing. Call it before the card's state is saved, since it may begin
    the day.
    """
    counts = counted(row)
    day = row.study_day if counts else today
    if not _count(learner, day, counts):
        _begin(learner, day)
        _count(learner, day, counts)


def take_back(learner: User, row: ReviewLog, today: date) -> None:
    """Count an undone answer no more, and read the learner's plan as add() does, which may begin today."""
    counts = {name: -count for name, count in counted(row).items()}
    if counts and row.study_day != today:
        _count(learner, row.study_day, counts)
        counts = {}
    if not _count(learner, today, counts):
        _begin(learner, today)
        _count(learner, today, {})


def begin(learner: User, today: date) -> None:
    """Note, before anything of this study day has changed, whether the days since the last were free."""
    if not _on(learner, today).exists():
        _begin(learner, today)


def _begin(learner: User, today: date) -> None:
    row = DayStat(learner=learner, day=today, unbroken=unbroken(learner, today))
    DayStat.objects.bulk_create([row], ignore_conflicts=True)
    frontier.advance(learner)


def unbroken(learner: User, today: date) -> bool:
    """Whether on each day between the last one with an answer and today there was nothing to do.

    Nothing is to do in a planned break, and on a day on which no card is due and none may be started. That
    is judged by the cards, the break and the limit as they are now: so begin() comes before any change.
    """
    rows = DayStat.objects.filter(learner=learner, day__lt=today).order_by("-day")
    return reaches(learner, rows[:2], today)


def reaches(learner: User, rows: Sequence[DayStat | Day] | QuerySet[DayStat], today: date) -> bool:
    """Return what unbroken() does, given the learner's two latest rows before today, the latest first."""
    last, before = (*rows, None, None)[:2]
    if last is None or not (last.answers or last.unbroken or follows(last, before)):
        return False
    # A day that was begun but has no answer says how things stood until then; itself it lies in the gap.
    first = last.day + ONE_DAY if last.answers else last.day
    return _free(learner, [first + timedelta(days=n) for n in range((today - first).days)], today)


def follows(row: DayStat | Day, before: DayStat | Day | None) -> bool:
    """Whether the row before this one is of the day before, and that day had an answer."""
    return before is not None and before.answers > 0 and row.day - before.day == ONE_DAY


def recounted(learners: Collection[int]) -> dict[tuple[int, date], dict[str, int]]:
    """Return the counts of each of these learners' days from the log alone, by learner and study day."""
    answers = ReviewLog.objects.filter(learner__in=learners, kind__in=schedule.ANSWERS)
    tested, mature = Q(for_retention=True), Q(interval_before__gte=MATURE)
    recalled = Q(grade__in=PASSED)
    rows = (
        history.standing(answers)
        .values("learner", "study_day")
        .annotate(
            answers=Count("pk"),
            tested=Count("pk", filter=tested),
            recalled=Count("pk", filter=tested & recalled),
            mature_tested=Count("pk", filter=tested & mature),
            mature_recalled=Count("pk", filter=tested & mature & recalled),
        )
        .order_by()
    )
    counts = rows.values_list("learner", "study_day", *COUNTS)
    return {(who, day): dict(zip(COUNTS, numbers, strict=True)) for who, day, *numbers in counts}


def _free(learner: User, gap: list[date], today: date) -> bool:
    plan = Plan(break_from=learner.break_from, break_until=learner.break_until)
    missable = [day for day in gap if not plan.in_break(day)]
    if not missable:
        return True
    due = queue.active(learner).filter(due_on__isnull=False).order_by("due_on").values("due_on")[:1]
    found = (
        User.objects.filter(pk=learner.pk)
        .values(fresh=Exists(queue.new(learner, today)), first_due=Subquery(due))
        .get()
    )
    if learner.new_cards_per_day and found["fresh"]:
        return False
    return found["first_due"] is None or missable[-1] < found["first_due"]


def _count(learner: User, day: date, counts: Mapping[str, int]) -> bool:
    """Add these to the day's columns, and read the plan; tell whether the day had begun."""
    given = {name: counts.get(name, 0) for name in COUNTS}
    on = connection.ops.adapt_datefield_value(day)
    with prepared() as cursor:
        cursor.execute(COUNT, {"learner": learner.pk, "day": on, **given})
        values = cursor.fetchone()
    if values is None:
        return False
    for name, value in zip(PLANNED, PLAN.read(values), strict=True):
        setattr(learner, name, value)
    return True


@once
def _days(learner: int) -> QuerySet[DayStat, Any]:
    return DayStat.objects.filter(learner=learner).order_by("day").values_list(*DAY)


def _on(learner: User, day: date) -> QuerySet[DayStat]:
    return DayStat.objects.filter(learner=learner, day=day)
