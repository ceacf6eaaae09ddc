"""The study day: every hour of it, in every zone that exists."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashcards.scheduling.days import day_start, study_day

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
ROLLOVERS = range(7)
FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
NAIVE_FIRST, NAIVE_LAST = FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)

# Where a clock is set back across the rollover itself, the study day begins twice. At 4 that happens nowhere.
SET_BACK_ACROSS = {("Antarctica/Troll", 2), ("Pacific/Chatham", 3), ("NZ-CHAT", 3)}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@cache
def clock_changes(zone: str) -> list[datetime]:
    """Return the first second after each change of the zone's offset, found by bisection."""
    place = ZoneInfo(zone)
    found, week = [], FIRST
    while week < LAST:
        before, after = week, week + 7 * DAY
        if before.astimezone(place).utcoffset() != after.astimezone(place).utcoffset():
            old = before.astimezone(place).utcoffset()
            while after - before > SECOND:
                middle = before + ((after - before) // SECOND // 2) * SECOND
                if middle.astimezone(place).utcoffset() == old:
                    before = middle
                else:
                    after = middle
            found.append(after)
        week += 7 * DAY
    return found


@pytest.mark.parametrize(
    ("local", "zone", "expected"),
    [
        ("2026-03-10T03:59:59", "Pacific/Auckland", "2026-03-09"),
        ("2026-03-10T04:00:00", "Pacific/Auckland", "2026-03-10"),
        ("2026-03-10T03:59:59", "America/Los_Angeles", "2026-03-09"),
        ("2026-03-10T04:00:00", "America/Los_Angeles", "2026-03-10"),
        ("2026-03-10T03:59:59", "Australia/Lord_Howe", "2026-03-09"),
        ("2026-03-10T04:00:00", "Australia/Lord_Howe", "2026-03-10"),
        ("2026-03-10T03:59:59", "Pacific/Chatham", "2026-03-09"),
        ("2026-03-10T04:00:00", "Pacific/Chatham", "2026-03-10"),
        ("2026-03-10T03:59:59", "America/St_Johns", "2026-03-09"),
        ("2026-03-10T04:00:00", "America/St_Johns", "2026-03-10"),
        ("2026-01-01T00:30:00", "Europe/Berlin", "2025-12-31"),
        ("2028-02-29T23:59:59", "Asia/Kathmandu", "2028-02-29"),
        ("2028-03-01T03:59:59", "Asia/Kathmandu", "2028-02-29"),
    ],
)
def test_the_day_turns_at_four_by_the_wall_clock(local, zone, expected):
    assert study_day(wall(local, zone), zone, 4) == date.fromisoformat(expected)


@pytest.mark.parametrize("rollover", ROLLOVERS)
def test_each_rollover_hour_begins_a_day(rollover):
    begins = wall("2026-07-14T00:00:00", "Asia/Tokyo") + timedelta(hours=rollover)
    assert study_day(begins, "Asia/Tokyo", rollover) == date(2026, 7, 14)
    assert study_day(begins - SECOND, "Asia/Tokyo", rollover) == date(2026, 7, 13)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        # The clock change of a night belongs to the study day that began the evening before it.
        ("America/Los_Angeles", date(2026, 3, 7), 23),
        ("America/Los_Angeles", date(2026, 3, 8), 24),
        ("America/Los_Angeles", date(2026, 10, 31), 25),
        ("Pacific/Auckland", date(2026, 9, 26), 23),
        ("Pacific/Auckland", date(2026, 4, 4), 25),
        ("Pacific/Chatham", date(2026, 9, 26), 23),
        ("Pacific/Chatham", date(2026, 4, 4), 25),
        ("Australia/Lord_Howe", date(2026, 10, 3), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 4), 24.5),
        ("America/St_Johns", date(2026, 3, 7), 23),
        ("America/St_Johns", date(2026, 10, 31), 25),
    ],
)
def test_a_night_with_a_clock_change_makes_its_day_shorter_or_longer(zone, day, hours):
    start, end = day_start(day, zone, 4), day_start(day + DAY, zone, 4)
    assert end - start == timedelta(hours=hours)
    assert study_day(start, zone, 4) == study_day(end - SECOND, zone, 4) == day


