"""How the operations page draws and says its figures."""

from collections.abc import Sequence

from django import template

from flashcards.drawing import traffic
from flashcards.drawing.svg import Element

register = template.Library()

SECOND = 1_000  # milliseconds


@register.simple_tag
def last_hour(minutes: Sequence[traffic.Minute], finding: str) -> Element:
    """Draw the requests of the last hour."""
    return traffic.hour(minutes, finding)


@register.filter
def lasted(milliseconds: float) -> str:
    """Say how long something took: “38 ms”, “1.4 s”."""
    if milliseconds < SECOND:
        return f"{milliseconds:.0f}\N{NO-BREAK SPACE}ms"
    return f"{milliseconds / SECOND:,.1f}\N{NO-BREAK SPACE}s"


@register.filter
def within(bound: int | None) -> str:
    """Say the bound that a share stayed within; there is none beyond ten seconds."""
    return (
        f"≤\N{NO-BREAK SPACE}{lasted(bound)}"
        if bound is not None
        else f">\N{NO-BREAK SPACE}{lasted(10 * SECOND)}"
    )
