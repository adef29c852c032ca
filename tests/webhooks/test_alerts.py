"""Alerts and dashboard are about metrics that exist, in expressions that Prometheus takes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.audit.test_tally import counted
from tests.webhook.test_metrics import kept, samples

ALERTS = Path(__file__).parents[2] / "webhooks" / "alerts"
METRIC = re.compile(r"\bgatekeeper_\w+")


def rules() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ALERTS / "rules.yaml").read_text())
    return loaded


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ALERTS / "dashboard.json").read_text())
    return loaded


def expressions() -> Iterator[str]:
    """All that Prometheus is asked."""
    yield from (rule["expr"] for group in rules()["spec"]["groups"] for rule in group["rules"])
    yield from (target["expr"] for panel in dashboard()["panels"] for target in panel["targets"])


def alerts() -> list[dict[str, Any]]:
    return [rule for group in rules()["spec"]["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_how_urgent_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert.keys() - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert alert["alert"].startswith("Gatekeeper")
    assert re.fullmatch(r"[0-9]+[smh]", alert.get("for", "1m"))
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert alert["annotations"].keys() == {"summary", "description"}


def test_an_alert_has_a_name_of_its_own() -> None:
    names = [alert["alert"] for alert in alerts()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("panel", dashboard()["panels"], ids=lambda panel: panel["title"])
def test_a_panel_has_what_grafana_draws(panel: dict[str, Any]) -> None:
    assert panel.keys() >= {"id", "type", "title", "gridPos", "datasource"}
    assert panel["targets"]
    assert all(target.keys() == {"refId", "expr", "legendFormat"} for target in panel["targets"])


def test_a_panel_has_a_number_of_its_own() -> None:
    identifiers = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(identifiers)) == len(identifiers)


def test_what_is_asked_for_is_counted() -> None:
    asked = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert asked <= samples() | counted().keys()


def test_the_dashboard_shows_every_metric() -> None:
    panels = dashboard()["panels"]
    shown = {
        name for panel in panels for target in panel["targets"] for name in METRIC.findall(target["expr"])
    }
    assert {name.removesuffix("_bucket") for name in shown} == {*kept(), *counted()}


def test_the_component_holds_every_file() -> None:
    component = yaml.safe_load((ALERTS / "kustomization.yaml").read_text())
    held = {*component["resources"], *component["configMapGenerator"][0]["files"], "kustomization.yaml"}
    assert held == {file.name for file in ALERTS.iterdir()}


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("no promtool here: on Debian it comes with the package prometheus")
    return found


def test_prometheus_takes_rules_and_expressions(promtool: str, tmp_path: Path) -> None:
    queries = [
        {"record": f"gatekeeper:query{number}", "expr": expression}
        for number, expression in enumerate(expressions())
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [*rules()["spec"]["groups"], {"name": "all", "rules": queries}]}))
    checked = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def firing(promtool: str, folder: Path, series: dict[str, str], alert: str) -> list[dict[str, str]]:
    """The labels of an alert two hours after these series began, as promtool works them out."""
    file = folder / "rules.yaml"
    file.write_text(json.dumps({"groups": rules()["spec"]["groups"]}))
    given = [{"series": name, "values": values} for name, values in series.items()]
    expected = {"eval_time": "2h", "alertname": alert, "exp_alerts": [{"exp_labels": {"none": "none"}}]}
    tests = [{"interval": "1m", "input_series": given, "alert_rule_test": [expected]}]
    (folder / "test.yaml").write_text(json.dumps({"rule_files": [str(file)], "tests": tests}))
    told = subprocess.run(
        [promtool, "test", "rules", folder / "test.yaml"], capture_output=True, text=True, timeout=60
    )
    got = (told.stdout + told.stderr).partition("got:")[2]
    return [dict(re.findall(r'(\w+)="([^"]*)"', labels)) for labels in re.findall(r"Labels:\{([^}]*)\}", got)]


FINDINGS = 'gatekeeper_audit_findings{tenant="foo",policy="p",severity="%s",action="%s"}'
FIRING: dict[str, tuple[str, dict[str, str], list[dict[str, str]]]] = {
    "a kind that may not be watched": (
        "GatekeeperNotAudited",
        {'gatekeeper_audit_not_audited{kind="Pod"}': "1x150"},
        [{"kind": "Pod"}],
    ),
    "Secrets, which the shipped role leaves out": (
        "GatekeeperNotAudited",
        {'gatekeeper_audit_not_audited{kind="Secret"}': "1x150"},
        [],
    ),
    "an audit that stands still": (
        "GatekeeperAuditTooOld",
        {"gatekeeper_audit_last_pass_timestamp_seconds": "0x150"},
        [{}],
    ),
    "an audit that goes on": (
        "GatekeeperAuditTooOld",
        {"gatekeeper_audit_last_pass_timestamp_seconds": "0+60x150"},
        [],
    ),
    "a violation": (
        "GatekeeperAuditFindsViolations",
        {FINDINGS % ("critical", "deny"): "2x150"},
        [{"tenant": "foo", "policy": "p"}],
    ),
    "one that is waived": (
        "GatekeeperAuditFindsViolations",
        {FINDINGS % ("critical", "waived"): "2x150"},
        [],
    ),
    "one that is mended": (
        "GatekeeperAuditFindsViolations",
        {FINDINGS % ("high", "deny"): "2x60 0x90"},
        [],
    ),
    "reports that are refused": (
        "GatekeeperReportsNotWritten",
        {'gatekeeper_audit_reports_total{outcome="failed"}': "0+1x150"},
        [{}],
    ),
    "reports that are written": (
        "GatekeeperReportsNotWritten",
        {'gatekeeper_audit_reports_total{outcome="written"}': "0+1x150"},
        [],
    ),
}


@pytest.mark.parametrize(("alert", "series", "labels"), FIRING.values(), ids=FIRING)
def test_an_alert_of_the_audit_fires_for_what_it_is_about(
    promtool: str, tmp_path: Path, alert: str, series: dict[str, str], labels: list[dict[str, str]]
) -> None:
    told = firing(promtool, tmp_path, series, alert)
    assert len(told) == len(labels)
    assert all(wanted.items() <= found.items() for wanted, found in zip(labels, told, strict=True))
