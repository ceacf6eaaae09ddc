"""How drawings say days and numbers: shortly, and each in one way only, so that tables can say the same."""

from datetime import date
from math import floor


def day(on: date, today: date | None = None) -> str:
    """Say a day: “8 Dec”; with the year where it isn't that of `today`."""
    return f"{on.day} {on:%b}" + (f" {on.year}" if today and on.year != today.year else "")


def weekday(on: date) -> str:
    """Say a day with its weekday: “Tue 8 Dec”."""
    return f"{on:%a} {day(on)}"


def number(count: float) -> str:
    """Say a count: “1,204”, a mean with one decimal: “4.2”."""
    return f"{count:,}" if isinstance(count, int) else f"{count:,.1f}"


def percent(share: float) -> str:
    """Say a share in whole per cent, without the sign; half a per cent goes up."""
    return str(floor(100 * share + 0.5))


def counted(count: int, noun: str) -> str:
    """Say how many there are: “1 answer”, “18 answers”."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
