"""The dashboard and the alert rules ask for what /metrics has, by the names and labels that it has."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from flashcards.operating import exposition, metrics, tallies

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
EXPLAINED = (FOLDER.parent / "monitoring.md").read_text()
OF_A_HISTOGRAM = ("_bucket", "_sum", "_count")
OF_PROMETHEUS = {"le"}


def asked_by_dashboard() -> list[str]:
    dashboard = json.loads((FOLDER / "grafana.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def asked_by_alerts() -> list[str]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


ASKED = [*asked_by_dashboard(), *asked_by_alerts()]


@pytest.fixture
def told(db: Any) -> dict[str, Any]:
    """What /metrics says, by name, when something of each kind has happened."""
    for kind in ("request", "task", "error"):
        tallies.note(kind, "x", "x", 1, datetime.now(UTC).timestamp())
    tallies.write(datetime.now(UTC))
    text = exposition.text(metrics.families(datetime.now(UTC)))
    names = dict[str, Any]()
    for family in text_string_to_metric_families(text):
        endings = OF_A_HISTOGRAM if family.type == "histogram" else ("",)
        ending = "_total" if family.type == "counter" else ""
        names |= {f"{family.name}{ending}{one}": family for one in endings}
    return names


def test_there_are_expressions_in_both_files():
    assert len(asked_by_dashboard()) > 20
    assert len(asked_by_alerts()) == (FOLDER / "alerts.yml").read_text().count("- alert:")


@pytest.mark.parametrize("expression", ASKED)
def test_every_metric_that_is_asked_for_exists(expression, told):
    asked = set(re.findall(r"\bengram_\w+", expression))
    assert asked <= told.keys() or expression.startswith("up{")


def test_every_metric_that_exists_is_asked_for_and_explained(told):
    everything = " ".join(ASKED)
    families = {family.name for family in told.values()}
    assert {name for name in families if name not in everything} == set()
    assert {name for name in told if re.sub("_(bucket|sum|count)$", "", name) not in EXPLAINED} == set()


@pytest.mark.parametrize("expression", ASKED)
def test_every_label_that_is_asked_for_exists(expression, told):
    known = {label for family in told.values() for sample in family.samples for label in sample.labels}
    # What has no sample on this machine.
    known |= {"state", "queue", "job"} | OF_PROMETHEUS
    chosen = set(re.findall(r"[{,]\s*(\w+)=", expression))
    by = {
        one.strip()
        for group in re.findall(r"(?:by|ignoring) \(([^)]*)\)", expression)
        for one in group.split(",")
    }
    assert chosen | by <= known


def test_each_alert_is_explained():
    alerts = re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text())
    assert len(alerts) == len(set(alerts))
    assert [alert for alert in alerts if alert not in EXPLAINED] == []


def test_no_two_panels_lie_on_each_other():
    panels = json.loads((FOLDER / "grafana.json").read_text())["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
