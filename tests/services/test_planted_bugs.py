"""The checks on mails see the bugs they are there for: each is planted, and reported.

Each check is a situation and what it finds wrong; without the bug that is nothing.
"""

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import make_msgid
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction

from flashcards.models import Reminder
from flashcards.reminders import claims, handing, listing, sending, writing
from tests.running.faults import Rule
from tests.running.smtp_sink import Sink
from tests.services import crowd
from tests.services.mail_storm import until
from tests.services.ticking import MINUTE, SECONDS, TIMEOUT, beside, tick

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]


def lost_answer(sink: Sink) -> list[str]:
    """A mail is kept without a word, and tried again."""
    sink.fail(Rule("end", "drop", keeps=True, times=1))
    now = datetime.now(UTC)
    people = crowd.crowd(3, now)
    tick(now)
    tick(now + MINUTE)
    return crowd.findings(people, sink.attempts()).faults()


def slow_mail_server(sink: Sink) -> list[str]:
    """A second worker gets the mail while the first still waits for the mail server."""
    sink.fail(rule := Rule("end", "delay", seconds=TIMEOUT * 0.7, times=1))
    now = datetime.now(UTC)
    people = crowd.crowd(1, now)
    listing.plan(now)
    [portion] = handing.hand_out(now, 1)
    with beside(lambda: sending.send(portion, lambda: now)):
        assert until(lambda: rule.hits, SECONDS)
        sending.send(portion, lambda: now + timedelta(seconds=TIMEOUT))
    return crowd.findings(people, sink.attempts()).faults()


def two_planners() -> int:
    """Two planners run without seeing each other's rows: how many mails are listed twice?"""
    now = datetime.now(UTC)
    people = crowd.crowd(3, now)
    blind, times = re.subn(r"\br\.learner_id = ", "1 = 0 AND r.learner_id = ", listing.LIST)
    # Nor does the Message-ID, which is unique too, hold them back.
    blind, places = re.subn(r"\|\| '@'", "|| '-' || random() || '@'", blind)
    assert times == places == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "LIST", blind)
        listing.plan(now)
        listing.plan(now)
    return crowd.findings(people, []).relisted


def handed_out_in_a_transaction(source: str) -> list[int]:
    """Return the lines that hand out a task or a mail inside a transaction, which may be undone after it."""
    blocks = [node for node in ast.walk(ast.parse(source)) if _is_atomic(node)]
    calls = [node for block in blocks for node in ast.walk(block) if isinstance(node, ast.Call)]
    names = ("delay", "apply_async", "send_task", "send_messages", "send_mail")
    return [node.lineno for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr in names]


def _is_atomic(node: ast.AST) -> bool:
    if isinstance(node, ast.With):
        opened = [item.context_expr for item in node.items]
    elif isinstance(node, ast.FunctionDef):
        opened = node.decorator_list
    else:
        return False
    return any("atomic" in ast.unparse(expression) for expression in opened)


# Without a bug


def test_without_a_bug_nothing_is_found(sink):
    assert lost_answer(sink) == []
    assert slow_mail_server(sink) == []
    assert two_planners() == 0


def test_nothing_is_handed_out_inside_a_transaction():
    files = [path for room in ("accounts", "flashcards", "config") for path in (ROOT / room).rglob("*.py")]
    assert not {
        path.name: lines for path in files if (lines := handed_out_in_a_transaction(path.read_text()))
    }


# With one


def test_a_new_message_id_for_each_try_is_found(sink, monkeypatch):
    as_it_is = writing.message

    def renamed(learner: Any, kind: str, written: Any, message_id: str) -> EmailMultiAlternatives:
        mail: EmailMultiAlternatives = as_it_is(learner, kind, written, make_msgid(domain="localhost"))
        return mail

    monkeypatch.setattr(writing, "message", renamed)
    assert lost_answer(sink) == ["doubled: 1"]


def test_a_lease_shorter_than_the_time_out_is_found(sink, monkeypatch):
    monkeypatch.setattr(claims, "lease", lambda: timedelta(seconds=TIMEOUT / 2))
    assert slow_mail_server(sink) == ["copies: 1"]


def test_sending_before_the_claim_is_found(sink, monkeypatch):
    as_it_is = claims.claim

    def only_looked_at(pk: int, now: datetime) -> Reminder | None:
        with transaction.atomic():
            mail = as_it_is(pk, now)
            transaction.set_rollback(True)
        return mail

    monkeypatch.setattr(claims, "claim", only_looked_at)
    assert "copies: 1" in slow_mail_server(sink)


@contextmanager
def without_the_unique_key() -> Iterator[None]:
    all_of_them = Reminder._meta.constraints
    [key] = [one for one in all_of_them if one.name == "one_mail_per_day_and_kind"]
    # SQLite makes the table anew from what the model says.
    Reminder._meta.constraints = [one for one in all_of_them if one is not key]
    with connection.schema_editor() as editor:
        editor.remove_constraint(Reminder, key)
    try:
        yield
    finally:
        Reminder._meta.constraints = all_of_them
        Reminder.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Reminder, key)


def test_a_missing_unique_key_is_found():
    with without_the_unique_key():
        assert two_planners() == 3


@pytest.mark.parametrize(
    "source",
    [
        "with transaction.atomic():\n    send_reminders.delay(ids)",
        "@transaction.atomic\ndef sweep():\n    send_reminders.apply_async([ids])",
    ],
)
def test_a_task_handed_out_inside_a_transaction_is_found(source):
    assert handed_out_in_a_transaction(source)
    assert not handed_out_in_a_transaction(source.replace("atomic", "on_commit"))
