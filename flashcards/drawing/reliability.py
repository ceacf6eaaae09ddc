"""Predicted against recalled, band by band: on the diagonal the forecast is right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from flashcards import wording
from flashcards.drawing.svg import (
    NOTHING,
    Element,
    Layout,
    chart,
    element,
    level,
    line,
    named,
    text,
    together,
    told,
)

HALF: Final = 0.5
LEFT: Final = 44
TOP: Final = 30
FOOT: Final = 46
STEPS: Final = 5


class Band(Protocol):
    """Predictions of about the same height: how many, their mean, and how many were recalled.

    `actual` is recalled / n with the bounds of its 95% interval; `calibrated` says if the mean is inside.
    """

    @property
    def n(self) -> int: ...
    @property
    def predicted(self) -> float: ...
    @property
    def recalled(self) -> int: ...
    @property
    def actual(self) -> float: ...
    @property
    def interval(self) -> tuple[float, float]: ...
    @property
    def calibrated(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Scale:
    """Where shares are, in px: `lowest` is the share in the corner, `right` and `foot` are the far edges."""

    lowest: float
    right: int
    foot: int

    def x(self, predicted: float) -> float:
        """Return how far to the right a prediction is."""
        return LEFT + self._along(predicted) * (self.right - LEFT)

    def y(self, actual: float) -> float:
        """Return how far down a rate is."""
        return self.foot - self._along(actual) * (self.foot - TOP)

    def _along(self, share: float) -> float:
        return (share - self.lowest) / (1 - self.lowest)


WIDE: Final = Layout("wide", 416, 396)
NARROW: Final = Layout("narrow", 310, 310)


def diagram(bands: Sequence[Band], finding: str) -> Element:
    """Draw the bands, lowest first, in both sizes; `finding` says what they come to."""
    if not bands:
        return NOTHING
    lowest = HALF if all(min(band.predicted, band.interval[0]) >= HALF for band in bands) else 0.0
    drawn = []
    for layout in (WIDE, NARROW):
        attributes, heading = named(f"bands-{layout.name}", "Predicted against recalled", finding)
        scale = Scale(lowest, layout.width - 14, layout.height - FOOT)
        parts = [*heading, *_axes(scale, layout), *(_mark(scale, band) for band in bands)]
        size = layout.width, layout.height
        drawn.append(chart(size, parts, class_=f"chart plot {layout.name}", **attributes))
    return together(drawn)


def title(band: Band) -> str:
    """Say a band's numbers, for the pointer."""
    low, high = band.interval
    return (
        f"Predicted {per_cent(band.predicted)}%, recalled {band.recalled:,} of {band.n:,} "
        f"({per_cent(band.actual)}%, likely {per_cent(low)} to {per_cent(high)}%)"
    )


def per_cent(share: float) -> str:
    """Say a share to a tenth of a per cent, without the sign: what lies inside an interval looks so too."""
    return f"{100 * share:.1f}"


def _axes(scale: Scale, layout: Layout) -> list[Element]:
    corner, end = scale.lowest, 1.0
    parts = [
        text(0, 12, "Recalled"),
        text(layout.width, layout.height - 4, "Predicted", anchor="end"),
        line((scale.x(corner), scale.y(corner)), (scale.x(end), scale.y(end)), "target"),
    ]
    for n in range(STEPS + 1):
        share = corner + n * (1 - corner) / STEPS
        parts += level(share, scale.y(share), (LEFT, scale.right), foot=not n)
        parts.append(text(scale.x(share), scale.foot + 20, f"{wording.percent(share)}%", anchor="middle"))
    return parts


def _mark(scale: Scale, band: Band) -> Element:
    x = scale.x(band.predicted)
    low, high = band.interval
    paint = "dot" if band.calibrated else "dot dot--off"
    return told(
        title(band),
        line((x, scale.y(low)), (x, scale.y(high)), "ci"),
        element("circle", cx=x, cy=scale.y(band.actual), r=5, class_=paint),
    )
