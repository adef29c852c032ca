"""What the server counts, by name and label."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from gatekeeper_py.policy.admission.decision import Decision, Finding, Waived
from gatekeeper_py.tenancy.tenant import Standing, Tenancy, Tenant
from gatekeeper_py.tenancy.waiver import Waiver
from gatekeeper_py.webhook.metrics import MAX_NAMES, OTHER, Metrics, Observed
from gatekeeper_py.webhook.plane_metrics import PlaneMetrics
from gatekeeper_py.webhook.revision import InForce, Loaded
from tests.audit.test_tally import counted


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"gatekeeper_{name}", labels)


def knowing(*tenants: str) -> Metrics:
    """With these tenants declared."""
    metrics = Metrics()
    loaded = Loaded(lambda *_: Decision(allowed=True), 7, tenancy=Tenancy(tuple(map(Tenant, tenants))))
    metrics.policies_loaded(InForce(loaded, loaded_at=123.5, revision=4))
    return metrics


def reviews(metrics: Metrics, verdict: str, tenant: str = "foo") -> float | None:
    labels = {"webhook": "validate", "operation": "CREATE", "tenant": tenant, "verdict": verdict}
    return value(metrics, "webhook_reviews_total", **labels)


def test_a_verdict_is_counted_by_what_it_is() -> None:
    metrics = knowing("foo")
    for allowed in (True, False, False):
        metrics.reviewed("validate", "foo", "CREATE", Decision(allowed=allowed), 0.002)
    assert (reviews(metrics, "allowed"), reviews(metrics, "denied")) == (1, 2)


def test_what_would_be_refused_were_it_enforced_is_counted_apart() -> None:
    metrics = knowing("foo")
    finding = Finding("p", "b", "told", ("Observed",))
    for allowed in (True, False, False):
        decision = Decision(True, findings=(finding,), enforcement="observe", withheld=Decision(allowed))
        metrics.reviewed("validate", "foo", "CREATE", decision, 0)
    assert (reviews(metrics, "allowed"), reviews(metrics, "observed")) == (1, 2)
    assert decisions(metrics, "observed") == 3


def test_a_review_s_time_falls_in_a_bucket() -> None:
    metrics = Metrics()
    metrics.reviewed("mutate", "foo", "CREATE", Decision(allowed=True), 0.002)
    name = "webhook_review_duration_seconds"
    buckets = [
        value(metrics, f"{name}_bucket", webhook="mutate", le=le) for le in ("0.001", "0.0025", "+Inf")
    ]
    assert (buckets, value(metrics, f"{name}_sum", webhook="mutate")) == ([0, 1, 1], 0.002)


def decisions(metrics: Metrics, action: str, policy: str = "p") -> float | None:
    labels = {"webhook": "validate", "tenant": "foo", "policy": policy, "action": action}
    return value(metrics, "policy_decisions_total", **labels)


def test_a_failed_validation_is_counted_once_an_action() -> None:
    metrics = knowing("foo")
    failed = Finding("p", "b", "told", ("Warn", "Audit"))
    broken = Finding("p", "b", "told", ("Deny",), error=True)
    decision = Decision(allowed=False, findings=(failed, failed, broken))
    metrics.reviewed("validate", "foo", "CREATE", decision, 0)
    assert [decisions(metrics, action) for action in ("warn", "audit", "deny")] == [2, 2, 1]
    assert value(metrics, "policy_evaluation_errors_total", policy="p") == 1


@pytest.mark.parametrize(
    ("tenant", "label"), [("foo", "foo"), ("", ""), ("a-namespace-nobody-claims", OTHER)]
)
def test_only_declared_tenants_are_told_apart(tenant: str, label: str) -> None:
    metrics = knowing("foo")
    metrics.reviewed("validate", tenant, "CREATE", Decision(allowed=True), 0)
    assert reviews(metrics, "allowed", label) == 1


def test_a_label_has_so_many_values_and_no_more() -> None:
    metrics = knowing("foo")
    findings = tuple(Finding(f"p{number}", "b", "", ("Deny",)) for number in range(MAX_NAMES + 2))
    for _ in range(2):
        metrics.reviewed("validate", "foo", "CREATE", Decision(allowed=False, findings=findings), 0)
    assert [decisions(metrics, "deny", policy) for policy in ("p0", f"p{MAX_NAMES}", OTHER)] == [2, None, 4]


def test_a_set_of_policies_has_a_size_a_number_and_a_time() -> None:
    metrics = knowing()
    names = ("policies", "policy_revision", "policy_last_load_timestamp_seconds")
    assert [value(metrics, name) for name in names] == [7, 4, 123.5]


def test_what_is_observed_is_asked_at_every_scrape() -> None:
    ages = {"Namespace": 1.5}
    metrics = Metrics(Observed(lambda: ages, lambda: 3))
    assert value(metrics, "log_dropped_lines_total") == 3
    assert value(metrics, "view_age_seconds", kind="Namespace") == 1.5
    ages["Namespace"] = 40
    assert value(metrics, "view_age_seconds", kind="Namespace") == 40


def test_a_waived_violation_is_counted_as_such() -> None:
    metrics = knowing("foo")
    waived = Waived("w", date(2027, 1, 31), 30, "an old agent", "the platform")
    finding = Finding("p", "b", "told", ("Waived",), waived=waived)
    metrics.reviewed("validate", "foo", "CREATE", Decision(allowed=True, findings=(finding,)), 0)
    assert (reviews(metrics, "allowed"), decisions(metrics, "waived"), decisions(metrics, "deny")) == (
        1,
        1,
        None,
    )


def waiver(name: str, expires: date) -> Waiver:
    return Waiver(name, frozenset({"p"}), expires, "an old agent", "the platform")


def test_a_waiver_has_an_end_as_long_as_it_is_there() -> None:
    metrics = Metrics()
    bad = Standing("Invalid", ("no; mend it",))
    before = Tenancy(
        waivers=(waiver("a", date(2027, 1, 31)), waiver("b", date(2025, 1, 1))),
        standings={"Waiver/c": bad, "Waiver/a": Standing("InForce"), "Tenant/d": bad},
    )
    for tenancy in (before, Tenancy(waivers=(waiver("b", date(2025, 1, 1)),))):
        loaded = Loaded(lambda *_: Decision(allowed=True), 7, tenancy=tenancy)
        metrics.policies_loaded(InForce(loaded, loaded_at=1, revision=1))
        ends = [value(metrics, "waiver_end_timestamp_seconds", waiver=name) for name in ("a", "b")]
        unready = [value(metrics, f"{kind}_not_ready") for kind in ("waivers", "tenants")]
        if tenancy is before:
            assert (ends, unready) == ([1801439999.999999, 1735775999.999999], [1, 1])
        else:
            assert (ends, unready) == ([None, 1735775999.999999], [0, 0])


TENANCY = Tenancy(
    (Tenant("foo"), Tenant("bar")),
    standings={"Tenant/bar": Standing("InForce"), "Tenant/bad": Standing("Invalid", ("no; mend it",))},
)
LOADED = Loaded(lambda *_: Decision(allowed=True), 7, tenancy=TENANCY)


def test_a_bad_edit_is_stale_until_a_good_one() -> None:
    metrics = Metrics()
    in_force = InForce(LOADED, loaded_at=123.5, revision=4)
    stale = []
    for step in (metrics.policies_refused, lambda: metrics.policies_loaded(in_force)):
        step()
        stale.append(value(metrics, "policies_stale"))
    assert stale == [1, 0]
    assert [value(metrics, "policy_loads_total", outcome=each) for each in ("success", "failure")] == [1, 1]
    assert value(metrics, "policy_last_load_timestamp_seconds") == 123.5
    names = ("policies", "policy_revision", "tenants", "tenants_not_ready")
    assert [value(metrics, name) for name in names] == [7, 4, 2, 1]


def test_no_text_of_a_tenant_gets_into_the_exposition() -> None:
    metrics = Metrics()
    told = Finding("p", "b", "chosen-by-a-tenant", ("Deny",), metadata={"chosen-by-a-tenant": "x"})
    metrics.reviewed("validate", "chosen-by-a-tenant", "CREATE", Decision(allowed=False, findings=(told,)), 0)
    exposed = metrics.exposition().decode()
    assert 'policy="p",tenant="other"' in exposed
    assert "chosen-by-a-tenant" not in exposed


def test_two_servers_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.policies_refused()
    assert (value(one, "policies_stale"), value(other, "policies_stale")) == (1, 0)


# --- the documentation


DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(gatekeeper_\w+)` \| (\w+) \|([\w, ]*)\| .+ \|$", re.MULTILINE)


def kept() -> dict[str, tuple[str, tuple[str, ...]]]:
    """What the server counts: type and labels by name."""
    metrics = Metrics(Observed(lambda: {"Namespace": 1.0}))
    found = {}
    for family in metrics.registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        collector = metrics.registry._names_to_collectors[family.name]
        labels = getattr(collector, "_labelnames", ("kind",) if name == "gatekeeper_view_age_seconds" else ())
        found[name] = family.type, tuple(labels)
    return found


def samples() -> set[str]:
    """The names by which samples can be asked for."""
    names = set()
    for name, (kind, _labels) in kept().items():
        names |= {f"{name}_{part}" for part in ("bucket", "count", "sum")} if kind == "histogram" else {name}
    return names


def test_an_audit_counts_nothing_by_a_name_of_the_server_s() -> None:
    """Alerts about the server must not be appeased by an audit that runs beside it."""
    assert not counted().keys() & kept().keys()


def test_every_metric_is_documented_and_every_documented_one_is_there() -> None:
    documented = {
        name: (kind, tuple(label.strip() for label in labels.split(",") if label.strip()))
        for name, kind, labels in ROW.findall(DOCUMENT.read_text())
    }
    planes = {
        f"{family.name}_total" if family.type == "counter" else family.name: (family.type, ("control_plane",))
        for family in PlaneMetrics(tuple).collect()
    }
    assert documented == kept() | counted() | planes


def test_what_others_have_counted_is_told_with_the_own_and_levels_end_with_their_process() -> None:
    metrics = knowing("foo")
    other = metrics.of_another_process()
    for each in (metrics, other):
        each.reviewed("validate", "foo", "CREATE", Decision(allowed=True), 0.002)
    with other.in_flight:
        metrics.include(other.tally())
        assert (reviews(metrics, "allowed"), value(metrics, "webhook_reviews_in_flight")) == (2, 1)
        metrics.include(metrics.lasting(other.tally()))
        assert (reviews(metrics, "allowed"), value(metrics, "webhook_reviews_in_flight")) == (2, 0)


def test_all_processes_have_the_same_values_of_a_label() -> None:
    metrics = Metrics()
    tenants = tuple(Tenant(f"t{number:04}") for number in range(MAX_NAMES + 5))
    loaded = Loaded(lambda *_: Decision(allowed=True), 1, tenancy=Tenancy(tenants))
    metrics.learn(InForce(loaded, loaded_at=1.0, revision=1))
    one, other = metrics.of_another_process(), metrics.of_another_process()
    for each, numbers in ((one, range(MAX_NAMES + 5)), (other, range(MAX_NAMES + 4, -1, -1))):
        for number in numbers:
            each.reviewed("validate", f"t{number:04}", "CREATE", Decision(allowed=True), 0.002)
    metrics.include(one.tally())
    alone = metrics.exposition().count(b"gatekeeper_webhook_reviews_total{")
    metrics.include(other.tally())
    assert metrics.exposition().count(b"gatekeeper_webhook_reviews_total{") == alone == MAX_NAMES + 1
