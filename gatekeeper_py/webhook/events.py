"""Events about denials, in the namespace where something was denied: `kubectl get events` shows a tenant why.

Written by a thread of its own, after the decision. What is too much, or cannot be written, is dropped and
counted: an Event is a courtesy, the decision record is in the log.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from lightkube import Client
from lightkube.config.kubeconfig import SingleConfig
from lightkube.core.resource import ApiInfo, ResourceDef
from lightkube.generic_resource import GenericNamespacedResource
from prometheus_client import Counter

from gatekeeper_py.webhook.answer import Answer

__all__ = ["Events", "cluster_writer", "event", "has_a_place"]

COMPONENT: Final = "gatekeeper-py"

MAX_WAITING: Final = 256
"""Events that wait to be written; a burst of more says nothing new to anybody."""

BURST: Final = 10
"""Events of one namespace that may follow each other at once."""

REFILL_SECONDS: Final = 30.0
"""After which a namespace may have one more: client-go's own limit for one source is one in five minutes."""

MAX_NAMESPACES: Final = 1000
"""Namespaces whose limits are remembered, the latest ones."""

MAX_MESSAGE: Final = 1024
"""Characters: what the API server takes (NoteLengthLimit, pkg/apis/core/validation/events.go)."""

Json: TypeAlias = dict[str, Any]
Write: TypeAlias = Callable[[Json], None]


@dataclass(slots=True)
class _Allowance:
    """What one namespace may still have."""

    left: float
    at: float


class Events:
    """Announces denials. `denied` neither waits nor fails."""

    def __init__(self, write: Write, outcomes: Counter) -> None:
        self._write = write
        self._outcomes = outcomes
        self._waiting: queue.Queue[Json] = queue.Queue(MAX_WAITING)
        self._allowances: OrderedDict[str, _Allowance] = OrderedDict()
        threading.Thread(target=self._run, name="events", daemon=True).start()

    def denied(self, tenant: str, answer: Answer) -> None:
        """Have a denial told in its namespace; of cluster-wide objects there is nobody to tell."""
        if has_a_place(answer):
            self.tell(event(tenant, answer))

    def tell(self, made: Json) -> None:
        """Have an Event written."""
        if not self._may(made["metadata"]["namespace"]):
            self._outcomes.labels("limited").inc()
            return
        try:
            self._waiting.put_nowait(made)
        except queue.Full:
            self._outcomes.labels("dropped").inc()

    def _may(self, namespace: str) -> bool:
        now = time.monotonic()
        allowance = self._allowances.setdefault(namespace, _Allowance(BURST, now))
        self._allowances.move_to_end(namespace)
        if len(self._allowances) > MAX_NAMESPACES:
            self._allowances.popitem(last=False)
        allowance.left = min(BURST, allowance.left + (now - allowance.at) / REFILL_SECONDS)
        allowance.at = now
        if allowance.left < 1:
            return False
        allowance.left -= 1
        return True

    def _run(self) -> None:
        while True:
            made = self._waiting.get()
            try:
                self._write(made)
            except Exception:  # whatever it is: the namespace is gone, there is no right, no network
                self._outcomes.labels("failed").inc()
            else:
                self._outcomes.labels("written").inc()


def has_a_place(answer: Answer) -> bool:
    """Whether what was denied is in a namespace."""
    return bool(answer.request.namespace) and answer.request.resource.resource != "namespaces"


def event(tenant: str, answer: Answer) -> Json:
    """The Event of a denial (core/v1)."""
    request, decision = answer.request, answer.decision
    policies = sorted({finding.policy for finding in decision.findings if "Deny" in finding.actions})
    said = decision.status.message if decision.status else ""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "generateName": "denied-",
            "namespace": request.namespace,
            "annotations": {"tenancy.gatekeeper-py.dev/tenant": tenant},
        },
        "involvedObject": {
            "apiVersion": request.kind.api_version,
            "kind": request.kind.kind,
            "namespace": request.namespace,
            "name": request.name,
        },
        "type": "Warning",
        "reason": "Denied",
        "message": _cut(f"{request.operation} by {request.user.username}: {said}"),
        "action": ", ".join(policies)[:128] or "Denied",
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def _cut(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 3]}..."


class _Event(GenericNamespacedResource):
    _api_info = ApiInfo(resource=ResourceDef("", "v1", "Event"), plural="events", verbs=["post"])


def cluster_writer(config: SingleConfig) -> Write:
    """Writes Events into a cluster."""
    client = Client(config=config, field_manager=COMPONENT)

    def write(made: Json) -> None:
        client.create(_Event.from_dict(made))

    return write
