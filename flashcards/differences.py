"""What a check of the whole database found: values that aren't what log and rows say."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from flashcards.models import DayStat, Frontier, ReviewState, Topic

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """One value of a card's state, a study day, a frontier or a topic that isn't what log and rows say.

    `field` begins with "log 3: " for the card's third event.
    """

    row: ReviewState | DayStat | Frontier | Topic
    field: str
    stored: object
    folded: object

    def __str__(self) -> str:
        if isinstance(self.row, Topic):
            return f"topic {self.row.key}: {self.field}: stored {self.stored}, counted {self.folded}"
        where = f"learner {self.row.learner_id}, {_what(self.row)}"
        return f"{where}: {self.field}: stored {self.stored}, folded {self.folded}"


@dataclass(slots=True)
class Report:
    """What was compared, how many values differ, and the first of those."""

    states: int = 0
    events: int = 0
    days: int = 0
    frontiers: int = 0
    differing: int = 0
    differences: list[Difference] = field(default_factory=list)

    def __str__(self) -> str:
        verdict = f"{self.differing} differences" if self.differing else "all equal"
        seen = (
            f"{self.states} states, {self.events} events, {self.days} study days, {self.frontiers} frontiers"
        )
        return f"{seen}: {verdict}"

    def note(self, differences: Iterable[Difference]) -> None:
        """Count these, and keep the first."""
        for difference in differences:
            self.differing += 1
            if self.differing <= SHOWN:
                self.differences.append(difference)


def _what(row: ReviewState | DayStat | Frontier) -> str:
    if isinstance(row, Frontier):
        return "frontier"
    return str(row.day if isinstance(row, DayStat) else row.card.key)
