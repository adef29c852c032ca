"""What a background audit counts: labels that no tenant chooses, and no more of them than so many."""

from __future__ import annotations

import pytest

from gatekeeper_py.audit.backlog import Key
from gatekeeper_py.audit.ledger import Entry
from gatekeeper_py.audit.tally import MAX_NAMES, METRICS, OTHER, Tally, Told
from gatekeeper_py.cluster.staleness import Stale
from gatekeeper_py.manifests.place import Problem
from tests.audit.support import EVERYTHING, NODE, WAIVED, WEB, audited, finding
from tests.audit.watched import POD, SERVICE, Audit, named, pod, rules


def value(tally: Tally, name: str, **labels: str) -> float | None:
    return tally.registry.get_sample_value(f"gatekeeper_audit_{name}", labels)


def holding(*items: object) -> Tally:
    audit = Audit()
    for number, item in enumerate(items):
        audit.background.ledger.record(Key(SERVICE, "", str(number)), Entry(item))  # type: ignore[arg-type]
    return Tally(audit.background)


def found(tally: Tally, **labels: str) -> float | None:
    return value(tally, "findings", **labels)


def test_findings_are_counted_by_what_would_be_done() -> None:
    tally = holding(WEB, WEB, WAIVED, NODE)
    no_host = {"tenant": "foo", "policy": "no-host", "severity": "critical"}
    assert found(tally, **no_host, action="deny") == 2
    assert found(tally, **no_host, action="waived") == 1
    assert found(tally, tenant="", policy="(error)", severity="", action="deny") == 1


def test_whatever_is_wrong_is_counted() -> None:
    tally = holding(*EVERYTHING.audited)
    (family,) = [each for each in tally.collect() if each.name == "gatekeeper_audit_findings"]
    assert sum(sample.value for sample in family.samples) == len(EVERYTHING.results)


@pytest.mark.parametrize(
    ("tenant", "label"),
    [("foo", "foo"), ("bar", OTHER), ("(none)", ""), ("(cluster-wide)", ""), ("(contested)", OTHER)],
)
def test_only_declared_tenants_are_told_apart(tenant: str, label: str) -> None:
    item = audited("{apiVersion: v1, kind: Node, metadata: {name: n1}}", tenant, finding("p", "told"))
    assert found(holding(item), tenant=label, policy="p", severity="", action="deny") == 1


def test_a_label_has_so_many_values_and_no_more() -> None:
    findings = [finding(f"p{number:04}", "told") for number in range(MAX_NAMES + 2)]
    tally = holding(audited("{apiVersion: v1, kind: Node, metadata: {name: n1}}", "foo", *findings))
    labels = {"tenant": "foo", "severity": "", "action": "deny"}
    counted = [found(tally, **labels, policy=name) for name in ("p0000", f"p{MAX_NAMES:04}", OTHER)]
    assert counted == [1, None, 2]


def test_no_text_of_a_tenant_gets_into_the_exposition() -> None:
    item = audited(
        "{apiVersion: v1, kind: Pod, metadata: {name: chosen, namespace: chosen, annotations: {chosen: chosen}},"
        " spec: {runtimeClassName: chosen, containers: [{name: chosen, image: chosen}]}}",
        "chosen",
        finding("p", "chosen"),
    )
    assert b"chosen" not in holding(item).exposition()


def test_workloads_are_counted_by_isolation_and_objects_by_kind() -> None:
    audit = Audit()
    made = {**named("RuntimeClass", "k"), "apiVersion": "node.k8s.io/v1", "handler": "kata"}
    safe = pod("safe")
    audit.cluster.put(made, pod("web"), {**safe, "spec": {**safe["spec"], "runtimeClassName": "k"}})
    audit.settle()
    tally = Tally(audit.background)
    assert [value(tally, "workloads", tenant="foo", isolation=each) for each in ("vm", "none")] == [1, 1]
    kinds = ("Pod", "Namespace", "RuntimeClass.node.k8s.io")
    assert [value(tally, "objects", kind=kind) for kind in kinds] == [2, 1, 1]
    audit.cluster.put({**made, "handler": "runc"})
    assert value(tally, "workloads", tenant="foo", isolation="none") == 2


