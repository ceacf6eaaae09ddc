"""The forms of the interviews page; every refusal is a sentence."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from django import forms

from accounts.models import User
from flashcards import interviews, planning
from flashcards.forms import NO_NULS, day_field
from flashcards.interviews import AS_USUAL, MOST_A_DAY, Wanted
from flashcards.models import Interview, Topic

FARTHEST = timedelta(days=5 * 365 + 1)
LONGEST_NAME = 120
WEIGHTS = [(0, "doesn’t count"), (1, "counts"), (2, "counts double"), (3, "counts triple")]


def _text(label: str, missing: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=bool(missing),
        max_length=LONGEST_NAME,
        error_messages=NO_NULS
        | {"required": missing, "max_length": f"Shorten this to {LONGEST_NAME} characters."},
        widget=forms.TextInput(attrs={"class": "in", "autocomplete": "off"}),
    )


class InterviewForm(forms.Form):
    """An interview, and how much each topic counts in it."""

    company = _text("Company", missing="Enter the company, or any name for this interview.")
    role = _text("Role (optional)")
    on = day_field("Date", "Choose the date.", "Choose the date as a day, such as 2026-12-31.")

    def __init__(
        self,
        *args: Any,
        learner: User,
        today: date,
        topics: Iterable[Topic],
        more: bool = False,
        interview: Interview | None = None,
        **kwargs: Any,
    ) -> None:
        """Make the form; what isn't sent stands as it is in the interview, if there is one.

        There may be `more` topics than can be weighed here.
        """
        initial = _initial(interview) if interview else {}
        super().__init__(*args, **({"initial": initial, "label_suffix": ""} | kwargs))
        self.learner, self.today = learner, today
        self.kept_on = interview.on if interview else None
        self.fields["on"].widget.attrs |= {
            "min": str(min(today, self.kept_on or today)),
            "max": str(today + FARTHEST),
        }
        self.topics, self.more = list(topics), more
        for topic in self.topics:
            self.fields[_name(topic)] = _weight(topic)

    def decks(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the topics' fields by the name of their deck."""
        by_deck = groupby(self.topics, lambda topic: topic.deck.name)
        return [(deck, [self[_name(topic)] for topic in inside]) for deck, inside in by_deck]

    def unusual(self) -> bool:
        """Whether there is something to see among the topics: a weight that isn't the usual one."""
        return any(str(self[_name(topic)].value()) != str(AS_USUAL) for topic in self.topics)

    def clean_on(self) -> date:
        """Refuse the past, what is beyond five years, and a day in the break; an old day may stay."""
        on: date = self.cleaned_data["on"]
        if on == self.kept_on:
            return on
        if not self.today <= on <= self.today + FARTHEST:
            raise forms.ValidationError("Choose a date from today to five years ahead.")
        if refusal := interviews.clash(planning.plan_of(self.learner), on, self.today):
            raise forms.ValidationError(refusal)
        return on

    def clean(self) -> dict[str, Any]:
        """Refuse an interview in which nothing counts."""
        given = super().clean() or {}
        weights = [given.get(_name(topic), AS_USUAL) for topic in self.topics]
        if weights and not any(weights):
            self.add_error(_name(self.topics[0]), "At least one topic must count.")
        return given

    def wanted(self) -> Wanted:
        """Return the values of a valid form."""
        given = self.cleaned_data
        weights = {topic.pk: given[_name(topic)] for topic in self.topics}
        return Wanted(company=given["company"], role=given["role"], on=given["on"], weights=weights)


class PaceForm(forms.Form):
    """The new cards a day that the plan needs."""

    new_cards_per_day = forms.IntegerField(min_value=1, max_value=MOST_A_DAY)


def _initial(interview: Interview) -> dict[str, Any]:
    weights = {f"topic-{row.topic_id}": row.weight for row in interview.weights.all()}
    return {"company": interview.company, "role": interview.role, "on": interview.on} | weights


def _weight(topic: Topic) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=topic.name,
        choices=WEIGHTS,
        coerce=int,
        initial=AS_USUAL,
        error_messages=dict.fromkeys(("required", "invalid_choice"), f"Choose how much {topic.name} counts."),
        widget=forms.Select(attrs={"class": "in"}),
    )


def _name(topic: Topic) -> str:
    return f"topic-{topic.pk}"
