"""What the tables hold: whether a request wrote anything, and whose rows are whose."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.core.cache import cache
from django.db import connection, models, transaction

from accounts.models import User

_WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM|REPLACE INTO|TRUNCATE)\W+(\w+)", re.IGNORECASE)


@contextmanager
def unchanged_after() -> Iterator[list[str]]:
    """Take back what the block writes; yield the tables written to, but for sessions. Limits begin anew."""
    cache.key_prefix = f"matrix-{uuid4()}"
    written: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = _WRITES.match(sql)
        if found and found[1] != "accounts_session":
            written.append(found[1])
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(note):
        yield written
        transaction.set_rollback(True)


def digest(rows: Any = None) -> str:
    """Return a hash of all rows of all tables but sessions, or of those that `rows` selects of a model."""
    total = hashlib.sha256()
    for model in apps.get_models():
        if model._meta.label != "accounts.Session":
            found = rows(model) if rows else model._base_manager.all()
            for row in sorted(map(repr, found.values_list())):
                total.update(row.encode())
    return total.hexdigest()


def digest_of(who: User) -> str:
    """Return a hash of every row that is this learner's: the learner, and what points to them."""

    def theirs(model: type[models.Model]) -> models.QuerySet[Any]:
        if model is User:
            return User._base_manager.filter(pk=who.pk)
        ways = [field.name for field in model._meta.fields if field.related_model is User]
        query = models.Q(pk__in=[])
        for way in ways:
            query |= models.Q(**{way: who})
        if model._meta.label == "flashcards.InterviewTopic":
            query = models.Q(interview__learner=who)
        return model._base_manager.filter(query)

    return digest(theirs)
