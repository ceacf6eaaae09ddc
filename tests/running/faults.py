"""What can go wrong when a mail is handed over."""

import random
import re
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["connect", "mail", "rcpt", "data", "end"]
Action = Literal["reply", "delay", "hang", "drop"]


@dataclass(slots=True)
class Rule:
    """What goes wrong at a stage; "end" is after the final dot, where `keeps` says whether the mail is kept.

    It answers with `code`, waits `seconds` and goes on, hangs until the client leaves, or drops the
    connection: with the probability `chance`, each `every`th time, at most `times`, only for recipients in
    which the expression `to` is found.
    """

    stage: Stage
    action: Action
    code: int = 451
    seconds: float = 1
    keeps: bool = False
    chance: float = 1
    every: int = 1
    times: int | None = None
    to: str = ""
    seen: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    def applies(self, stage: Stage, recipients: list[str], dice: random.Random) -> bool:
        """Whether it is this one's turn; counts the turns."""
        if stage != self.stage or self.hits == self.times:
            return False
        if self.to and not any(re.search(self.to, one) for one in recipients):
            return False
        self.seen += 1
        if self.seen % self.every or dice.random() >= self.chance:
            return False
        self.hits += 1
        return True


def every_kind(share: float) -> list[Rule]:
    """Return rules of every kind that together spoil about this share of the mails."""
    stages: tuple[Stage, ...] = ("connect", "mail", "rcpt", "data", "end")
    actions: tuple[Action, ...] = ("reply", "delay", "hang", "drop")
    rules = [Rule(stage, action, seconds=0.2) for stage in stages for action in actions]
    rules += [Rule("connect", "reply", code=421), Rule("end", "reply", code=421)]
    rules += [Rule("rcpt", "reply", code=550), Rule("end", "reply", code=554)]
    rules += [Rule("end", action, keeps=True) for action in actions if action != "delay"]
    for rule in rules:
        rule.chance = share / len(rules)
    return rules
