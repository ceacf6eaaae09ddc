"""Acknowledged answers by the ten thousand while web server and database are killed every few seconds."""

import os
import sys
import time
from itertools import cycle
from pathlib import Path

from tests.services.grade_storm import findings, studying
from tests.services.one_site import Site, site
from tests.services.own_cluster import Cluster, cluster

USUAL = 20_000
BETWEEN = 5  # seconds from one fault to the next


def main(folder: Path) -> int:
    """Run both databases with GRADES answers each, by SEED; print the figures, return the exit status."""
    goal, seed = (int(os.environ.get(name) or usual) for name, usual in (("GRADES", USUAL), ("SEED", 1)))
    (folder / "sqlite").mkdir()
    (folder / "postgresql").mkdir()
    with site(folder / "sqlite") as one:
        faults = run("SQLite", one, None, goal, seed)
    with cluster() as database, site(folder / "postgresql", database.server.url) as one:
        faults += run("PostgreSQL", one, database, goal, seed)
    return 1 if faults else 0


def run(name: str, one: Site, database: Cluster | None, goal: int, seed: int) -> list[str]:
    """Let them answer; print what came of it and return what is wrong."""
    strikes = [one.kill_worker, one.restart]
    if database is not None:
        strikes += [database.terminate, database.kill_backend, database.crash]
    began, many = time.monotonic(), 0
    with studying(one, goal, seed) as book:
        for strike in cycle(strikes):
            if book.full.wait(BETWEEN):
                break
            strike()
            many += 1
    seconds = time.monotonic() - began
    faults = findings(one, book)
    say(name, f"{len(book.kept())} answers acknowledged in {seconds:.0f} s, {many} faults")
    say("answered", ", ".join(f"{status}: {times}" for status, times in sorted(book.statuses.items())))
    say("said not to be saved", len(book.denied))
    say("longest wait", f"{book.longest:.1f} s")
    for fault in faults:
        say("TOO MUCH", fault)
    return faults


def say(name: str, value: object) -> None:
    sys.stdout.write(f"{name:<26}{value}\n")
    sys.stdout.flush()
