"""How good the predicted recall has been for one learner: what was foreseen at each answer, and what came."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

from accounts.models import User
from flashcards import history
from flashcards.models import ReviewLog
from flashcards.scheduling import evaluation, sm2
from flashcards.scheduling.evaluation import ENOUGH, Band, Pair

MOST: Final = 100_000  # answers that are looked at: three years of ninety a day


@dataclass(frozen=True, slots=True)
class Errors:
    """How far off a forecast was by both measures of evaluation.py: less is better."""

    log_loss: float
    brier: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What enough answers say of the forecast: `predicted` on average, `actual` with its 95% interval.

    `forecast` and `past_mean` are the errors over the same `compared` answers: all but the first, which
    has no past.
    """

    predicted: float
    actual: float
    interval: tuple[float, float]
    bands: tuple[Band, ...]
    compared: int
    forecast: Errors
    past_mean: Errors

    @property
    def calibrated(self) -> bool:
        """Whether the mean prediction lies within the interval of what was recalled."""
        return self.interval[0] <= self.predicted <= self.interval[1]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How many answers had been predicted, how many of them were recalled, and what they say.

    Below ENOUGH answers they say nothing: there is no rate and no error then. There may have been `earlier`
    ones than the MOST that are looked at.
    """

    scored: int
    recalled: int
    evidence: Evidence | None
    earlier: bool = False


def calibration(learner: User) -> Calibration:
    """Return how good the forecast has been for this learner, in two statements."""
    pairs = scored(learner)
    return replace(of(pairs[-MOST:]), earlier=len(pairs) > MOST)


def scored(learner: User) -> list[Pair]:
    """Return each standing answer that had been predicted, oldest first: the chance, and whether recalled.

    Of more than MOST these are the latest, and one more.
    """
    log = ReviewLog.objects.filter(learner=learner)
    standing = history.standing(log.filter(predicted__isnull=False, grade__isnull=False))
    if many := log.order_by("study_day")[MOST : MOST + 1].exists():
        found = standing.order_by("-study_day", "-id")[: MOST + 1]  # as an index has them
    else:
        found = standing.order_by("id")
    # The conditions say that neither is empty.
    pairs: list[tuple[float, int]] = list(found.values_list("predicted", "grade"))  # type: ignore[arg-type]
    return [(predicted, sm2.passed(grade)) for predicted, grade in (reversed(pairs) if many else pairs)]


def of(pairs: Sequence[Pair]) -> Calibration:
    """Return what these answers, in order of time, say of the forecast."""
    recalled = sum(passed for _, passed in pairs)
    return Calibration(len(pairs), recalled, _evidence(pairs, recalled) if len(pairs) >= ENOUGH else None)


def _evidence(pairs: Sequence[Pair], recalled: int) -> Evidence:
    past = evaluation.past_means(passed for _, passed in pairs)
    rival = [(mean, passed) for mean, (_, passed) in zip(past, pairs, strict=True) if mean is not None]
    return Evidence(
        predicted=fmean(predicted for predicted, _ in pairs),
        actual=recalled / len(pairs),
        interval=evaluation.wilson(recalled, len(pairs)),
        bands=tuple(evaluation.bands(pairs)),
        compared=len(rival),
        forecast=_errors(pairs[1:]),
        past_mean=_errors(rival),
    )


def _errors(pairs: Sequence[Pair]) -> Errors:
    return Errors(evaluation.log_loss(pairs), evaluation.brier(pairs))
