"""How long a request may wait for the database, all in all, before whoever sent it is told something.

Commands and tasks wait as long as it takes: a migration may be long, and nobody looks at an empty page.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Final, TypeVar, cast

SECONDS: Final = 7  # with a last try to connect, an answer comes within ten

T = TypeVar("T")
_left: ContextVar[list[float] | None] = ContextVar("left", default=None)


@contextmanager
def limited(seconds: float = SECONDS) -> Iterator[None]:
    """Let the block wait for the database so many seconds and no longer."""
    before = _left.set([seconds])
    try:
        yield
    finally:
        _left.reset(before)


def each(pieces: Iterator[T], seconds: float = SECONDS) -> Iterator[T]:
    """Yield the pieces of a long answer; let each of them wait so many seconds."""
    end = object()
    while True:
        with limited(seconds):
            piece = next(pieces, end)
        if piece is end:
            return
        yield cast("T", piece)


@contextmanager
def waiting() -> Iterator[None]:
    """Count the time of the block as waiting."""
    limit, began = _left.get(), monotonic()
    try:
        yield
    finally:
        if limit:
            limit[0] -= monotonic() - began


def left() -> float | None:
    """Return the seconds that may still be waited; None where there is no limit."""
    limit = _left.get()
    return max(0, limit[0]) if limit else None
