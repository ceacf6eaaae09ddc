"""When a local half hour comes: the instants at which mails are meant to leave.

A day has 48 slots, from 0 at 00:00 to 47 at 23:30. A slot belongs to the local date it was meant for, also
where a change of the clocks makes it come later or on the next date.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

SLOTS: Final = 48
HALF_HOUR: Final = timedelta(minutes=30)


def slot_time(slot: int) -> time:
    """Return the wall-clock time at which a slot begins."""
    return time(slot // 2, 30 * (slot % 2))


def slot_start(day: date, slot: int, zone: str) -> datetime:
    """Return the UTC instant at which a slot of this local date comes.

    Where the clocks skip it, that is the first instant after the gap; where they show it twice, the first
    of the two. `zone` is an IANA name.
    """
    place = ZoneInfo(zone)
    shown = datetime.combine(day, slot_time(slot))
    start, sooner = (shown.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    if sooner >= start:
        return start
    seconds = range(int((start - sooner).total_seconds()))
    return sooner + timedelta(
        seconds=bisect_left(seconds, shown, key=lambda s: _wall(sooner + timedelta(seconds=s), place))
    )


def slots_come(day: date, zone: str, now: datetime) -> int:
    """Return how many of this local date's slots have come by an instant: 0 to 48."""
    wall = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    shown = min(max((wall - datetime.combine(day, time())) // HALF_HOUR + 1, 0), SLOTS)
    if _lies_between(now, day, shown, zone):
        return shown
    return bisect_right(range(SLOTS), now, key=lambda slot: slot_start(day, slot, zone))


def _lies_between(now: datetime, day: date, come: int, zone: str) -> bool:
    """Whether exactly so many slots have come: by the wall clock alone that is wrong near a change of it."""
    if come and now < slot_start(day, come - 1, zone):
        return False
    return come == SLOTS or now < slot_start(day, come, zone)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)
