"""How pages, drawings and mails alike say numbers and days."""

from datetime import date
from math import floor
from typing import Final

OTHERS_FOLLOW: Final = "The others follow."


def counted(count: int, noun: str) -> str:
    """Say how many there are: “1 card”, “1,204 cards”."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def percent(share: float) -> str:
    """Say a share in whole per cent, without the sign; half a per cent goes up."""
    return str(floor(100 * share + 0.5))


def day(on: date, today: date | None = None, *, short: bool = False) -> str:
    """Say a day: “8 December” or “8 Dec”; with the year where it isn't that of `today`."""
    month = f"{on:%b}" if short else f"{on:%B}"
    return f"{on.day} {month}" + (f" {on.year}" if today and on.year != today.year else "")
