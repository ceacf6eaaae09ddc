"""From what a browser sent to values; every refusal is a sentence."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from django import forms

from flashcards import browsing, notes, standings
from flashcards.models import Topic
from flashcards.reviewing import FARTHEST_DUE, Answer

NO_NULS = {"null_characters_not_allowed": "A NUL character can’t be stored; remove it."}
INCOMPLETE = dict.fromkeys(
    ("required", "invalid", "min_value", "max_value"), "The form was incomplete; try again."
)

LONGEST_MS = 24 * 60 * 60 * 1000


class AnswerForm(forms.Form):
    """A grade for the card as it was shown."""

    grade = forms.IntegerField(min_value=0, max_value=5)
    submission = forms.UUIDField()
    version = forms.IntegerField(min_value=0, max_value=2**31 - 1)
    thinking_ms = forms.IntegerField(min_value=0, max_value=LONGEST_MS, required=False)
    reading_ms = forms.IntegerField(min_value=0, max_value=LONGEST_MS, required=False)
    flow = forms.ChoiceField(choices=[("review", "review"), ("practice", "practice")], required=False)
    topic = forms.SlugField(required=False)

    def answer(self) -> Answer:
        """Return the values of a valid form."""
        sent = self.cleaned_data
        return Answer(
            grade=sent["grade"],
            submission=sent["submission"],
            version=sent["version"],
            thinking_ms=sent["thinking_ms"],
            reading_ms=sent["reading_ms"],
        )

    def sentence(self) -> str:
        """Return what was wrong, for the learner."""
        if "grade" in self.errors:
            return "Your answer was not saved: a grade is a whole number from 0 to 5. Grade the card again."
        wrong = ", ".join(self.errors)
        return f"Your answer was not saved: the form was incomplete ({wrong}). Grade the card again."


class UndoForm(forms.Form):
    """Which log row to take back."""

    log = forms.IntegerField(min_value=1, max_value=2**63 - 1)


class BrowseForm(forms.Form):
    """Search and filters of the browse page; what isn't valid doesn't filter."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=200,
        error_messages=NO_NULS | {"max_length": "Search for at most 200 characters."},
        widget=forms.TextInput(attrs={"type": "search", "class": "in", "autocomplete": "off"}),
    )
    topic = forms.ChoiceField(required=False, widget=forms.Select(attrs={"class": "in"}))
    state = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Any state"),
            *standings.Standing.choices,
            (standings.MISSED_OFTEN, "Missed often"),
        ],
        widget=forms.Select(attrs={"class": "in"}),
    )
    order = forms.ChoiceField(
        label="Sort by",
        required=False,
        choices=[
            (browsing.IN_DECK_ORDER, "Deck order"),
            (browsing.BY_DUE_DAY, "Due day"),
            (browsing.BY_RECALL, "Predicted recall"),
        ],
        widget=forms.Select(attrs={"class": "in"}),
    )

    def __init__(self, data: Any, topics: Iterable[Topic]) -> None:
        super().__init__(data, label_suffix="")
        by_deck = groupby(topics, lambda topic: topic.deck.name)
        grouped = [(deck, [(topic.key, topic.name) for topic in inside]) for deck, inside in by_deck]
        choices = grouped[0][1] if len(grouped) == 1 else grouped
        if data.get("q") == "":  # the search link and the / key ask for an empty search: type at once
            self.fields["q"].widget.attrs["autofocus"] = True
        self.fields["topic"].choices = [("", "All topics"), *choices]  # type: ignore[attr-defined]

    def search(self) -> browsing.Search:
        """Return what to look for."""
        self.is_valid()
        given = self.cleaned_data
        return browsing.Search(
            text=given.get("q", ""),
            topic=given.get("topic", ""),
            state=given.get("state", ""),
            order=given.get("order", ""),
        )


class VersionForm(forms.Form):
    """The version of the card's schedule that was on the page."""

    version = forms.IntegerField(
        min_value=0, max_value=2**31 - 1, error_messages=INCOMPLETE, widget=forms.HiddenInput
    )


def day_field(label: str, required: str, invalid: str) -> forms.DateField:
    """Return a field for a day in the browser's own control, with a sentence for each mistake."""
    return forms.DateField(
        label=label,
        error_messages={"required": required, "invalid": invalid},
        widget=forms.DateInput(attrs={"type": "date", "class": "in in--md"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )


class DueForm(VersionForm):
    """A new due day."""

    due_on = day_field("Due day", "Choose a day.", "Choose a day, such as 2026-12-31.")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **(kwargs | {"label_suffix": ""}))
        self.first, self.last = today, today + timedelta(days=FARTHEST_DUE)
        self.fields["due_on"].widget.attrs |= {"min": str(self.first), "max": str(self.last)}

    def clean_due_on(self) -> date:
        """Refuse the past and what is beyond a lifetime."""
        due_on: date = self.cleaned_data["due_on"]
        if not self.first <= due_on <= self.last:
            raise forms.ValidationError("Choose a day from today to 100 years ahead.")
        return due_on


class LinesField(forms.CharField):
    """Text of several lines, kept as it was typed; a browser's line ends become single ones."""

    def to_python(self, value: Any) -> str:
        """Return the text."""
        return str(super().to_python(value)).replace("\r\n", "\n")


class NoteForm(forms.Form):
    """The learner's note, and which edition of it they had before them."""

    text = LinesField(
        label="Your note",
        help_text=(
            "Markdown works: **bold**, `code`, lists, and $a^2$ for a formula. Save it empty to delete it."
        ),
        required=False,
        strip=False,
        max_length=notes.MAX_NOTE,
        error_messages=NO_NULS
        | {"max_length": "Shorten the note to %(limit_value)d characters; it has %(show_value)d."},
        widget=forms.Textarea(attrs={"class": "in", "rows": 12}),
    )
    seen = forms.RegexField(
        r"^\d{1,18}\.\d{1,9}$", required=False, error_messages=INCOMPLETE, widget=forms.HiddenInput
    )
