"""The Celery app: tasks over Redis, started by beat and by each other, never by a page.

The queue may lose a task or hand it out twice, so what is to be done is a row in the database and each task
may run any number of times (docs/decisions/0007-tasks.md). A page writes rows only; so web processes and
commands neither import this module nor need Redis.
"""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings

from config import error_reports, private_redis

REDIS_URL = settings.REDIS_URL or private_redis.on_this_machine(settings.VAR_DIR, settings.PORT).url
# The queue may have a Redis of its own; `manage.py serve` says in this variable where it has started one.
BROKER_URL = os.environ.get("CELERY_BROKER_URL") or private_redis.for_celery(REDIS_URL)

SWEEP = settings.REMINDER_SWEEP_SECONDS


def every(seconds: int, task: str) -> dict[str, Any]:
    """Return an entry for beat; what no worker has taken when the next one comes is dropped."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


error_reports.start()
app = Celery("engram")
# Also for the tasks that threads look up, which `set_as_current` doesn't reach.
app.set_default()
app.autodiscover_tasks()
app.autodiscover_tasks(["config"], related_name="task_logs")

app.conf.update(
    broker_url=BROKER_URL,
    broker_use_ssl={"ssl_cert_reqs": "required"} if BROKER_URL.startswith("rediss://") else None,
    # A worker waits for its broker as long as it takes, and takes up work again without a restart.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # A Redis that is full refuses the note of a task that it has just given away: no reason to end.
    broker_channel_error_retry=True,
    broker_transport_options={
        # Longer than any task may take; the shortest of all programs on one Redis database counts.
        "visibility_timeout": 300,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        # A connection that was cut without a word is noticed within half a minute.
        "health_check_interval": 10,
        "socket_keepalive": True,
        "socket_connect_timeout": 1,
        # And whoever hands over a task while Redis is away hears so within two seconds.
        "socket_timeout": 2,
        "max_retries": 0,
    },
    # To try again would double the task whose answer was lost; the next minute sees to what is missing.
    task_publish_retry=False,
    # A task that a dying worker had begun is begun again.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # But one that is under way when only the connection breaks goes on: half a batch of mail is no gain.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_prefetch_multiplier=1,
    task_soft_time_limit=90,
    task_time_limit=120,
    task_ignore_result=True,
    accept_content=["json"],
    task_serializer="json",
    timezone="UTC",
    # Processes of their own run tasks side by side and are killed when one hangs, for 40 MB each. SQLite has
    # one writer anyway, so there the worker is a single process.
    worker_pool="solo" if settings.EMBEDDED else "prefork",
    worker_concurrency=1 if settings.EMBEDDED else 2,
    worker_redirect_stdouts=False,  # a mail that is printed stays as it is
    # Mails have a queue of their own, so that the ticks of beat don't wait behind thousands of them. A worker
    # takes from both in turn.
    task_queues=[Queue("celery"), Queue("mails")],
    task_routes={"reminders.send": {"queue": "mails"}},
    beat_schedule={
        "list the mails whose time has just come": every(4 * SWEEP, "reminders.plan"),
        "list the mails of the whole day": every(40 * SWEEP, "reminders.plan_day"),
        "hand out the mails that are due": every(SWEEP, "reminders.sweep"),
        "move the cards that are left to be moved": every(SWEEP, "cards.move"),
        "clear what deleted accounts left": every(4 * SWEEP, "clear.gone"),
        "clear what is over": {"task": "clear", "schedule": crontab(hour=3, minute=17)},
    },
    # In memory: each entry comes round soon, so nothing has to be remembered across a restart.
    beat_scheduler="celery.beat:Scheduler",
)
