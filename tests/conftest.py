"""What every test gets: quick passwords, plain static files, an empty cache, a database file of its own."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from hypothesis import settings as hypothesis_settings

from tests import caches

# `make test` gives the same answer twice. For a search: ARGS="--hypothesis-profile=search".
hypothesis_settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis_settings.register_profile("search", deadline=None, max_examples=2_000)
hypothesis_settings.load_profile("repeatable")


def pytest_configure() -> None:
    # A real hash costs about 50 ms a user, and no test is about its strength.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Hashed names need collectstatic, which the live server doesn't run.
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    # Each client would look through a thousand files otherwise; the live server finds them by itself.
    settings.STATIC_ROOT, settings.WHITENOISE_USE_FINDERS = None, False
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # With pytest-xdist: what starts programs of its own runs one by one, beside the rest.
    for item in items:
        if {"browser", "services"} & set(item.path.parts):
            item.add_marker(pytest.mark.xdist_group("programs"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Put SQLite's test database into a file: in memory, threads would share one connection and its locks."""
    if connection.vendor == "sqlite":
        file: Path = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(file)


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Rate limits are counted in the cache; one test's attempts are no other's business."""
    caches.look_empty()
    if not settings.REDIS_URL:
        cache.clear()
