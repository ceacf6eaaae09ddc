"""All of the learner's data as one file."""

from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.redirects import SeeOther
from accounts.requests import LearnerRequest
from flashcards import exporting

TYPE: Final = "application/json"
# A download holds a thread of its web process for as long as the learner's line needs; half of the four are
# left to pages.
AT_ONCE: Final = 2
BUSY: Final = "Others are downloading their data just now. Try again in a minute: yours is all there."

_slots = BoundedSemaphore(AT_ONCE)


class Download(Iterator[str]):
    """The pieces of an export, which holds one of the slots until it is closed or forgotten."""

    def __init__(self, pieces: Iterator[str]) -> None:
        """Take the slot that somebody has just acquired."""
        self._pieces = pieces
        self._open = True

    def __next__(self) -> str:
        try:
            return next(self._pieces)
        except StopIteration:
            self.close()
            raise

    def close(self) -> None:
        """Give the slot back; done twice it is given back once."""
        if self._open:
            self._open = False
            _slots.release()

    __del__ = close


@require_safe
@never_cache
def export(request: LearnerRequest) -> HttpResponseBase:
    """Stream the export as a download; docs/export.md describes it."""
    if request.method == "HEAD":
        return HttpResponse(content_type=TYPE)
    if not _slots.acquire(blocking=False):
        messages.warning(request, BUSY)
        return SeeOther(reverse("settings"))
    now = timezone.now()
    return StreamingHttpResponse(
        Download(exporting.export(request.user, now)),
        content_type=TYPE,
        headers={"Content-Disposition": f'attachment; filename="engram-{now:%Y-%m-%d}.json"'},
    )
