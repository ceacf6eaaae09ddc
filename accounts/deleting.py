"""The end of an account, with all that hangs on it."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import CASCADE
from django.db.models.deletion import get_candidate_relations_to_delete

from accounts import events
from accounts.events import Kind
from accounts.models import User

# The tables that can hold very many rows of a learner, by their names at the learner: schedules and answers.
# None has a word in it.
MANY: Final = ("states", "log")
MOST: Final = 5_000  # of their rows that go at once


class Outcome(StrEnum):
    """What became of an account: it was gone before, is gone whole, or but for rows that name nobody."""

    BEFORE = ""
    WHOLE = "whole"
    CLEARING = "clearing"


def delete(learner: User, now: datetime, by: User | None = None) -> Outcome:
    """Delete the learner, or guest, with everything that is theirs; return what became of it.

    Rows that name the learner go with it: settings, addresses, schedules, log, notes, mails, second factors,
    events. What doesn't name them in a way that the database could follow goes here: sessions, and what the
    admin wrote about the account, address and all. Left is one event that says when an account ended, and
    which staff member ended it if one did: not whose it was.

    To delete very many schedules and answers takes so long that others would wait to write. These hang on a
    row that is nobody's any more, until a worker has cleared them.
    """
    with transaction.atomic():
        held = User.objects.select_for_update().filter(pk=learner.pk, gone_at=None).first()
        if held is None:
            return Outcome.BEFORE
        for note in UserSession.objects.filter(user=held):
            note.end()
        about = ContentType.objects.get_for_model(User)
        LogEntry.objects.filter(content_type=about, object_id=str(held.pk)).delete()
        outcome = Outcome.CLEARING if _has_many(held) else Outcome.WHOLE
        if outcome is Outcome.WHOLE:
            held.delete()
        else:
            _leave_rows(held, now)
        events.record(Kind.DELETED, [None], now, by=by)
    return outcome


def _has_many(learner: Any) -> bool:
    rows: int = sum(getattr(learner, name).all()[: MOST + 1].count() for name in MANY)
    return rows > MOST


def _leave_rows(learner: User, now: datetime) -> None:
    """Delete all that is the learner's but for the rows of MANY, and let nothing in theirs say who it was."""
    meta: Any = User._meta  # noqa: SLF001 - a model's own description
    every: Any = get_candidate_relations_to_delete(meta)  # those without a name, too
    for relation in every:
        if relation.get_accessor_name() not in MANY:
            all_rows = relation.related_model._base_manager  # noqa: SLF001 - which a cascade asks as well
            rows = all_rows.filter(**{relation.field.name: learner})
            rows.delete() if relation.on_delete is CASCADE else rows.update(**{relation.field.name: None})
    nobody = User(pk=learner.pk, is_guest=True, is_active=False, joined_at=now, gone_at=now)
    nobody.session_epoch = learner.session_epoch + 1
    nobody.set_unusable_password()
    nobody.save(force_update=True)
