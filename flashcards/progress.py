"""Figures about a learner's own work: how long, how well, what comes tomorrow."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection
from django.db.models import QuerySet

from accounts.models import User
from accounts.rows import prepared, table
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

MOST_MS = 1000 * LONGEST_SECONDS
LOG = table(ReviewLog)
# By hand, since a thousand answers took longer to bring here than to read: their number, how many were missed
# and timed, and the median time. The index walks back from the latest; OFFSET 0 keeps PostgreSQL from reading
# every learner's log for what was undone. What stands is defined in history.py; a test compares.
RECENT = f"""
    WITH recent AS MATERIALIZED (
        SELECT a.grade, a.thinking_ms + a.reading_ms AS ms FROM {LOG} a
        WHERE a.learner_id = %(learner)s AND a.study_day > %(since)s AND a.study_day <= %(today)s
            AND a.kind IN ({", ".join(f"'{kind}'" for kind in sorted(schedule.ANSWERS))}) AND NOT EXISTS (
                SELECT 1 FROM {LOG} u WHERE u.state_id = a.state_id AND u.undoes = a.sequence LIMIT 1 OFFSET 0
            )
        ORDER BY a.study_day DESC, a.id DESC LIMIT {RECENT_ANSWERS}
    ), timed AS (SELECT count(ms) AS n FROM recent)
    SELECT count(*), count(CASE WHEN grade < {min(filter(sm2.passed, range(6)))} THEN 1 END), count(ms), (
        SELECT avg(ms) FROM (
            SELECT CASE WHEN ms < {MOST_MS} THEN ms ELSE {MOST_MS} END AS ms FROM recent
            WHERE ms IS NOT NULL ORDER BY 1 LIMIT (SELECT 2 - n %% 2 FROM timed)
            OFFSET (SELECT CASE WHEN n > 0 THEN (n - 1) / 2 ELSE 0 END FROM timed)
        ) middle
    ) FROM recent
"""


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
    20 s an answer until there are 20 timed ones. Of the 30 days, the latest thousand answers count.
    """
    since, until = (
        connection.ops.adapt_datefield_value(day) for day in (today - timedelta(days=RECENT_DAYS), today)
    )
    with prepared() as cursor:
        cursor.execute(RECENT, {"learner": learner.pk, "since": since, "today": until})
        answers, missed, timed, middle = cursor.fetchone()
    known = timed >= ANSWERS_UNTIL_KNOWN
    pace = float(middle) / 1000 if known else SECONDS_UNTIL_KNOWN
    repeats = missed / answers if answers else 0
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
