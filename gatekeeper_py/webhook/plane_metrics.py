"""What is counted of control planes, beside the host's own metrics: the same, each with its name.

`gatekeeper_webhook_reviews_total` of the control plane `foo` is
`gatekeeper_control_plane_webhook_reviews_total{control_plane="foo"}`. There are as many as documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from gatekeeper_py.webhook.planes import Plane

__all__ = ["PlaneMetrics"]

LABEL: Final = "control_plane"
BEFORE, AFTER = "gatekeeper_", "gatekeeper_control_plane_"

UNSHARED: Final = frozenset(
    f"gatekeeper_{name}"
    for name in (
        *("log_dropped_lines", "webhook_failed_handshakes", "webhook_dropped_connections"),
        *("serving_certificate_expiry_timestamp_seconds", "events", "policies_stale"),
        *("waiver_end_timestamp_seconds", "waivers_not_ready", "tenants", "tenants_not_ready"),
    )
)
"""What there is once a server, and not once a control plane."""


class PlaneMetrics(Collector):
    """Asks every control plane when it is asked."""

    def __init__(self, planes: Callable[[], Iterable[Plane]]) -> None:
        self._planes = planes

    def describe(self) -> Iterable[Metric]:
        """Nothing: which there are depends on the documents."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The metrics as they are now."""
        planes = list(self._planes())
        found: dict[str, Metric] = {}
        for plane in planes:
            for metric in plane.metrics.registry.collect():
                if metric.name not in UNSHARED:
                    _add(found, metric, plane.name)
        return (*found.values(), *_of_planes(planes))


def _add(found: dict[str, Metric], metric: Metric, plane: str) -> None:
    name = _renamed(metric.name)
    family = found.setdefault(name, Metric(name, metric.documentation, metric.type))
    for sample in metric.samples:
        labels: Mapping[str, str] = {LABEL: plane, **sample.labels}
        family.add_sample(_renamed(sample.name), dict(labels), sample.value, sample.timestamp)


def _renamed(name: str) -> str:
    return AFTER + name.removeprefix(BEFORE)


def _of_planes(planes: Iterable[Plane]) -> Iterable[Metric]:
    is_open = GaugeMetricFamily(
        f"{AFTER}open", "1 while its requests are decided, 0 while all are refused", labels=[LABEL]
    )
    restored = CounterMetricFamily(
        f"{AFTER}registrations_restored",
        "How often its registration was found narrowed or deleted, and set right",
        labels=[LABEL],
    )
    wrong = GaugeMetricFamily(
        f"{AFTER}registration_problem",
        "1 while its registration is not as it should be, and for an hour after it was set right",
        labels=[LABEL],
    )
    for plane in planes:
        is_open.add_metric([plane.name], 0.0 if plane.reason else 1.0)
        restored.add_metric([plane.name], plane.restored)
        wrong.add_metric([plane.name], 1.0 if plane.registration else 0.0)
    return is_open, restored, wrong
