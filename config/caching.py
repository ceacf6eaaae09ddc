"""REDIS_URL as Django's cache, which holds limits for log-ins and forecasts that are worth keeping."""

from typing import Any, Final

from redis.backoff import NoBackoff
from redis.retry import Retry

SECONDS: Final = 1


def from_url(url: str) -> dict[str, Any]:
    """Return the entry of CACHES for this address; without one, each process has a cache of its own.

    A page that can do without isn't held up by a Redis that is away or says nothing. Nothing is tried twice:
    where only the answer got lost, a limit would count twice.
    """
    if not url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    options = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS, "retry": Retry(NoBackoff(), 0)}
    return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url, "OPTIONS": options}
