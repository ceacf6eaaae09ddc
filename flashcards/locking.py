"""A learner's rows as they are read before an event is written: locked, with the card and its last day."""

from typing import Final

from django.db import connection
from django.db.models import OuterRef, QuerySet

from accounts.models import User
from accounts.rows import LARGEST_KEY, Columns, columns, insert_beside, prepared, table
from flashcards.models import Card, ReviewLog, ReviewState

LONG_TEXTS: Final = ("answer", "practice", "key_points", "follow_ups", "html")
STATE, CARD = columns(ReviewState, "s"), columns(Card, "c", but=LONG_TEXTS)
LAST_DAY = Columns(ReviewLog, "l", ("study_day",))
# By hand because it is sent with each answer, and takes four times as long to put together as to run.
ONE: Final = f"""
    SELECT {STATE}, {CARD}, (
        SELECT {LAST_DAY} FROM {table(ReviewLog)} l WHERE l.state_id = s.id ORDER BY l.sequence DESC LIMIT 1
    ) FROM {table(ReviewState)} s JOIN {table(Card)} c ON c.id = s.card_id
    WHERE s.learner_id = %s AND s.card_id = %s
"""


def one(learner: User, card_id: int) -> ReviewState | None:
    """Return the learner's row for this card, locked; None when there is none."""
    if card_id > LARGEST_KEY:
        return None
    lock = connection.ops.for_update_sql(of=["s"]) if connection.features.has_select_for_update else ""
    with prepared() as cursor:
        cursor.execute(f"{ONE} {lock}", [learner.pk, card_id])
        values = cursor.fetchone()
    if values is None:
        return None
    state = STATE.row(values[: len(STATE)])
    state.card = CARD.row(values[len(STATE) : -1])
    (state.last_day,) = LAST_DAY.read(values[-1:])  # type: ignore[attr-defined]  # as many() has it
    return state


def made(learner: User, card_id: int) -> ReviewState | None:
    """Return a new row for this card, locked since nobody else can see it; None if there is no such card.

    Or if it has a row: of two first answers at once both try, one waits for the other's end and gets none.
    """
    state = ReviewState(learner=learner, card_id=card_id)
    card = insert_beside(state, CARD, "card_id") if card_id <= LARGEST_KEY else None
    if card is None:
        return None
    state.card = card
    state.last_day = None  # type: ignore[attr-defined]  # as one() has it
    return state


def many(states: QuerySet[ReviewState]) -> QuerySet[ReviewState]:
    """Return these rows, locked in order of their keys."""
    last_event = ReviewLog.objects.filter(state=OuterRef("pk")).order_by("-sequence")
    texts = [f"card__{name}" for name in LONG_TEXTS]
    rows = states.select_for_update(of=("self",)).select_related("card").defer(*texts)
    return rows.annotate(last_day=last_event.values("study_day")[:1]).order_by("pk")
