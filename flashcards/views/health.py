"""Whether the server is there."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as requests are served."""
    return HttpResponse("ok\n", content_type="text/plain")
