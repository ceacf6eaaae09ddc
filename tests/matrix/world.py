"""One world for the whole matrix: who visits, what is whose, and what every visit leaves as it was."""

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any
from uuid import UUID

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import URLPattern, URLResolver, clear_url_caches, get_resolver

import config.urls
from accounts.models import AccountEvent, User
from flashcards import reviewing
from flashcards.models import Card, Interview, Note, Reminder, ReviewLog
from flashcards.reminders import links
from tests import making
from tests.accounts.people import account, browser, just_asked, proven
from tests.matrix.rows import digest

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
MARK = "zzmarkzz"  # in everything that is the owner's
MISSING = 999_999_999
# "guest" has studied nothing; "other" has a schedule in the owner's deck: here that is to follow a deck.
ROLES = ("anonymous", "guest", "owner", "other", "staff", "superuser", "unproven", "deactivated")
RECENT = "recent"  # "other" once more, who has just given the password: what asks for it lets them on
SECRET = "matrix:secret"
_CLIENTS: dict[bool, Client] = {}  # to make one takes longer than a request


@dataclass(frozen=True, slots=True)
class World:
    """The learners by their role, the cookies of their browsers, and what the addresses name."""

    people: dict[str, User]
    cookies: dict[str, str]
    card: Card
    interview: Interview
    session: UserSession
    key: Authenticator
    log: ReviewLog
    note: Note
    reminder: Reminder
    args: dict[str, str]
    objects: dict[str, str]
    digest: str


@contextmanager
def every_address() -> Iterator[None]:
    """Let those addresses exist too that only some environments have."""
    settings.MAIL_WEBHOOK = "anymail.webhooks.postmark.PostmarkTrackingWebhookView"
    settings.ANYMAIL, before = {"WEBHOOK_SECRET": SECRET}, settings.ANYMAIL
    settings.METRICS_TOKEN = SECRET
    _read_addresses()
    try:
        yield
    finally:
        settings.MAIL_WEBHOOK, settings.ANYMAIL, settings.METRICS_TOKEN = "", before, ""
        _read_addresses()


def _read_addresses() -> None:
    importlib.reload(config.urls)
    clear_url_caches()


def routes() -> list[tuple[str, str]]:
    """Return name and route of every address; one without a name is called by its route."""
    return list(_walk(get_resolver().url_patterns, "", ""))


def _walk(patterns: list[Any], before: str, space: str) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _walk(pattern.url_patterns, route, inner)
        else:
            assert isinstance(pattern, URLPattern)
            yield f"{space}{pattern.name}" if pattern.name else route, route


def address(name: str, route: str, world: World, **instead: str) -> str:
    """Return the address that the route has for the owner's things, or for those given instead."""

    def value(found: re.Match[str]) -> str:
        what = found[1] or found[2]
        if what in instead:
            return instead[what]
        if what == "object_id":
            return world.objects.get(name.removeprefix("admin:").rpartition("_")[0], str(MISSING))
        if what == "pk":
            return world.args[
                "interview" if "interview" in name else "key" if "webauthn" in name else "session"
            ]
        if what == "key":
            return world.args[{"deck": "deck", "account_confirm_email": "confirm"}.get(name, "reset")]
        return world.args[f"{name}-token" if what == "token" else what]

    parameter = r"\(\?P<(\w+)>(?:[^()\[\]]|\[[^\]]*\])*\)|<(?:\w+:)?(\w+)>"
    return "/" + re.sub(parameter, value, route).replace("^", "").replace("$", "")


