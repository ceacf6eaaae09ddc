"""Practice beside the schedule: cards that aren't due, answered without moving them unless missed."""

from datetime import date

from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from flashcards import history
from flashcards.models import ReviewLog, ReviewState
from flashcards.scheduling.schedule import Kind


def next_card(learner: User, today: date, topic_key: str = "") -> int | None:
    """Return the card to practise now: started, not due, not yet practised today, due soonest first.

    With `topic_key` only that topic's cards.
    """
    practised = history.standing(
        ReviewLog.objects.filter(learner=learner, study_day=today, kind=Kind.PRACTICE, state=OuterRef("pk"))
    )
    ahead = ReviewState.objects.filter(
        ~Exists(practised),
        Q(buried_on__isnull=True) | ~Q(buried_on=today),
        learner=learner,
        suspended=False,
        due_on__gt=today,
        card__retired=False,
    ).exclude(last_reviewed_on=today, drill=True)
    if topic_key:
        ahead = ahead.filter(card__topic__key=topic_key)
    return ahead.order_by("due_on", "shuffle", "id").values_list("card_id", flat=True).first()
