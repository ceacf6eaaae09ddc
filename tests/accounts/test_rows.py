"""Rows by statements written by hand: what the ORM would read, and planned once where that can be kept."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection

from accounts.models import User
from accounts.rows import Columns, columns, insert, insert_beside, prepared, table, update
from flashcards.models import Card, ReviewState
from tests import making

pytestmark = pytest.mark.django_db


def plans_of(name: str) -> int:
    """Ask for the same seven times and return for how many such statements the database keeps a plan."""
    for _ in range(7):
        with prepared() as cursor:
            cursor.execute(f"SELECT {len(name)} AS {name}")
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", [f"% AS {name}"]
        )
        return int(cursor.fetchone()[0])


def test_postgresql_keeps_the_plan_of_what_is_asked_for_often():
    assert plans_of("often") == (connection.vendor == "postgresql")


def test_behind_a_pooler_no_plan_is_left_in_a_connection_that_may_be_another_s_next(monkeypatch):
    options = connection.settings_dict["OPTIONS"] | {"prepare_threshold": None}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    assert plans_of("pooled") == 0


def test_what_is_asked_after_it_is_asked_as_usual():
    with prepared():
        pass
    with connection.cursor() as usual, connection.cursor() as other:
        assert type(usual.cursor) is type(other.cursor)
    assert User.objects.filter(pk__in=[making.learner().pk]).count() == 1


def test_a_row_is_read_as_the_orm_reads_it_without_the_columns_left_out():
    who, card = making.learner(), making.card()
    state = making.answered(who, card, 4, 2)
    some = columns(ReviewState, "s", but=["shuffle"])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {some} FROM {table(ReviewState)} s")
        row = some.row(cursor.fetchone())
    assert row.get_deferred_fields() == {"shuffle"}
    assert all(getattr(row, name) == getattr(state, name) for name in some.names)


def test_what_is_written_is_what_the_orm_reads():
    who, cards = making.learner(), making.deck(2)
    row = ReviewState(learner=who, card=cards[0], suspended=True, stability=None)
    insert(row)
    assert ReviewState.objects.get() == row
    row.last_answered_at, row.due_on = datetime(2026, 3, 2, 12, 30, 1, 5, tzinfo=UTC), date(2026, 3, 3)
    row.interval, row.suspended = 1, False
    update(row)
    fields = [field.attname for field in ReviewState._meta.concrete_fields]
    assert ReviewState.objects.values(*fields).get() == {name: getattr(row, name) for name in fields}


def test_rows_that_are_stored_together_get_their_keys_in_their_order():
    who, cards = making.learner(), making.deck(5)
    rows = [ReviewState(learner=who, card=card) for card in reversed(cards)]
    insert(*rows)
    assert [row.pk for row in rows] == sorted(row.pk for row in rows)
    assert list(ReviewState.objects.order_by("pk").values_list("pk", "card_id")) == [
        (row.pk, row.card_id) for row in rows
    ]


def test_a_row_is_stored_once_beside_another_which_comes_with_it():
    who, card = making.learner(), making.card()
    row, some = ReviewState(learner=who, card=card, shuffle=7), columns(Card, "c", but=["html"])
    beside = insert_beside(row, some, "card_id")
    assert beside == card
    assert beside.get_deferred_fields() == {"html"}
    assert all(getattr(beside, name) == getattr(card, name) for name in some.names)
    fields = [field.attname for field in ReviewState._meta.concrete_fields]
    assert ReviewState.objects.values(*fields).get() == {name: getattr(row, name) for name in fields}
    assert insert_beside(ReviewState(learner=who, card=card), some, "card_id") is None
    assert insert_beside(ReviewState(learner=who, card_id=card.pk + 1), some, "card_id") is None
    assert ReviewState.objects.count() == 1


def test_columns_are_named_by_the_alias_of_their_table():
    assert str(Columns(User, "u", ("id", "email"))) == 'u."id", u."email"'
