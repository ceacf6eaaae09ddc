"""Rows of the benchmark: a figure, its budget, and the table, JSON and page that show them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.timing import Sample

BEGIN, END = "<!-- {name}: begin -->", "<!-- {name}: end -->"
KEPT, MISSED, SKIPPED = "kept", "**MISSED**", "skipped"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: its median and 95th percentile in `unit`, and what neither may exceed (None: only shown).

    `at_least` is what the median may not fall below. Without a median the figure couldn't be taken. `seen`
    says in a few words what it was made from, or why it wasn't.
    """

    what: str
    unit: str
    median: float | None
    p95: float | None = None
    budget: float | None = None
    budget_p95: float | None = None
    at_least: float | None = None
    seen: str = ""

    @property
    def verdict(self) -> str:
        """Whether the budgets were kept; empty where there is none."""
        if self.median is None:
            return SKIPPED
        kept = [
            value <= limit
            for value, limit in ((self.median, self.budget), (self.p95, self.budget_p95))
            if limit is not None and value is not None
        ]
        if self.at_least is not None:
            kept.append(self.median >= self.at_least)
        return (KEPT if all(kept) else MISSED) if kept else ""


def times(
    what: str, taken: Sample, budget: float | None = None, budget_p95: float | None = None, seen: str = ""
) -> Row:
    """Return the row of a time in milliseconds."""
    return Row(what, "ms", taken.median, taken.p95, budget, budget_p95, seen=seen)


def ratio(
    what: str, ours: Sample, rival: Sample, unit: str, budget: float | None = None, seen: str = ""
) -> Row:
    """Return the row that holds one median against another, and one 95th percentile against the other."""
    medians = f"{ours.median:.2f} ms against {rival.median:.2f} ms"
    return Row(
        what,
        unit,
        ours.median / rival.median,
        ours.p95 / rival.p95,
        budget=budget,
        seen=f"{medians}; {seen}" if seen else medians,
    )


def faster(
    what: str, ours: Sample, rival: Sample, than: str, at_least: float | None = None, seen: str = ""
) -> Row:
    """Return the row that says how many times faster we are than a rival; of the tails, too."""
    medians = f"{ours.median:.2f} ms against {rival.median:.2f} ms"
    return Row(
        what,
        f"x faster than {than}",
        rival.median / ours.median,
        rival.p95 / ours.p95,
        at_least=at_least,
        seen=f"{medians}; {seen}" if seen else medians,
    )


def skipped(what: str, why: str) -> Row:
    """Return the row of what can't be measured here."""
    return Row(what, "", None, seen=why)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| figure | median | 95% | budget | | seen |", "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        cells = [row.what, said(row.median, row.unit), said(row.p95, row.unit), _budget(row), row.verdict]
        lines.append(f"| {' | '.join(cells)} | {row.seen} |")
    return "\n".join(lines)


def write(rows: Sequence[Row], machine: str, name: str, as_json: Path, page: Path) -> None:
    """Write the rows as JSON, and as a table between the page's two markers of this name."""
    as_json.parent.mkdir(parents=True, exist_ok=True)
    shown = [asdict(row) | {"verdict": row.verdict.strip("*")} for row in rows]
    as_json.write_text(json.dumps({"machine": machine, "rows": shown}, indent=2) + "\n")
    put(page, name, f"{machine}\n\n{table(rows)}")


def put(page: Path, name: str, text: str) -> None:
    """Write the text between the page's two markers of this name."""
    begin, end = BEGIN.format(name=name), END.format(name=name)
    before, rest = page.read_text().split(begin)
    after = rest.split(end)[1]
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


def said(value: float | None, unit: str) -> str:
    """Return the value with about three digits and its unit."""
    if value is None:
        return ""
    digits = 0 if float(value).is_integer() or value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def _budget(row: Row) -> str:
    limits = [f"{limit:g}" for limit in (row.budget, row.budget_p95) if limit is not None]
    if row.at_least is not None:
        limits.append(f"≥ {row.at_least:g}")
    return f"{' / '.join(limits)} {row.unit}".strip() if limits else ""
