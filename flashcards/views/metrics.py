"""Figures for a monitor that has the token."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from flashcards.operating import exposition
from flashcards.operating.metrics import families


# It takes no input. Without the token nothing is at this address, whatever is sent to it.
@csrf_exempt
@never_cache
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with every figure in the text format of Prometheus."""
    given = request.headers.get("Authorization", "")
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    if request.method != "GET" or not constant_time_compare(given.encode(), wanted.encode()):
        raise Http404
    return HttpResponse(exposition.text(families(timezone.now())), content_type=exposition.CONTENT_TYPE)
