"""For every time zone: which half hours have come by an instant, and until when a mail for them may leave."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from flashcards.scheduling import hours
from flashcards.scheduling.days import ONE_DAY

GRACE: Final = timedelta(hours=1)  # a mail may leave at least so long, also when its date is over sooner


@dataclass(frozen=True, slots=True)
class Come:
    """The slots `first` to `last` of the local date `day` in a zone: they have come, and are not too old."""

    zone: str
    day: date
    first: int
    last: int
    expires_at: datetime


def come(zones: Iterable[str], now: datetime, back: timedelta = ONE_DAY) -> list[Come]:
    """Return what has come in each of these zones in the time `back`, a day at most.

    Of yesterday only the slots of the last hour count: where the clocks skip the end of a day, they come when
    that day is over.
    """
    found, alike = list[Come](), dict[timedelta, list[Come]]()
    for zone in zones:
        offset = _steady_offset(zone, now)
        if offset is None:
            found += _in(zone, now, back)
            continue
        if offset not in alike:
            alike[offset] = _in(zone, now, back)
        found += [replace(moment, zone=zone) for moment in alike[offset]]
    return found


def _steady_offset(zone: str, now: datetime) -> timedelta | None:
    """Return the zone's offset from UTC; None where it changes within two days: such zones differ."""
    place = ZoneInfo(zone)
    offsets = {(now + days * ONE_DAY).astimezone(place).utcoffset() for days in (-2, 0, 2)}
    return offsets.pop() if len(offsets) == 1 else None


def _in(zone: str, now: datetime, back: timedelta) -> list[Come]:
    found = list[Come]()
    today = now.astimezone(ZoneInfo(zone)).date()
    if now - GRACE < hours.slot_start(today, 0, zone):
        found += _on(today - ONE_DAY, zone, now, min(back, GRACE))
    return found + _on(today, zone, now, back)


def _on(day: date, zone: str, now: datetime, back: timedelta) -> list[Come]:
    gone, reached = (hours.slots_come(day, zone, instant) for instant in (now - back, now))
    if gone == reached:
        return []
    over = hours.slot_start(day + ONE_DAY, 0, zone)
    last = hours.slot_start(day, reached - 1, zone)
    return [Come(zone, day, gone, reached - 1, max(over, last + GRACE))]
