"""The words of the daily reminder, and how a mail is built: HTML and text from one context."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import get_template
from django.urls import reverse

from accounts.models import EVERY_DAY, User
from accounts.reminder_settings import WEEKDAYS, hour_of
from flashcards import progress, queue
from flashcards.models import Reminder
from flashcards.queue import Counts, Item
from flashcards.reminders import links, words
from flashcards.wording import counted

LONGEST_PREHEADER: Final = 90  # characters, about what a list of mails shows
MONDAY_TO_FRIDAY: Final = 0b0011111
INVITATION: Final = (
    "You’ll see a question, say the answer, then grade yourself. Cards you find hard come back sooner."
)


@dataclass(frozen=True, slots=True)
class Written:
    """What a mail says, once as plain text and once as HTML."""

    subject: str
    text: str
    html: str


def daily(learner: User, looked: tuple[Counts, Item | None], today: date, *, last: bool) -> Written:
    """Return the daily reminder, in two statements at most; `last`: no other follows until an answer.

    `looked` is what queue.look(learner, today) returned, with at least one card left. Whoever has never
    answered is invited to begin. The plan must have been settled, so that the interview isn't over.
    """
    counts, first_up = looked
    left, never_began = counts.left, not counts.answers
    minutes = counted(progress.minutes(learner, left, today), "minute")
    cards = _first_cards(left) if never_began else counted(left, "card")
    subject = f"{cards}{'' if never_began else ' today'}, about {minutes}"
    question = words.plain(first_up.card.question) if first_up else ""
    context = {
        "subject": f"The last reminder for now: {subject[0].lower()}{subject[1:]}" if last else subject,
        "preheader": words.cut(f"First up: {question}" if question else subject, LONGEST_PREHEADER),
        "last": last,
        "unanswered": learner.mails_unanswered,
        "heading": f"{cards} {_is(left)} ready, about {minutes}.",
        "about": INVITATION if never_began else _kinds(learner, counts, today),
        "interview": interview_in(learner.interview_on, today),
        "question": question,
        "button": f"{'Start with' if never_began else 'Review'} {counted(left, 'card')}",
        "why": _why(learner),
    }
    return rendered("daily", learner, context)


def rendered(kind: str, learner: User, context: dict[str, Any]) -> Written:
    """Return both parts of a mail of this kind, with the links that each of its kind has."""
    snooze = links.snooze_url(learner.pk)
    whole = context | {
        "review_url": f"{settings.BASE_URL}{reverse('review')}",
        "dashboard_url": f"{settings.BASE_URL}{reverse('dashboard')}",
        "settings_url": f"{settings.BASE_URL}{reverse('settings')}#reminders",
        "snooze_day_url": f"{snooze}?for=day",
        "snooze_week_url": f"{snooze}?for=week",
        "unsubscribe_url": links.unsubscribe_url(learner.pk, kind),
    }
    text, html = (get_template(f"mails/{kind}.{part}").render(whole) for part in ("txt", "html"))
    return Written(context["subject"], text, html)


def message(learner: User, kind: str, written: Written, message_id: str) -> EmailMultiAlternatives:
    """Return the mail to the learner's address, with the headers of RFC 2919, 3834 and 8058."""
    named = Reminder.Kind(kind)
    mail = EmailMultiAlternatives(
        subject=written.subject,
        body=written.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[learner.email],
        headers={
            "Message-ID": message_id,
            "List-Unsubscribe": f"<{links.unsubscribe_url(learner.pk, kind)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": f"{named.label} <{named.value}.{urlsplit(settings.BASE_URL).hostname}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(written.html, "text/html")
    return mail


def interview_in(on: date | None, today: date) -> str:
    """Say when an interview is, as the end of a sentence; nothing without one to come."""
    if on is None or on < today:
        return ""
    days = (on - today).days
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days:,} days")


def _kinds(learner: User, counts: Counts, today: date) -> str:
    """Say what sorts of cards are left; the late ones go before those that are due today, as in the queue."""
    overdue = queue.due(learner, today).filter(due_on__lt=today).count() if counts.due else 0
    late = min(overdue, counts.due)
    kinds = {"late": late, "due": counts.due - late, "new": counts.new}
    said = [f"{count:,} {_is(count)} {kind}" for kind, count in kinds.items() if count]
    if counts.drills:
        said.append(f"{counts.drills:,} {'comes' if counts.drills == 1 else 'come'} once more")
    if len(said) == 1:
        _, rest = said[0].split(" ", 1)
        return f"It {rest}." if counts.left == 1 else f"All of them {rest}."
    return f"{', '.join(said)}."


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _first_cards(count: int) -> str:
    return "Your first card" if count == 1 else f"Your first {counted(count, 'card')}"


def _why(learner: User) -> str:
    """Say when and why the mail comes, as far as the learner has chosen it."""
    least = learner.remind_from_cards
    cards = "cards" if least == 1 else f"at least {counted(least, 'card')}"
    at = words.time_in(hour_of(learner), learner.time_zone)
    return (
        f"You get this at {at} on {_weekdays(learner.remind_days)} when {cards} are due, "
        "because you turned reminders on."
    )


def _weekdays(bits: int) -> str:
    if bits in (0, EVERY_DAY):  # without any, one comes on request only
        return "days"
    if bits == MONDAY_TO_FRIDAY:
        return "weekdays"
    return words.listed([f"{name}s" for n, name in enumerate(WEEKDAYS) if bits >> n & 1])
