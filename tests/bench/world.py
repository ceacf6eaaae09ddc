"""What a run is made of: size, day, seed, and databases that hold few states, many, or one great deck."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from accounts.models import User
from tests.bench import databases, people
from tests.bench.copying import settled
from tests.bench.databases import Database
from tests.bench.spread import Spread

FEW_STATES = 10_000
STATES_OF_A_LEARNER = 100
LEFT_NEW, DUE, SMALL_DECK = 20, 150, 50


def due_of(cards: int) -> int:
    """Return how many cards are due for a veteran of a deck of this size."""
    return min(DUE, (cards - LEFT_NEW) // 3)


@dataclass(frozen=True, slots=True)
class Size:
    """How much data a run has."""

    states: int
    large_deck: int
    learners: int


SIZES = {
    "small": Size(100_000, 20_000, 10_000),
    "default": Size(1_000_000, 200_000, 100_000),
    "large": Size(10_000_000, 1_000_000, 1_000_000),
}


@dataclass(frozen=True, slots=True)
class Crowd:
    """A database of many learners, and some of them."""

    database: Database
    learners: list[User]


@dataclass(frozen=True, slots=True)
class Single:
    """A database with two learners to look at: a veteran who has started nearly all, and a beginner.

    Before a large deck both have the small one behind them.
    """

    database: Database
    veteran: User
    beginner: User


@dataclass(frozen=True)
class World:
    """The databases of a run, each made when it is first asked for."""

    size: Size
    today: date
    folder: Path
    spread: Spread

    @cached_property
    def few(self) -> Crowd:
        """Return ten thousand states."""
        database = databases.postgresql("few")
        with database.chosen():
            people.more_texts()
            crowd = Crowd(database, people.many(FEW_STATES // STATES_OF_A_LEARNER, self.today, self.spread))
            settled()
        return crowd

    @cached_property
    def many(self) -> Crowd:
        """Return the same ten thousand states, and as many more as the size says."""
        database = databases.postgresql("many", copy_of=self.few.database)
        more = (self.size.states - FEW_STATES) // STATES_OF_A_LEARNER
        with database.chosen():
            crowd = Crowd(database, people.many(more, self.today, self.spread))
            settled()
        return crowd

    @cached_property
    def large(self) -> dict[str, Single]:
        """Return a deck of the size's many cards, in either kind of database."""
        return {
            "PostgreSQL": self._single(databases.postgresql("large"), self.size.large_deck),
            "SQLite": self._single(databases.sqlite(self.folder / "large.sqlite3"), self.size.large_deck),
        }

    @cached_property
    def small(self) -> dict[str, Single]:
        """Return the seed's fifty cards, in either kind of database."""
        return {
            "PostgreSQL": self._single(databases.postgresql("small"), 0),
            "SQLite": self._single(databases.sqlite(self.folder / "small.sqlite3"), 0),
        }

    def _single(self, database: Database, cards: int) -> Single:
        started = SMALL_DECK + cards - LEFT_NEW
        with database.chosen():
            if cards:
                people.large_deck(cards)
            veteran = people.one(started, due_of(SMALL_DECK + cards), self.today, self.spread)
            begun = LEFT_NEW + (SMALL_DECK if cards else 0)
            single = Single(database, veteran, people.one(begun, 5, self.today, self.spread))
            settled()
        return single
