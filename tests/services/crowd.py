"""Learners by the thousand whose hour has just come, and what has become of their mails."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import count
from uuid import uuid4
from zoneinfo import ZoneInfo

from allauth.account.models import EmailAddress

from accounts.models import User
from flashcards.models import Reminder, ReviewState
from tests import making
from tests.running.smtp_sink import Attempt

SILENT = 50  # one learner more in so many is to get no mail
UNFINISHED = (Reminder.State.DUE, Reminder.State.SENDING)

_crowds = count(1)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who is to get a mail and who isn't, by addresses."""

    wanted: frozenset[str]
    silent: frozenset[str]


def crowd(many: int, now: datetime) -> Crowd:
    """Store so many learners who are to be reminded now, at noon of their day, and a few who aren't.

    Two in three have a card due, the others have never begun.
    """
    zone, slot = _noon(now)
    name = f"{next(_crowds)}-{uuid4().hex[:6]}"
    fields_of = {"time_zone": zone, "remind_at": slot, "reminders": True, "password": "!"}
    wanted = [User(email=f"learner{n}-{name}@example.org", **fields_of) for n in range(many)]
    silent = [User(email=f"silent{n}-{name}@example.org", **fields_of) for n in range(many // SILENT)]
    for who in silent:
        who.reminders = False
    saved = User.objects.bulk_create(wanted + silent)
    EmailAddress.objects.bulk_create(
        EmailAddress(user=who, email=who.email, primary=True, verified=True) for who in saved
    )
    _make_due([who for n, who in enumerate(saved) if n % 3], now)
    return Crowd(*(frozenset(who.email for who in people) for people in (wanted, silent)))


def _noon(now: datetime) -> tuple[str, int]:
    """Return a zone in which it is about noon, and the half hour that has come there."""
    # POSIX signs: Etc/GMT-3 is three hours ahead.
    zone = f"Etc/GMT{now.hour - 12:+d}" if now.hour != 12 else "UTC"
    wall = now.astimezone(ZoneInfo(zone))
    return zone, 2 * wall.hour + wall.minute // 30


def _make_due(people: Iterable[User], now: datetime) -> None:
    card = making.card()
    columns = {"repetitions": 3, "interval": 15, "version": 3, "shuffle": 0, "due_on": now.date()}
    days = {"introduced_on": 22, "last_reviewed_on": 15}
    dates = {name: now.date() - timedelta(days=ago) for name, ago in days.items()}
    ReviewState.objects.bulk_create(ReviewState(learner=who, card=card, **columns, **dates) for who in people)


def unfinished(of: Crowd) -> int:
    """Return how many of the wanted mails aren't listed yet, or have no final state."""
    states = Counter(Reminder.objects.filter(learner__email__in=of.wanted).values_list("state", flat=True))
    return len(of.wanted) - states.total() + sum(states[state] for state in UNFINISHED)


@dataclass(frozen=True, slots=True)
class Findings:
    """What became of a crowd's mails.

    `lost`: never kept, and no mail server said that it won't be; `doubled`: kept under two Message-IDs;
    `copies`: kept again under the same one; `untold`: kept without a word; `unwanted`: to somebody who was to
    get none; `relisted`: rows beyond a learner's first; `wrong`: rows that say another thing than happened;
    `troubles`: what is wrong with mails.
    """

    sent: int
    refused: int
    lost: int
    doubled: int
    copies: int
    untold: int
    unwanted: int
    relisted: int
    wrong: int
    unfinished: int
    troubles: tuple[str, ...]

    def faults(self, kills: int = 0) -> list[str]:
        """Return what must not be; each kill may have hit a worker between a mail's end and its note."""
        allowed = {"copies": self.untold + kills}
        looked_at = ("lost", "doubled", "copies", "unwanted", "relisted", "wrong", "unfinished")
        found = [
            f"{name}: {many}" for name in looked_at if (many := getattr(self, name)) > allowed.get(name, 0)
        ]
        return found + list(self.troubles)

    def figures(self) -> list[tuple[str, object]]:
        """Return all of it by name."""
        return [(one.name, getattr(self, one.name)) for one in fields(self)]


def findings(of: Crowd, attempts: Iterable[Attempt]) -> Findings:
    """Compare what the mail server kept and said with what the database says."""
    ids, kept, untold, troubles = defaultdict[str, list[str]](list), 0, 0, set[str]()
    refused = set[str]()
    for attempt in attempts:
        people = set(attempt.recipients.split()) & (of.wanted | of.silent)
        if people and attempt.kept:
            kept, untold = kept + 1, untold + (attempt.told[:1] != "2")
            troubles |= {attempt.trouble} - {""}
            for address in people:
                ids[address].append(attempt.message_id)
        if people and attempt.told[:1] == "5":
            refused |= people
    rows = list(Reminder.objects.filter(learner__email__in=of.wanted).values_list("learner__email", "state"))
    states = Counter(state for _, state in rows)
    return Findings(
        sent=states[Reminder.State.SENT],
        refused=states[Reminder.State.REFUSED],
        lost=len(of.wanted - ids.keys() - refused),
        doubled=sum(len(set(held)) > 1 for held in ids.values()),
        copies=sum(len(held) - len(set(held)) for held in ids.values()),
        untold=untold,
        unwanted=len(of.silent & ids.keys()),
        relisted=len(rows) - len(dict(rows)),
        wrong=_wrong(rows, set(ids), refused),
        unfinished=unfinished(of),
        troubles=tuple(sorted(troubles)),
    )


def _wrong(rows: list[tuple[str, str]], reached: set[str], refused: set[str]) -> int:
    backed = {Reminder.State.SENT: reached, Reminder.State.REFUSED: refused}
    final = [(address, Reminder.State(state)) for address, state in rows if state not in UNFINISHED]
    return sum(address not in backed.get(state, set()) for address, state in final)
