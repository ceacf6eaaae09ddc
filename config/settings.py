"""One settings file; the environment decides (see .env.example).

Without DATABASE_URL Engram runs *embedded*: SQLite under var/, a secret key made on first use, mail on
the console. With DATABASE_URL or under a public BASE_URL it is a server, and whatever a server needs must be
given (config/required.py). Secrets may come from files (config/secret_files.py).
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

from config import (
    account_settings,
    caching,
    database_settings,
    logs,
    mail_settings,
    required,
    secret_files,
    secret_key,
    security_settings,
)

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")
env.ENVIRON = os.environ | secret_files.read(os.environ)

EMBEDDED = not env.str("DATABASE_URL", "")
DEBUG = env.bool("DEBUG", False)
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var")))
PORT = env.int("PORT", 8000)
BASE_URL = env.str("BASE_URL", f"http://localhost:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
required.check(
    required.Given(
        has_database=not EMBEDDED,
        debug=DEBUG,
        secret_key=env.str("SECRET_KEY", ""),
        base_url=env.str("BASE_URL", ""),
        allowed_hosts=ALLOWED_HOSTS,
        email_url=env.str("EMAIL_URL", ""),
        email_from=env.str("EMAIL_FROM", ""),
    )
)
SECRET_KEY = env.str("SECRET_KEY", "") or secret_key.kept_in(VAR_DIR / "secret_key")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

INSTALLED_APPS = [
    "config",  # for `manage.py serve`
    "accounts",
    "flashcards",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "accounts.apps.SessionsConfig",
]

MIDDLEWARE = [
    "config.request_ids.middleware",
    "config.failing.middleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.security_headers.own_resources",
    "django.middleware.security.SecurityMiddleware",
    "config.security_headers.known_methods",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.LoginRequiredMiddleware",
    "accounts.middleware.time_zone",
    "accounts.middleware.session_in_use",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {
    "default": database_settings.from_url(
        env.str("DATABASE_URL", "") or f"sqlite:///{VAR_DIR / 'engram.sqlite3'}",
        password=env.str("DATABASE_PASSWORD", ""),
        pooled=env.bool("DATABASE_POOLED", False),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", "")
CACHES = {"default": caching.from_url(REDIS_URL)}

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "today"
vars().update(account_settings.of(BASE_URL, env.int("TRUSTED_PROXIES", None)))
ADMIN_PATH = account_settings.admin_path(env.str("ADMIN_PATH", "admin/"))
# auth.W004: two unconfirmed accounts may share an address; the one that confirms it owns it.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]

LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # empty until collectstatic; WhiteNoise warns without it
STATICFILES_DIRS = [BASE_DIR / "static"]
# `make run` collects them, so that they are packed and kept by browsers as a server's are.
PLAIN_FILES = DEBUG or (EMBEDDED and not (STATIC_ROOT / "staticfiles.json").exists())
WHITENOISE_USE_FINDERS = PLAIN_FILES
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if PLAIN_FILES
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
FIXTURE_DIRS = [BASE_DIR / "fixtures"]

EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", 10)  # seconds; a mail server that hangs holds a page no longer
ANYMAIL: dict[str, Any] = {}
MAIL_WEBHOOK = ""  # the view that takes a provider's reports, which have no address without it
_url = env.str("EMAIL_URL", "") or "consolemail://"
_secret = env.str("ANYMAIL_WEBHOOK_SECRET", "")
vars().update(mail_settings.from_url(_url, folder=BASE_DIR, timeout=EMAIL_TIMEOUT, webhook_secret=_secret))
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", f"Engram <engram@{urlsplit(BASE_URL).hostname}>")
REMINDER_SWEEP_SECONDS = env.int("REMINDER_SWEEP_SECONDS", 15)  # beat's other times are multiples of it

CARDS_AT_ONCE = 2_000  # as many are moved in one transaction: half a second's work

vars().update(security_settings.of(BASE_URL))

# How Engram is seen from outside (docs/monitoring.md).
LOGGING = logs.configuration(
    env.str("LOG_FORMAT", "line" if EMBEDDED else "json"),
    env.str("LOG_LEVEL", "WARNING" if EMBEDDED else "INFO"),
    debug=DEBUG,
)
METRICS_TOKEN = env.str("METRICS_TOKEN", "")  # without one, there is nothing at /metrics
SENTRY_DSN = env.str("SENTRY_DSN", "")
SLOW_STATEMENT_MS = env.int("SLOW_STATEMENT_MS", 200)
