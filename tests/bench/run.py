"""One run: every subject's rows, then the table, the JSON and the page."""

import logging
import os
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.bench import (
    against_anki,
    dashboard,
    grading,
    growth,
    load,
    mailing,
    painting,
    queueing,
    rate,
    reminding,
    report,
    serving,
    telling,
)
from tests.bench.report import MISSED, Row
from tests.bench.spread import Spread
from tests.bench.world import SIZES, World

ROOT = Path(__file__).resolve().parents[2]
DAY_STARTS_AT = 4

# A row more: yield it from its subject, or name a new subject here.
SUBJECTS: tuple[Callable[[World], Iterator[Row]], ...] = (
    grading.rows,
    serving.rows,
    painting.rows,
    dashboard.rows,
    dashboard.by_deck,
    queueing.among_many,
    queueing.by_deck,
    against_anki.rows,
    mailing.rows,
    telling.rows,
    reminding.rows,
    rate.rows,
    load.rows,
    growth.rows,
)
# What takes too long to be a subject of each run; each has its own JSON and its own table on the page.
RUNS: dict[str, tuple[Callable[[World], Iterator[Row]], ...]] = {
    "bench": SUBJECTS,
    "bench-load": (load.rows_at_length,),
    "bench-scale": (queueing.among_many, mailing.rows),
}


def main(folder: Path, name: str) -> None:
    """Make the data in `folder`, measure every row of this run, print the table and write it down."""
    began = perf_counter()
    logging.disable(logging.INFO)  # of the pages that are asked for in this process
    size = os.environ.get("SIZE", "default")
    if size not in SIZES:
        sys.exit(f"SIZE is {size}; choose one of {', '.join(SIZES)}.")
    seed = os.environ.get("SEED", "1")
    if not seed.isdecimal():
        sys.exit(f"SEED is {seed}; choose a whole number.")
    call_command("collectstatic", interactive=False, verbosity=0)
    today = (timezone.now() - timedelta(hours=DAY_STARTS_AT)).date()
    world = World(SIZES[size], today, folder, Spread(int(seed)))
    rows = [row for subject in RUNS[name] for row in shown(subject(world))]
    facts = f"{machine()} Size {size}, seed {seed}, {perf_counter() - began:.0f} s."
    as_json = ROOT / "var" / f"{name}.json"
    report.write(rows, facts, name, as_json, ROOT / "docs" / "performance.md")
    if projected := growth.projected(rows):
        report.put(ROOT / "docs" / "operations.md", "growth", projected)
    print(f"\n{facts}\n\n{report.table(rows)}")
    print(f"\n{sum(row.verdict == MISSED for row in rows)} budgets missed; JSON in var/{as_json.name}.")


def shown(rows: Iterator[Row]) -> Iterator[Row]:
    """Say each row as it comes, for whoever waits."""
    for row in rows:
        print(f"{row.what}: {report.said(row.median, row.unit)} {row.verdict}", file=sys.stderr, flush=True)
        yield row


def machine() -> str:
    """Return what the figures were taken on."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0].split()[0]
    software = f"Python {platform.python_version()}, PostgreSQL {version}, {platform.system()}"
    return f"{os.cpu_count()} cores, {software} {platform.machine()}."
