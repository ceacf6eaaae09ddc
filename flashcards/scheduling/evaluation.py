"""How good predicted recall is: predictions against what happened, and three models on one log.

A pair is what was predicted (0 to 1) and whether the card was recalled. docs/forecast.md has the protocol.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import log, sqrt
from statistics import fmean
from typing import Final, NamedTuple

from flashcards.scheduling import memory, sm2
from flashcards.scheduling.memory import Memory

Pair = tuple[float, bool]

ENOUGH: Final = 20  # answers, below which neither a rate nor an error is shown
FOLDS: Final = 5

# A card that comes back in good time is recalled nine times in ten, so predictions crowd at the top: bands of
# 5 points tell them apart there. Lower down they are few, and wider bands keep enough answers in each. The
# edges are fixed, whatever the log, so that two logs, or one log in two months, can be laid side by side.
EDGES: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)

_Z: Final = 1.959963984540054  # 95% of a normal distribution lie within so many standard deviations
_CERTAIN: Final = 1e-4  # no chance counts as smaller, or one surprise would cost infinitely much


def log_loss(pairs: Iterable[Pair]) -> float:
    """Return the mean of -ln(the chance given to what happened): 0 is perfect, 0.693 tossing a coin.

    Raises ValueError for no pairs.
    """
    return fmean(-log(_clipped(predicted if recalled else 1 - predicted)) for predicted, recalled in pairs)


def brier(pairs: Iterable[Pair]) -> float:
    """Return the mean squared error (G. W. Brier, 1950): 0 is perfect, 0.25 tossing a coin.

    Raises ValueError for no pairs.
    """
    return fmean((predicted - recalled) ** 2 for predicted, recalled in pairs)


def wilson(k: int, n: int) -> tuple[float, float]:
    """Return the 95% interval of a rate of k in n (E. B. Wilson, 1927); of none it is 0 to 1."""
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is not a rate.")
    if n == 0:
        return 0.0, 1.0
    middle = k + _Z**2 / 2
    reach = _Z * sqrt(k * (n - k) / n + _Z**2 / 4)
    # The formula reaches 0 and 1 exactly; floats would miss them by a last digit.
    low = (middle - reach) / (n + _Z**2) if k > 0 else 0.0
    high = (middle + reach) / (n + _Z**2) if k < n else 1.0
    return low, high


@dataclass(frozen=True, slots=True)
class Band:
    """The predictions from `low` to below `high` (the last band holds 1 too), and what came of them.

    `predicted` is their mean, `actual` is recalled / n, `interval` its Wilson interval.
    """

    low: float
    high: float
    n: int
    predicted: float
    recalled: int
    actual: float
    interval: tuple[float, float]

    @property
    def calibrated(self) -> bool:
        """Whether the mean prediction lies within the interval of the actual rate."""
        return self.interval[0] <= self.predicted <= self.interval[1]


def bands(pairs: Iterable[Pair]) -> list[Band]:
    """Return the calibration by band of predicted recall, lowest first, without bands that are empty."""
    inside: list[list[Pair]] = [[] for _ in pairwise(EDGES)]
    for pair in pairs:
        inside[bisect_right(EDGES[1:-1], pair[0])].append(pair)
    return [_band(low, high, rows) for (low, high), rows in zip(pairwise(EDGES), inside, strict=True) if rows]


def past_means(outcomes: Iterable[bool]) -> list[float | None]:
    """Return for each outcome the pass rate of all before it; None for the first, which has no past."""
    means, recalled = list[float | None](), 0
    for before, outcome in enumerate(outcomes):
        means.append(recalled / before if before else None)
        recalled += outcome
    return means


class Answer(NamedTuple):
    """One row of a log: which card, its grade 0 to 5, and the study day."""

    card: str
    grade: int
    day: date


class Scored(NamedTuple):
    """An answer that could be predicted: recalled or not, and the chance that FSRS and SM-2 gave it."""

    recalled: bool
    fsrs: float
    sm2: float


def replayed(answers: Iterable[Answer]) -> Iterator[Scored]:
    """Yield a card's first answer of each study day but its first, in the order of the log, that of time.

    FSRS learns from every answer, SM-2 from the first of each day; SM-2's chance is 0.9^(days / interval).
    """
    known = dict[str, tuple[Memory | None, sm2.State]]()
    for card, grade, day in answers:
        before, state = known.get(card, (None, sm2.NEW))
        if before is None or before.last_on < day:
            if before is not None:
                by_interval = 0.9 ** ((day - before.last_on).days / state.interval)
                yield Scored(sm2.passed(grade), memory.recall(before, day), by_interval)
            state = sm2.review(state, grade)
        known[card] = memory.after(before, grade, day), state


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one model did: both errors as means over the folds, `n` predictions in all of them."""

    model: str
    log_loss: float
    brier: float
    n: int


def compare(scored: Sequence[Scored]) -> list[Comparison]:
    """Return the error of each model on the last five sixths of the rows, in five folds by time.

    A fold has a sixth of the rows, rounded down. Raises ValueError below ENOUGH rows.
    """
    if len(scored) < ENOUGH:
        raise ValueError(f"{len(scored)} answers are not enough evidence.")
    size = len(scored) // (FOLDS + 1)
    starts = range(len(scored) - FOLDS * size, len(scored), size)
    folds = [_predictions(scored[:start], scored[start : start + size]) for start in starts]
    return [_comparison(model, [fold[model] for fold in folds]) for model in folds[0]]


def _predictions(past: Sequence[Scored], fold: Sequence[Scored]) -> dict[str, list[Pair]]:
    past_mean = fmean(row.recalled for row in past)
    return {
        "FSRS-6 default": [(row.fsrs, row.recalled) for row in fold],
        "past mean": [(past_mean, row.recalled) for row in fold],
        "SM-2 as 0.9^(t/I)": [(row.sm2, row.recalled) for row in fold],
    }


def _comparison(model: str, folds: list[list[Pair]]) -> Comparison:
    return Comparison(
        model,
        log_loss=fmean(log_loss(fold) for fold in folds),
        brier=fmean(brier(fold) for fold in folds),
        n=sum(len(fold) for fold in folds),
    )


def _band(low: float, high: float, pairs: list[Pair]) -> Band:
    n, recalled = len(pairs), sum(recalled for _, recalled in pairs)
    predicted = fmean(predicted for predicted, _ in pairs)
    return Band(low, high, n, predicted, recalled, recalled / n, wilson(recalled, n))


def _clipped(chance: float) -> float:
    return min(max(chance, _CERTAIN), 1 - _CERTAIN)
