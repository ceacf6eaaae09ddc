"""A request waits for the database so long and no longer; commands and tasks are in no hurry."""

import pytest
from django.db import OperationalError, connection

from config import patience

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has its own limit, for a lock"),
]


def sleep(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


def test_a_statement_that_takes_too_long_is_given_up_with_its_connection():
    with patience.limited(0.1):
        with pytest.raises(OperationalError):
            sleep(1)
        assert connection.connection.closed
    connection.close()
    sleep(0)


def test_many_short_waits_are_added_up_and_what_else_takes_time_is_not_counted():
    with patience.limited(0.3):
        before = patience.left()
        sum(range(2_000_000))
        assert patience.left() == before
        for _ in range(4):
            sleep(0.05)
        with pytest.raises(OperationalError):
            sleep(0.2)
        with pytest.raises(OperationalError):
            sleep(0)
    connection.close()


def test_without_a_limit_the_database_is_waited_for():
    assert patience.left() is None
    sleep(0.2)


def test_no_new_connection_is_waited_for_once_the_time_is_over():
    connection.close()
    with patience.limited(0), pytest.raises(OperationalError):
        connection.ensure_connection()


def test_each_piece_of_a_long_answer_has_the_whole_time_and_none_has_more():
    def pieces():
        for seconds in (0.2, 0.2, 0.2, 1):
            sleep(seconds)
            yield seconds

    whole = patience.each(pieces(), 0.4)
    assert [next(whole) for _ in range(3)] == [0.2, 0.2, 0.2]
    with pytest.raises(OperationalError):
        next(whole)
    assert patience.left() is None
    connection.close()
