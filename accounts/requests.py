"""The request as our middleware hands it to a view."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class LearnerRequest(HttpRequest):
    """A request of someone who is logged in (a type only: nothing makes one)."""

    user: User
    htmx: HtmxDetails
