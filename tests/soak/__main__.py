"""The faults of tests/services at full size: `make soak`, or `make soak PARTS=grades GRADES=2000`.

Reminds ten thousand learners while workers and Redis are killed and emptied and the mail server fails; then
takes twenty thousand answers while web servers and the database are killed; then plants bugs (bugs.py), each
of which has to turn a test red. Prints what became of it all. The exit status is 1 when something was lost or
doubled, or came too late, or when a bug wasn't noticed.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import django

SETTINGS = {
    "BASE_URL": "http://localhost:8000",
    "DEBUG": "0",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "SECRET_KEY": "for-tests-only",
}
SIZE = {"LEARNERS": 10_000, "KILLS": 20, "FLUSHES": 5, "REDIS_KILLS": 1, "SEED": 1}

with TemporaryDirectory(prefix="engram-soak-") as folder:
    os.environ.update(SETTINGS, VAR_DIR=folder)
    django.setup()

    from tests.services.mail_storm import Size
    from tests.soak import grades, planted, run

    chosen = {name.lower(): int(os.environ.get(name) or usual) for name, usual in SIZE.items()}
    place = Path(folder)
    parts = {
        "mails": lambda: run.main(place, Size(**chosen)),
        "grades": lambda: grades.main(place),
        "bugs": planted.main,
    }
    wanted = os.environ.get("PARTS") or " ".join(parts)
    sys.exit(max([parts[part]() for part in wanted.split()]))
