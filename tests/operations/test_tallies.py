"""What is counted in memory reaches the table once, from any number of processes, and is cleared in time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from flashcards.models import Tally
from flashcards.operating import reading, slow, tallies
from flashcards.operating.reading import Broken, Moment
from tests import making
from tests.visiting import client_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, 30, 20, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
REQUEST, TASK, ERROR = Tally.Kind.REQUEST, Tally.Kind.TASK, Tally.Kind.ERROR


@pytest.fixture(autouse=True)
def _nothing_counted():
    tallies._counted.clear()
    yield
    tallies._counted.clear()


def note(
    name: str = "today", outcome: str = "2xx", ms: float = 5, ago: timedelta = MINUTE, kind: str = REQUEST
):
    tallies.note(kind, name, outcome, ms, (NOW - ago).timestamp())


def stored(**columns: object) -> dict[str, tuple[int, int, int]]:
    rows = Tally.objects.filter(**columns)
    return {row.span: (row.count, row.milliseconds, row.longest) for row in rows}


def test_counting_asks_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        note()


def test_a_request_counts_for_its_minute_its_hour_and_for_ever():
    note(ms=4)
    note(ms=30)
    assert tallies.write(NOW) == 3
    assert stored() == {"minute": (2, 34, 30), "hour": (2, 34, 30), "ever": (2, 34, 30)}
    since = dict(Tally.objects.values_list("span", "since"))
    noon = int(NOW.timestamp()) - 30 * 60 - 20
    assert since == {"minute": noon + 29 * 60, "hour": noon, "ever": 0}


def test_a_second_write_adds_to_the_first_and_writes_nothing_twice():
    note(ms=40)
    tallies.write(NOW)
    assert tallies.write(NOW) == 0
    note(ms=10)
    tallies.write(NOW)
    assert stored(span="ever") == {"ever": (2, 50, 40)}


@pytest.mark.parametrize(
    ("ms", "column"),
    [(0, "up_to_10"), (10, "up_to_10"), (11, "up_to_25"), (10_000, "up_to_10000"), (10_001, None)],
)
def test_each_time_is_counted_up_to_the_nearest_bound(ms, column):
    note(ms=ms)
    tallies.write(NOW)
    row = Tally.objects.get(span="ever")
    assert {name for name in tallies.COLUMNS if getattr(row, name)} == ({column} if column else set())


def test_a_write_is_one_statement_and_one_to_clear_however_much_there_is():
    for number in range(100):
        note(name=f"view{number}")
    with CaptureQueriesContext(connection) as captured:
        assert tallies.write(NOW) == 300
    assert len([one for one in captured if "flashcards_tally" in one["sql"]]) == 2


def test_what_cant_be_written_is_kept_and_added_to_what_has_come_since():
    def away(*_: object) -> None:
        raise OperationalError("away")

    note()
    with connection.execute_wrapper(away), pytest.raises(OperationalError):
        tallies.write(NOW)
    note()
    tallies.write(NOW)
    assert stored(span="ever") == {"ever": (2, 10, 5)}


def test_memory_is_bounded_however_many_different_things_happen():
    for number in range(tallies.MOST + 10):
        note(name=f"view{number}")
    assert len(tallies._counted) == tallies.MOST


def test_minutes_go_after_two_hours_hours_after_eight_days_and_totals_stay():
    for ago in (HOUR, 3 * HOUR, timedelta(days=7), timedelta(days=9)):
        note(ago=ago)
    tallies.write(NOW)
    left = {span: Tally.objects.filter(span=span).count() for span in ("minute", "hour", "ever")}
    assert left == {"minute": 1, "hour": 3, "ever": 1}
    assert stored(span="ever") == {"ever": (4, 20, 5)}


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_lose_and_double_nothing():
    def write(number: int) -> None:
        key = (int(NOW.timestamp()) // 60 * 60, str(REQUEST), f"view{number % 3}", "2xx")
        other = (*key[:2], "x", "2xx")
        both = [key, other] if number % 2 else [other, key]
        tallies._add(tallies._rows({each: tallies.Sum(1, 5, 5, [1] + [0] * 9) for each in both}))
        connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(48)))
    assert sum(Tally.objects.filter(span="ever").values_list("count", flat=True)) == 96
    assert Tally.objects.filter(span="ever").count() == 4


# Read again


def test_the_last_sixty_whole_minutes_are_told_and_the_current_one_isnt_over():
    note(ago=timedelta())
    note(ago=MINUTE)
    note(outcome="5xx", ago=MINUTE)
    note(ago=60 * MINUTE)
    note(ago=61 * MINUTE)
    tallies.write(NOW)
    minutes = reading.minutes(NOW)
    assert len(minutes) == 60
    assert [(one.requests, one.errors) for one in minutes if one.requests] == [(1, 0), (2, 1)]
    assert minutes[0] == Moment(int(NOW.timestamp()) // 60 * 60 - 3_600, 1, 0)


def test_views_are_told_with_the_bounds_within_which_half_of_them_and_95_of_100_stayed():
    for ms in [5] * 50 + [20] * 45 + [400] * 5:
        note(ms=ms)
    note(name="grade", outcome="5xx", ms=20_000)
    tallies.write(NOW)
    grade, today = reading.times(REQUEST, NOW)
    assert (grade.name, grade.count, grade.errors, grade.typical) == ("grade", 1, 1, None)
    assert (today.count, today.errors, today.typical, today.slowest, today.longest) == (100, 0, 10, 25, 400)
    assert today.mean == pytest.approx(31.5)


def test_what_broke_is_told_most_frequent_first():
    for kind, times in (("ValueError", 1), ("KeyError", 2)):
        for _ in range(times):
            note("grade", kind, kind=ERROR)
    note("grade", "Old", kind=ERROR, ago=30 * HOUR)
    tallies.write(NOW)
    assert reading.broken(NOW) == [Broken("grade", "KeyError", 2), Broken("grade", "ValueError", 1)]


# Slow statements


def test_a_slow_statement_is_kept_by_its_shape_with_the_view_it_belongs_to(settings):
    settings.SLOW_STATEMENT_MS = 0
    client = client_of(making.learner())
    tallies._counted.clear()
    client.get("/browse/?q=precision")
    tallies.write(datetime.now(UTC))
    found = reading.statements(datetime.now(UTC))
    assert {one.where for one in found} == {"browse"}
    assert Tally.objects.filter(kind="statement").exclude(span="hour").count() == 0
    assert "precision" not in " ".join(one.shape for one in found)


def test_quick_statements_leave_no_trace():
    client_of(making.learner()).get("/browse/")
    assert not [key for key in tallies._counted if key[1] == "statement"]


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        ("SELECT a\n  FROM t WHERE b = %s LIMIT 21", "SELECT a FROM t WHERE b = ? LIMIT ?"),
        ("SELECT 1 FROM t WHERE a IN (%s, %s, %s)", "SELECT ? FROM t WHERE a IN (?…)"),
        ("INSERT INTO t VALUES (%s, %s), (%s, %s), (%s, %s)", "INSERT INTO t VALUES (?…)…"),
        ("SELECT 'it''s hers' AS a, T3.b2 FROM T3", "SELECT ? AS a, T3.b2 FROM T3"),
        ("x" * 900, "x" * 400),
    ],
)
def test_a_shape_holds_no_value_and_is_the_same_for_lists_of_any_length(sql, shape):
    assert slow.shape(sql) == shape


# Requests


def test_a_request_is_counted_by_view_and_class_of_status():
    client = client_of(making.learner())
    tallies._counted.clear()
    client.get("/today/")
    client.get("/cards/4711/")
    Client().get("/nothing/here/")
    assert sorted(key[1:] for key in tallies._counted) == [
        ("request", "card", "4xx"),
        ("request", "nowhere", "4xx"),
        ("request", "today", "2xx"),
    ]
