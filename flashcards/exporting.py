"""All of a learner's data as JSON, piece by piece; docs/export.md describes the format.

Every column goes out but the database's own ids (a test keeps the lists below complete). The order of
the cards is that of their making, the order of a log is that of its events, on each export the same.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import Count, Exists, OuterRef, Q

from accounts import events
from accounts.models import User
from flashcards.models import Card, DayStat, Interview, Note, Reminder, ReviewLog, ReviewState, Topic

FORMAT: Final = "engram-export"
VERSION: Final = 1
CHUNK: Final = 20

CARD: Final = {"key": "key", "deck": "topic__deck__key", "topic": "topic__key", "question": "question"}
ACCOUNT: Final = (
    "email is_guest joined_at last_login time_zone day_start new_cards_per_day reviews_per_day theme "
    "single_keys interview_on break_from break_until reminders remind_at remind_days remind_from_cards "
    "weekly_summary snoozed_to mail_from_on mails_unanswered refused_email"
).split()
STATE: Final = (
    "repetitions ease interval drill due_on own_due_on introduced_on last_reviewed_on last_answered_at "
    "lapses stability difficulty remembered_on version shuffle suspended buried_on"
).split()
DAY: Final = "day answers tested recalled mature_tested mature_recalled unbroken".split()
INTERVIEW: Final = ("company", "role", "on")
MAIL: Final = (
    "kind intended_on state message_id expires_at next_try_at queued_at lease_until tries sent_at reason"
).split()
EVENT: Final = (
    "sequence kind grade at zone study_day thinking_ms reading_ms submission undoes batch predicted "
    "for_retention interval_before repetitions ease interval drill due_on lapses scheduler scheduler_version"
).split()


def export(learner: User, now: datetime) -> Iterator[str]:
    """Yield the JSON text of everything that is stored about the learner, a card with its log at a time."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": now,
        "account": _account(learner),
        "interviews": _interviews(learner),
        "events": events.exported(learner),
        "mails": list(Reminder.objects.filter(learner=learner).order_by("intended_on", "kind").values(*MAIL)),
        "days": list(DayStat.objects.filter(learner=learner).order_by("day").values(*DAY)),
        "topics": _topics(),
    }
    yield _json(head).removesuffix("}") + ', "cards": ['
    separator = "\n"
    for card in _cards(learner):
        yield separator + _json(card)
        separator = ",\n"
    yield "\n]}\n"


def _account(learner: User) -> dict[str, Any]:
    addresses = EmailAddress.objects.filter(user=learner).order_by("email")
    return {
        **{name: getattr(learner, name) for name in ACCOUNT},
        "addresses": list(addresses.values("email", "verified", "primary")),
    }


def _interviews(learner: User) -> list[dict[str, Any]]:
    mine = Interview.objects.filter(learner=learner).order_by("on", "pk")
    return [
        {
            **{name: getattr(interview, name) for name in INTERVIEW},
            "weights": {row.topic.key: row.weight for row in interview.weights.all()},
        }
        for interview in mine.prefetch_related("weights__topic")
    ]


def _topics() -> list[dict[str, Any]]:
    """Return every topic with how many cards it has: those not yet started count in the figures too."""
    cards = Count("cards", filter=Q(cards__retired=False))
    topics = Topic.objects.annotate(n=cards).order_by("deck_id", "position")
    return [{"topic": topic.key, "cards": topic.n} for topic in topics]


def _cards(learner: User) -> Iterator[dict[str, Any]]:
    """Yield the cards that the learner has a state or a note on, a few statements for CHUNK of them."""
    for cards in _chunks(learner):
        mine = {"learner": learner, "card__in": [card["id"] for card in cards]}
        states = {row["card"]: row for row in ReviewState.objects.filter(**mine).values("id", "card", *STATE)}
        notes = dict(Note.objects.filter(**mine).values_list("card", "text"))
        logs = _logs(states.values())
        for card in cards:
            state = states.get(card["id"])
            yield {
                **{name: card[path] for name, path in CARD.items()},
                "state": state and {name: state[name] for name in STATE},
                "note": notes.get(card["id"]),
                "log": logs.get(state["id"], []) if state else [],
            }


def _chunks(learner: User) -> Iterator[list[dict[str, Any]]]:
    known = ReviewState.objects.filter(learner=learner, card=OuterRef("pk"))
    noted = Note.objects.filter(learner=learner, card=OuterRef("pk"))
    cards = Card.objects.filter(Exists(known) | Exists(noted)).order_by("pk").values("id", *CARD.values())
    last = 0
    while chunk := list(cards.filter(pk__gt=last)[:CHUNK]):
        yield chunk
        last = chunk[-1]["id"]


def _logs(states: Iterable[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """Return each state's events.

    An answer given since the states were read is left out: with `version` events the log is the one that
    the state is folded from.
    """
    versions = {state["id"]: state["version"] for state in states}
    rows = (
        ReviewLog.objects.filter(state__in=list(versions))
        .order_by("state", "sequence")
        .values("state", *EVENT)
    )
    return {
        state: [{name: row[name] for name in EVENT} for row in events if row["sequence"] <= versions[state]]
        for state, events in groupby(rows.iterator(), key=lambda row: row["state"])
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: date | UUID) -> str:
    """Return dates and instants as ISO 8601, to the microsecond, and a submission as its usual text."""
    return value.isoformat() if isinstance(value, date) else str(value)
