"""What the study days add up to: streak, retention, weeks and calendar, all from the daily roll-up."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from accounts.models import User
from flashcards import rollup
from flashcards.rollup import Day
from flashcards.scheduling.days import ONE_DAY
from flashcards.scheduling.evaluation import ENOUGH, wilson

WEEK: Final = timedelta(days=7)
STRIP_DAYS: Final = 14
WINDOW_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class DayMark:
    """A study day and how many answers were given on it."""

    day: date
    answers: int


@dataclass(frozen=True, slots=True)
class Rate:
    """How many first reviews of cards that had an interval were recalled, with the rate's Wilson interval.

    Of fewer than 20 no rate is to be shown, since chance alone would move it too far.
    """

    recalled: int
    tested: int

    @property
    def share(self) -> float | None:
        """The rate, 0 to 1; None when nothing was tested."""
        return self.recalled / self.tested if self.tested else None

    @property
    def low(self) -> float:
        """Lower end of the 95% interval, 0 to 1."""
        return wilson(self.recalled, self.tested)[0]

    @property
    def high(self) -> float:
        """Upper end of the 95% interval, 0 to 1."""
        return wilson(self.recalled, self.tested)[1]

    @property
    def enough(self) -> bool:
        """Whether there is evidence enough to show a rate."""
        return self.tested >= ENOUGH

    @property
    def needed(self) -> int:
        """How many more tests until a rate can be shown."""
        return max(0, ENOUGH - self.tested)


@dataclass(frozen=True, slots=True)
class Week:
    """A week from Monday to Sunday, or what there is of it so far; empty weeks are weeks too."""

    monday: date
    days_studied: int
    answers: int
    rate: Rate


@dataclass(frozen=True, slots=True)
class Streak:
    """Study days in a row, skipping those with nothing to do, and the longest such row.

    `open_today`: nothing is answered yet today, which doesn't break the streak. `study_days` of the `span`
    days since the first one, `since`, had an answer; today is one of them.
    """

    days: int
    best: int
    open_today: bool
    study_days: int
    span: int
    since: date | None


@dataclass(frozen=True, slots=True)
class Past:
    """What a learner has done so far.

    `strip` is the last 14 days, today among them; `retention` and `mature` (interval from 21 days) are
    those of the last 30; `weeks` reach from the first answer to today; `days` has only days with an answer.
    """

    streak: Streak
    strip: tuple[DayMark, ...]
    retention: Rate
    mature: Rate
    weeks: tuple[Week, ...]
    days: dict[date, int]
    answers: int


def past(learner: User, today: date) -> Past:
    """Return the figures of all that was answered, as they stand on this study day.

    One statement; one more when days without an answer lie between the last one and today.
    """
    rows = rollup.days(learner)
    studied = [row for row in rows if row.answers]
    days = {row.day: row.answers for row in studied}
    recent = [row for row in studied if today - WINDOW_DAYS * ONE_DAY < row.day <= today]
    strip = [today - n * ONE_DAY for n in reversed(range(STRIP_DAYS))]
    return Past(
        streak=_streak(learner, rows, today),
        strip=tuple(DayMark(day, days.get(day, 0)) for day in strip),
        retention=_retention(recent),
        mature=Rate(
            recalled=sum(row.mature_recalled for row in recent),
            tested=sum(row.mature_tested for row in recent),
        ),
        weeks=_weeks(studied, today),
        days=days,
        answers=sum(days.values()),
    )


def _retention(rows: Sequence[Day]) -> Rate:
    return Rate(recalled=sum(row.recalled for row in rows), tested=sum(row.tested for row in rows))


def _weeks(studied: Sequence[Day], today: date) -> tuple[Week, ...]:
    if not studied:
        return ()
    by_monday = defaultdict[date, list[Day]](list)
    for row in studied:
        by_monday[_monday(row.day)].append(row)
    first, last = _monday(studied[0].day), _monday(max(today, studied[-1].day))
    mondays = [first + n * WEEK for n in range((last - first) // WEEK + 1)]
    return tuple(
        Week(monday, len(rows), sum(row.answers for row in rows), _retention(rows))
        for monday, rows in ((monday, by_monday[monday]) for monday in mondays)
    )


def _monday(day: date) -> date:
    return day - day.weekday() * ONE_DAY


def _streak(learner: User, rows: Sequence[Day], today: date) -> Streak:
    studied = [row for row in rows if row.answers]
    open_today = all(row.day != today for row in studied)
    if not studied:
        return Streak(0, 0, open_today, 0, 0, None)
    first, last = studied[0].day, max(today, studied[-1].day)
    days = _current(learner, rows, today)
    return Streak(
        days=days,
        best=max(days, *_runs(studied)),
        open_today=open_today,
        study_days=len(studied),
        span=(last - first) // ONE_DAY + 1,
        since=first,
    )


def _current(learner: User, rows: Sequence[Day], today: date) -> int:
    """Return the length of the run that is still going on today.

    A traveller whose date went back may have studied on later days than today: those count, and today
    is still open.
    """
    later = sum(1 for row in rows if row.day > today and row.answers)
    until_today = [row for row in rows if row.day <= today]
    runs = _runs([row for row in until_today if row.answers])
    return later + (runs[-1] if runs and _goes_on(learner, until_today, today) else 0)


def _goes_on(learner: User, rows: Sequence[Day], today: date) -> bool:
    """Whether there was nothing to do between the last of these rows with an answer and today."""
    latest = rows[:-3:-1]
    if latest[0].day < today:
        return rollup.reaches(learner, latest, today)
    seen_today = latest[0]
    return bool(seen_today.answers or seen_today.unbroken) or rollup.follows(*latest)


def _runs(studied: Sequence[Day]) -> list[int]:
    """Return the lengths of the runs of study days between which there was nothing to do, oldest first."""
    lengths = [1] if studied else []
    for before, row in pairwise(studied):
        if rollup.follows(row, before) or row.unbroken:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return lengths
