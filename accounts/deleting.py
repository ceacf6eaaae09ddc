"""The end of an account, with all that hangs on it."""

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from accounts import events
from accounts.events import Kind
from accounts.models import User


def delete(learner: User, now: datetime, by: User | None = None) -> bool:
    """Delete the learner, or guest, with everything that is theirs; False if that was done before.

    Rows that name the learner go with it: settings, addresses, schedules, log, notes, mails, second factors,
    events. What doesn't name them in a way that the database could follow goes here: sessions, and what the
    admin wrote about the account, address and all. Left is one event that says when an account ended, and
    which staff member ended it if one did: not whose it was.
    """
    with transaction.atomic():
        held = User.objects.select_for_update().filter(pk=learner.pk).first()
        if held is None:
            return False
        for note in UserSession.objects.filter(user=held):
            note.end()
        about = ContentType.objects.get_for_model(User)
        LogEntry.objects.filter(content_type=about, object_id=str(held.pk)).delete()
        held.delete()
        events.record(Kind.DELETED, [None], now, by=by)
    return True
