"""Counts and next card: they must not depend on how many others there are, nor on how much one has learnt."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import cycle
from typing import Any

from django.db import connection

from accounts.models import User
from flashcards import queue
from flashcards.models import ReviewState
from tests.bench.databases import Database
from tests.bench.report import Row, ratio
from tests.bench.timing import in_turn
from tests.bench.world import DUE, FEW_STATES, LEFT_NEW, SMALL_DECK, Single, World, due_of

Act = Callable[[], object]


def among_many(world: World) -> Iterator[Row]:
    """Yield the figures of learners with about a hundred cards, with few and with many beside them."""
    few, many = world.few, world.many
    small, large, key = in_turn(
        few.database.asked(looks(few.learners, world.today)),
        many.database.asked(looks(many.learners, world.today)),
        many.database.asked(look_ups(many.learners)),
        rounds=100,
    )
    states = f"{world.size.states:,} states"
    yield ratio(f"counts and next card, {states}", large, small, f"x at {FEW_STATES:,}", 1.2)
    yield ratio(f"counts and next card, {states}", large, key, "x primary key", 3, "both through the ORM")
    bare_small, bare_large, bare_key = in_turn(
        few.database.asked(repeated(few.database, looks(few.learners, world.today))),
        many.database.asked(repeated(many.database, looks(many.learners, world.today))),
        many.database.asked(repeated(many.database, look_ups(many.learners))),
        rounds=100,
    )
    yield ratio(f"the same statements alone, {states}", bare_large, bare_small, f"x at {FEW_STATES:,}", 1.2)
    yield ratio(f"the same statements alone, {states}", bare_large, bare_key, "x primary key")


def by_deck(world: World) -> Iterator[Row]:
    """Yield the figures of learners before a great deck against those before the seed's."""
    few = due_of(SMALL_DECK)
    for kind, large in world.large.items():
        small = world.small[kind]
        cards = f"counts and next card, {world.size.large_deck:,} cards"
        unit = f"x {SMALL_DECK} cards"
        started = f"{cards}, all but {LEFT_NEW} started, {kind}"
        with due_only(large, few, world.today):
            veteran, small_veteran, beginner, small_beginner = in_turn(
                large.database.asked(looks([large.veteran], world.today)),
                small.database.asked(looks([small.veteran], world.today)),
                large.database.asked(looks([large.beginner], world.today)),
                small.database.asked(looks([small.beginner], world.today)),
                rounds=25,
            )
        yield ratio(started, veteran, small_veteran, unit, 1.2, f"{few} due in either")
        yield ratio(f"{cards}, only {LEFT_NEW} started, {kind}", beginner, small_beginner, unit, 1.2)
        busy, small_veteran = in_turn(
            large.database.asked(looks([large.veteran], world.today)),
            small.database.asked(looks([small.veteran], world.today)),
            rounds=25,
        )
        yield ratio(started, busy, small_veteran, unit, seen=f"{DUE} due against {few}")


@contextmanager
def due_only(single: Single, few: int, today: date) -> Iterator[None]:
    """Let only so many cards of the veteran be due for this block, the others tomorrow."""
    with single.database.chosen():
        due = ReviewState.objects.filter(learner=single.veteran, due_on=today)
        others = ReviewState.objects.filter(
            pk__in=list(due.order_by("pk").values_list("pk", flat=True)[few:])
        )
        others.update(due_on=today + timedelta(days=1))
    yield
    with single.database.chosen():
        others.update(due_on=today)


def looks(learners: list[User], today: date) -> Act:
    """Return a function that does what every review page does, for another learner each time."""
    turns = cycle(learners)

    def look() -> None:
        who = next(turns)
        assert queue.look(who, today)[1]

    return look


def look_ups(learners: list[User]) -> Act:
    """Return a function that fetches another row by its key each time."""
    turns = cycle(learners)
    return lambda: User.objects.get(pk=next(turns).pk)


def repeated(database: Database, act: Act) -> Act:
    """Return a function that sends the act's statements again without the ORM around them."""
    statements: list[tuple[str, Any]] = []

    def remember(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append((sql, params))
        return execute(sql, params, many, context)

    with database.chosen(), connection.execute_wrapper(remember):
        act()

    def again() -> None:
        with connection.cursor() as cursor:
            for sql, params in statements:
                cursor.execute(sql, params)
                cursor.fetchall()

    return again
