"""How drawings say days and numbers: shortly, and each in one way only, so that tables can say the same."""

from datetime import date

from flashcards import wording


def day(on: date, today: date | None = None) -> str:
    """Say a day: “8 Dec”; with the year where it isn't that of `today`."""
    return wording.day(on, today, short=True)


def weekday(on: date) -> str:
    """Say a day with its weekday: “Tue 8 Dec”."""
    return f"{on:%a} {day(on)}"


def number(count: float) -> str:
    """Say a count: “1,204”, a mean with one decimal: “4.2”."""
    return f"{count:,}" if isinstance(count, int) else f"{count:,.1f}"
