"""The reminders of the settings page: their form, what the learner is told, when a change takes effect."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms

from accounts.models import User
from accounts.study_settings import whole_number

WEEKDAYS: Final = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONDAY: Final = 0b1
HALF_HOURS: Final = [(slot, f"{slot // 2:02}:{slot % 2 * 30:02}") for slot in range(48)]
STOPPED_AFTER: Final = 7  # mails that no answer followed
FIELDS: Final = ["reminders", "remind_at", "remind_days", "remind_from_cards", "weekly_summary"]
ONE_DAY: Final = timedelta(days=1)
FARTHEST: Final = 70  # days: a break is 60 at most, and a weekday comes within 7


class ReminderSettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """Which mails a learner wants, and when."""

    reminders = forms.BooleanField(
        label="Daily reminder",
        required=False,
        help_text="Send me a short mail when cards are due",
    )
    remind_at = forms.TypedChoiceField(
        label="Hour",
        help_text="In the time zone above.",
        choices=HALF_HOURS,
        coerce=int,
        widget=forms.Select(attrs={"class": "in in--sm"}),
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose a time from the list."),
    )
    remind_days = forms.TypedMultipleChoiceField(
        label="Days",
        required=False,
        choices=list(enumerate(WEEKDAYS)),
        coerce=int,
        empty_value=[],
        widget=forms.CheckboxSelectMultiple,
        error_messages=dict.fromkeys(("invalid_choice", "invalid_list"), "Choose days of the week."),
    )
    remind_from_cards = whole_number("Fewest cards", 200, "With fewer than this, no mail comes.", least=1)
    weekly_summary = forms.BooleanField(
        label="Weekly summary",
        required=False,
        help_text="Send me a summary on Mondays",
    )

    class Meta:
        model = User
        fields = FIELDS

    def __init__(self, data: Any = None, *, instance: User) -> None:
        """Make the form of a learner; `stored` keeps what they had, for the form writes into them."""
        self.stored: Mapping[str, Any] = {name: getattr(instance, name) for name in FIELDS}
        days = [day for day in range(len(WEEKDAYS)) if instance.remind_days >> day & 1]
        super().__init__(data, instance=instance, initial={"remind_days": days})
        self.fields["remind_days"].template_name = "accounts/_weekdays.html"  # type: ignore[attr-defined]

    def clean_remind_days(self) -> int:
        """Return the days as the bits of User.remind_days."""
        return sum(1 << day for day in set(self.cleaned_data["remind_days"]))

    def clean(self) -> dict[str, Any]:
        """Refuse reminders without a day on which they could come."""
        given = super().clean() or {}
        if given.get("reminders") and given.get("remind_days") == 0:
            self.add_error("remind_days", "Choose at least one day, or turn the daily reminder off.")
        return given


@dataclass(frozen=True, slots=True)
class Standing:
    """What is to be said of a learner's mails: why none comes, or the day on which the next may come.

    `unconfirmed` and `refused` are said of the address. `stopped`: so many mails went unanswered that no more
    is written. `snoozed_to` is None when it puts nothing off; `reminder_on` and `summary_on` are None where
    none will come as things stand.
    """

    unconfirmed: bool
    refused: bool
    stopped: bool
    hour: str
    snoozed_to: date | None
    reminder_on: date | None
    summary_on: date | None

    @property
    def next_known(self) -> bool:
        """Whether a mail will come as things stand."""
        return bool(self.reminder_on or self.summary_on)

    @property
    def anything(self) -> bool:
        """Whether there is anything to say."""
        return self.unconfirmed or self.refused or self.stopped or bool(self.snoozed_to) or self.next_known


def keep(form: ReminderSettingsForm, now: datetime) -> None:
    """Save what a valid form changed; the learner's row must be locked since the form was made.

    Mails that are switched on anew, or that had stopped because none was answered, begin afresh.
    """
    learner, stored = form.instance, form.stored
    changed = {name for name in FIELDS if getattr(learner, name) != stored[name]}
    some_before = stored["reminders"] or stored["weekly_summary"]
    anew = (learner.reminders and not stored["reminders"]) or (learner.weekly_summary and not some_before)
    if afresh := anew or learner.mails_unanswered >= STOPPED_AFTER:
        learner.mail_from_on, learner.mails_unanswered = None, 0
        changed |= {"mail_from_on", "mails_unanswered"}
    if afresh or changed & {"reminders", "remind_at", "remind_days", "weekly_summary"}:
        learner.snoozed_to = not_before(learner, now, anew=afresh)
        changed.add("snoozed_to")
    learner.save(update_fields=changed)


def not_before(learner: User, now: datetime, *, anew: bool = False) -> date | None:
    """Return the `snoozed_to` that a change of when mails come leads to: no mail for an hour that has passed.

    A snooze is never made shorter, but ends when mails are switched on `anew`. Days are local dates.
    """
    here = now.astimezone(ZoneInfo(learner.time_zone))
    chosen = None if anew else learner.snoozed_to
    start = datetime.combine(here.date(), time(*divmod(30 * learner.remind_at, 60)), tzinfo=here.tzinfo)
    # Where the clocks skip the hour, the wall clock says when it has passed; where they show it twice, the
    # instant of the first of the two.
    passed = here.replace(tzinfo=None) >= start.replace(tzinfo=None) or now >= start.astimezone(UTC)
    tomorrow = here.date() + ONE_DAY
    return max(chosen or tomorrow, tomorrow) if passed else chosen


def hour_of(learner: User) -> str:
    """Return the local time of day at which the learner's mails come: "08:00"."""
    return HALF_HOURS[learner.remind_at][1]


def standing(learner: User, now: datetime, *, confirmed: bool) -> Standing:
    """Return what is to be said of a learner's mails; `confirmed` whether their address is."""
    refused = bool(learner.email) and learner.refused_email == learner.email
    stopped = learner.mails_unanswered >= STOPPED_AFTER
    first = _first_day(learner, now)
    snoozed = learner.snoozed_to if learner.snoozed_to and learner.snoozed_to > first else None
    flowing = confirmed and not refused and not stopped
    return Standing(
        unconfirmed=not confirmed,
        refused=refused,
        stopped=stopped,
        hour=hour_of(learner),
        snoozed_to=snoozed,
        reminder_on=_next_day(learner, learner.remind_days, now) if flowing and learner.reminders else None,
        summary_on=_next_day(learner, MONDAY, now) if flowing and learner.weekly_summary else None,
    )


def _first_day(learner: User, now: datetime) -> date:
    """Return the first local date whose half hour is still to come."""
    return not_before(learner, now, anew=True) or now.astimezone(ZoneInfo(learner.time_zone)).date()


def _next_day(learner: User, weekdays: int, now: datetime) -> date | None:
    starts = (_first_day(learner, now), learner.snoozed_to, learner.mail_from_on)
    first = max(start for start in starts if start)
    ahead = (first + n * ONE_DAY for n in range(FARTHEST))
    return next((day for day in ahead if weekdays >> day.weekday() & 1 and not _off(learner, day)), None)


def _off(learner: User, day: date) -> bool:
    """Whether the half hour of this local date lies in the learner's break, which is one of study days."""
    if learner.break_from is None or learner.break_until is None:
        return False
    before_start = learner.remind_at // 2 < learner.day_start
    study_day = day - ONE_DAY if before_start else day
    return any(learner.break_from <= each <= learner.break_until for each in (day, study_day))
