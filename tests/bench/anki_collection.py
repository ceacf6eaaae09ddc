"""Anki's own engine before a deck as large as our veteran's, asked through its Python interface.

The package isn't one of ours, and may be missing: nothing here imports it before a collection is opened.
"""

from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

from django.utils import timezone

from tests.bench.copying import numbers
from tests.bench.spread import Spread
from tests.bench.world import DUE, LEFT_NEW

FURTHEST = 300  # days, forwards to the last due card and backwards to the first answer
FOUR_HUNDRED_DAYS = 400 * 86_400
A_DAY = 86_400_000  # milliseconds, which Anki's log counts in
# A note for each card; intervals from a day to ten months, ease from 130 to 279 per cent.
NOTES = """
    INSERT INTO notes SELECT id + n, guid || n, mid, mod, usn, tags, flds, sfld, csum, flags, data
    FROM notes CROSS JOIN {others}
"""
CARDS = """
    INSERT INTO cards SELECT id + n, nid + n, did, ord, mod, usn, 2, 2,
        {today} + CASE WHEN n % {every} = 0 AND n <= {every} * {due} THEN 0 ELSE 1 + {due_in} END,
        1 + {interval}, 1300 + {ease}, 3, n % 4, 0, 0, 0, 0, data
    FROM cards CROSS JOIN {others}
"""
FIRST = """
    UPDATE cards SET type = 2, queue = 2, due = {today} + 1, ivl = 1, factor = 2500, reps = 3
    WHERE id = {first}
"""
STILL_NEW = """
    UPDATE cards SET type = 0, queue = 0, due = id - {first}, ivl = 0, factor = 0, reps = 0, lapses = 0
    WHERE id >= {first} + {started}
"""
LOG = """
    INSERT INTO revlog SELECT {now} - {a_day} * (1 + {days_ago}) - n, {first} + n % {started}, -1,
        1 + n % 4, 15, 6, 2500, 4000, 1
    FROM {answers}
"""


def version() -> str:
    """Return which Anki there is, empty for none."""
    return str(import_module("anki.buildinfo").version) if find_spec("anki") else ""


@dataclass(slots=True)
class Anki:
    """A collection in a file; `opening` keeps how many milliseconds each opening took."""

    file: Path
    opening: list[float] = field(default_factory=list)

    def opened(self) -> Any:
        """Return the collection. Close it, or the next one finds it locked."""
        return import_module("anki.collection").Collection(str(self.file))

    def fill(self, cards: int, answers: int, spread: Spread) -> None:
        """Make the file: all but a few of the cards started, some due today, so many answers logged."""
        self.file.parent.mkdir()
        collection = self.opened()
        note = collection.new_note(collection.models.by_name("Basic"))
        note["Front"], note["Back"] = "What?", "This."
        collection.add_note(note, 1)
        collection.db.execute(f"UPDATE col SET crt = crt - {FOUR_HUNDRED_DAYS}")  # days are counted from it
        collection.close()
        collection = self.opened()
        started = cards - LEFT_NEW
        values = {
            "others": numbers(cards - 1),
            "answers": numbers(answers),
            "started": started,
            "every": started // DUE,
            "due": DUE,
            "due_in": spread.below(FURTHEST, "due", "n"),
            "interval": spread.below(FURTHEST, "interval", "n"),
            "ease": spread.below(1_500, "ease", "n"),
            "days_ago": spread.below(FURTHEST, "reviewed", "n"),
            "a_day": A_DAY,
            "today": collection.sched.today,
            "now": int(timezone.now().timestamp() * 1_000),
            "first": collection.db.scalar("SELECT id FROM cards"),
        }
        for statement in (NOTES, CARDS, FIRST, STILL_NEW, LOG, "ANALYZE"):
            collection.db.execute(statement.format(**values))
        collection.close()

    def queue(self) -> float:
        """Build the day's queue from the file; return the milliseconds, opening it among them."""
        began = perf_counter()
        collection = self.opened()
        opened = perf_counter()
        found = collection.sched.get_queued_cards(fetch_limit=1)
        ended = perf_counter()
        collection.close()
        assert (found.new_count, found.review_count) == (LEFT_NEW, DUE)
        self.opening.append(1_000 * (opened - began))
        return 1_000 * (ended - began)
