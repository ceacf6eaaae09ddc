"""Which half hours have come: at each tick of the planner, in every zone, whatever its clocks do."""

import os
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from accounts import time_zones
from flashcards.reminders.coming import GRACE, come
from flashcards.reminders.listing import RECENT
from flashcards.scheduling import hours
from flashcards.scheduling.days import ONE_DAY

FIRST_YEAR, LAST_YEAR = (int(year) for year in os.environ.get("YEARS", "2026-2026").split("-"))
TICK = timedelta(minutes=20)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def changes(name: str, year: int) -> list[date]:
    """Return the UTC dates of this year on which the zone's offset changes."""
    zone, noons = ZoneInfo(name), [utc(year, 1, 1, 12) + timedelta(days=n) for n in range(366)]
    return [
        later.date()
        for earlier, later in pairwise(noons)
        if earlier.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset()
    ]


def listed(name: str, first_tick: datetime, ticks: int, back: timedelta) -> dict[tuple[date, int], datetime]:
    """Return when each (date, slot) of a zone is first said to have come, by a planner that ticks."""
    found = dict[tuple[date, int], datetime]()
    for now in (first_tick + n * TICK for n in range(ticks)):
        for moment in come([name], now, back):
            for slot in range(moment.first, moment.last + 1):
                found.setdefault((moment.day, slot), now)
    return found


@pytest.mark.parametrize("year", range(FIRST_YEAR, LAST_YEAR + 1))
def test_around_every_change_of_every_zone_each_slot_is_listed_within_a_tick_and_under_its_own_date(year):
    cells = 0
    for name in sorted(time_zones.known()):
        for changed_on in changes(name, year):
            start = datetime.combine(changed_on, datetime.min.time(), tzinfo=UTC) - 2 * ONE_DAY
            when = listed(name, start, ticks=4 * 72, back=RECENT)
            for day in (changed_on - ONE_DAY, changed_on):
                for slot in range(hours.SLOTS):
                    late = when[day, slot] - hours.slot_start(day, slot, name)
                    assert timedelta(0) <= late < TICK, (name, day, slot)
                    cells += 1
    assert cells > 15_000


def test_a_planner_that_was_away_all_day_finds_the_whole_day_and_nothing_of_the_day_before():
    found = Counter[date]()
    for moment in come(["Europe/Berlin"], utc(2026, 11, 24, 21)):
        found[moment.day] += moment.last - moment.first + 1
    assert found == {date(2026, 11, 24): 45}


def test_just_after_midnight_the_last_hour_of_yesterday_still_counts():
    slots = {(m.day.day, slot) for m in come(["UTC"], utc(2026, 11, 24, 0, 10)) for slot in (m.first, m.last)}
    assert slots == {(23, 47), (24, 0)}


def test_a_mail_may_leave_until_its_date_is_over_and_for_an_hour_at_least():
    (morning,) = come(["Europe/Berlin"], utc(2026, 11, 24, 7), timedelta(minutes=30))
    assert morning.expires_at == utc(2026, 11, 24, 23)
    (night,) = come(["Europe/Berlin"], utc(2026, 11, 24, 22, 40), timedelta(minutes=30))
    assert (night.first, night.expires_at) == (47, utc(2026, 11, 24, 22, 30) + GRACE)


def test_the_hour_that_nuuk_skips_belongs_to_the_date_it_was_meant_for():
    # At America/Nuuk the 28th of March 2026 ends at 23:00; the next instant is 00:00 of the 29th, 01:00 UTC.
    found = {(m.day, slot) for m in come(["America/Nuuk"], utc(2026, 3, 29, 1)) for slot in (m.first, m.last)}
    assert (date(2026, 3, 28), 47) in found


@pytest.mark.parametrize(
    "now", [utc(2026, 11, 24, 8, 0, 30), utc(2026, 3, 29, 1, 10), utc(2026, 4, 3, 23, 50)]
)
def test_zones_taken_together_come_as_each_by_itself(now):
    zones = sorted(time_zones.known())
    assert come(zones, now) == [moment for zone in zones for moment in come([zone], now)]
