"""What happened to accounts, for their learners and for staff: written by listening.py, views and admin."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any, Final

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import devices
from accounts.models import AccountEvent, User

Kind = AccountEvent.Kind
PREFIX: Final = {4: 24, 6: 48}  # bits of an address that are kept, by its version


@dataclass(frozen=True, slots=True)
class Source:
    """Where something came from: a session's short name, a network, a device; each may be empty."""

    session: str = ""
    network: str = ""
    device: str = ""


NOWHERE: Final = Source()


def source(request: HttpRequest) -> Source:
    """Return where a request came from, without what names a person."""
    key = request.session.session_key
    user_agent = request.headers.get("User-Agent", "")
    return Source(short(key) if key else "", network(request), devices.named(user_agent))


def short(session_key: str) -> str:
    """Return eight letters that tell a learner's sessions apart, and from which none can be taken over."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:8]


def network(request: HttpRequest) -> str:
    """Return the client's address with its end cut off, or nothing where no proxy has told it."""
    try:
        return without_end(get_adapter().get_client_ip(request))
    except (PermissionDenied, ImproperlyConfigured):
        return ""


def without_end(client: str) -> str:
    """Return the part of an address that names no person: 203.0.113.0 or 2001:db8:7::."""
    try:
        bits = PREFIX[ip_address(client).version]
    except ValueError:
        return ""
    return str(ip_network(f"{client}/{bits}", strict=False).network_address)


def record(
    kind: Kind,
    learners: Iterable[User | None],
    now: datetime,
    where: Source = NOWHERE,
    by: User | None = None,
) -> None:
    """Write one event for each of the learners; None is nobody."""
    AccountEvent.objects.bulk_create(
        AccountEvent(
            learner=learner,
            kind=kind,
            at=now,
            session=where.session,
            network=where.network,
            device=where.device,
            by=by,
        )
        for learner in learners
    )


def recent(learner: User, most: int) -> QuerySet[AccountEvent]:
    """Return so many of the learner's events, the latest first."""
    return AccountEvent.objects.filter(learner=learner).order_by("-at", "-pk")[:most]


def exported(learner: User) -> list[dict[str, Any]]:
    """Return the learner's events for the export, the oldest first."""
    mine = AccountEvent.objects.filter(learner=learner).order_by("at", "pk")
    return [dict(row) for row in mine.values("kind", "at", "session", "network", "device")]


def clear(before: datetime) -> int:
    """Delete the events from before then, and the note of sessions not seen since; return how many.

    `before` lies at least SESSION_COOKIE_AGE back: whatever session was last seen then has expired.
    """
    sessions: int = UserSession.objects.filter(last_seen_at__lt=before).delete()[0]
    return sessions + AccountEvent.objects.filter(at__lt=before).delete()[0]
