"""What may happen to Redis while mails wait: each begins a trouble and returns what ends it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from tests.running.fault_proxy import BOTH, Trap
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


QUICK: list[Trouble] = [doubled_task, task_lost_at_the_worker, flapping, killed_and_away]
# Workers take a quarter of a minute to notice the black hole.
ALL: list[Trouble] = [*QUICK, black_hole]


def faults_after(trouble: Trouble, post: Post) -> list[str]:
    """Remind a few learners in the midst of it; return what is wrong with their mails a minute later."""
    over = trouble(post)
    people = crowd.crowd(MANY, datetime.now(UTC))
    over()
    until(lambda: not crowd.unfinished(people), SECONDS)
    return crowd.findings(people, post.sink.attempts()).faults()
