"""What to show today: counts and the next card, from one definition, read from the database each time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Exists, FilteredRelation, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from flashcards.history import schedule_of
from flashcards.models import Card, Note, ReviewLog, ReviewState
from flashcards.scheduling import days, schedule
from flashcards.scheduling.schedule import Kind, Schedule

BEGINNER_ANSWERS = 10


@dataclass(frozen=True, slots=True)
class Counts:
    """What today holds for a learner, in cards.

    `due`, `new` and `drills` are what is left to answer; `waiting` are all due reviews, also those past
    the daily limit; `reviewed` and `started` were answered today, `done` of them owe nothing more. The
    last three name the first card of each kind. `answers` are all events ever, counted up to ten.
    """

    due: int
    new: int
    drills: int
    waiting: int
    reviewed: int
    started: int
    done: int
    answers: int
    first_due: int | None
    first_new: int | None
    first_drill: int | None

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


def active(learner: User) -> QuerySet[ReviewState]:
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
    return fresh.order_by("topic__deck_id", "position", "id")


def drills(learner: User, today: date) -> QuerySet[ReviewState]:
    """Return the cards that owe a repeat today, longest unanswered first."""
    owing = active(learner).filter(last_reviewed_on=today, drill=True, due_on__gt=today)
    return _not_buried(owing, today).order_by("last_answered_at", "id")


def counts(learner: User, today: date) -> Counts:
    """Count what today holds, in one statement."""
    answered = ReviewState.objects.filter(learner=learner, last_reviewed_on=today)
    fresh = Card.objects.filter(pk__in=new(learner, today).values("pk")[: learner.new_cards_per_day])
    ever = ReviewLog.objects.filter(learner=learner)
    row = (
        User.objects.filter(pk=learner.pk)
        .values(
            n_waiting=_count(due(learner, today)),
            n_new=_count(fresh),
            n_drills=_count(drills(learner, today)),
            n_started=_count(answered.filter(introduced_on=today)),
            n_answered=_count(answered),
            n_owing=_count(answered.filter(drill=True)),
            n_answers=_count(ReviewLog.objects.filter(pk__in=ever.values("pk")[:BEGINNER_ANSWERS])),
            first_due=Subquery(due(learner, today).values("card_id")[:1]),
            first_new=Subquery(new(learner, today).values("pk")[:1]),
            first_drill=Subquery(drills(learner, today).values("card_id")[:1]),
        )
        .get()
    )
    return _limited(learner, row)


def next_item(learner: User, today: date, left: Counts, on_top: int | None = None) -> Item | None:
    """Return the card to show now, None when today is done; `on_top` (a card) goes before all others."""
    card = on_top or _next_card(left)
    return item(learner, card, today) if card else None


def item(learner: User, card_id: int, today: date) -> Item | None:
    """Return this card as it stands for the learner, in one statement; None when there is no such card."""
    card = (
        Card.objects.filter(pk=card_id, retired=False)
        .annotate(
            mine=FilteredRelation("states", condition=Q(states__learner=learner)),
            my_note=FilteredRelation("notes", condition=Q(notes__learner=learner)),
        )
        .select_related("topic", "mine", "my_note")
        .first()
    )
    if card is None:
        return None
    state: ReviewState | None = getattr(card, "mine", None)
    held = schedule_of(state) if state else schedule.NEW
    day = max(today, held.last_reviewed_on or today)
    return Item(
        card=card,
        state=state,
        schedule=held,
        kind=schedule.answer_kind(held, day),
        day=day,
        version=state.version if state else 0,
        note=getattr(card, "my_note", None),
    )


def _limited(learner: User, row: Mapping[str, Any]) -> Counts:
    reviewed = row["n_answered"] - row["n_started"]
    due_left = min(row["n_waiting"], max(0, learner.reviews_per_day - reviewed))
    new_left = min(row["n_new"], max(0, learner.new_cards_per_day - row["n_started"]))
    return Counts(
        due=due_left,
        new=0 if row["n_waiting"] > due_left else new_left,
        drills=row["n_drills"],
        waiting=row["n_waiting"],
        reviewed=reviewed,
        started=row["n_started"],
        done=row["n_answered"] - row["n_owing"],
        answers=row["n_answers"],
        first_due=row["first_due"],
        first_new=row["first_new"],
        first_drill=row["first_drill"],
    )


def _next_card(left: Counts) -> int | None:
    """Choose between the kinds: new card number k comes after k/(n+1) of the day's reviews."""
    if left.new and left.reviewed * (left.started + left.new + 1) >= (left.started + 1) * (
        left.reviewed + left.due
    ):
        return left.first_new
    if left.due:
        return left.first_due
    return left.first_new if left.new else left.first_drill


def _not_buried(states: QuerySet[ReviewState], today: date) -> QuerySet[ReviewState]:
    return states.filter(Q(buried_on__isnull=True) | ~Q(buried_on=today))


def _count(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values(one=Value(1)).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)
