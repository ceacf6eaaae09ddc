"""How often to write to a learner who doesn't answer: less and less, then one last mail, then never."""

from datetime import date, timedelta
from typing import Final

# Days to the next mail after the first, second, ... one that no answer follows. The one after these is the
# last, and says so.
BACK_OFF: Final = (2, 2, 5, 10, 20, 30)


def next_mail_on(intended_on: date, unanswered: int) -> date | None:
    """Return the first day on which another mail may come, after `unanswered` mails since the last answer.

    `intended_on` is the day of the latest of them. None after the last one.
    """
    if unanswered > len(BACK_OFF):
        return None
    return intended_on + timedelta(days=BACK_OFF[unanswered - 1])


def is_last(unanswered: int) -> bool:
    """Whether the mail after this many unanswered ones is the last one."""
    return unanswered == len(BACK_OFF)
