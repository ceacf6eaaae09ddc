"""Whether anything is to be said to a learner now: the reasons why no daily reminder comes."""

from datetime import date
from typing import Final

from accounts.models import User
from flashcards import breaks
from flashcards.models import DayStat
from flashcards.queue import Counts

NOTHING_DUE: Final = "nothing is due"
TOO_FEW: Final = "fewer cards than wanted"
STUDIED: Final = "studied already"
IN_A_BREAK: Final = "in a break"


def why_not(learner: User, counts: Counts, today: date) -> str:
    """Return why no reminder comes on this study day, "" when one does.

    `counts` are those of queue.counts(learner, today). Whoever has answered any card today, be it practice,
    has studied.
    """
    if breaks.on_break(learner, today):
        return IN_A_BREAK
    if not counts.left:
        return NOTHING_DUE
    if DayStat.objects.filter(learner=learner, day=today, answers__gt=0).exists():
        return STUDIED
    return TOO_FEW if counts.left < learner.remind_from_cards else ""
