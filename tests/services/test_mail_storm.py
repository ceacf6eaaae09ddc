"""No mail is lost or doubled while workers are killed, Redis fails and forgets, and the mail server fails."""

import pytest
from django.db import connection

from tests.services import redis_troubles
from tests.services.mail_storm import Size, post_office, storm

pytestmark = pytest.mark.django_db(transaction=True)

# SQLite has one writer, and so fewer learners. What becomes of Redis is the same to any database.
ON_SQLITE = connection.vendor == "sqlite"
SIZE = Size(300, kills=2, flushes=1) if ON_SQLITE else Size(2_000, kills=5, flushes=2)
TROUBLES = redis_troubles.QUICK if ON_SQLITE else []


def test_whatever_fails_no_mail_is_lost_or_doubled_and_no_process_needs_a_restart(tmp_path):
    with post_office(tmp_path, workers=2, beats=2) as post:
        outcome = storm(SIZE, post)
        assert not outcome.findings.faults(SIZE.kills), f"{outcome.figures(SIZE)}\n{post.said()}"
        assert outcome.findings.sent > SIZE.learners * 0.9
        post.sink.fail()
        for trouble in TROUBLES:
            assert not redis_troubles.faults_after(trouble, post), f"{trouble.__name__}\n{post.said()}"
        assert not any(process.poll() for process in (*post.workers, *post.beats))
