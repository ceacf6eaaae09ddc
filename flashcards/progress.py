"""Figures about a learner's own work: how long, how well, what comes tomorrow."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from django.db.models import QuerySet

from accounts.models import User
from flashcards import history, queue
from flashcards.models import Card, ReviewLog
from flashcards.scheduling import schedule, sm2
from flashcards.scheduling.schedule import Kind

SECONDS_UNTIL_KNOWN = 20
ANSWERS_UNTIL_KNOWN = 20
LONGEST_SECONDS = 60
RECENT_DAYS = 30
RECENT_ANSWERS = 1_000
CARDS_TO_LOOK_AT = 2


@dataclass(frozen=True, slots=True)
class Summary:
    """A study day's work.

    `cards` answered in `minutes`; of `seen_before` cards that came back for review, `recalled` were
    known at the first try; `grades` counts first answers by button name; `look_at` are cards missed.
    """

    cards: int
    minutes: int
    recalled: int
    seen_before: int
    grades: dict[str, int]
    look_at: list[Card]


def minutes(learner: User, cards: int, today: date) -> int:
    """Return about how many minutes this many cards take, at least 1 for any card.

    Cards x (1 + share of misses in 30 days) x median seconds per answer, each answer capped at 60 s;
    20 s an answer until there are 20 timed ones.
    """
    since = today - timedelta(days=RECENT_DAYS)
    recent = _answers(learner).filter(study_day__gt=since, study_day__lte=today).order_by("-id")
    rows = recent.values_list("grade", "thinking_ms", "reading_ms")[:RECENT_ANSWERS]
    graded = list(rows)
    timed = [_seconds(*times) for _, *times in graded if None not in times]
    pace = median(timed) if len(timed) >= ANSWERS_UNTIL_KNOWN else SECONDS_UNTIL_KNOWN
    missed = sum(1 for grade, _, _ in graded if grade is not None and not sm2.passed(grade))
    repeats = missed / len(graded) if graded else 0
    return max(1, round(cards * (1 + repeats) * pace / 60)) if cards else 0


def summary(learner: User, today: date) -> Summary:
    """Return what the learner did this study day; undone answers don't count."""
    rows = list(_answers(learner).filter(study_day=today).select_related("state__card").order_by("id"))
    first = dict[int, ReviewLog]()
    for row in rows:
        first.setdefault(row.state_id, row)
    again = [row for row in first.values() if row.kind == Kind.REVIEW and row.interval_before >= 1]
    seconds = sum(_seconds(row.thinking_ms, row.reading_ms) for row in rows)
    return Summary(
        cards=len(first),
        minutes=max(1, round(seconds / 60)) if rows else 0,
        recalled=sum(1 for row in again if _passed(row)),
        seen_before=len(again),
        grades=_by_button(first.values()),
        look_at=_missed(first.values()),
    )


def tomorrow(learner: User, today: date) -> queue.Counts:
    """Return what tomorrow will hold if nothing more is answered today."""
    return queue.counts(learner, today + timedelta(days=1))


def _answers(learner: User) -> QuerySet[ReviewLog]:
    rows = ReviewLog.objects.filter(learner=learner, kind__in=schedule.ANSWERS)
    return history.standing(rows)


def _seconds(thinking_ms: int | None, reading_ms: int | None) -> float:
    if thinking_ms is None or reading_ms is None:
        return SECONDS_UNTIL_KNOWN
    return min(LONGEST_SECONDS, (thinking_ms + reading_ms) / 1000)


def _by_button(rows: Iterable[ReviewLog]) -> dict[str, int]:
    """Count grades under the four buttons; 0 and 1, which only imports give, stand under Again."""
    counted = Counter(max(min(schedule.BUTTONS), row.grade or 0) for row in rows)
    return {name: counted[grade] for grade, name in schedule.BUTTONS.items()}


def _missed(rows: Iterable[ReviewLog]) -> list[Card]:
    """Return the cards to look at: missed today, those missed most often first."""
    missed = [row for row in rows if not _passed(row)]
    worst = sorted(missed, key=lambda row: -row.lapses)[:CARDS_TO_LOOK_AT]
    return [row.state.card for row in worst]


def _passed(row: ReviewLog) -> bool:
    return row.grade is not None and sm2.passed(row.grade)
