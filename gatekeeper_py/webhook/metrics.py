"""What the server counts, in the manner of kube-apiserver's own admission metrics; see docs/metrics.md.

Labels are words of ours, names of policies, tenants and waivers in force, and "other" for whatever else or
too many: never text that a tenant chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gatekeeper_py.policy.admission.decision import Decision, Finding
from gatekeeper_py.webhook.counting import Counts, Kept, Level, Tally, Timings
from gatekeeper_py.webhook.revision import InForce

__all__ = ["OTHER", "Metrics", "Observed"]

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Buckets: a review takes well under a millisecond, a deadline is at most 30 seconds."""

MAX_NAMES: Final = 500
"""Values of one label; each is a series that is kept, by us and by whoever scrapes."""

OTHER: Final = "other"
"""The value that stands for tenants that no document declares, and for names beyond so many."""

NOBODY: Final = ""
"""The tenant of what is cluster-wide, or of a namespace that nobody owns."""

Collected = TypeVar("Collected", bound="Kept[Any]")


@dataclass(frozen=True, slots=True)
class Observed:
    """What is asked at the moment of a scrape."""

    ages: Callable[[], Mapping[str, float]] = dict
    """Seconds since each watched kind was last known whole."""
    dropped_lines: Callable[[], int] = int
    """Lines that the log has dropped."""


