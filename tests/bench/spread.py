"""How the made data is spread: by lot, but the same lot for the same seed."""

import random
from dataclasses import dataclass
from math import gcd

SHUFFLED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Spread:
    """Draws numbers in SQL, where a random function would draw others in each database and each run."""

    seed: int

    def below(self, limit: int, what: str, *keys: str) -> str:
        """Return the SQL expression of a number from 0 to below `limit`, for rows told apart by these keys.

        Keys are SQL expressions of whole numbers. Rows with neighbouring keys get all numbers alike often,
        and other ones for another seed or another purpose, which is `what`.
        """
        dice = random.Random(f"{self.seed} {what}")
        terms = [f"CAST(({key}) AS bigint) * {_factor(dice, limit)}" for key in keys]
        return f"(({' + '.join(terms)} + {dice.randrange(limit)}) % {limit})"


def _factor(dice: random.Random, limit: int) -> int:
    """Draw one that has no divisor in common with the limit: with it every remainder comes up."""
    while gcd(factor := dice.randrange(1, SHUFFLED), limit) > 1:
        pass
    return factor
