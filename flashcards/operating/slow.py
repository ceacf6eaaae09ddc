"""Notes database statements that take long, by their shape: never with what was asked for."""

import re
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

LONGEST_SHAPE: Final = 400
TEXT: Final = re.compile(r"'(?:[^']|'')*'")
NUMBER: Final = re.compile(r"\b\d+(?:\.\d+)?\b")
SAVEPOINT: Final = re.compile(r'("s\d[^"]*")')
LIST: Final = re.compile(r"(%s|\?)(?:, (?:%s|\?))+")
ROWS: Final = re.compile(r"(\(\?…?\))(?:, \(\?…?\))+")

Slow = list[tuple[str, float]]


def watching(found: Slow, threshold: float) -> Callable[..., Any]:
    """Return a wrapper for `connection.execute_wrapper` that adds statements of this many ms and more."""

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        began = perf_counter()
        try:
            return run(sql, params, many, context)
        finally:
            took = 1_000 * (perf_counter() - began)
            if took >= threshold:
                found.append((sql, took))

    return execute


def shape(sql: str) -> str:
    """Return a statement without its values: texts, numbers and lists are `?`, whatever their length."""
    plain = " ".join(NUMBER.sub("?", TEXT.sub("?", SAVEPOINT.sub("?", sql))).split())
    plain = LIST.sub("?…", plain).replace("%s", "?")
    return ROWS.sub(r"\1…", plain)[:LONGEST_SHAPE]
