"""Passwords that are guessed first, though no list of leaked ones holds them."""

import re
from typing import Final

from django.core.exceptions import ValidationError

from accounts.models import User

ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
)
OURS: Final = ("engram", "flashcards", "password", "interview")
LEAST_LEFT: Final = 5  # characters that have to be left when what anybody would try is taken out
LEAST_DIFFERENT: Final = 4  # characters that differ from each other
PART: Final = 3  # letters from which on a part of the address counts


class GuessableValidator:
    """Refuses the learner's address, our name and rows of keys, however they are put together.

    The list of leaked passwords that Django brings holds 20,000, and no address or site name among them; who
    tries to get into one account begins with just these (NIST SP 800-63B, 5.1.1.2: context-specific words,
    repetitive and sequential characters).
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError for a password that is little more than that."""
        text = password.lower()
        if text.isascii() and len(set(text)) < LEAST_DIFFERENT:
            raise ValidationError("This password repeats the same few characters.", code="password_repeats")
        if len(_left(text, _parts(user))) < LEAST_LEFT:
            raise ValidationError(
                "This password is little more than your address, our name or a row of keys: those are tried "
                "first.",
                code="password_guessable",
            )

    def get_help_text(self) -> str:
        """Return what the form may say beforehand."""
        return "Not your address, our name, or a row of keys."


def _parts(user: User | None) -> list[str]:
    """Return the words of the address, longest first, so that the whole goes before its parts."""
    address = user.email.lower() if user else ""
    words = {address, address.split("@")[0], *re.split(r"[^a-z0-9]+", address)}
    return sorted((word for word in words if len(word) >= PART), key=len, reverse=True)


def _left(text: str, parts: list[str]) -> str:
    """Return the text without words that anybody would try, without rows of four keys and repetitions."""
    for word in (*parts, *OURS):
        text = text.replace(word, "")
    text = re.sub(r"([ -~]{1,4})\1+", r"\1", text)
    position, left = 0, ""
    while position < len(text):
        length = _row_at(text, position)
        left += "" if length else text[position]
        position += length or 1
    return left


def _row_at(text: str, position: int) -> int:
    """Return how many characters from here are neighbours on a row of keys, either way; 0 for less than 4."""
    longest = 0
    for row in (*ROWS, *(row[::-1] for row in ROWS)):
        length = 0
        while position + length < len(text) and text[position : position + length + 1] in row:
            length += 1
        longest = max(longest, length)
    return longest if longest >= 4 else 0
