"""No mail is lost or doubled while workers are killed, Redis fails and forgets, and the mail server fails."""

import pytest
from django.db import connection

from tests.services import redis_troubles
from tests.services.mail_storm import WORKER, Size, post_office, storm, until

pytestmark = pytest.mark.django_db(transaction=True)

# SQLite has one writer, and so fewer learners. What becomes of Redis is the same to any database.
ON_SQLITE = connection.vendor == "sqlite"
SIZE = Size(300, kills=2, flushes=1) if ON_SQLITE else Size(2_000, kills=5, flushes=2)
TROUBLES = redis_troubles.QUICK if ON_SQLITE else []
SECONDS = 30  # for what takes a few


def test_whatever_fails_no_mail_is_lost_or_doubled_and_no_process_needs_a_restart(tmp_path):
    with post_office(tmp_path, workers=2, beats=2) as post:
        outcome = storm(SIZE, post)
        assert not outcome.findings.faults(SIZE.kills), f"{outcome.figures(SIZE)}\n{post.said()}"
        assert outcome.findings.sent > SIZE.learners * 0.9
        post.sink.fail()
        for trouble in TROUBLES:
            assert not redis_troubles.faults_after(trouble, post), f"{trouble.__name__}\n{post.said()}"
        ended = [process.poll() for process in (*post.workers, *post.beats)]
        assert ended == [None] * 4, post.said()


@pytest.mark.skipif(not ON_SQLITE, reason="what becomes of Redis is the same to any database")
def test_a_worker_that_begins_while_redis_is_full_waits_for_room(tmp_path):
    with post_office(tmp_path, workers=0, beats=1) as post:
        assert until(post.waiting, SECONDS), post.said()
        post.limit_redis(1)
        post.workers.append(post.start(*WORKER))
        assert until(lambda: "consumer: Cannot connect" in post.said(), SECONDS), post.said()
        post.limit_redis(0)
        assert until(lambda: post.runs("reminders.sweep"), SECONDS), post.said()
        assert post.workers[0].poll() is None
