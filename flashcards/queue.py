"""What to show today: counts and the next card, from one definition, read from the database each time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from flashcards import queue_sql
from flashcards.history import schedule_of
from flashcards.models import Card, Note, ReviewState
from flashcards.queue_sql import Found, Joined
from flashcards.scheduling import days, schedule
from flashcards.scheduling.schedule import Kind, Schedule

BEGINNER_ANSWERS = 10


@dataclass(frozen=True, slots=True)
class Counts:
    """What today holds for a learner, in cards.

    `due`, `new` and `drills` are what is left to answer; `waiting` are all due reviews, also those past
    the daily limit; `reviewed` and `started` were answered today, `done` of them owe nothing more.
    `first_new` is the next card to start, whatever the limit; `answers` are all events ever, up to ten.
    """

    due: int
    new: int
    drills: int
    waiting: int
    reviewed: int
    started: int
    done: int
    answers: int
    first_new: int | None

    @property
    def left(self) -> int:
        """Cards still to answer today."""
        return self.due + self.new + self.drills

    @property
    def total(self) -> int:
        """Cards of today, answered or not."""
        return self.done + self.left

    @property
    def place(self) -> int:
        """Which card of today is the next one, counted from 1."""
        return self.done + 1

    @property
    def over_limit(self) -> bool:
        """Whether the backlog is larger than the daily limit, which holds back new cards."""
        return self.waiting > self.due


@dataclass(frozen=True, slots=True)
class Item:
    """A card as it is put before a learner: its schedule, what an answer would be, and their note.

    `day` is the study day an answer would count for: today, or a later one that the card has already seen.
    """

    card: Card
    state: ReviewState | None
    schedule: Schedule
    kind: Kind
    day: date
    version: int
    note: Note | None


def today_of(learner: User, now: datetime) -> date:
    """Return the learner's study day at this instant."""
    return days.study_day(now, learner.time_zone, learner.day_start)


def active(learner: User | int) -> QuerySet[ReviewState]:
    """Return the rows of the cards that are neither suspended nor retired; buried ones are active."""
    return ReviewState.objects.filter(learner=learner, suspended=False, card__retired=False)


def due(learner: User, today: date) -> QuerySet[ReviewState]:
    """Return the reviews that are due, oldest day first, in a stable shuffle inside a day."""
    return _not_buried(active(learner).filter(due_on__lte=today), today).order_by("due_on", "shuffle", "id")


def new(learner: User, today: date) -> QuerySet[Card]:
    """Return the cards not yet started, in deck order."""
    out_of_reach = ReviewState.objects.filter(learner=learner, card=OuterRef("pk")).filter(
        Q(due_on__isnull=False) | Q(suspended=True) | Q(buried_on=today)
    )
    fresh = Card.objects.filter(~Exists(out_of_reach), retired=False)
    return fresh.order_by("deck_number", "position", "id")


def drills(learner: User, today: date) -> QuerySet[ReviewState]:
    """Return the cards that owe a repeat today, longest unanswered first."""
    owing = active(learner).filter(last_reviewed_on=today, drill=True, due_on__gt=today)
    return _not_buried(owing, today).order_by("last_answered_at", "id")


def look(learner: User, today: date) -> tuple[Counts, Item | None]:
    """Return what today holds and the card to show now, None when today is done; in one statement."""
    most_new = learner.new_cards_per_day
    found = queue_sql.look(learner, today, most_new=max(1, most_new), most_ever=BEGINNER_ANSWERS)
    left = _limited(learner, found)
    kind = _next_kind(left)
    first = found[kind].first if kind else None
    return left, _item(first, today) if first else None


def counts(learner: User, today: date) -> Counts:
    """Return what today holds."""
    return look(learner, today)[0]


def item(learner: User, card_id: int, today: date) -> Item | None:
    """Return this card as it stands for the learner, in one statement; None when there is no such card."""
    found = queue_sql.one(learner, card_id)
    return _item(found, today) if found else None


def _item(found: Joined, today: date) -> Item:
    held = schedule_of(found.state) if found.state else schedule.NEW
    day = max(today, held.last_reviewed_on or today)
    return Item(
        card=found.card,
        state=found.state,
        schedule=held,
        kind=schedule.answer_kind(held, day),
        day=day,
        version=found.state.version if found.state else 0,
        note=found.note,
    )


def _limited(learner: User, found: Mapping[str, Found]) -> Counts:
    due, new, drill = (found.get(kind, Found()) for kind in ("due", "new", "drill"))
    reviewed = drill.answered - drill.started
    due_left = min(due.cards, max(0, learner.reviews_per_day - reviewed))
    new_left = min(new.cards, max(0, learner.new_cards_per_day - drill.started))
    return Counts(
        due=due_left,
        new=0 if due.cards > due_left else new_left,
        drills=drill.cards,
        waiting=due.cards,
        reviewed=reviewed,
        started=drill.started,
        done=drill.answered - drill.owing,
        answers=found["ever"].cards,
        first_new=new.card,
    )


def _next_kind(left: Counts) -> str | None:
    """Choose between the kinds: new card number k comes after k/(n+1) of the day's reviews."""
    if left.new and left.reviewed * (left.started + left.new + 1) >= (left.started + 1) * (
        left.reviewed + left.due
    ):
        return "new"
    if left.due:
        return "due"
    return "new" if left.new else "drill" if left.drills else None


def _not_buried(states: QuerySet[ReviewState], today: date) -> QuerySet[ReviewState]:
    return states.filter(Q(buried_on__isnull=True) | ~Q(buried_on=today))
