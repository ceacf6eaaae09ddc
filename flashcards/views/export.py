"""All of the learner's data as one file."""

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from flashcards import exporting


@require_safe
@never_cache
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the export as a download; docs/export.md describes it."""
    assert request.user.is_authenticated
    now = timezone.now()
    return StreamingHttpResponse(
        exporting.export(request.user, now),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="engram-{now:%Y-%m-%d}.json"'},
    )
