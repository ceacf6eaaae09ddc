"""A grade in process: its statements, and its time against the least that any program would have to ask."""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import count
from uuid import uuid4

import psycopg
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from flashcards import reviewing
from flashcards.models import ReviewState
from flashcards.reviewing import Answer
from tests.bench.people import reviewer
from tests.bench.report import Row, ratio
from tests.bench.server import ACTION, FIELD
from tests.bench.timing import in_turn
from tests.bench.world import World

GRADES = 150
INNER = re.compile(r"\([^()]*\)")
VERB_AND_TABLE = re.compile(
    r'\s*(SELECT|INSERT|UPDATE|DELETE)\b(?:.*?(?:FROM|INTO|JOIN))? "[a-z]+_(\w+)"', re.DOTALL
)
MARKS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")

# pgbench's shape on our tables: what is left when everything but the database's own work is taken away.
LOCK = "SELECT * FROM flashcards_reviewstate WHERE learner_id = %s AND card_id = %s FOR UPDATE"
UPDATE = """
    UPDATE flashcards_reviewstate SET repetitions = 4, interval = 38, due_on = %s, last_reviewed_on = %s,
        last_answered_at = now(), version = version + 1, shuffle = %s WHERE id = %s
"""
INSERT = """
    INSERT INTO flashcards_reviewlog (learner_id, state_id, sequence, kind, grade, at, zone, study_day,
        submission, interval_before, repetitions, ease, interval, drill, due_on, lapses, scheduler,
        scheduler_version, predicted, for_retention)
    VALUES (%s, %s, %s, 'review', 4, now(), 'UTC', %s, %s, 15, 4, 250, 38, false, %s, 0, 'sm2', 1, 0.9, true)
"""
NEXT = """
    SELECT card_id FROM flashcards_reviewstate WHERE learner_id = %s AND due_on <= %s AND NOT suspended
    ORDER BY due_on, shuffle LIMIT 1
"""


def rows(world: World) -> Iterator[Row]:
    """Yield the figures of one grade without a server around it."""
    database = world.many.database
    with database.chosen():
        yield statements_per_grade(reviewer(world.today, world.spread))
        with psycopg.connect(database.url, autocommit=True, prepare_threshold=None) as bare:
            ours, floor = in_turn(
                grading(reviewer(world.today, world.spread), world.today),
                four_statements(bare, reviewer(world.today, world.spread), world.today),
                rounds=GRADES,
            )
    seen = "lock, update, insert, select by psycopg; ours without the select"
    yield ratio("grade in process", ours, floor, "x four statements", 2, seen)


def statements_per_grade(who: User) -> Row:
    """Count what a grade asks of the database, session and learner included, BEGIN and COMMIT not."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(who)
    page = client.get("/review/").content.decode()
    action = ACTION.search(page)
    assert action, "there is a card to grade"
    with CaptureQueriesContext(connection) as captured:
        client.post(action[1], dict(FIELD.findall(page)) | {"grade": 4}, headers={"HX-Request": "true"})
    asked = [outline(query["sql"]) for query in captured if not query["sql"].startswith(MARKS)]
    return Row("statements per grade", "", len(asked), budget=6, seen=", ".join(asked))


def outline(sql: str) -> str:
    """Return a statement's verb and table, subqueries left out."""
    while INNER.search(sql):
        sql = INNER.sub("", sql)
    found = VERB_AND_TABLE.match(sql)
    return " ".join(found.groups()) if found else sql[:40]


def due_states(who: User, today: date) -> Iterator[ReviewState]:
    """Return the learner's due states in the queue's order."""
    return iter(ReviewState.objects.filter(learner=who, due_on__lte=today).order_by("due_on", "shuffle"))


def grading(who: User, today: date) -> Callable[[], object]:
    """Return a function that grades another due card each time."""
    due = due_states(who, today)

    def once() -> None:
        state = next(due)
        reviewing.grade_card(who, state.card_id, Answer(4, uuid4(), state.version), timezone.now())

    return once


def four_statements(bare: psycopg.Connection, who: User, today: date) -> Callable[[], object]:
    """Return a function that does the same to another learner's cards by hand."""
    due = due_states(who, today)
    later, places = today + timedelta(days=38), count()

    def once() -> None:
        state = next(due)
        with bare.transaction(), bare.cursor() as cursor:
            cursor.execute(LOCK, [who.pk, state.card_id]).fetchone()
            cursor.execute(UPDATE, [later, today, next(places), state.pk])
            cursor.execute(INSERT, [who.pk, state.pk, state.version + 1, today, uuid4(), later])
            cursor.execute(NEXT, [who.pk, today]).fetchone()

    return once
