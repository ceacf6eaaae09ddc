"""What browsers are told to refuse, and how cookies are kept, as settings.

Reasons and the exception for plain HTTP: docs/decisions/0013-access-matrix.md.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

TWO_YEARS: Final = 63_072_000  # seconds
NINETY_DAYS: Final = 60 * 60 * 24 * 90  # seconds
POLICY: Final = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF],
    "img-src": [SELF],
    "font-src": [SELF],
    "connect-src": [SELF],
    "manifest-src": [SELF],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
    "base-uri": [NONE],
}


def of(base_url: str) -> dict[str, Any]:
    """Return the settings by their names.

    Under https:// everything is told to stay there, and no other host or path can plant or read a cookie.
    Under http:// browsers would drop such cookies, so they have plain names and may travel unencrypted.
    """
    parts = urlsplit(base_url)
    https = parts.scheme == "https"
    return {
        "CONTENT_SECURITY_POLICY": {"DIRECTIVES": POLICY},
        "X_FRAME_OPTIONS": "DENY",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "SECURE_REFERRER_POLICY": "same-origin",
        "WHITENOISE_ALLOW_ALL_ORIGINS": False,  # static files are for our own pages
        "SECURE_SSL_REDIRECT": https,
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if https else None,
        "SECURE_HSTS_SECONDS": TWO_YEARS if https else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": https,
        "SECURE_HSTS_PRELOAD": https,
        "CSRF_TRUSTED_ORIGINS": [f"{parts.scheme}://{parts.netloc}"],
        "CSRF_FAILURE_VIEW": "accounts.views.csrf_failure",
        **_cookies(https),
    }


def _cookies(https: bool) -> dict[str, Any]:
    prefix = "__Host-" if https else ""
    return {
        "SESSION_ENGINE": "accounts.session_store",
        "SESSION_COOKIE_NAME": f"{prefix}sessionid",
        "SESSION_COOKIE_AGE": NINETY_DAYS,
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_NAME": f"{prefix}csrftoken",
        "CSRF_COOKIE_SECURE": https,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "MESSAGE_COOKIE_NAME": f"{prefix}messages",
        "MESSAGE_STORAGE": "config.message_cookie.Storage",
    }
