"""Mails: listing whose half hour has come, among a hundred thousand learners or a million."""

import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from allauth.account.models import EmailAddress
from django.db import connection, transaction

from accounts.models import User
from flashcards.models import Reminder
from flashcards.reminders import listing
from flashcards.scheduling.hours import HALF_HOUR
from tests.bench import people
from tests.bench.copying import copies, numbers, settled
from tests.bench.databases import Database, postgresql
from tests.bench.report import Row, ratio, times
from tests.bench.timing import Sample, in_turn
from tests.bench.world import World

ZONES = """
    Africa/Cairo America/Chicago America/Los_Angeles America/New_York America/Sao_Paulo Asia/Dubai
    Asia/Kolkata Asia/Shanghai Asia/Tokyo Australia/Sydney Europe/Berlin Europe/London Europe/Moscow
    Europe/Paris UTC
""".split()
LOOKED_AT = 2_000  # learners, by the naive loop
FEW = 1_000
# The least that could list the same learners, looking at nothing but the hour; and the same as a bare scan.
HOURS = """
    FROM (VALUES {zones}) AS come (zone, first_slot, last_slot) JOIN accounts_user AS u
        ON u.time_zone = come.zone AND u.remind_at BETWEEN come.first_slot AND come.last_slot
    WHERE u.reminders AND u.is_active
"""
SCAN = f"SELECT count(*) {HOURS}"
SET = f"""
    INSERT INTO flashcards_reminder
        (learner_id, kind, intended_on, state, message_id, expires_at, next_try_at, tries, reason)
    SELECT u.id, 'daily', date '2026-01-01', 'due', '<' || u.id || '@localhost>', now(), now(), 0, '' {HOURS}
"""


def rows(world: World) -> Iterator[Row]:
    """Yield what one tick of the planner takes just after the hour, with the hours before listed already."""
    now = datetime.combine(world.today, time(8, 0, 30), tzinfo=UTC)
    many, few = _learners("mails", world.size.learners, world), _learners("few-mails", FEW, world)
    with many.chosen():
        listing.plan(now - HALF_HOUR, listing.RECENT)
        settled()
        plan, bare, scan, naive = in_turn(
            undone(lambda: listing.plan(now, listing.RECENT)),
            undone(lambda: by_hour(SET, now)),
            undone(lambda: by_hour(SCAN, now)),
            undone(lambda: looped(now)),
            rounds=5,
        )
        peak = peak_of(undone(lambda: listing.plan(now, listing.RECENT)))
    with few.chosen():
        listing.plan(now - HALF_HOUR, listing.RECENT)
        peak_of_few = peak_of(undone(lambda: listing.plan(now, listing.RECENT)))
    of = f"{world.size.learners:,} learners"
    times_as_many = world.size.learners / LOOKED_AT
    loop = Sample([value * times_as_many / 1_000 for value in naive.values])
    yield times(f"plan, {of}", plan, seen="the half hour that has just come")
    yield ratio(f"plan, {of}", plan, bare, "x the set statement", 2, "which looks at the hour alone")
    yield ratio(f"plan, {of}", plan, scan, "x bare index scan", None, "which lists nobody")
    yield ratio(f"plan, {of}", plan, loop, "‰ of a naive loop", 5, f"a thousandth of it, from {LOOKED_AT:,}")
    of_few = f"x at {FEW:,} learners"
    yield Row(f"plan, memory, {of}", of_few, peak / peak_of_few, budget=1.2, seen=f"{peak / 1e6:.1f} MB")


def undone(act: Callable[[], object]) -> Callable[[], None]:
    """Return the act as one that leaves nothing behind."""

    def once() -> None:
        with transaction.atomic():
            act()
            transaction.set_rollback(True)

    return once


def by_hour(statement: str, now: datetime) -> None:
    """Run one of the rivals for the last half hour of each zone."""
    walls = [(zone, now.astimezone(ZoneInfo(zone))) for zone in ZONES]
    come = [(zone, slot, slot) for zone, wall in walls for slot in [2 * wall.hour + wall.minute // 30]]
    zones = ", ".join(["(%s, %s, %s)"] * len(come))
    with connection.cursor() as cursor:
        cursor.execute(statement.format(zones=zones), [value for row in come for value in row])


def looped(now: datetime) -> None:
    """List mails as a loop over learners does: each one's local time, address and row looked at in turn."""
    learners = User.objects.filter(reminders=True, is_active=True).order_by("pk").iterator()
    for learner in islice(learners, LOOKED_AT):
        wall = now.astimezone(ZoneInfo(learner.time_zone))
        if not EmailAddress.objects.filter(user=learner, email=learner.email, verified=True).exists():
            continue
        if learner.remind_at == 2 * wall.hour + wall.minute // 30:
            Reminder.objects.get_or_create(
                learner=learner,
                kind="daily",
                intended_on=wall.date(),
                defaults={
                    "message_id": f"<daily-{wall.date()}-{learner.pk}@localhost>",
                    "expires_at": now + timedelta(days=1),
                    "next_try_at": now,
                },
            )


def peak_of(act: Callable[[], None]) -> int:
    """Return how many bytes Python held at most meanwhile."""
    tracemalloc.start()
    act()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _learners(name: str, learners: int, world: World) -> Database:
    """Return a database with so many learners who want a mail, over zones and half hours."""
    database = postgresql(name)
    with database.chosen():
        first = people.learner(reminders=True, time_zone=ZONES[0], remind_at=16)
        # Most want it in the morning or in the evening.
        draw = world.spread.below
        zone = f"(ARRAY{ZONES!r})[1 + {draw(len(ZONES), 'zone', 'n')}]"
        # Of four neighbours each has another habit, and none of them only every fourth hour.
        slot = (
            f"CASE {draw(4, 'habit', 'n')} WHEN 0 THEN {draw(48, 'any time', 'n / 4')}"
            f" WHEN 1 THEN 38 + {draw(6, 'evening', 'n / 4')} ELSE 12 + {draw(8, 'morning', 'n / 4')} END"
        )
        copies(first, numbers(learners), email="n || '.' || pattern.email", time_zone=zone, remind_at=slot)
        address = EmailAddress.objects.create(user=first, email=first.email, verified=True, primary=True)
        copies(
            address,
            "accounts_user AS u",
            where=f"u.id <> {first.pk} AND u.email LIKE '%.{first.email}'",
            user_id="u.id",
            email="u.email",
        )
        settled()
    return database