def build() -> World:
    """Make everybody and what is the owner's; call it at NOW, inside of a transaction."""
    cards = making.deck(3)
    people = _people()
    owner = people["owner"]
    log = making.graded(owner, cards[0], 4, NOW - timedelta(hours=1))
    reviewing.bury(people["other"], cards[1].pk, NOW - timedelta(hours=1))
    interview = Interview.objects.create(
        learner=owner, company=f"{MARK} works", on=NOW.date() + timedelta(30)
    )
    note = Note.objects.create(learner=owner, card=cards[0], text=f"{MARK} note")
    key = Authenticator.objects.create(
        user=owner, type=Authenticator.Type.WEBAUTHN, data={"name": f"{MARK} key", "credential": {}}
    )
    reminder, session = _mail(owner), _session(owner)
    cookies = {role: _cookie(who, role) for role, who in people.items()}
    cookies[RECENT] = _cookie(people["other"], RECENT)
    event = AccountEvent.objects.create(learner=owner, kind=AccountEvent.Kind.LOGGED_IN, at=NOW)
    group = Group.objects.create(name="group")
    mine, other = (EmailAddress.objects.get(user=owner, primary=primary) for primary in (True, False))
    args = {
        "card_id": cards[0].pk, "deck": cards[0].topic.deck.key, "interview": interview.pk,
        "session": session.pk, "key": key.pk, "confirm": EmailConfirmationHMAC(other).key,
        "uidb36": user_pk_to_url_str(owner), "reset": default_token_generator.make_token(owner),
        "unsubscribe-token": links.unsubscribe_url(owner.pk, "daily").rstrip("/").rpartition("/")[2],
        "snooze-token": links.snooze_url(owner.pk).rstrip("/").rpartition("/")[2],
        "content_type_id": ContentType.objects.get_for_model(User).pk, "object_id": owner.pk,
        "app_label": "flashcards", "url": "nothing/here/",
    }  # fmt: skip
    objects = {
        "accounts_user": owner.pk, "accounts_accountevent": event.pk,
        "flashcards_deck": cards[0].topic.deck_id, "flashcards_topic": cards[0].topic_id,
        "flashcards_card": cards[0].pk, "flashcards_reviewstate": log.state_id,
        "flashcards_reviewlog": log.pk,
        "flashcards_reminder": reminder.pk, "auth_group": group.pk, "account_emailaddress": mine.pk,
    }  # fmt: skip
    ways, things = ({name: str(value) for name, value in group.items()} for group in (args, objects))
    return World(
        people, cookies, cards[0], interview, session, key, log, note, reminder, ways, things, digest()
    )


def _mail(owner: User) -> Reminder:
    return Reminder.objects.create(
        learner=owner,
        kind="daily",
        intended_on=NOW.date(),
        message_id=f"<{MARK}>",
        expires_at=NOW,
        next_try_at=NOW,
    )


def _session(owner: User) -> UserSession:
    alive = browser(owner).cookies[settings.SESSION_COOKIE_NAME].value
    made: UserSession = UserSession.objects.create(
        user=owner, session_key=alive, ip="192.0.2.0", user_agent=f"{MARK} device", last_seen_at=NOW
    )
    return made


def _people() -> dict[str, User]:
    people = {
        "guest": User.objects.create_guest("UTC"),
        "owner": account(f"{MARK}@example.org", confirmed=True, reminders=True),
        "other": account("other@example.org", confirmed=True),
        "staff": account("staff@example.org", confirmed=True, is_staff=True),
        "superuser": account("super@example.org", confirmed=True, is_staff=True, is_superuser=True),
        "unproven": account("unproven@example.org", confirmed=True, is_staff=True, is_superuser=True),
        "deactivated": account("gone@example.org", confirmed=True),
    }
    EmailAddress.objects.create(user=people["owner"], email=f"{MARK}-new@example.org")
    return people


def _cookie(who: User, role: str) -> str:
    """Log in, and return the session's key."""
    client = browser(who)
    if role in ("staff", "superuser"):
        proven(client, who)
    if role == RECENT:
        just_asked(client, who, NOW.timestamp())
    if role == "deactivated":
        User.objects.filter(pk=who.pk).update(is_active=False)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def client_of(world: World, role: str, *, checks: bool = False) -> Client:
    """Return a fresh browser with the session that this role has."""
    client = _CLIENTS.setdefault(checks, Client(enforce_csrf_checks=checks))
    client.cookies = SimpleCookie()
    if role in world.cookies:
        client.cookies[settings.SESSION_COOKIE_NAME] = world.cookies[role]
    return client


def all_ids(world: World) -> dict[str, str]:
    """Return the owner's ids under every name that a form, a query or a careless view might read."""
    owner = world.people["owner"]
    named = {
        ("learner", "learner_id", "user", "user_id", "account", "owner"): owner.pk,
        ("card", "card_id"): world.card.pk,
        ("state", "state_id"): world.log.state_id,
        ("log", "log_id"): world.log.pk,
        ("interview", "interview_id", "pk", "id"): world.interview.pk,
        ("reminder", "reminder_id"): world.reminder.pk,
        ("note", "note_id"): world.note.pk,
        ("session", "session_id"): world.session.pk,
        ("authenticator", "authenticators", "key"): world.key.pk,
        ("seen",): f"{world.note.pk}.{world.note.version}",
        ("submission",): world.log.submission,
        ("_selected_action",): owner.pk,
    }
    return {name: str(value) for names, value in named.items() for name in names}


def no_ids(world: World) -> dict[str, str]:
    """Return the same names with ids that nothing has, but for the cards, which are everybody's."""
    ids = all_ids(world)
    gone = dict.fromkeys(ids, str(MISSING)) | {"seen": f"{MISSING}.1", "submission": str(UUID(int=MISSING))}
    return gone | {name: ids[name] for name in ("card", "card_id")}
