"""Moves the cards that are left when a plan or a spreading of many has moved the first: portion by portion.

What is left is a column of the learner's row, so nothing is lost with a worker or a request, and whoever
comes goes on from there: a worker, and what the pages ask for that show how far it is.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import OperationalError
from django.db.models import Count, Q, QuerySet

from accounts.models import User
from flashcards import batches, planning, queue
from flashcards.models import ReviewState

AT_ONCE: Final = 100  # learners whose cards are moved in turn

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: `done` of `of` cards, which for the plan are all that the learner has started."""

    done: int
    of: int


def progress(learner: User) -> Progress | None:
    """Return how far the learner's cards are, None when none is being moved; one statement then."""
    if batches.is_spreading(learner):
        put = batches.under_way(learner).count()
        return Progress(put, put + len(batches.Places.of(batches.kept(learner)).days))
    if batches.is_undoing(learner):
        undone = Count("pk", filter=Q(pk__gte=batches.kept(learner)["before"]))
        return Progress(**batches.under_way(learner).aggregate(done=undone, of=Count("pk")))
    if learner.planned_up_to is None:
        return None
    mine = ReviewState.objects.filter(learner=learner)
    done = Count("pk", filter=Q(card__lte=learner.planned_up_to))
    return Progress(**mine.aggregate(done=done, of=Count("pk")))


def go_on(learner: User, today: date, now: datetime) -> None:
    """Move the next portion of the learner's cards, if there is any and nobody else is just at it."""
    if learner.spreading is not None:
        batches.go_on(learner, today, now)
    elif planning.is_moving(learner):
        planning.go_on(learner, today, now)


def waiting() -> QuerySet[User]:
    """Return the learners whose cards are being moved."""
    being_moved = Q(planned_up_to__isnull=False) | Q(spreading__isnull=False)
    return User.objects.filter(being_moved).order_by("pk")


def work(clock: Callable[[], datetime], at_most: timedelta, pause: Callable[[], None]) -> None:
    """Move cards of all who wait for it, a portion of each in turn, until none is left or time is up.

    The pause after each portion lets others write who wait for the same rows, or for SQLite's only lock. One
    learner's cards that can't be moved don't hold up those of others.
    """
    end, failed = clock() + at_most, set[int]()
    while learners := list(waiting().exclude(pk__in=failed)[:AT_ONCE]):
        for learner in learners:
            now = clock()
            if now >= end:
                return
            try:
                go_on(learner, queue.today_of(learner, now), now)
            except OperationalError:
                raise
            except Exception:
                logger.exception("The cards of learner %s can't be moved", learner.pk)
                failed.add(learner.pk)
            pause()
