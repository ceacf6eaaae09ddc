"""All of a learner's data as JSON, piece by piece; docs/export.md describes the format.

Every column goes out but the database's own ids (a test keeps the lists below complete). The order of
the cards is that of their making, the order of a log is that of its events, on each export the same.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import Count, Q

from accounts import events
from accounts.models import User
from accounts.rows import LARGEST_KEY
from flashcards.models import Card, DayStat, Interview, Note, Reminder, ReviewLog, ReviewState, Topic

FORMAT: Final = "engram-export"
VERSION: Final = 1
# What one portion holds at most: cards, notes, and events, unless a single card has more of these.
CARDS: Final = 200
NOTES: Final = 50
EVENTS: Final = 2_000

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
    """Yield the cards that the learner has a state or a note on, four statements for a portion of them."""
    for states, notes in _portions(learner):
        known = sorted({*states, *notes})
        cards = Card.objects.filter(pk__in=known).order_by("pk").values("id", *CARD.values())
        logs = _logs(states.values())
        for card in cards:
            state = states.get(card["id"])
            yield {
                **{name: card[path] for name, path in CARD.items()},
                "state": state and {name: state[name] for name in STATE},
                "note": notes.get(card["id"]),
                "log": logs.get(state["id"], []) if state else [],
            }


def _portions(learner: User) -> Iterator[tuple[dict[int, dict[str, Any]], dict[int, str]]]:
    """Yield states and notes by card, so many cards at a time that neither they nor their events are many.

    Each portion goes on by an index from the last card of the one before.
    """
    all_states = ReviewState.objects.filter(learner=learner).order_by("card").values("id", "card", *STATE)
    all_notes = Note.objects.filter(learner=learner).order_by("card").values_list("card", "text")
    last = 0
    while last < LARGEST_KEY:
        states = list(all_states.filter(card__gt=last)[:CARDS])
        events = accumulate(state["version"] for state in states)
        few = sum(1 for before in events if before <= EVENTS) or 1
        cut = few < len(states) or len(states) == CARDS
        until = states[few - 1]["card"] if cut else LARGEST_KEY
        notes = dict(all_notes.filter(card__gt=last, card__lte=until)[:NOTES])
        if len(notes) == NOTES:
            until = max(notes)
        yield {state["card"]: state for state in states if state["card"] <= until}, notes
        last = until


def _logs(states: Iterable[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """Return each state's events.

    An answer given since the states were read is left out: with `version` events the log is the one that
    the state is folded from.
    """
    versions = {state["id"]: state["version"] for state in states}
    rows = (
        ReviewLog.objects.filter(state__in=list(versions))
        .order_by("state", "sequence")
        .values_list("state", *EVENT)
    )
    assert EVENT[0] == "sequence"
    return {
        state: [dict(zip(EVENT, row, strict=True)) for _, *row in events if row[0] <= versions[state]]
        for state, events in groupby(rows, key=itemgetter(0))
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: date | UUID) -> str:
    """Return dates and instants as ISO 8601, to the microsecond, and a submission as its usual text."""
    return value.isoformat() if isinstance(value, date) else str(value)
