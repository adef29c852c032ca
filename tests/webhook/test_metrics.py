"""What the server counts, by name and label."""

from __future__ import annotations

from gatekeeper_py.policy.admission.decision import Decision, Finding
from gatekeeper_py.webhook.metrics import Metrics
from gatekeeper_py.webhook.revision import InForce


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"gatekeeper_{name}", labels)


def reviews(metrics: Metrics, verdict: str) -> float | None:
    return value(metrics, "webhook_reviews_total", webhook="validate", operation="CREATE", verdict=verdict)


def test_a_verdict_is_counted_by_what_it_is() -> None:
    metrics = Metrics()
    for allowed in (True, False, False):
        metrics.reviewed("validate", "CREATE", Decision(allowed=allowed), 0.002)
    assert (reviews(metrics, "allowed"), reviews(metrics, "denied")) == (1, 2)


def test_a_review_s_time_falls_in_a_bucket() -> None:
    metrics = Metrics()
    metrics.reviewed("mutate", "CREATE", Decision(allowed=True), 0.002)
    name = "webhook_review_duration_seconds"
    buckets = [
        value(metrics, f"{name}_bucket", webhook="mutate", le=le) for le in ("0.001", "0.0025", "+Inf")
    ]
    assert (buckets, value(metrics, f"{name}_sum", webhook="mutate")) == ([0, 1, 1], 0.002)


def checks(metrics: Metrics, error_type: str, action: str) -> float | None:
    return value(
        metrics,
        "validating_admission_policy_check_total",
        policy="p",
        policy_binding="b",
        error_type=error_type,
        enforcement_action=action,
    )


def test_a_failed_validation_is_counted_once_an_action() -> None:
    metrics = Metrics()
    failed = Finding("p", "b", "told", ("Warn", "Audit"))
    broken = Finding("p", "b", "told", ("Deny",), error=True)
    metrics.reviewed("validate", "CREATE", Decision(allowed=False, findings=(failed, failed, broken)), 0)
    assert [checks(metrics, "no_error", action) for action in ("warn", "audit", "deny")] == [2, 2, None]
    assert [checks(metrics, "evaluation_error", action) for action in ("warn", "deny")] == [None, 1]


def test_a_bad_edit_is_stale_until_a_good_one() -> None:
    metrics = Metrics()
    in_force = InForce(lambda *_: Decision(allowed=True), count=1, loaded_at=123.5, revision=1)
    stale = []
    for step in (metrics.policies_refused, lambda: metrics.policies_loaded(in_force)):
        step()
        stale.append(value(metrics, "policies_stale"))
    assert stale == [1, 0]
    assert [value(metrics, "policy_loads_total", outcome=each) for each in ("success", "failure")] == [1, 1]
    assert value(metrics, "policy_last_load_timestamp_seconds") == 123.5


def test_no_text_of_a_tenant_gets_into_the_exposition() -> None:
    metrics = Metrics()
    told = Finding("p", "b", "chosen-by-a-tenant", ("Deny",), metadata={"chosen-by-a-tenant": "x"})
    metrics.reviewed("validate", "CREATE", Decision(allowed=False, findings=(told,)), 0)
    exposed = metrics.exposition().decode()
    assert 'policy="p",policy_binding="b"' in exposed
    assert "chosen-by-a-tenant" not in exposed


def test_two_servers_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.policies_refused()
    assert (value(one, "policies_stale"), value(other, "policies_stale")) == (1, 0)
