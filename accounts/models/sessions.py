"""A session: Django's own, and whose it is."""

from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from accounts.models.learners import User


class Session(AbstractBaseSession):
    """A session as Django stores it, with its learner in a column: both are read in one statement.

    The database doesn't check that the learner exists: a session that is saved while they are being deleted
    opens nothing, and expires.
    """

    learner = models.ForeignKey(
        User, models.CASCADE, null=True, editable=False, related_name="+", db_constraint=False
    )

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        """Return what reads it."""
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return store
