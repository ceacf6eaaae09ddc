"""What each learner and each answer takes of the disk, and what that comes to with very many of them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

from django.db import connection
from django.db.models import Model

from accounts.models import User
from flashcards.models import DayStat, Reminder, ReviewLog, ReviewState
from tests.bench.copying import copies, days_from, numbers, settled
from tests.bench.people import THREE_YEARS
from tests.bench.report import Row, said
from tests.bench.world import World

DAYS_OF_ALL, MAILS_OF_ALL = 30, 7
# What is assumed of a learner after a year: a day in five studied, a mail on two days in seven. Of the mails
# those of the last 90 days are kept.
CARDS_BEGUN, DAYS_STUDIED, ANSWERS_A_DAY, MAILS_KEPT = 100, 73, 40, 25
ROWS_OF_A_LEARNER = {
    "learner": 1,
    "review state": CARDS_BEGUN,
    "log row": DAYS_STUDIED * ANSWERS_A_DAY,
    "study day": DAYS_STUDIED,
    "reminder": MAILS_KEPT,
}
LEARNERS = (10_000, 1_000_000, 100_000_000)
TABLES: dict[str, type[Model]] = {
    "learner": User,
    "review state": ReviewState,
    "log row": ReviewLog,
    "study day": DayStat,
    "reminder": Reminder,
}
SIZES = """
    SELECT pg_relation_size(%(table)s::regclass), pg_indexes_size(%(table)s::regclass), count(*) FROM {table}
"""


def rows(world: World) -> Iterator[Row]:
    """Yield the bytes of a row with its entries in indexes, of a table that was filled in one go."""
    with world.many.database.chosen():
        _days_and_mails(world)
        settled()
        for name, model in TABLES.items():
            table, indexes, count = _sizes(model._meta.db_table)
            seen = f"{table / count:.0f} in the table, {indexes / count:.0f} in its indexes; {count:,} rows"
            yield Row(f"{name}, on disk", "bytes", (table + indexes) / count, seen=seen)


def projected(rows: Sequence[Row]) -> str:
    """Return what these rows come to after a year, as a Markdown table; empty when they aren't there."""
    of_each = {name: row.median for name in TABLES for row in rows if row.what == f"{name}, on disk"}
    sizes = {name: bytes_each for name, bytes_each in of_each.items() if bytes_each}
    if not sizes:
        return ""
    head = ["a row of", "bytes", "rows of a learner", *(f"{learners:,} learners" for learners in LEARNERS)]
    lines = [head, ["---"] * len(head)]
    for name, each in sizes.items():
        many = ROWS_OF_A_LEARNER[name]
        lines.append([name, f"{each:.0f}", f"{many:,}", *(_bytes(each * many * all_) for all_ in LEARNERS)])
    whole = sum(each * ROWS_OF_A_LEARNER[name] for name, each in sizes.items())
    lines.append(["all of it", "", "", *(_bytes(whole * learners) for learners in LEARNERS)])
    per_day = DAYS_STUDIED * ANSWERS_A_DAY / 365
    lines.append(["answers", "", "", *(f"{per_day * all_ / 86_400:,.1f} a second" for all_ in LEARNERS)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _days_and_mails(world: World) -> None:
    """Give every learner a month of study days and a week of sent mails, before all that there are."""
    first = User.objects.order_by("pk")[0]
    day = DayStat.objects.create(learner=first, day=world.today - timedelta(days=2 * THREE_YEARS), answers=40)
    everybody = f"accounts_user AS u CROSS JOIN {numbers(DAYS_OF_ALL)}"
    copies(day, everybody, learner_id="u.id", day=days_from(day.day, "-n"))
    at = datetime.combine(day.day, time(8), tzinfo=UTC)
    mail = Reminder.objects.create(
        learner=first,
        kind=Reminder.Kind.DAILY,
        intended_on=day.day,
        state=Reminder.State.SENT,
        message_id="<daily-2026-01-01-1@engram.example>",
        expires_at=at,
        next_try_at=at,
        queued_at=at,
        tries=1,
        sent_at=at,
    )
    copies(
        mail,
        f"accounts_user AS u CROSS JOIN {numbers(MAILS_OF_ALL)}",
        learner_id="u.id",
        intended_on=days_from(day.day, "-n"),
        message_id="'<daily-2026-01-' || n || '-' || u.id || '@engram.example>'",
    )


def _sizes(table: str) -> tuple[int, int, int]:
    """Return the bytes of a table, those of its indexes, and its rows."""
    with connection.cursor() as cursor:
        cursor.execute(SIZES.format(table=table), {"table": table})
        found: tuple[int, int, int] = cursor.fetchone()
    return found


def _bytes(many: float) -> str:
    """Return so many bytes in a unit that suits them."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9)):
        if many >= factor:
            return said(many / factor, unit)
    return said(many / 1e6, "MB")