def test_what_is_not_audited_is_counted_by_kind() -> None:
    audit = Audit()
    audit.cluster.put(named("ConfigMap", "web", "foo"))
    audit.cluster.stale[SERVICE] = Stale(SERVICE, None, "may not be listed")
    audit.settle()
    tally = Tally(audit.background)
    assert [value(tally, "not_audited", kind=kind) for kind in ("Service", "ConfigMap")] == [1, 1]
    assert value(tally, "objects", kind="ConfigMap") is None


def test_what_is_stale_is_no_more_counted_as_judged() -> None:
    audit = Audit()
    audit.cluster.put(pod("web", host=True))
    audit.settle()
    tally = Tally(audit.background)
    assert [value(tally, name, kind="Pod") for name in ("objects", "not_audited")] == [1, None]
    audit.cluster.stale[POD] = Stale(POD, 40.0, "may not be listed any more")
    assert [value(tally, name, kind="Pod") for name in ("objects", "not_audited")] == [None, 1]
    labels = {"tenant": "foo", "policy": "no-host", "severity": "high", "action": "deny"}
    assert found(tally, **labels) == 1


def test_what_keeps_all_of_it_from_being_known_is_counted() -> None:
    audit = Audit(rules=None)
    tally = Tally(audit.background)
    assert [value(tally, "not_audited", kind=each) for each in ("policies", "audit")] == [1, 1]
    audit.rules = rules()
    audit.settle()
    assert [value(tally, "not_audited", kind=each) for each in ("policies", "audit")] == [None, None]
    audit.background.troubles = lambda: [Problem("policies", 0, 0, "a bad edit")] * 2
    assert value(tally, "not_audited", kind="policies") == 2


def test_the_last_pass_has_a_time() -> None:
    audit = Audit()
    tally = Tally(audit.background)
    assert value(tally, "last_pass_timestamp_seconds") == 0
    audit.settle()
    assert audit.background.last_pass is not None
    assert value(tally, "last_pass_timestamp_seconds") == audit.background.last_pass.timestamp()


def test_what_is_told_is_asked_at_every_scrape() -> None:
    reports = {"written": 3}
    told = Told(lambda: {"Pod": 1.5}, lambda: 7, lambda: True, lambda: reports, lambda: 2)
    tally = Tally(Audit().background, told)
    names = ("policies", "policies_stale", "internal_errors_total")
    assert [value(tally, name) for name in names] == [7, 1, 2]
    assert value(tally, "view_age_seconds", kind="Pod") == 1.5
    outcomes = [value(tally, "reports_total", outcome=each) for each in ("written", "failed")]
    assert outcomes == [3, 0]
    reports["written"] = 4
    assert value(tally, "reports_total", outcome="written") == 4


def test_of_too_many_kinds_the_oldest_counts() -> None:
    ages = {f"k{number:04}": float(number) for number in range(MAX_NAMES + 3)}
    tally = Tally(Audit().background, Told(lambda: ages))
    assert value(tally, "view_age_seconds", kind="k0007") == 7
    assert value(tally, "view_age_seconds", kind=OTHER) == MAX_NAMES + 2


def counted() -> dict[str, tuple[str, tuple[str, ...]]]:
    """What is counted: type and labels by name."""
    types = {name: _type(name) for name in METRICS}
    return {
        f"gatekeeper_audit_{name}{'_total' if types[name] == 'counter' else ''}": (types[name], shape.labels)
        for name, shape in METRICS.items()
    }


def _type(name: str) -> str:
    families = {each.name: each.type for each in Tally(Audit().background).collect()}
    return families[f"gatekeeper_audit_{name}"]
