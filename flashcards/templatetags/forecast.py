"""The drawings of the forecast's past: predicted against recalled, and one card's recall over time."""

from collections.abc import Sequence

from django import template
from django.utils.dateformat import format as format_date

from flashcards import wording
from flashcards.card_history import RecallHistory
from flashcards.drawing import recall_curve, reliability
from flashcards.drawing.svg import Element
from flashcards.scheduling import schedule
from flashcards.scheduling.evaluation import Band

register = template.Library()


@register.filter
def tenths(share: float) -> str:
    """Say a share to a tenth of a per cent, without the sign."""
    return reliability.per_cent(share)


@register.simple_tag
def predicted_against_recalled(bands: Sequence[Band], finding: str) -> Element:
    """Draw the bands against the diagonal on which they should lie."""
    return reliability.diagram(bands, finding)


@register.filter
def recall_says(past: RecallHistory) -> str:
    """Say a card's predicted recall today and on the last day of its curve."""
    if past.now is None or past.then is None:
        return "This card is new again, so there’s nothing to predict."
    now, then = wording.percent(past.now), wording.percent(past.then)
    if past.on == past.today:
        return f"Predicted recall: {now}% today."
    day = format_date(past.on, "j F" if past.on.year == past.today.year else "j F Y")
    return f"Predicted recall: {now}% today, {then}% on {day} if you don’t see it before."


@register.simple_tag
def recall_over_time(past: RecallHistory) -> Element:
    """Draw how a card's predicted recall fell between its answers, and how it goes on."""
    return recall_curve.curve(past, schedule.BUTTONS, recall_says(past))
