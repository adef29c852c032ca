"""Applies an installation and waits until the engine is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper_py.installation.access import Access
from gatekeeper_py.installation.contents import Installation
from gatekeeper_py.installation.identifiers import (
    CONFIG_MAP,
    CONFIGURATIONS,
    DEPLOYMENT,
    LABELS,
    NAME,
    NAMESPACE,
    NODE,
    POD,
    POLICIES_LABEL,
)
from gatekeeper_py.installation.registrar import is_registered
from gatekeeper_py.objects.resource import Object

__all__ = ["Installer", "NotReady"]

PAUSE: Final = 1.0
"""Seconds between two looks."""

SETTLED: Final = "the API server has not settled yet"


class NotReady(Exception):
    """The engine did not come up in time; the message says why, and what holds now."""


@dataclass(frozen=True, slots=True)
class Installer:
    """Applies, and waits."""

    access: Access
    seconds: float
    """How long the engine may take."""
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def install(self, installation: Installation) -> None:
        """Apply everything; return when a replica is ready and the API server asks it.

        Raises `AccessError` when something is refused, `NotReady` when the time is over.
        """
        for value in installation.objects():
            self.access.apply(value)
        deadline = self.clock() + self.seconds
        while waiting := self._waiting(installation):
            if self.clock() > deadline:
                raise NotReady(_not_ready(self.seconds, waiting, registered=self._registered()))
            self.pause(PAUSE)
        self._prune(installation)

    def shortage(self, installation: Installation) -> str:
        """That there are fewer nodes than replicas that want one each, in words; empty when there are not."""
        if not installation.inside or installation.spread != "required":
            return ""
        nodes = sum(map(_takes_pods, self.access.list(NODE)))
        return too_few_nodes(nodes, installation.replicas) if nodes < installation.replicas else ""

    def _waiting(self, installation: Installation) -> str:
        """What is waited for; empty when there is nothing more."""
        if installation.inside and (waiting := self._unready()):
            return waiting
        return "" if self._registered() else UNREGISTERED

    def _registered(self) -> bool:
        found = [self.access.get(kind, NAME) for kind in CONFIGURATIONS]
        return all(each is not None and is_registered(each) for each in found)

    def _unready(self) -> str:
        """Why no replica of this installation is ready; empty when one is."""
        found = self.access.get(DEPLOYMENT, NAME, NAMESPACE)
        if found is None:
            return f"there is no Deployment {NAMESPACE}/{NAME}"
        if _ready(found):
            return ""
        reasons = sorted(set(_reasons(self.access.list(POD, NAMESPACE, LABELS))))
        return "\n  ".join(["no replica is ready", *reasons])

    def _prune(self, installation: Installation) -> None:
        """Take away the ConfigMaps of folders that are no more, now that no replica needs them to start."""
        if not installation.files:
            return
        kept = {value["metadata"]["name"] for value in installation.policies_objects()}
        for value in self.access.list(CONFIG_MAP, NAMESPACE, LABELS):
            metadata = value["metadata"]
            if POLICIES_LABEL in metadata["labels"] and metadata["name"] not in kept:
                self.access.delete(CONFIG_MAP, metadata["name"], NAMESPACE)


def _takes_pods(node: Object) -> bool:
    """Whether a replica, which tolerates nothing, may be scheduled to it."""
    spec = node.get("spec") or {}
    effects = {taint.get("effect") for taint in spec.get("taints") or []}
    return not spec.get("unschedulable") and effects.isdisjoint({"NoSchedule", "NoExecute"})


def _ready(deployment: Object) -> bool:
    """Whether a replica of the newest template is ready: more are ready than there are older ones."""
    status: dict[str, Any] = deployment.get("status") or {}
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return False
    older = status.get("replicas", 0) - status.get("updatedReplicas", 0)
    return bool(status.get("readyReplicas", 0) > older)


def _reasons(pods: Sequence[Object]) -> Iterator[str]:
    """Why pods wait, as the kubelet and the scheduler say it."""
    for pod in pods:
        status = pod.get("status") or {}
        for container in status.get("containerStatuses") or []:
            if waiting := (container.get("state") or {}).get("waiting"):
                message = waiting.get("message") or container.get("image", "")
                yield f"{waiting.get('reason', 'waiting')}: {message}"
        for condition in status.get("conditions") or []:
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                yield f"{condition.get('reason', 'unscheduled')}: {condition.get('message', '')}"


# --- what users are told ---------------------------------------------------------------------------------

UNREGISTERED: Final = (
    "a replica is ready, but it has not registered itself: its log says why"
    f" (kubectl -n {NAMESPACE} logs deployment/{NAME})"
)


def too_few_nodes(nodes: int, replicas: int) -> str:
    """What it means, and the ways out of it."""
    return (
        f"nodes that take pods: {nodes}. None of {replicas} replicas may share one, so some stay Pending, and"
        " a rollout waits for ever. --replicas or --spread preferred: docs/install.md"
    )


def _not_ready(seconds: float, waiting: str, *, registered: bool) -> str:
    held = STILL_ASKED if registered else NOTHING_ASKED
    return f"not ready within {seconds:.0f} s: {waiting}\n{held}"


NOTHING_ASKED: Final = (
    "Nothing is registered, so nobody is locked out."
    " Mend it and install again, or take it away: gatekeeper uninstall"
)
STILL_ASKED: Final = (
    "The engine stays registered, and the replicas that ran before are asked."
    " Mend it and install again, or install what was there before"
)
