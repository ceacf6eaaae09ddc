"""The instants at which a learner's half hour comes, on days when the clocks change and on all others."""

import os
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from flashcards.scheduling import hours

MINUTE = timedelta(minutes=1)
# `make soak` looks at all the years for which the zones' rules are known.
FIRST_YEAR, LAST_YEAR = (int(year) for year in os.environ.get("YEARS", "2026-2026").split("-"))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def test_a_slot_is_a_half_hour_of_the_local_clock():
    assert hours.slot_start(date(2026, 11, 24), 17, "Asia/Kolkata") == utc(2026, 11, 24, 3)
    assert hours.slot_time(47).isoformat() == "23:30:00"


@pytest.mark.parametrize(
    ("zone", "day", "slot", "expected"),
    [
        # Berlin skips 02:00 to 03:00: both slots come with the first instant after the gap.
        ("Europe/Berlin", date(2026, 3, 29), 4, utc(2026, 3, 29, 1)),
        ("Europe/Berlin", date(2026, 3, 29), 5, utc(2026, 3, 29, 1)),
        ("Europe/Berlin", date(2026, 3, 29), 6, utc(2026, 3, 29, 1)),
        # Berlin shows 02:30 twice: the first counts.
        ("Europe/Berlin", date(2026, 10, 25), 5, utc(2026, 10, 25, 0, 30)),
        ("Europe/Berlin", date(2026, 10, 25), 6, utc(2026, 10, 25, 2)),
        # Lord Howe moves by half an hour.
        ("Australia/Lord_Howe", date(2026, 10, 4), 4, utc(2026, 10, 3, 15, 30)),
        # Cairo has no midnight on this day, Nuuk no last hour: it comes when the next date begins.
        ("Africa/Cairo", date(2026, 4, 24), 0, utc(2026, 4, 23, 22)),
        ("America/Nuuk", date(2026, 3, 28), 47, utc(2026, 3, 29, 1)),
    ],
)
def test_where_the_clocks_change_a_slot_comes_once(zone, day, slot, expected):
    assert hours.slot_start(day, slot, zone) == expected


def test_the_number_of_slots_that_have_come_grows_at_each_slot():
    day = date(2026, 11, 24)
    start = hours.slot_start(day, 16, "America/New_York")
    assert hours.slots_come(day, "America/New_York", start - timedelta(microseconds=1)) == 16
    assert hours.slots_come(day, "America/New_York", start) == 17
    assert hours.slots_come(day, "America/New_York", start - timedelta(days=1)) == 0
    assert hours.slots_come(day, "America/New_York", start + timedelta(days=1)) == 48


def changes(zone: ZoneInfo, year: int) -> list[date]:
    """Return the local dates next to which the zone's offset changes in this year."""
    noons = [utc(year, 1, 1, 12) + timedelta(days=n) for n in range(366)]
    return [
        (later.astimezone(zone) + timedelta(days=shift)).date()
        for earlier, later in pairwise(noons)
        if earlier.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset()
        for shift in (-1, 0)
    ]


@pytest.mark.parametrize("year", range(FIRST_YEAR, LAST_YEAR + 1))
def test_in_every_zone_each_slot_around_a_change_comes_once_in_order_and_is_then_shown_or_skipped(year):
    checked = 0
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        for day in changes(zone, year):
            starts = [hours.slot_start(day, slot, name) for slot in range(hours.SLOTS)]
            assert starts == sorted(starts), (name, day)
            for slot, start in enumerate(starts):
                meant = datetime.combine(day, hours.slot_time(slot))
                before, shown = ((at.astimezone(zone).replace(tzinfo=None)) for at in (start - MINUTE, start))
                assert before < meant <= shown, (name, day, slot)
                assert hours.slots_come(day, name, start - MINUTE) == bisect_right(starts, start - MINUTE)
                assert hours.slots_come(day, name, start) == bisect_right(starts, start)
                checked += 1
    assert checked > 5_000
