"""What the server counts, in the manner of kube-apiserver's own admission metrics.

Labels are names of policies and bindings in force and words of ours, never text that a tenant chooses.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gatekeeper_py.policy.admission.decision import Decision, Finding
from gatekeeper_py.webhook.revision import InForce

__all__ = ["Metrics"]

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Buckets: a review takes well under a millisecond, a deadline is at most 30 seconds."""


class Metrics:
    """The server's metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._count_reviews()
        self._watch_policies()

    def _count_reviews(self) -> None:
        self.reviews = self._counter(
            "webhook_reviews", "Reviews answered with a verdict", "webhook", "operation", "verdict"
        )
        self.seconds = Histogram(
            "gatekeeper_webhook_review_duration_seconds",
            "Time from the request's first byte to the verdict",
            ["webhook"],
            buckets=SECONDS,
            registry=self.registry,
        )
        refused = "Requests that got no verdict: too large, malformed, late or beyond capacity"
        self.refused = self._counter("webhook_refused_requests", refused, "webhook", "code")
        failed = "TLS handshakes that failed: one side does not trust the other's certificate"
        self.handshakes = self._counter("webhook_failed_handshakes", failed)
        self.in_flight = self._gauge("webhook_reviews_in_flight", "Reviews being answered")
        self.checks = self._counter(
            "validating_admission_policy_check",
            "Failed validations by policy, binding and what was done about them",
            *("policy", "policy_binding", "error_type", "enforcement_action"),
        )
        self.incidents = self._counter("internal_errors", "Reviews denied for an error of ours")

    def _watch_policies(self) -> None:
        self.loads = self._counter("policy_loads", "Attempts to load the policies", "outcome")
        self.loaded = self._gauge(
            "policy_last_load_timestamp_seconds", "When the policies in force were loaded"
        )
        stale = "1 while the files hold a bad edit and the last good policies stay in force"
        self.stale = self._gauge("policies_stale", stale)
        self.expiry = self._gauge(
            "serving_certificate_expiry_timestamp_seconds", "When the serving certificate expires"
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"gatekeeper_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"gatekeeper_{name}", meaning, registry=self.registry)

    def reviewed(self, webhook: str, operation: str, decision: Decision, seconds: float) -> None:
        """Count one verdict."""
        verdict = "allowed" if decision.allowed else "denied"
        self.reviews.labels(webhook, operation, verdict).inc()
        self.seconds.labels(webhook).observe(seconds)
        for finding in decision.findings:
            self._failed(finding)

    def _failed(self, finding: Finding) -> None:
        error = "evaluation_error" if finding.error else "no_error"
        for action in finding.actions:
            self.checks.labels(finding.policy, finding.binding, error, action.lower()).inc()

    def policies_loaded(self, in_force: InForce) -> None:
        """Note that new policies are in force."""
        self.loads.labels("success").inc()
        self.loaded.set(in_force.loaded_at)
        self.stale.set(0)

    def policies_refused(self) -> None:
        """Note that an edit was refused."""
        self.loads.labels("failure").inc()
        self.stale.set(1)

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
