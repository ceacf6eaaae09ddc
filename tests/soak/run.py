"""Makes a database of its own, lets everything fail and says what became of the mails."""

import sys
from pathlib import Path

from django.db import connection
from django.test.utils import setup_databases, teardown_databases

from tests.services import redis_troubles
from tests.services.mail_storm import PATIENCE, Outcome, Size, post_office, storm


def main(folder: Path, size: Size) -> int:
    """Run it at this size; return the exit status."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(folder / "soak.sqlite3")
    before = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        kills = size.redis_kills + 1  # the last one is among the troubles
        with post_office(folder, workers=2, beats=2, seed=size.seed, redis_kills=kills) as post:
            outcome = storm(size, post)
            post.sink.fail()
            faults = report(size, outcome)
            for trouble in redis_troubles.ALL:
                found = redis_troubles.faults_after(trouble, post)
                say(trouble.__name__, ", ".join(found) or "each mail sent once")
                faults += found
            return 1 if faults else 0
    finally:
        teardown_databases(before, verbosity=0)


def report(size: Size, outcome: Outcome) -> list[str]:
    """Print the figures and what passes a limit; return the latter."""
    faults = outcome.findings.faults(size.kills)
    if outcome.seconds >= PATIENCE:
        faults.append(f"not final {PATIENCE} s after the last fault")
    for name, value in outcome.figures(size):
        say(name, value)
    for fault in faults:
        say("TOO MUCH", fault)
    return faults


def say(name: str, value: object) -> None:
    sys.stdout.write(f"{name.replace('_', ' '):<26}{value}\n")
    sys.stdout.flush()