def test_both_readings_of_a_repeated_hour_are_the_same_day():
    first, second = utc("2026-11-01T08:30"), utc("2026-11-01T09:30")
    zone = "America/Los_Angeles"
    assert first.astimezone(ZoneInfo(zone)).hour == second.astimezone(ZoneInfo(zone)).hour == 1
    assert study_day(first, zone, 4) == study_day(second, zone, 4) == date(2026, 10, 31)


def test_one_instant_is_two_days_on_the_two_sides_of_the_date_line():
    instant = utc("2026-06-15T18:00")
    assert study_day(instant, "Pacific/Kiritimati", 4) == date(2026, 6, 16)
    assert study_day(instant, "Pacific/Pago_Pago", 4) == date(2026, 6, 15)


def test_a_traveller_over_the_date_line_changes_the_day_and_not_the_instant():
    landing = utc("2026-06-15T20:00")  # after a night flight from Auckland to Los Angeles
    assert study_day(landing, "Pacific/Auckland", 4) == date(2026, 6, 16)
    assert study_day(landing, "America/Los_Angeles", 4) == date(2026, 6, 15)


def test_the_day_that_samoa_left_out_never_comes():
    before, after = utc("2011-12-30T09:59:59"), utc("2011-12-30T10:00")
    assert study_day(before, "Pacific/Apia", 0) == date(2011, 12, 29)
    assert study_day(after, "Pacific/Apia", 0) == date(2011, 12, 31)
    assert day_start(date(2011, 12, 30), "Pacific/Apia", 0) == after
    assert day_start(date(2011, 12, 31), "Pacific/Apia", 0) == after


def test_an_instant_without_a_zone_is_refused():
    naive = datetime.fromisoformat("2026-06-15T20:00")
    with pytest.raises(ValueError, match="time zone"):
        study_day(naive, "UTC", 4)


@given(
    instant=st.datetimes(NAIVE_FIRST, NAIVE_LAST, timezones=st.timezones()),
    zone=st.sampled_from(["Pacific/Auckland", "America/Los_Angeles", "Pacific/Chatham", "America/St_Johns"]),
    rollover=st.sampled_from(ROLLOVERS),
)
def test_the_day_depends_on_the_instant_and_not_on_how_it_is_written(instant, zone, rollover):
    assert study_day(instant, zone, rollover) == study_day(instant.astimezone(UTC), zone, rollover)


def test_at_rollover_four_the_study_day_never_goes_back_in_any_zone():
    back = [
        (zone, change)
        for zone in available_timezones()
        for change in clock_changes(zone)
        if study_day(change, zone, 4) < study_day(change - SECOND, zone, 4)
    ]
    assert back == []


def test_at_other_rollovers_it_goes_back_only_where_we_know_it():
    back = {
        (zone, rollover)
        for zone in available_timezones()
        for change in clock_changes(zone)
        for rollover in ROLLOVERS
        if study_day(change, zone, rollover) < study_day(change - SECOND, zone, rollover)
    }
    assert back <= SET_BACK_ACROSS


@pytest.mark.parametrize("rollover", ROLLOVERS)
def test_a_day_starts_at_its_first_instant_around_every_clock_change(rollover):
    wrong = [
        (zone, day)
        for zone in available_timezones()
        for change in clock_changes(zone)
        for day in (study_day(change, zone, rollover) + n * DAY for n in (-1, 0, 1))
        if not starts(day_start(day, zone, rollover), day, zone, rollover)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("day", "zone", "rollover", "begins"),
    [
        # Both gaps begin before the rollover and end after it, so the day begins with the gap.
        (date(2026, 9, 27), "Pacific/Chatham", 3, "2026-09-26T14:00"),
        (date(2026, 3, 29), "Antarctica/Troll", 2, "2026-03-29T01:00"),
    ],
)
def test_a_day_whose_first_hour_is_skipped_starts_with_the_gap(day, zone, rollover, begins):
    assert day_start(day, zone, rollover) == utc(begins)
    assert starts(utc(begins), day, zone, rollover)


@given(
    day=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    zone=st.timezone_keys(allow_prefix=False),
    rollover=st.sampled_from(ROLLOVERS),
)
def test_a_day_starts_within_a_day_and_a_half_of_its_date(day, zone, rollover):
    start = day_start(day, zone, rollover)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert start.tzinfo is UTC
    assert abs(start - midnight) <= timedelta(hours=36)


def starts(instant: datetime, day: date, zone: str, rollover: int) -> bool:
    return study_day(instant, zone, rollover) == day > study_day(instant - SECOND, zone, rollover)
