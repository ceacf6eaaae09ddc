"""The study day: the only place where an instant becomes a date."""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


def study_day(instant: datetime, zone: str, rollover_hour: int) -> date:
    """Return the date of the local wall clock, set back by the rollover hour.

    `instant` must be aware, `zone` is an IANA name; at rollover 4, 03:59 still belongs to yesterday.
    """
    if instant.tzinfo is None:
        raise ValueError("A study day needs an instant with a time zone.")
    wall = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return (wall - timedelta(hours=rollover_hour)).date()


def day_start(day: date, zone: str, rollover_hour: int) -> datetime:
    """Return the first UTC instant of a study day; where a DST gap skips it, the instant the gap begins."""
    wall = datetime.combine(day, time(rollover_hour), tzinfo=ZoneInfo(zone))
    start, sooner = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
    if sooner >= start:
        return start
    # No clock shows this wall time: the gap lies between its readings by the old and by the new offset.
    seconds = range(int((start - sooner).total_seconds()))
    return sooner + timedelta(
        seconds=bisect_left(
            seconds, day, key=lambda s: study_day(sooner + timedelta(seconds=s), zone, rollover_hour)
        )
    )
