"""EMAIL_URL as Django's settings: a mail server, the terminal, a folder, or a provider's own interface.

docs/operations.md has the forms in one table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

BACKENDS: Final = "django.core.mail.backends"
PORTS: Final = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
FORMS: Final = (
    "smtp+tls://user:password@host:587, smtp+ssl://user:password@host:465, smtp://host:25, "
    "consolemail://, filemail:///folder or anymail+provider://key"
)
NO_TRACKING: Final = {"track_opens": False, "track_clicks": False}


@dataclass(frozen=True, slots=True)
class Provider:
    """What anymail wants to know about a provider, under the names of its settings.

    `regions` are the addresses of its interface elsewhere. A provider that `tracks` has to be told not to;
    for the others that is set on their own pages.
    """

    key: str
    webhook: str
    domain: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    regions: Mapping[str, str] = field(default_factory=dict)
    tracks: bool = False


# Those that take a mail with the headers that ours have, and that need no further package.
PROVIDERS: Final = {
    "brevo": Provider("BREVO_API_KEY", "BrevoTrackingWebhookView"),
    "mailgun": Provider(
        "MAILGUN_API_KEY",
        "MailgunTrackingWebhookView",
        domain="MAILGUN_SENDER_DOMAIN",
        options={"webhook_signing_key": "MAILGUN_WEBHOOK_SIGNING_KEY"},
        regions={"us": "https://api.mailgun.net/v3", "eu": "https://api.eu.mailgun.net/v3"},
        tracks=True,
    ),
    "postmark": Provider(
        "POSTMARK_SERVER_TOKEN",
        "PostmarkTrackingWebhookView",
        options={"message_stream": "POSTMARK_MESSAGE_STREAM"},
        tracks=True,
    ),
    "resend": Provider("RESEND_API_KEY", "ResendTrackingWebhookView"),
    "sparkpost": Provider(
        "SPARKPOST_API_KEY",
        "SparkPostTrackingWebhookView",
        regions={
            "us": "https://api.sparkpost.com/api/v1",
            "eu": "https://api.eu.sparkpost.com/api/v1",
        },
        tracks=True,
    ),
}


def from_url(url: str, *, folder: Path, timeout: int, webhook_secret: str = "") -> dict[str, Any]:
    """Return the settings that an EMAIL_URL stands for, by their names.

    A relative folder of filemail lies in `folder`. `timeout` (seconds) and `webhook_secret` ("user:password")
    go to a provider; without the secret nobody may report to us, and MAIL_WEBHOOK is empty. Raises
    ImproperlyConfigured with what is missing, and never with a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port if parts.scheme in PORTS else None
    except ValueError:
        raise ImproperlyConfigured(
            "EMAIL_URL can’t be read. What is special in a user, password or key is percent-encoded "
            "(“/” is %2F, “@” is %40), and the port is a number."
        ) from None
    if parts.scheme.startswith("anymail+"):
        return _anymail(parts, timeout, webhook_secret)
    if webhook_secret:
        raise ImproperlyConfigured(
            "ANYMAIL_WEBHOOK_SECRET is for the reports of a provider, but EMAIL_URL names none. "
            "Unset it, or name one: anymail+provider://key."
        )
    return _own(parts, port, folder)


def _own(parts: SplitResult, port: int | None, folder: Path) -> dict[str, Any]:
    if parts.scheme in PORTS:
        return _smtp(parts, port)
    if parts.scheme == "consolemail":
        return {"EMAIL_BACKEND": f"{BACKENDS}.console.EmailBackend"}
    if parts.scheme == "filemail":
        return _files(parts, folder)
    raise ImproperlyConfigured(f"EMAIL_URL begins with “{parts.scheme}://”, which isn’t one of {FORMS}.")


def _smtp(parts: SplitResult, port: int | None) -> dict[str, Any]:
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not parts.hostname:
        raise ImproperlyConfigured("EMAIL_URL names no mail server: smtp+tls://user:password@host:587.")
    if bool(user) != bool(password):
        raise ImproperlyConfigured("EMAIL_URL has a user without a password, or the other way round.")
    if parts.query or parts.path.strip("/"):
        raise ImproperlyConfigured("EMAIL_URL goes on after the host and port, where nothing may follow.")
    return {
        "EMAIL_BACKEND": f"{BACKENDS}.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or PORTS[parts.scheme],
        "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": password,
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtp+ssl",
    }


def _files(parts: SplitResult, folder: Path) -> dict[str, Any]:
    path = f"/{parts.path.lstrip('/')}" if parts.path else ""
    named = unquote(parts.netloc + path)
    if not named.strip("/"):
        raise ImproperlyConfigured("EMAIL_URL names no folder: filemail:///srv/mails, or filemail://mails.")
    return {"EMAIL_BACKEND": f"{BACKENDS}.filebased.EmailBackend", "EMAIL_FILE_PATH": str(folder / named)}


def _anymail(parts: SplitResult, timeout: int, webhook_secret: str) -> dict[str, Any]:
    name = parts.scheme.removeprefix("anymail+")
    provider = PROVIDERS.get(name)
    if provider is None:
        raise ImproperlyConfigured(
            f"EMAIL_URL names the provider “{name}”; known are {', '.join(PROVIDERS)}. "
            "Any other takes mail by SMTP: smtp+tls://user:password@host:587."
        )
    anymail = _identity(name, provider, parts) | _options(name, provider, parts.query)
    anymail["REQUESTS_TIMEOUT"] = timeout
    if provider.tracks:
        anymail["SEND_DEFAULTS"] = NO_TRACKING
    if webhook_secret:
        anymail["WEBHOOK_SECRET"] = _secret(webhook_secret)
    webhook = f"anymail.webhooks.{name}.{provider.webhook}" if webhook_secret else ""
    backend = f"anymail.backends.{name}.EmailBackend"
    return {"EMAIL_BACKEND": backend, "ANYMAIL": anymail, "MAIL_WEBHOOK": webhook}


def _identity(name: str, provider: Provider, parts: SplitResult) -> dict[str, Any]:
    """Return the key and, where the provider asks for one, the domain that mails are sent from."""
    before, at, after = parts.netloc.rpartition("@")
    key, domain = unquote(before if at else after), after if at else ""
    form = f"anymail+{name}://KEY@mg.example.org" if provider.domain else f"anymail+{name}://KEY"
    if not key or bool(domain) != bool(provider.domain) or parts.path.strip("/"):
        raise ImproperlyConfigured(f"EMAIL_URL for {name} looks like this: {form}.")
    return {provider.key: key} | ({provider.domain: domain} if provider.domain else {})


def _options(name: str, provider: Provider, query: str) -> dict[str, Any]:
    """Return what stands behind the question mark, under anymail's names."""
    known = [*provider.options, *(["region"] if provider.regions else [])]
    found = dict[str, Any]()
    for option, value in parse_qsl(query, keep_blank_values=True):
        if option == "region" and value in provider.regions:
            found[f"{name.upper()}_API_URL"] = provider.regions[value]
        elif option in provider.options and value:
            found[provider.options[option]] = value
        else:
            raise ImproperlyConfigured(
                f"EMAIL_URL for {name} has an option “{option}” that is not known or has no such value; "
                f"known are: {', '.join(known) or 'none'}"
                + (f" (region: {', '.join(provider.regions)})." if provider.regions else ".")
            )
    return found


def _secret(given: str) -> str:
    user, _, password = given.partition(":")
    if not (user and password):
        raise ImproperlyConfigured("ANYMAIL_WEBHOOK_SECRET is a user and a password: user:password.")
    return given
