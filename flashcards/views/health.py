"""Whether the server is there, and whether all that it needs is."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from flashcards.operating import readiness

PLAIN = "text/plain; charset=utf-8"


@require_safe
@never_cache
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as requests are served."""
    return HttpResponse("ok\n", content_type=PLAIN)


@require_safe
@never_cache
@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when database and tasks do their work, else 503 with a line for each that doesn't.

    `?without=tasks` leaves the tasks out: pages are whole without them.
    """
    tasks = request.GET.get("without") != "tasks"
    missing = readiness.missing(timezone.now(), tasks=tasks)
    lines = "\n".join(missing) or "ready"
    return HttpResponse(f"{lines}\n", status=503 if missing else 200, content_type=PLAIN)
