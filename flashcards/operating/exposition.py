"""Figures in the text format that Prometheus reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """One number; `suffix` is for the parts of a histogram."""

    value: float
    labels: Labels
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric: its name, whether it is a counter, a gauge or a histogram, what it means, and its samples."""

    name: str
    kind: str
    help: str
    samples: tuple[Sample, ...]


def gauge(name: str, meaning: str, value: float | None, **labels: str) -> Family:
    """Return a metric with one number, or with none where it is unknown."""
    return Family(name, "gauge", meaning, () if value is None else (Sample(value, labels),))


def gauges(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Family:
    """Return a metric with a number for each value of a label."""
    samples = tuple(Sample(number, {label: key}) for key, number in values.items())
    return Family(name, "gauge", meaning, samples)


def text(families: Iterable[Family]) -> str:
    """Return what a monitor reads."""
    return "".join(f"{line}\n" for family in families for line in _lines(family))


def _lines(family: Family) -> list[str]:
    head = [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}"]
    return head + [
        f"{family.name}{one.suffix}{_labels(one.labels)} {_number(one.value)}" for one in family.samples
    ]


def _labels(labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"
