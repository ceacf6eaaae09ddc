"""The form of the settings page."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from accounts import time_zones
from accounts.models import User


def whole_number(label: str, most: int, hint: str, least: int = 0) -> forms.IntegerField:
    """Return a field for `least` to `most` that keeps what was typed, with one sentence for all mistakes."""
    wrong = f"{label} must be a whole number between {least} and {most}."
    return forms.IntegerField(
        label=label,
        help_text=hint,
        min_value=least,
        max_value=most,
        widget=forms.TextInput(attrs={"class": "in in--sm", "inputmode": "numeric", "autocomplete": "off"}),
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), wrong),
    )


class StudySettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """How a learner, or a guest, likes to study."""

    time_zone = forms.ChoiceField(
        label="Time zone",
        widget=forms.Select(attrs={"class": "in in--md"}),
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose a time zone from the list."),
    )
    day_start = forms.TypedChoiceField(
        label="Start of the study day",
        help_text="Until this hour, what you answer still counts for the day before.",
        choices=[(hour, f"{hour:02}:00") for hour in range(7)],
        coerce=int,
        widget=forms.Select(attrs={"class": "in in--md"}),
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose an hour from 00:00 to 06:00."),
    )
    new_cards_per_day = whole_number(
        "New cards a day", 200, "A card you know comes back about four times in its first two months."
    )
    reviews_per_day = whole_number("Reviews a day", 2000, "What is due beyond this waits for the next day.")
    theme = forms.ChoiceField(
        label="Theme",
        choices=User.Theme.choices,
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose one of the three themes."),
    )
    single_keys = forms.BooleanField(
        label="Single-key shortcuts",
        required=False,
        help_text="Use 1 to 4, Space and letter keys in review",
    )

    class Meta:
        model = User
        fields = ["time_zone", "day_start", "new_cards_per_day", "reviews_per_day", "theme", "single_keys"]

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.instance.time_zone
        field = self.fields["time_zone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = time_zones.choices(zone)
        field.help_text = f"It’s {now.astimezone(ZoneInfo(zone)):%H:%M} there now."
        if zone == "UTC":
            field.help_text += " We start with UTC when your browser doesn’t tell us where you are."
