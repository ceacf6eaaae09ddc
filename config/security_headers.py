"""What Django and its libraries leave out of every answer, and the methods that nothing here takes."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def own_resources(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Keep other sites from loading what is here, static files and the redirect to https included."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    return answer


def known_methods(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse TRACE, which would echo cookies, and every method that isn't HTTP's."""

    def answer(request: HttpRequest) -> HttpResponse:
        return get_response(request) if request.method in METHODS else HttpResponseNotAllowed(METHODS)

    return answer
