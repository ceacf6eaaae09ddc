"""A learner's interviews: each change of them moves due days as the plan wants, in one transaction."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Prefetch, QuerySet
from django.utils.dateformat import format as format_date

from accounts.models import User
from flashcards import planning, queue
from flashcards.models import Card, Interview, InterviewTopic, Topic
from flashcards.planning import Moved
from flashcards.recording import Missing, Refused
from flashcards.scheduling import days, plan
from flashcards.scheduling.plan import Plan

__all__ = ["Missing", "Refused"]

AS_USUAL: Final = 1
MOST_COMING: Final = 50
MOST_PAST: Final = 50
MOST_A_DAY: Final = 200
MOST_TOPICS: Final = 100  # to weigh in one form


@dataclass(frozen=True, slots=True)
class Wanted:
    """An interview as the learner gave it; `weights` are by topic, one left out counts as usual."""

    company: str
    on: date
    role: str = ""
    weights: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What a change came to: the day of the interview that leads now, None without one, and the moves."""

    leads_on: date | None
    moved: Moved


@dataclass(frozen=True, slots=True)
class Pace:
    """Whether every card of the topics that count can be started before the interview.

    `cards` of them aren't started yet; `before` are others that the queue brings before the last of them.
    `days` are left to start new cards on, today among them; `needed` new cards a day are enough (None: no
    number is), `have` is the learner's setting, and `late` cards stay out at the highest setting.
    """

    cards: int
    before: int
    days: int
    needed: int | None
    have: int
    late: int

    @property
    def possible(self) -> bool:
        """Whether a setting exists that is enough."""
        return self.needed is not None and self.needed <= MOST_A_DAY

    @property
    def kept(self) -> bool:
        """Whether the learner's own setting is enough."""
        return self.needed is not None and self.needed <= self.have


def coming(learner: User, today: date) -> list[Interview]:
    """Return the interviews from today on with their topics' weights, the one that leads first."""
    return list(_mine(learner).filter(on__gte=today).order_by("on", "pk"))


def past(learner: User, today: date) -> list[Interview]:
    """Return the latest fifty interviews that are over, the last one first."""
    return list(_mine(learner).filter(on__lt=today).order_by("-on", "-pk")[:MOST_PAST])


def find(learner: User, pk: int) -> Interview:
    """Return this interview of the learner's; raises Missing, also for somebody else's."""
    found = _mine(learner).filter(pk=pk).first()
    if found is None:
        raise Missing("This interview no longer exists.")
    return found


def topics(interview: Interview | None = None) -> tuple[list[Topic], bool]:
    """Return the topics to weigh in order, each with its deck, and whether there are more than a hundred.

    Of more there are the first hundred that have cards, and those that this interview weighs already.
    """
    active = Card.objects.filter(topic=OuterRef("pk"), retired=False)
    found = Topic.objects.filter(Exists(active)).select_related("deck").order_by("deck_id", "position")
    first = list(found[: MOST_TOPICS + 1])
    offered, more = first[:MOST_TOPICS], len(first) > MOST_TOPICS
    weighed = {row.topic_id for row in interview.weights.all()} if interview and more else set()
    weighed -= {topic.pk for topic in offered}
    return offered + (list(found.filter(pk__in=weighed)) if weighed else []), more


def clash(planned: Plan, on: date, today: date) -> str:
    """Return why an interview can't be on this day, in two sentences, or nothing.

    In a break, or right after one that isn't over, no day would be left to see the cards that fall into it.
    """
    first, last = planned.break_from, planned.break_until
    if first is None or last is None or last < today or not planned.crowds_out(on):
        return ""
    where = "in" if on <= last else "on the day after"
    whole = f"{format_date(first, 'j F')} to {format_date(last, 'j F')}"
    free = f"{format_date(last + 2 * days.ONE_DAY, 'j F')} or later"
    free = f"a day before {format_date(first, 'j F')}, or {free}" if first > today else free
    return (
        f"That’s {where} your break from {whole}, so no day before it is left for the cards. "
        f"Choose {free}, or change the break."
    )


