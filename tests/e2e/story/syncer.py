"""A syncer as small as it can be: pods of a tenant's control plane come down, and what becomes of them goes up.

It does as vcluster's: the pod below is called NAME-x-NAMESPACE-x-CONTROL-PLANE, and says by labels and annotations
whose it is (vcluster's documentation, "Pods", read at 0.30). It asks nobody what a pod may do: the engine below does.
"""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.e2e.harness import ControlPlane, User
from tests.e2e.repeating import repeating

__all__ = ["NODE", "Syncer", "name_below"]

Json = dict[str, Any]

NODE = "virtual"
"""The one node that a tenant sees."""
PREFIX = "vcluster.loft.sh"
MANAGED_BY = f"{PREFIX}/managed-by"
PAUSE_SECONDS = 0.5
ABOVE_ONLY = frozenset(
    {
        *("nodeName", "serviceAccount", "serviceAccountName", "tolerations", "priority", "preemptionPolicy"),
        *("schedulerName", "dnsPolicy", "enableServiceLinks", "securityContext"),
    }
)
"""What a control plane fills in, and alone can give; all else goes down as the tenant has said it."""
ACCOUNT_TOKEN = "kube-api-access-"
"""How the volume begins that the API server adds to every pod."""


def name_below(name: str, namespace: str, plane: str) -> str:
    """What a pod is called in the namespace below, by vcluster's rule for names that are not too long."""
    return f"{name}-x-{namespace}-x-{plane}"


@dataclass
class Syncer:
    """Speaks to the control plane above as its administrator, to the one below as an account with few rights."""

    above: ControlPlane
    below: ControlPlane
    administrator: User
    """Who it is above."""
    user: User
    """Who it is below."""
    namespace: str
    """Where its pods are below; the name of the control plane as well."""
    refused: dict[str, str] = field(default_factory=dict)
    """What was not let in below, by name, and why."""

    def start_node(self) -> None:
        """Gives the tenant a node that is ready, and that nobody speaks for."""
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
        self._send("POST", "/api/v1/nodes", node)

    @contextmanager
    def running(self) -> Iterator[Syncer]:
        """Until the end of the block."""
        with repeating(self._try, PAUSE_SECONDS):
            yield self

    def _try(self) -> None:
        with suppress(OSError):  # one of the two does not answer just now
            self.sync()

    def sync(self) -> None:
        """Once."""
        above = {
            self._name_below(pod): pod for pod in self._list(self.above, "/api/v1/pods", self.administrator)
        }
        below = {
            pod["metadata"]["name"]: pod
            for pod in self._list(self.below, f"{self._pods}?{self._ours}", self.user)
        }
        for name, pod in above.items():
            if name not in below and "deletionTimestamp" not in pod["metadata"]:
                self._bring_down(name, pod)
        for name, pod in below.items():
            self._tell(pod, above[name]) if name in above else self._delete(name)

    @property
    def _pods(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"

    @property
    def _ours(self) -> str:
        return f"labelSelector={MANAGED_BY}%3D{self.namespace}"

    def _name_below(self, pod: Json) -> str:
        return name_below(pod["metadata"]["name"], pod["metadata"]["namespace"], self.namespace)

    def _list(self, plane: ControlPlane, path: str, user: User) -> list[Json]:
        items: list[Json] = orjson.loads(plane.send("GET", path, user=user))["items"]
        return items

    def _bring_down(self, name: str, pod: Json) -> None:
        try:
            self.below.send("POST", self._pods, self._translated(name, pod), self.user)
        except urllib.error.HTTPError as error:
            self.refused[name] = orjson.loads(error.read())["message"]
            self._tell_refusal(pod, self.refused[name])
        else:
            self.refused.pop(name, None)

    def _translated(self, name: str, pod: Json) -> Json:
        metadata = pod["metadata"]
        namespace = metadata["namespace"]
        labels = {**metadata.get("labels", {}), MANAGED_BY: self.namespace, f"{PREFIX}/namespace": namespace}
        annotations = {
            f"{PREFIX}/object-name": metadata["name"],
            f"{PREFIX}/object-namespace": namespace,
            f"{PREFIX}/object-uid": metadata["uid"],
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": labels, "annotations": annotations},
            "spec": _spec_below(pod["spec"]),
        }

    def _tell(self, below: Json, above: Json) -> None:
        """What became of a pod, where its owner looks."""
        path = _path(above)
        if "deletionTimestamp" in above["metadata"]:
            self._delete(below["metadata"]["name"])
            self._send("DELETE", f"{path}?gracePeriodSeconds=0")
            return
        if not above["spec"].get("nodeName"):
            target = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": above["metadata"]["name"]}}
            self._send("POST", f"{path}/binding", {**target, "target": {"kind": "Node", "name": NODE}})
        if below.get("status") != above.get("status"):
            found = orjson.loads(self._send("GET", path))
            self._send("PUT", f"{path}/status", {**found, "status": below["status"]})

    def _tell_refusal(self, pod: Json, why: str) -> None:
        condition = {"type": "PodScheduled", "status": "False", "reason": "Refused", "message": why}
        status = {**pod["status"], "conditions": [condition]}
        self._send("PUT", f"{_path(pod)}/status", {**pod, "status": status})

    def _send(self, method: str, path: str, value: object = None) -> bytes:
        """Above."""
        return self.above.send(method, path, value, self.administrator)

    def _delete(self, name: str) -> None:
        try:
            self.below.send("DELETE", f"{self._pods}/{name}", user=self.user)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise


def _path(pod: Json) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def _spec_below(spec: Json) -> Json:
    """What a tenant has said, without what the control plane above alone knows how to give."""
    kept = {name: value for name, value in spec.items() if name not in ABOVE_ONLY}
    kept["volumes"] = [each for each in spec.get("volumes", ()) if not each["name"].startswith(ACCOUNT_TOKEN)]
    for kind in ("containers", "initContainers"):
        kept[kind] = [_container_below(container) for container in spec.get(kind, ())]
    return {**kept, "automountServiceAccountToken": False}


def _container_below(container: Json) -> Json:
    mounts = container.get("volumeMounts", ())
    return {
        **container,
        "volumeMounts": [mount for mount in mounts if not mount["name"].startswith(ACCOUNT_TOKEN)],
    }