class _Names:
    """The values of one label: those told of, and no more than so many."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def value(self, name: str) -> str:
        """The name, or "other" when there are too many."""
        if name in self._known:
            return name
        if len(self._known) >= MAX_NAMES:
            return OTHER
        self._known.add(name)
        return name


class Metrics:
    """The server's metrics in a registry of their own."""

    def __init__(self, observed: Observed | None = None) -> None:
        self.registry = CollectorRegistry()
        self._every: list[Kept[Any]] = []
        """Those that each process that answers reviews has for itself."""
        self._policies, self._tenants, self._waivers = _Names(), _Names(), _Names()
        self._declared: frozenset[str] = frozenset()
        self._count_reviews()
        self._count_connections()
        self._watch_policies()
        self.events = self._counter("events", "Events about denials, by what became of them", "outcome")
        self.registry.register(_Observer(observed or Observed()))

    def _count_reviews(self) -> None:
        answered = "Reviews answered with a verdict"
        self._reviews = self._counts("webhook_reviews", answered, "webhook", "operation", "tenant", "verdict")
        taken = "Time from the request's first byte to the verdict"
        self._seconds = self._kept(
            Timings("gatekeeper_webhook_review_duration_seconds", taken, "webhook", SECONDS)
        )
        refused = "Requests that got no verdict: too large, malformed, late or beyond capacity"
        self.refused = self._counts("webhook_refused_requests", refused, "webhook", "code")
        shed = "Reviews turned away because there was no turn, or no room, in time"
        self.shed = self._counts("webhook_shed_reviews", shed, "webhook")
        self.in_flight = self._kept(Level("gatekeeper_webhook_reviews_in_flight", "Reviews being answered"))
        decided = "What policies did about failed validations"
        self._decisions = self._counts("policy_decisions", decided, "webhook", "tenant", "policy", "action")
        broken = "Validations that could not be evaluated, which counts as failed"
        self._broken = self._counts("policy_evaluation_errors", broken, "policy")
        self.incidents = self._counts("internal_errors", "Reviews denied for an error of ours")

    def _count_connections(self) -> None:
        failed = "TLS handshakes that failed: one side does not trust the other, or was too slow"
        self.handshakes = self._counts("webhook_failed_handshakes", failed)
        dropped = "Idle connections dropped to make room for new ones"
        self.dropped_connections = self._counts("webhook_dropped_connections", dropped)

    def _watch_policies(self) -> None:
        self.loads = self._counter("policy_loads", "Attempts to load the policies", "outcome")
        self.count = self._gauge("policies", "Policies in force")
        self.revision = self._gauge("policy_revision", "Sets of policies put in force since the start")
        self.loaded = self._gauge(
            "policy_last_load_timestamp_seconds", "When the policies in force were loaded"
        )
        stale = "1 while the files hold a bad edit and the last good policies stay in force"
        self.stale = self._gauge("policies_stale", stale)
        self.tenants = self._gauge("tenants", "Tenants in force")
        disputed = "Tenants and settings of the cluster that are not in force, or contested by another"
        self.disputed = self._gauge("tenants_not_ready", disputed)
        ends = "When a waiver ends, or has ended, in seconds since the epoch"
        self.waivers = Gauge(
            "gatekeeper_waiver_end_timestamp_seconds", ends, ["waiver"], registry=self.registry
        )
        bad = "Waivers of the cluster that are not in force, for something is wrong with them"
        self.bad_waivers = self._gauge("waivers_not_ready", bad)
        self.expiry = self._gauge(
            "serving_certificate_expiry_timestamp_seconds", "When the serving certificate expires"
        )

    def _counts(self, name: str, meaning: str, *labels: str) -> Counts:
        return self._kept(Counts(f"gatekeeper_{name}", meaning, *labels))

    def _kept(self, collector: Collected) -> Collected:
        self.registry.register(collector)
        self._every.append(collector)
        return collector

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"gatekeeper_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"gatekeeper_{name}", meaning, registry=self.registry)

    def reviewed(self, webhook: str, tenant: str, operation: str, decision: Decision, seconds: float) -> None:
        """Count one verdict."""
        whose = self._tenant(tenant)
        self._reviews.add(webhook, operation, whose, _verdict(decision))
        self._seconds.add(webhook, seconds)
        for finding in decision.findings:
            self._failed(webhook, whose, finding)

    def _tenant(self, name: str) -> str:
        if name == NOBODY:
            return NOBODY
        return self._tenants.value(name) if name in self._declared else OTHER

    def _failed(self, webhook: str, tenant: str, finding: Finding) -> None:
        policy = self._policies.value(finding.policy)
        if finding.error:
            self._broken.add(policy)
        for action in finding.actions:
            self._decisions.add(webhook, tenant, policy, action.lower())

    def policies_loaded(self, in_force: InForce) -> None:
        """Note that new policies are in force."""
        self.loads.labels("success").inc()
        self.count.set(in_force.loaded.count)
        self.revision.set(in_force.revision)
        self.loaded.set(in_force.loaded_at)
        self.stale.set(0)
        tenancy = in_force.loaded.tenancy
        self._declared = frozenset(tenancy.by_name)
        self.tenants.set(len(tenancy.tenants))
        unready = [name for name, standing in tenancy.standings.items() if not standing.ready]
        waivers = sum(name.startswith("Waiver/") for name in unready)
        self.disputed.set(len(unready) - waivers)
        self.bad_waivers.set(waivers)
        self.waivers.clear()
        for waiver in tenancy.waivers:
            self.waivers.labels(self._waivers.value(waiver.name)).set(waiver.end.timestamp())

    def policies_refused(self) -> None:
        """Note that an edit was refused."""
        self.loads.labels("failure").inc()
        self.stale.set(1)

    def tally(self) -> Tally:
        """What this process has counted, for the one that is asked for everything."""
        return {each.name: each.counted() for each in self._every}

    def lasting(self, tally: Tally) -> Tally:
        """What of a tally stays true when the process that has counted is no more."""
        levels = {each.name for each in self._every if isinstance(each, Level)}
        return {name: counted for name, counted in tally.items() if name not in levels}

    def include(self, tally: Tally) -> None:
        """Note what other processes have counted, all of it together."""
        for each in self._every:
            each.elsewhere = tally.get(each.name, {})

    def learn(self, in_force: InForce) -> None:
        """Know the names in a set that is about to be in force, before other processes are made to count."""
        self._declared = frozenset(in_force.loaded.tenancy.by_name)
        for name in sorted(self._declared):
            self._tenants.value(name)
        policies = in_force.loaded.policies
        if policies is not None:
            for name in sorted({each.name for each in (*policies.validating, *policies.mutating)}):
                self._policies.value(name)

    def of_another_process(self) -> Metrics:
        """Metrics that know the same names and have counted nothing: a label has the same values for all."""
        made = Metrics()
        made._policies, made._tenants, made._declared = self._policies, self._tenants, self._declared
        return made

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _Observer(Collector):
    """Asks when it is asked."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed

    def describe(self) -> Iterable[Metric]:
        """The metrics without their values."""
        return (
            CounterMetricFamily("gatekeeper_log_dropped_lines", "Lines that the log's output did not take"),
            GaugeMetricFamily(
                "gatekeeper_view_age_seconds",
                "Time since everything of a watched kind was last known",
                labels=["kind"],
            ),
        )

    def collect(self) -> Iterable[Metric]:
        """The metrics as they are now."""
        dropped, ages = self.describe()
        dropped.add_sample("gatekeeper_log_dropped_lines_total", {}, self._observed.dropped_lines())
        for kind, seconds in self._observed.ages().items():
            ages.add_sample("gatekeeper_view_age_seconds", {"kind": kind}, seconds)
        return dropped, ages


def _verdict(decision: Decision) -> str:
    """Observed: admitted, and refused were policies enforced."""
    if not decision.allowed:
        return "denied"
    return "observed" if decision.withheld is not None and not decision.withheld.allowed else "allowed"
