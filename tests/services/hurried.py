"""The Celery app as the tests start it: the product's own, with shorter pauses.

python -m celery -A tests.services.hurried worker
"""

import signal
from datetime import timedelta

import django

from config import supervising
from config.celery import app

__all__ = ["app"]

django.setup()

from flashcards.reminders import claims, handing, sending  # noqa: E402 - models need the set-up

# Tests that are killed leave no worker behind.
if supervising._libc is not None:
    supervising._libc.prctl(supervising.PR_SET_PDEATHSIG, signal.SIGKILL)

# So short that slow portions are handed out a second time while the first worker still has them.
app.conf.broker_transport_options |= {"visibility_timeout": 2, "unacked_restore_interval": 1}
claims.STEPS = 8  # type: ignore[misc]
sending.PAUSES = [timedelta(seconds=seconds) for seconds in (1, 1, 2, 2)]  # type: ignore[misc]
sending.DOWN = timedelta(seconds=2)  # type: ignore[misc]
handing.LOST_AFTER = timedelta(seconds=3)  # type: ignore[misc]
