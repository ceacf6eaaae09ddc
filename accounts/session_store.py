"""Django's sessions in the database, read together with their learner: one statement for every request."""

from typing import Any, cast

from django.conf import settings
from django.contrib import auth
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import Session, User
from accounts.rows import columns, prepared, table

SESSION, LEARNER = columns(Session, "s"), columns(User, "u")
ALIVE = f"""
    SELECT {SESSION}, {LEARNER} FROM {table(Session)} s LEFT JOIN {table(User)} u ON u.id = s.learner_id
    WHERE s.session_key = %s AND s.expire_date > %s
"""


class SessionStore(db.SessionStore):
    """A session and, once it has been read, its learner; None when nobody is logged in."""

    learner: User | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Return the model behind it."""
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Return the row to save: Django's, and whose it is."""
        row = cast("Session", super().create_model_instance(data))
        row.learner_id = data.get(SESSION_KEY)
        return row

    def save(self, must_create: bool = False) -> None:
        """Save as Django does, but where the database is away raise that, not that the session has ended."""
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, OperationalError):
                raise error.__context__ from error.__context__.__cause__
            raise

    def _get_session_from_db(self) -> Session | None:
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with prepared() as cursor:
            cursor.execute(ALIVE, [self.session_key, now])
            values = cursor.fetchone()
        if values is None:
            self._session_key = None
            return None
        own = values[len(SESSION) :]
        self.learner = LEARNER.row(own) if own[0] is not None else None
        return SESSION.row(values[: len(SESSION)])


def learner_of(request: HttpRequest) -> User | AnonymousUser:
    """Return who the session says is logged in.

    The column only saves a statement: it has to name whom the session's signed text names, with the digest
    of their password. In any other case Django decides.
    """
    session: Any = request.session
    named = session.get(SESSION_KEY)  # reads the session, and the learner with it
    learner: User | None = getattr(session, "learner", None)
    if learner is not None and named == str(learner.pk) and _may(learner, session):
        return learner
    user: User | AnonymousUser = auth.get_user(request)
    return user


def _may(learner: User, session: Any) -> bool:
    digest, path = session.get(HASH_SESSION_KEY, ""), session.get(BACKEND_SESSION_KEY)
    known = learner.is_active and path in settings.AUTHENTICATION_BACKENDS
    return known and constant_time_compare(digest, learner.get_session_auth_hash())
