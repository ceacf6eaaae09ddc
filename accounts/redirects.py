"""Where to go after a form, or after a log-in that came in between."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


class SeeOther(HttpResponseRedirect):
    """After a POST: fetch this page next (303)."""

    status_code = 303


def next_page(request: HttpRequest, default: str) -> str:
    """Return the path that the form's `next` names, if it stays on this site, else the default."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    return wanted if _is_ours(request, wanted) else default


def page_of(request: HttpRequest) -> str:
    """Return the path of the page the learner sees: this one, or the one whose form or htmx sent this."""
    if request.method in ("GET", "HEAD") and not getattr(request, "htmx", False):
        return request.get_full_path()
    origin = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not _is_ours(request, origin):
        return reverse(str(settings.LOGIN_REDIRECT_URL))
    parts = urlsplit(origin)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _is_ours(request: HttpRequest, url: str) -> bool:
    return url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure())
