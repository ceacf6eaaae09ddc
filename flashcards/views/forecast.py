"""How good is this estimate: what was predicted at each answer, against what the learner recalled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.requests import LearnerRequest
from flashcards import calibration, wording
from flashcards.calibration import Evidence
from flashcards.drawing.reliability import per_cent
from flashcards.scheduling.evaluation import ENOUGH, Band
from flashcards.views.stage import Moment


@dataclass(frozen=True, slots=True)
class Row:
    """A band of the table: what it is called, and whether it has answers enough for a rate."""

    band: Band
    name: str
    enough: bool


@require_safe
def forecast(request: LearnerRequest) -> HttpResponse:
    """Show how far off the predicted recall has been."""
    moment = Moment.of(request)
    found = calibration.calibration(moment.learner)
    context: dict[str, Any] = {"nav": "dashboard", "calibration": found, "needed": ENOUGH}
    if evidence := found.evidence:
        known = [band for band in evidence.bands if band.n >= ENOUGH]
        context |= {
            "evidence": evidence,
            "verdict": verdict(found.scored, evidence, earlier=found.earlier),
            "bands_say": bands_say(known),
            "errors_say": errors_say(evidence),
            "rows": [Row(band, name(band), band.n >= ENOUGH) for band in evidence.bands],
            "known": known,
        }
    return render(request, "flashcards/forecast.html", context)


def verdict(scored: int, evidence: Evidence, *, earlier: bool = False) -> str:
    """Say what was predicted and recalled over all, and whether chance explains the difference."""
    low, high = (wording.percent(bound) for bound in evidence.interval)
    answers = f"the latest {scored:,} answers" if earlier else f"{scored:,} answers"
    said = (
        f"Across {answers} we predicted {wording.percent(evidence.predicted)}% "
        f"and you recalled {wording.percent(evidence.actual)}%."
    )
    if evidence.calibrated:
        return f"{said} Chance alone can explain that: your likely range is {low} to {high}%."
    if evidence.predicted > evidence.actual:
        return f"{said} That’s more than chance explains: so far the forecast is too high for you."
    return f"{said} That’s more than chance explains: so far the forecast is too low for you."


def bands_say(known: Sequence[Band]) -> str:
    """Say in which of these bands, each with answers enough for a rate, the prediction lies outside."""
    if not known:
        return f"No band has {ENOUGH} answers yet, so there’s nothing to compare band by band."
    outside = [band for band in known if not band.calibrated]
    bands = wording.counted(len(known), "band") + f" with {ENOUGH} answers or more"
    if not outside:
        few = {1: "In the one band", 2: "In both bands"}
        every = few.get(len(known), f"In all {len(known)} bands")
        return f"{every} with {ENOUGH} answers or more, the prediction lies inside the likely range."
    named = ", ".join(
        f"{name(band)} (predicted {per_cent(band.predicted)}%, recalled {per_cent(band.actual)}%)"
        for band in outside
    )
    return f"Outside the likely range in {len(outside)} of {bands}: {named}."


def errors_say(evidence: Evidence) -> str:
    """Say whether the forecast beats the rate of all answers before."""
    ours, theirs = evidence.forecast.log_loss, evidence.past_mean.log_loss
    if ours < theirs:
        return "The forecast is closer than your own past mean: it can tell your cards apart."
    return "Your own past mean is as close or closer: so far the forecast can’t tell your cards apart."


def name(band: Band) -> str:
    """Return what a band is called: “90–95%”."""
    if band.low == 0:
        return f"under {wording.percent(band.high)}%"
    return f"{wording.percent(band.low)}–{wording.percent(band.high)}%"
