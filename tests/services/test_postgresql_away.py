"""PostgreSQL refuses, freezes or loses a COMMIT: a learner is told so in time, and nothing counts twice."""

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection

from tests.running.fault_proxy import Proxy, Trap, fault_proxy
from tests.services.asking import Answered, Asking
from tests.services.grade_storm import sessions
from tests.services.mail_storm import port_of, until
from tests.services.one_site import Site, site
from tests.services.own_cluster import Cluster, cluster

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite is never away")

LIMIT = 3
THREADS = 8  # of both processes of the site
IN_TIME = 10  # seconds
SURE, UNSURE = "was not saved", "We can’t tell whether what you just sent was saved"
COMMIT = b"COMMIT"


@dataclass(frozen=True, slots=True)
class Served:
    """A site, the way to its database, and a learner with cards that nobody has answered."""

    site: Site
    database: Cluster
    proxy: Proxy
    learner: Asking
    cards: list[int]

    def new(self) -> tuple[int, UUID]:
        """Return a card that wasn't answered yet, and a submission for it."""
        return self.cards.pop(), uuid4()

    def kept(self, submission: UUID) -> int:
        """Return how often an answer is in the log."""
        return [key for key, _ in self.site.log()].count(submission)

    def execute(self, statement: str) -> None:
        """Run a statement as the one who may do everything."""
        with psycopg.connect(self.database.server.url, autocommit=True) as mine:
            mine.execute(statement)

    def connected(self) -> int:
        """Let many pages be asked for at once; return how many connections the site has then."""
        with ThreadPoolExecutor(2 * THREADS) as tabs:
            list(tabs.map(self.learner.ask, ["/today/"] * 2 * THREADS))
        with psycopg.connect(self.database.server.url) as mine:
            [[many]] = mine.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'").fetchall()
            return int(many)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let every process of the database stand still."""
        first = self.database.server.process.pid
        listed = subprocess.run(["pgrep", "-P", str(first)], capture_output=True, text=True, check=True)
        processes = [first, *map(int, listed.stdout.split())]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with cluster() as database, fault_proxy(port_of(database.server)) as proxy:
        with psycopg.connect(database.server.url, autocommit=True) as mine:
            mine.execute("CREATE ROLE app LOGIN")  # no superuser, whom no limit holds
            mine.execute("CREATE DATABASE app OWNER app")
        url = f"postgres://app@127.0.0.1:{proxy.port}/app"
        with site(tmp_path_factory.mktemp("site"), url) as one:
            [(session, cards)] = sessions(one, 1)
            learner = Asking(one, session)
            assert until(lambda: answers(learner), 30)
            yield Served(one, database, proxy, learner, cards)


def answers(learner: Asking) -> bool:
    try:
        return learner.ask("/today/").status == 200
    except OSError:
        return False


def refused(answer: Answered) -> bool:
    """Whether it says, as it should, that nothing was saved."""
    return (answer.status, answer.retry_after) == (503, "5") and SURE in answer.text


def test_beyond_the_limit_of_connections_nothing_is_saved_and_the_same_again_is_saved_once(served):
    card, submission = served.new()
    url, others = served.site.url, list[psycopg.Connection]()
    served.execute(f"ALTER ROLE app CONNECTION LIMIT {LIMIT}")
    served.database.terminate()
    try:
        others += [psycopg.connect(url) for _ in range(LIMIT)]
        assert refused(served.learner.grade(card, submission))
        assert served.learner.ask("/today/").status == 503
        for other in others:
            other.close()
        assert until(lambda: served.learner.grade(card, submission).status == 303, IN_TIME)
    finally:
        served.execute("ALTER ROLE app CONNECTION LIMIT -1")
    assert served.learner.grade(card, submission).status == 303
    assert served.kept(submission) == 1


def test_a_frozen_database_is_given_up_in_time_and_nothing_counts_twice_after_it_thaws(served):
    sent = [served.new() for _ in range(4)]
    assert until(lambda: served.connected() > THREADS - len(sent), IN_TIME)  # so one has a connection
    with served.frozen(), ThreadPoolExecutor(len(sent)) as tabs:
        told = list(tabs.map(lambda one: served.learner.grade(*one), sent))
    assert [refused(answer) for answer in told] == [True] * len(sent)
    assert max(answer.seconds for answer in told) < IN_TIME
    assert [served.learner.grade(*one).status for one in sent] == [303] * len(sent)
    assert [served.kept(submission) for _, submission in sent] == [1] * len(sent)


@pytest.mark.parametrize("done", [True, False], ids=["done", "lost"])
def test_a_commit_without_an_answer_is_not_said_to_be_lost_and_the_same_again_counts_once(done, served):
    card, submission = served.new()
    served.proxy.traps = [trap := Trap(COMMIT, "to the server", passed_on=done)]
    answer = served.learner.grade(card, submission)
    assert (trap.sprung, answer.status) == (1, 503)
    assert UNSURE in answer.text
    assert SURE not in answer.text
    assert until(lambda: served.kept(submission) == done, IN_TIME)
    assert served.learner.grade(card, submission).status == 303
    assert served.kept(submission) == 1
