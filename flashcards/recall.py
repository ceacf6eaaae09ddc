"""Predicted recall in the database, and the day it is predicted for: the next interview's, or in 14 days."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

from django.db import connection
from django.db.models import (
    Case,
    DateField,
    F,
    FilteredRelation,
    FloatField,
    Func,
    IntegerField,
    Q,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest

from accounts.models import User
from accounts.rows import columns, prepared, table
from flashcards.models import Card, Interview, InterviewTopic
from flashcards.scheduling import memory

WITHOUT_INTERVIEW: Final = timedelta(days=14)
USUAL: Final = 1
MOST_CARDS: Final = 4_000  # with more cards than these in all decks, forecasts are estimated

INTERVIEW = columns(Interview, "i")
# By hand, since every forecast begins with it, and it says on the way whether cards are many.
LEADING: Final = f"""
    SELECT (SELECT count(*) FROM (
            SELECT 1 FROM {table(Card)} c WHERE c.retired = %(no)s LIMIT %(most)s
        ) cards), w.topic_id, w.weight, {INTERVIEW}
    FROM (SELECT 1) one LEFT JOIN {table(Interview)} i ON i.id = (
        SELECT id FROM {table(Interview)} WHERE learner_id = %(learner)s AND "on" >= %(today)s
        ORDER BY "on", id LIMIT 1
    ) LEFT JOIN {table(InterviewTopic)} w ON w.interview_id = i.id
"""


@dataclass(frozen=True, slots=True)
class Lead:
    """The interview that leads, None without one, the day to be ready on, and how much topics count.

    `weights` are by topic, 0 to 3; a topic that isn't there counts as usual. `many`: there are so many cards
    that what they come to is estimated.
    """

    interview: Interview | None
    on: date
    weights: dict[int, int] = field(default_factory=dict)
    many: bool = field(default=False, compare=False)

    def weight(self, topic_id: int) -> int:
        """Return how much this topic counts."""
        return self.weights.get(topic_id, USUAL)

    def left_out(self) -> list[int]:
        """Return the topics that don't count at all."""
        return [topic for topic, weight in self.weights.items() if weight == 0]


class DaysUntil(Func):
    """The whole days from the second of two dates to the first."""

    output_field = IntegerField()
    template = "(%(expressions)s)"
    arg_joiner = " - "

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the SQL for SQLite, where a date is a text."""
        both = {"template": "(julianday(%(expressions)s))", "arg_joiner": ") - julianday("}
        return self.as_sql(compiler, connection, **(context | both))


class Power(Func):
    """The first number to the power of the second."""

    output_field = FloatField()
    function = "POWER"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the SQL for SQLite: its own function, since Django puts a slow one of Python over POWER."""
        return self.as_sql(compiler, connection, **(context | {"function": power_of_sqlite()}))


def leading(learner: User, today: date) -> Lead:
    """Return the nearest interview from today on with its weights, in one statement."""
    day = connection.ops.adapt_datefield_value(today)
    with prepared() as cursor:
        cursor.execute(LEADING, {"learner": learner.pk, "today": day, "no": False, "most": MOST_CARDS + 1})
        rows = cursor.fetchall()
    many = rows[0][0] > MOST_CARDS
    if rows[0][3] is None:
        return Lead(None, today + WITHOUT_INTERVIEW, many=many)
    interview = INTERVIEW.row(rows[0][3:])
    weights = {topic: weight for _, topic, weight, *_ in rows if topic is not None}
    return Lead(interview, interview.on, weights, many)


def on(day: date, state: str = "") -> Combinable:
    """Return memory.recall on a day as an expression on a review state, null without a memory.

    `state` is the way to the review state, such as "mine__".
    """
    days = Greatest(0, DaysUntil(Value(day, DateField()), F(f"{state}remembered_on")))
    return Power(1.0 + memory.FACTOR * days / F(f"{state}stability"), memory.DECAY)


def due(today: date, state: str = "") -> Combinable:
    """Return the due day as an expression on a review state: what is buried today is due tomorrow."""
    buried = Q(**{f"{state}buried_on": today, f"{state}due_on__lte": today})
    tomorrow = Value(today + timedelta(days=1), DateField())
    return Case(When(buried, then=tomorrow), default=F(f"{state}due_on"), output_field=DateField())


def mine(learner: User | int, states: str = "states") -> FilteredRelation:
    """Return the learner's row as a relation, for a query that knows it as `mine`."""
    return FilteredRelation(states, condition=Q(**{f"{states}__learner": learner}))


def active(card: str = "") -> Q:
    """Return what makes a card active, in a query that knows the learner's row as `mine`.

    A buried card is active, and so is one without a row.
    """
    unsuspended = Q(mine__suspended__isnull=True) | Q(mine__suspended=False)
    return unsuspended & Q(**{f"{card}retired": False})


@cache
def power_of_sqlite() -> str:
    """Return the function's name."""
    with closing(sqlite3.connect(":memory:")) as database:
        try:
            database.execute("SELECT pow(2, 2)")
        except sqlite3.OperationalError:  # built without mathematics
            return "POWER"
    return "pow"
