"""Rivals measured in turn, so that whatever else the machine does meets all of them alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """Measured values, in milliseconds unless said otherwise."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        """The middle value."""
        return median(self.values)

    @property
    def p95(self) -> float:
        """The smallest value that is at least as large as 95 of 100."""
        return self.percentile(95)

    def percentile(self, share: int) -> float:
        """Return the smallest value that is at least as large as this many of 100."""
        ranked = sorted(self.values)
        return ranked[-(-share * len(ranked) // 100) - 1]


def in_turn(*rivals: Callable[[], object], rounds: int = 60) -> list[Sample]:
    """Return how many milliseconds each rival took, all of them run once in every round."""
    return measured(*(clocked(rival) for rival in rivals), rounds=rounds)


def measured(*rivals: Callable[[], float], rounds: int, warm_up: int = WARM_UP) -> list[Sample]:
    """Return what each rival says that it cost, all of them asked once in every round."""
    for rival in rivals:
        for _ in range(warm_up):
            rival()
    taken: list[list[float]] = [[] for _ in rivals]
    for _ in range(rounds):
        for values, rival in zip(taken, rivals, strict=True):
            values.append(rival())
    return [Sample(values) for values in taken]


def clocked(act: Callable[[], object]) -> Callable[[], float]:
    """Return the act as one that says how many milliseconds it took."""

    def once() -> float:
        began = perf_counter()
        act()
        return 1_000 * (perf_counter() - began)

    return once
