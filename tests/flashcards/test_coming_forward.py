"""A database that was made at any earlier state of the schema, with people in it, comes forward to now."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import AccountEvent, User
from flashcards import replaying, topic_counts
from flashcards.models import Card, DayStat, Deck, Interview, Note, Reminder, ReviewLog, ReviewState, Topic
from tests import making
from tests.making import at, day

OURS = ("accounts", "flashcards")
# In the order in which one refers to the other.
MODELS = (Deck, Topic, Card, User, EmailAddress, ReviewState, ReviewLog, DayStat, Note, Interview, Reminder,
          AccountEvent)  # fmt: skip
OF = {User: "pk", EmailAddress: "user_id"}
CARDS = 3
FIGURES = {"stability", "difficulty", "remembered_on", "predicted", "for_retention"}
FILLED = ("flashcards", "0003_the_past_in_figures")  # works out days and what FSRS remembers
Rows = dict[Any, list[dict[str, Any]]]

pytestmark = pytest.mark.django_db(transaction=True)


def studied(number: int) -> User:
    """Return a learner with something in every table of ours."""
    who = making.learner()
    for card, grades in zip(making.deck(CARDS), ((4, 5, 2, 4, 4), (3, 4, 4, 5), (5, 2)), strict=True):
        making.answered(who, card, *grades)
        topic_counts.recount([card.topic_id])  # which a migration does for whoever comes from before
    EmailAddress.objects.create(user=who, email=who.email, primary=True, verified=True)
    Note.objects.create(learner=who, card=Card.objects.latest("pk"), text=f"Note {number}")
    Interview.objects.create(learner=who, company=f"Company {number}", on=day(90))
    Reminder.objects.create(
        learner=who,
        kind="daily",
        intended_on=day(5),
        message_id=f"<{number}@x>",
        expires_at=at(6),
        next_try_at=at(5),
    )
    AccountEvent.objects.create(learner=who, kind=AccountEvent.Kind.LOGGED_IN, at=at(1))
    return who


def rows_of(who: User) -> Rows:
    """Return the learner's rows of every table, and their deck; days without ids, as they are worked out."""
    decks = Deck.objects.filter(topics__cards__states__learner=who).distinct()
    found = Rows()
    for model in MODELS:
        if model is Deck:
            asked = decks
        elif model in (Topic, Card):
            asked = model.objects.filter(**{"topic__deck__in" if model is Card else "deck__in": list(decks)})
        else:
            asked = model.objects.filter(**{OF.get(model, "learner"): who.pk})
        found[model] = list(asked.order_by("pk").values())
    for row in found[DayStat]:
        del row["id"]
    return found


@contextmanager
def another_database(folder: Path) -> Iterator[None]:
    """Let the one connection lead to a new, empty database: released migrations may know no other."""
    here = connection.settings_dict["NAME"]
    there = str(folder / "old.sqlite3") if connection.vendor == "sqlite" else f"{here}_old"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f'CREATE DATABASE "{there}"')
    connection.close()
    connection.settings_dict["NAME"] = there
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = here
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f'DROP DATABASE "{there}" WITH (FORCE)')


def states_of_the_schema() -> list[tuple[str, str]]:
    """Return every migration of ours, of each app in turn: each leaves a state that could have been."""
    graph = MigrationExecutor(connection).loader.graph
    chains = [
        [node for node in graph.forwards_plan(*graph.leaf_nodes(app)) if node[0] == app] for app in OURS
    ]
    return [node for turn in zip_longest(*chains) for node in turn if node]


def put_into(old: Any, rows: Rows, *, figures: bool) -> Rows:
    """Store what a database of that time can hold of the rows; return what must come of them."""
    for model, found in rows.items():
        try:
            then = old.get_model(*model._meta.label.split("."))
        except LookupError:
            then = None
        derived = model is DayStat and not figures
        if then and not derived:
            columns = {field.attname for field in then._meta.concrete_fields} - (
                set() if figures else FIGURES
            )
            kept = ({key: value for key, value in row.items() if key in columns} for row in found)
            then._base_manager.bulk_create(then(**row) for row in kept)
        elif not derived:
            found.clear()
    return rows


def test_who_came_at_any_earlier_state_of_the_schema_finds_everything_as_it_was(tmp_path):
    stops = states_of_the_schema()
    begin = stops.index(("flashcards", "0001_initial"))
    known = [(who, rows_of(who)) for who in map(studied, range(begin, len(stops)))]
    with another_database(tmp_path):
        graph = MigrationExecutor(connection).loader.graph
        MigrationExecutor(connection).migrate([node for node in graph.leaf_nodes() if node[0] not in OURS])
        for number, (_, rows) in enumerate(known, begin):
            old = MigrationExecutor(connection).migrate([stops[number]])
            put_into(old.apps, rows, figures=number >= stops.index(FILLED))
        call_command("migrate", verbosity=0)
        for number, (who, rows) in enumerate(known, begin):
            assert rows_of(who) == rows, stops[number]
        checked = replaying.check()
    assert (checked.differing, checked.states) == (0, len(known) * CARDS)
