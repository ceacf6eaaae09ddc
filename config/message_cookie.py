"""Where messages wait for the next page: in a cookie that is named as closed as the others."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class NamedCookie(CookieStorage):
    """Django's, whose name can't be set otherwise."""

    cookie_name: str = settings.MESSAGE_COOKIE_NAME  # type: ignore[misc]  # a setting of ours


class Storage(FallbackStorage):
    """The cookie, and the session for what it has no room for."""

    storage_classes = (NamedCookie, SessionStorage)
