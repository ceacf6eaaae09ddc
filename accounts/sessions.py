"""A learner's sessions: which there are, and how they end.

Each has a note of allauth's beside it, so that it can be shown: with a network and a device in words, never
the whole address or all that the browser says. What ends them doesn't hang on that note:
`User.session_epoch` is part of every session's digest, and counting it up ends all but the one that is
given the new digest.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from allauth.usersessions.models import UserSession
from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError
from django.db.models import F
from django.http import HttpRequest

from accounts import events
from accounts.models import User

SEEN: Final = "seen"  # in the session: when its note was last brought up to date, in seconds since 1970
NOTED_EVERY: Final = timedelta(hours=1)
UNKNOWN: Final = "::"  # the network of a client whose address no proxy told


@dataclass(frozen=True, slots=True)
class Seen:
    """A session as its learner is shown it."""

    pk: int
    name: str
    device: str
    network: str
    began_at: datetime
    seen_at: datetime
    is_this: bool


def begin(request: HttpRequest, now: datetime) -> None:
    """Note the session of somebody who has just logged in, in place of the notes of sessions that ended."""
    UserSession.objects.purge_and_list(request.user)
    UserSession.objects.create_from_request(request)
    where = events.source(request)
    UserSession.objects.filter(session_key=request.session.session_key).update(
        ip=where.network or UNKNOWN, user_agent=where.device, last_seen_at=now
    )
    request.session[SEEN] = int(now.timestamp())


def touch(request: HttpRequest, now: datetime) -> None:
    """Note that the session is in use, once an hour at the most; one that was never noted isn't now.

    Where nothing can be written, the page is worth more than the note.
    """
    seen = request.session.get(SEEN)
    if seen is None or now.timestamp() - seen < NOTED_EVERY.total_seconds():
        return
    try:
        UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=now)
        request.session[SEEN] = int(now.timestamp())
        request.session.save()
    except (OperationalError, UpdateError):
        request.session.modified = False


def of_learner(request: HttpRequest, learner: User) -> list[Seen]:
    """Return the learner's sessions that are alive, this one first, then the last used."""
    here = request.session.session_key
    alive = [_seen(note, here) for note in UserSession.objects.purge_and_list(learner)]
    return sorted(alive, key=lambda session: (not session.is_this, -session.seen_at.timestamp()))


def end_others(request: HttpRequest, learner: User) -> None:
    """End every session of the learner but the one of this request, noted or not."""
    here = request.session.session_key
    end_all(learner)
    update_session_auth_hash(request, learner)  # gives this one a new key too
    UserSession.objects.filter(session_key=here).update(session_key=request.session.session_key)
    for note in UserSession.objects.filter(user=learner).exclude(session_key=request.session.session_key):
        note.end()


def end_all(learner: User) -> None:
    """Make every session of the learner invalid, from its next request on."""
    User.objects.filter(pk=learner.pk).update(session_epoch=F("session_epoch") + 1)
    learner.refresh_from_db(fields=["session_epoch"])


def end_one(learner: User, pk: int) -> bool:
    """End this session of the learner's; tell whether there was one."""
    note = UserSession.objects.filter(user=learner, pk=pk).first()
    if note:
        note.end()
    return note is not None


def _seen(note: UserSession, here: str | None) -> Seen:
    return Seen(
        pk=note.pk,
        name=events.short(note.session_key),
        device=note.user_agent,
        network=note.ip if note.ip != UNKNOWN else "",
        began_at=note.created_at,
        seen_at=note.last_seen_at,
        is_this=note.session_key == here,
    )
