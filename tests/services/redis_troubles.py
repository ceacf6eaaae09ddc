"""What may happen to Redis while mails wait: each begins a trouble and returns what ends it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from tests.running.fault_proxy import BOTH, Trap
from tests.running.faults import Rule
from tests.services import crowd
from tests.services.mail_storm import Post, until

Trouble = Callable[[Post], Callable[[], None]]
SECONDS = 60  # in which mails go on after Redis is back
TASK = b"reminders.send"  # its name stands in each message
AWAY = 3  # seconds
MANY = 30


def doubled_task(post: Post) -> Callable[[], None]:
    """Let Redis' answer to the sweeper be lost: the task is there, and nobody knows."""
    return trapped(post, Trap(TASK, "to the server", passed_on=True))


def task_lost_at_the_worker(post: Post) -> Callable[[], None]:
    """Let the hand-off be cut: Redis has given the task away, and no worker has it."""
    return trapped(post, Trap(TASK, "to the client"))


def trapped(post: Post, trap: Trap) -> Callable[[], None]:
    post.proxy.traps = [trap]

    def sprung() -> None:
        assert until(lambda: trap.sprung, SECONDS), post.said()

    return sprung


def flapping(post: Post) -> Callable[[], None]:
    def cut() -> None:
        for _ in range(10):
            post.proxy.cut()
            time.sleep(AWAY / 10)

    return cut


def black_hole(post: Post) -> Callable[[], None]:
    post.proxy.swallowed = BOTH

    def heal() -> None:
        time.sleep(AWAY)
        post.proxy.swallowed = frozenset()

    return heal


def killed_and_away(post: Post) -> Callable[[], None]:
    post.proxy.close()

    def come_back() -> None:
        time.sleep(AWAY)
        post.kill_redis()
        post.proxy.open()

    return come_back


def full(post: Post) -> Callable[[], None]:
    """Let Redis take nothing new."""
    post.limit_redis(1)

    def make_room() -> None:
        time.sleep(AWAY)
        post.limit_redis(0)

    return make_room


def outlived(post: Post) -> Callable[[], None]:
    """Let mails take so long that Redis gives their task to another worker too."""
    post.sink.fail(Rule("end", "delay", seconds=0.2))

    def given_twice() -> None:
        assert until(lambda: max(post.runs(TASK.decode()).values(), default=0) > 1, SECONDS), post.said()
        post.sink.fail()

    return given_twice


QUICK: list[Trouble] = [doubled_task, task_lost_at_the_worker, flapping, full, killed_and_away]
# Workers take a quarter of a minute to notice the black hole.
ALL: list[Trouble] = [*QUICK, outlived, black_hole]


def faults_after(trouble: Trouble, post: Post) -> list[str]:
    """Remind a few learners in the midst of it; return what is wrong with their mails a minute later."""
    over = trouble(post)
    people = crowd.crowd(MANY, datetime.now(UTC))
    over()
    until(lambda: not crowd.unfinished(people), SECONDS)
    return crowd.findings(people, post.sink.attempts()).faults()
