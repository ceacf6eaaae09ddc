"""What a server must be told before it serves anybody, and the sentence that says how to give it.

How much is asked for depends on who can reach it: on this machine a first look needs next to nothing, under
a public name nothing may be left to chance.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from enum import Enum
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

SHORTEST_KEY: Final = 50  # characters, as in Django's own check security.W009
FEWEST_CHARACTERS: Final = 5  # different ones, the same
MADE_UP: Final = "django-insecure-"  # what Django's own templates begin a key with
# Names that no public name server answers for (RFC 6761, 6762, 8375, and what routers use).
HOME_NAMES: Final = (".local", ".lan", ".home", ".home.arpa", ".internal", ".test")
# Mails that end in a terminal or a folder reach nobody.
GO_NOWHERE: Final = ("", "consolemail", "filemail")

MAKE_A_KEY: Final = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
KEY: Final = (
    f"It is a long random text that nobody else has, and stays the same: the output of {MAKE_A_KEY}. "
    "SECRET_KEY_FILE may name a file with it."
)
EXPLAINED: Final = "Set it in the environment or in .env; .env.example explains each."


class Reach(Enum):
    """From where an address can be asked for."""

    THIS_MACHINE = "this machine"
    HOME = "home"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Given:
    """The settings as they were given; a text is empty where nothing was.

    `has_database` is false for the embedded SQLite under var/.
    """

    has_database: bool
    debug: bool
    secret_key: str
    base_url: str
    allowed_hosts: Sequence[str]
    email_url: str
    email_from: str


def reach(base_url: str) -> Reach:
    """Return from where this address can be reached; what can't be read counts as public."""
    host = _host(base_url)
    if host == "localhost" or host.endswith(".localhost"):
        return Reach.THIS_MACHINE
    try:
        address = ip_address(host)
    except ValueError:
        at_home = bool(host) and ("." not in host or host.endswith(HOME_NAMES))
        return Reach.HOME if at_home else Reach.PUBLIC
    if address.is_loopback:
        return Reach.THIS_MACHINE
    return Reach.HOME if address.is_private else Reach.PUBLIC


def check(given: Given) -> None:
    """Raise ImproperlyConfigured with everything that is missing, if anything is."""
    if found := problems(given):
        raise ImproperlyConfigured("\n".join([f"Engram doesn’t start like this. {EXPLAINED}", *found]))


def problems(given: Given) -> list[str]:
    """Return a sentence or two for each setting that is missing or can't be right, its name first."""
    if not given.base_url:
        # Without a database of its own it is a laptop, and http://localhost is right.
        where = Reach.PUBLIC if given.has_database else Reach.THIS_MACHINE
    else:
        where = reach(given.base_url)
    asked = [*_address(given, where), *_key(given, where), *_hosts(given)]
    if where is Reach.PUBLIC:
        asked += [*_debug(given), *_mail(given)]
    return [f"- {sentence}" for sentence in asked]


def _address(given: Given, where: Reach) -> Iterator[str]:
    if not given.base_url and given.has_database:
        yield "BASE_URL is missing. It is the address that learners type: https://engram.example."
    elif given.base_url and not (_scheme(given.base_url) in {"http", "https"} and _host(given.base_url)):
        yield f"BASE_URL is “{given.base_url}”, which is no address. One is https://engram.example."
    elif given.base_url and where is Reach.PUBLIC and _scheme(given.base_url) == "http":
        yield (
            f"BASE_URL is {given.base_url}, where everyone on the way could read passwords. "
            "Under a public name it begins with https://."
        )


def _key(given: Given, where: Reach) -> Iterator[str]:
    key = given.secret_key
    if not key:
        # Embedded, a key of its own is made and kept.
        if given.has_database or where is Reach.PUBLIC:
            yield f"SECRET_KEY is missing. {KEY}"
    elif where is not Reach.THIS_MACHINE and _can_be_guessed(key):
        yield f"SECRET_KEY is too short or too simple, so that it could be guessed. {KEY}"


def _can_be_guessed(key: str) -> bool:
    return len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS or key.startswith(MADE_UP)


def _hosts(given: Given) -> Iterator[str]:
    host = _host(given.base_url)
    if not host:
        if given.has_database and all(
            reach(f"//{name}") is Reach.THIS_MACHINE for name in given.allowed_hosts
        ):
            yield "ALLOWED_HOSTS is missing. It holds the name in BASE_URL: engram.example."
        return
    # As in a Host header, where an IPv6 address stands in brackets.
    name = f"[{host}]" if ":" in host else host
    if not validate_host(name, given.allowed_hosts):
        yield f"ALLOWED_HOSTS doesn’t name the host of BASE_URL, so every page would be refused. Add {name}."
    elif reach(given.base_url) is Reach.PUBLIC and "*" in given.allowed_hosts:
        yield f"ALLOWED_HOSTS lets every name through, since it holds “*”. Name yours instead: {name}."


def _debug(given: Given) -> Iterator[str]:
    if given.debug:
        yield "DEBUG is on, which shows code and settings to every visitor. Under a public name it is 0."


def _mail(given: Given) -> Iterator[str]:
    if _scheme(given.email_url) in GO_NOWHERE:
        found = "sends mails to nobody" if given.email_url else "is missing"
        yield (
            f"EMAIL_URL {found}. It names the mail server: smtp+tls://user:password@host:587, or a provider "
            "as docs/operations.md says. EMAIL_URL_FILE may name a file with it."
        )
    if "@" not in parseaddr(given.email_from)[1]:
        found = f"is “{given.email_from}”, which holds no address" if given.email_from else "is missing"
        host = _host(given.base_url) or "engram.example"
        yield f"EMAIL_FROM {found}. It says who mails are from: Engram <engram@{host}>."


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower() if "://" in url else ""


def _host(url: str) -> str:
    """Return the host in lower case, without brackets; empty where there is none or the address is broken."""
    try:
        return (urlsplit(url).hostname or "").removesuffix(".")
    except ValueError:
        return ""
