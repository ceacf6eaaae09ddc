"""No acknowledged answer is lost or doubled while web server and database are killed."""

from django.db import connection

from tests.services.grade_storm import findings, storm
from tests.services.one_site import site
from tests.services.own_cluster import cluster

ON_SQLITE = connection.vendor == "sqlite"


def test_whatever_is_killed_every_acknowledged_answer_is_there_once_and_the_schedules_fit(tmp_path):
    if ON_SQLITE:
        with site(tmp_path) as one:
            book = storm(one, 600, [one.kill_worker, one.restart] * 2)
            check(one, book, 600)
        return
    with cluster() as database, site(tmp_path, database.server.url) as one:
        faults = [one.kill_worker, database.terminate, one.restart, database.kill_backend, database.crash]
        book = storm(one, 1_200, faults)
        check(one, book, 1_200)


def check(one, book, goal):
    """Nothing is wrong, and the faults were felt."""
    assert not findings(one, book), (one.folder / "web.log").read_text()[-5_000:]
    assert len(book.kept()) > goal * 0.9
    assert book.statuses["409"]
    assert book.statuses["no answer"]
