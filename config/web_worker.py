"""gunicorn's threaded worker, which on its way out turns nobody away whom it has let in."""

from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker


class DrainingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Takes every connection that waits, and closes its door, before it finishes its requests.

    gunicorn's own leaves the door open while it finishes: whoever comes meanwhile gets in, is never seen to,
    and is cut off at the end. So the proxy can't know that it may ask again. With the door closed it can.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin to take connections, or cease; for good when the worker is to stop."""
        super().set_accept_enabled(enabled)
        if not (enabled or self.alive):
            for listener in self.sockets:
                _take_all(self, listener)
                listener.close()


def _take_all(worker: ThreadWorker, listener: Any) -> None:
    """Take what waits at the door; more than a full house of it is not our business."""
    for _ in range(worker.worker_connections):
        before = worker.nr_conns
        with suppress(OSError):
            worker.accept(listener)
        if worker.nr_conns == before:
            return
