"""The form that plans a break; every refusal is a sentence."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.dateformat import format as format_date

from accounts.models import User
from flashcards import breaks
from flashcards.forms import day_field


def _day(label: str) -> forms.DateField:
    named = label.lower()
    return day_field(label, f"Choose the {named}.", f"Choose the {named} as a date, such as 2026-12-31.")


class BreakForm(forms.Form):
    """The first and the last day of a break."""

    break_from = _day("First day")
    break_until = _day("Last day")

    def __init__(self, *args: Any, learner: User, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **(kwargs | {"label_suffix": ""}))
        self.learner, self.today = learner, today
        is_on = learner.break_from is not None and breaks.on_break(learner, today)
        self.earliest = learner.break_from if is_on and learner.break_from else today
        self.farthest = today + timedelta(days=breaks.FARTHEST)
        self.fields["break_from"].widget.attrs |= {"min": str(self.earliest), "max": str(self.farthest)}
        self.fields["break_until"].widget.attrs |= {"min": str(today)}

    def clean_break_from(self) -> date:
        """Refuse the past, but for the days of a break that is on, and what is more than a year ahead."""
        first: date = self.cleaned_data["break_from"]
        if first < self.earliest:
            raise forms.ValidationError("A break can’t begin in the past: choose today or a later day.")
        if first > self.farthest:
            raise forms.ValidationError("Choose a first day within a year from today.")
        return first

    def clean_break_until(self) -> date:
        """Refuse the past, and what comes before the first day or makes the break too long."""
        last: date = self.cleaned_data["break_until"]
        if last < self.today:
            raise forms.ValidationError("The last day is over already: choose today or a later day.")
        if "break_from" in self.cleaned_data:
            self._check_length(self.cleaned_data["break_from"], last)
        return last

    def _check_length(self, asked: date, last: date) -> None:
        if last < asked:
            chosen = format_date(asked, "j F")
            raise forms.ValidationError(
                f"The last day comes before the first: choose {chosen} or a later day."
            )
        first = breaks.first_day(self.learner, asked, self.today)
        length = (last - first).days + 1
        if length > breaks.LONGEST:
            end = format_date(first + timedelta(days=breaks.LONGEST - 1), "j F Y")
            raise forms.ValidationError(
                f"A break has at most {breaks.LONGEST} days, and this one would have {length:,}. "
                f"Choose a last day until {end}."
            )
