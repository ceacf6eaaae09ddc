"""The statement behind a look at the day: what the queue holds and the first card of each kind, in one.

By hand, and for both databases: through the ORM it took five times as long to put together as to run, and
it is sent for every card. What is due, new and owed is defined in queue.py; a test holds the two together.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from django.db import connection

from accounts.models import User
from accounts.rows import LARGEST_KEY, columns, prepared, table
from flashcards.models import Card, Frontier, Note, ReviewLog, ReviewState, Topic

CARD, TOPIC = columns(Card, "c"), columns(Topic, "t")
STATE, NOTE = columns(ReviewState, "s"), columns(Note, "n")
CARDS, TOPICS, STATES, FRONTIERS = table(Card), table(Topic), table(ReviewState), table(Frontier)
PARTS: Final = (CARD, TOPIC, STATE, NOTE)
WHOLE: Final = ", ".join(map(str, PARTS))
WITH_ITS_OWN: Final = f"""
    LEFT JOIN {TOPICS} t ON t.id = c.topic_id
    LEFT JOIN {STATES} s ON s.card_id = c.id AND s.learner_id = %(learner)s
    LEFT JOIN {table(Note)} n ON n.card_id = c.id AND n.learner_id = %(learner)s
"""
NOT_BURIED: Final = "(s.buried_on IS NULL OR s.buried_on <> %(today)s)"
# To join the card of each row, only to see that it isn't retired, took half of the statement's time.
NOT_RETIRED: Final = f"NOT EXISTS (SELECT 1 FROM {CARDS} r WHERE r.id = s.card_id AND r.retired)"

DUE: Final = f"""
    SELECT 'due' AS kind, s.card_id AS card,
        count(*) OVER () AS cards, 0 AS answered, 0 AS started, 0 AS owing
    FROM {STATES} s
    WHERE s.learner_id = %(learner)s AND NOT s.suspended AND s.due_on <= %(today)s AND {NOT_BURIED}
        AND {NOT_RETIRED}
    ORDER BY s.due_on, s.shuffle, s.id LIMIT 1
"""
# Two kinds of new card: those that came back (reset, undone, released), which have a row without a due day,
# and those from the learner's frontier on that have no row. OFFSET 0 keeps PostgreSQL from reading all of the
# learner's rows at once to tell which.
NEW: Final = f"""
    SELECT 'new', f.id, count(*) OVER (), 0, 0, 0 FROM (
        SELECT c.id, c.deck_number, c.position FROM {STATES} s JOIN {CARDS} c ON c.id = s.card_id
        WHERE s.learner_id = %(learner)s AND s.due_on IS NULL AND NOT s.suspended AND {NOT_BURIED}
            AND NOT c.retired
        UNION ALL SELECT * FROM (
            SELECT c.id, c.deck_number, c.position FROM {CARDS} c
            WHERE NOT c.retired AND (c.deck_number, c.position) >= (
                    coalesce((SELECT deck_number FROM {FRONTIERS} WHERE learner_id = %(learner)s), 0),
                    coalesce((SELECT position FROM {FRONTIERS} WHERE learner_id = %(learner)s), 0)
                ) AND NOT EXISTS (
                    SELECT 1 FROM {STATES} s WHERE s.learner_id = %(learner)s AND s.card_id = c.id
                    LIMIT 1 OFFSET 0
                )
            ORDER BY c.deck_number, c.position, c.id LIMIT %(most_new)s
        ) untouched
        ORDER BY deck_number, position, id LIMIT %(most_new)s
    ) f ORDER BY f.deck_number, f.position, f.id LIMIT 1
"""
DRILL: Final = f"""
    SELECT 'drill', CASE WHEN owes THEN card_id END, sum(CASE WHEN owes THEN 1 ELSE 0 END) OVER (),
        count(*) OVER (), sum(CASE WHEN introduced_on = %(today)s THEN 1 ELSE 0 END) OVER (),
        sum(CASE WHEN drill THEN 1 ELSE 0 END) OVER ()
    FROM (
        SELECT s.id, s.card_id, s.introduced_on, s.drill, s.last_answered_at, s.drill AND NOT s.suspended
            AND s.due_on > %(today)s AND {NOT_BURIED} AND {NOT_RETIRED} AS owes
        FROM {STATES} s
        WHERE s.learner_id = %(learner)s AND s.last_reviewed_on = %(today)s
    ) today ORDER BY CASE WHEN owes THEN 0 ELSE 1 END, last_answered_at, id LIMIT 1
"""
EVER: Final = f"""
    SELECT 'ever', CAST(NULL AS bigint), count(*), 0, 0, 0
    FROM (SELECT 1 FROM {table(ReviewLog)} WHERE learner_id = %(learner)s LIMIT %(most_ever)s) events
"""
LOOK: Final = f"""
    SELECT k.kind, k.cards, k.answered, k.started, k.owing, {WHOLE} FROM (
        SELECT * FROM ({DUE}) due UNION ALL SELECT * FROM ({NEW}) fresh
        UNION ALL SELECT * FROM ({DRILL}) drill UNION ALL SELECT * FROM ({EVER}) ever
    ) k LEFT JOIN {CARDS} c ON c.id = k.card {WITH_ITS_OWN}
"""
ONE: Final = f"SELECT {WHOLE} FROM {CARDS} c {WITH_ITS_OWN} WHERE c.id = %(card)s AND NOT c.retired"


class Joined(NamedTuple):
    """A card with its topic, and what the learner has of it."""

    card: Card
    state: ReviewState | None
    note: Note | None


class Found(NamedTuple):
    """What the day holds of one kind: how many cards, and the first of them as the database's values.

    `answered` today are so many, of which `started` were new and `owing` are to be drilled.
    """

    cards: int = 0
    answered: int = 0
    started: int = 0
    owing: int = 0
    values: Sequence[Any] = ()

    @property
    def card(self) -> int | None:
        """The first card's key."""
        return self.values[0] if self.values else None

    @property
    def first(self) -> Joined | None:
        """Return the first card, None when there is none."""
        return joined(self.values) if self.card else None


def look(learner: User, today: date, *, most_new: int, most_ever: int) -> dict[str, Found]:
    """Return what is "due", "new" and a "drill" today, and how many events there "ever" were.

    New cards are counted up to `most_new`, events up to `most_ever`.
    """
    day = connection.ops.adapt_datefield_value(today)
    given = {"learner": learner.pk, "today": day, "most_new": most_new, "most_ever": most_ever}
    with prepared() as cursor:
        cursor.execute(LOOK, given)
        return {
            kind: Found(cards, answered, started, owing, values)
            for kind, cards, answered, started, owing, *values in cursor.fetchall()
        }


def one(learner: User, card_id: int) -> Joined | None:
    """Return this card unless it is retired or there is none."""
    if card_id > LARGEST_KEY:
        return None
    with prepared() as cursor:
        cursor.execute(ONE, {"learner": learner.pk, "card": card_id})
        values = cursor.fetchone()
    return joined(values) if values else None


def joined(values: Sequence[Any]) -> Joined:
    """Return the rows of a WHOLE card's values."""
    rest = iter(values)
    of_card, of_topic, of_state, of_note = ([next(rest) for _ in part.names] for part in PARTS)
    card = CARD.row(of_card)
    card.topic = TOPIC.row(of_topic)
    state = STATE.row(of_state) if of_state[0] is not None else None
    return Joined(card, state, NOTE.row(of_note) if of_note[0] is not None else None)