@transaction.atomic
def add(learner: User, wanted: Wanted, now: datetime) -> Change:
    """Add an interview and plan for it; one that is there already, as after a double press, stays one.

    Raises Refused in a break, and when there are fifty to come.
    """
    today = queue.today_of(learner, now)
    planning.hold(learner)
    mine = Interview.objects.filter(learner=learner)
    _check_day(learner, wanted.on, today)
    same = mine.filter(company=wanted.company, role=wanted.role, on=wanted.on).first()
    if same is None and mine.filter(on__gte=today).count() >= MOST_COMING:
        raise Refused(f"You have {MOST_COMING} interviews to come. Delete one of them first.")
    _save(same or Interview(learner=learner), wanted)
    return _planned(learner, today, now)


@transaction.atomic
def change(learner: User, pk: int, wanted: Wanted, now: datetime) -> Change:
    """Change an interview and plan anew. Raises Missing, and Refused when its new day is in a break."""
    today = queue.today_of(learner, now)
    planning.hold(learner)
    interview = find(learner, pk)
    if interview.on != wanted.on:
        _check_day(learner, wanted.on, today)
    _save(interview, wanted)
    return _planned(learner, today, now)


@transaction.atomic
def delete(learner: User, pk: int, now: datetime) -> Change:
    """Delete an interview and plan anew: without another, all cards go back. Raises Missing."""
    planning.hold(learner)
    find(learner, pk).delete()
    return _planned(learner, queue.today_of(learner, now), now)


def pace(learner: User, interview: Interview, started: int, today: date) -> Pace | None:
    """Return how many new cards a day the interview needs, None when all that count are started.

    `started` are the new cards of today so far. The queue brings new cards in deck order, so those that
    stand before the last one that counts have to be started as well. One statement.
    """
    left_out = InterviewTopic.objects.filter(interview=interview, topic=OuterRef("topic"), weight=0)
    unstarted = queue.new(learner, today + days.ONE_DAY)  # those buried today come tomorrow
    counts = list(unstarted.annotate(counts=~Exists(left_out)).values_list("counts", flat=True))
    return paced(counts, planning.plan_of(learner), interview.on, started, today, learner.new_cards_per_day)


def paced(counts: list[bool], planned: Plan, on: date, started: int, today: date, have: int) -> Pace | None:
    """Return the pace for unstarted cards in the order in which they come, by whether each counts."""
    cards = sum(counts)
    if not cards:
        return None
    through = max(place for place, one in enumerate(counts, start=1) if one)
    open_today, later = plan.days_to_start(planned, on, today)
    reach = open_today * max(0, MOST_A_DAY - started) + later * MOST_A_DAY
    return Pace(
        cards=cards,
        before=through - cards,
        days=open_today + later,
        needed=plan.new_cards_needed(through, started, open_today, later),
        have=have,
        late=sum(counts[reach:]),
    )


def set_pace(learner: User, new_cards_per_day: int) -> None:
    """Set the learner's new cards a day. Raises ValueError outside 0 to 200."""
    if not 0 <= new_cards_per_day <= MOST_A_DAY:
        raise ValueError(f"{new_cards_per_day} new cards a day are not from 0 to {MOST_A_DAY}.")
    learner.new_cards_per_day = new_cards_per_day
    learner.save(update_fields=["new_cards_per_day"])


def _mine(learner: User) -> QuerySet[Interview]:
    other = InterviewTopic.objects.exclude(weight=AS_USUAL).select_related("topic")
    unusual = other.order_by(F("weight").desc(), "topic__deck_id", "topic__position")
    return Interview.objects.filter(learner=learner).prefetch_related(Prefetch("weights", unusual))


def _check_day(learner: User, on: date, today: date) -> None:
    if refusal := clash(planning.plan_of(learner), on, today):
        raise Refused(refusal)


def _save(interview: Interview, wanted: Wanted) -> None:
    interview.company, interview.role, interview.on = wanted.company, wanted.role, wanted.on
    interview.save()
    InterviewTopic.objects.filter(interview=interview).delete()
    InterviewTopic.objects.bulk_create(_weights(interview, wanted.weights.items()))


def _weights(interview: Interview, weights: Iterable[tuple[int, int]]) -> list[InterviewTopic]:
    return [
        InterviewTopic(interview=interview, topic_id=topic, weight=weight)
        for topic, weight in weights
        if weight != AS_USUAL
    ]


def _planned(learner: User, today: date, now: datetime) -> Change:
    moved = planning.replan(learner, today, now)
    return Change(learner.interview_on, moved)
