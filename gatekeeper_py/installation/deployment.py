"""The server in the cluster: Deployment, Service, disruption budget, and how it reaches the API server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from gatekeeper_py.installation.config_maps import MOUNT, VOLUME, volume
from gatekeeper_py.installation.identifiers import CERTIFICATES, LABELS, NAME, NAMESPACE
from gatekeeper_py.installation.restriction import USER, restricted_container, restricted_pod
from gatekeeper_py.objects.resource import Object

__all__ = ["Spread", "Workload", "service"]

Spread: TypeAlias = Literal["required", "preferred"]
"""Whether two replicas may share a node: never, or only when there is no other."""

PORT: Final = 8443
PRIORITY: Final = "system-cluster-critical"
"""Nobody's pod but a node's own takes the place of a replica."""

TERMINATION_SECONDS: Final = 60
KUBECONFIG: Final = """\
apiVersion: v1
kind: Config
current-context: cluster
clusters:
  - name: cluster
    cluster:
      server: https://kubernetes.default.svc
      certificate-authority: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
users:
  - name: gatekeeper
    user:
      tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
contexts:
  - name: cluster
    context: {cluster: cluster, user: gatekeeper, namespace: gatekeeper-system}
"""
"""With the service account's token, read anew when the kubelet rotates it."""


@dataclass(frozen=True, slots=True)
class Workload:
    """How the server runs."""

    image: str
    replicas: int
    spread: Spread
    policies: Mapping[str, str]
    """Files below the policies folder; none: those of the image."""

    def objects(self) -> list[Object]:
        """The Deployment last: what it needs is there before it."""
        return [kubeconfig(), self.quota(), service(), self.budget(), self.deployment()]

    def quota(self) -> Object:
        """Some clusters (GKE) let pods of this priority only into namespaces with a quota for them."""
        scope = {"operator": "In", "scopeName": "PriorityClass", "values": [PRIORITY]}
        spec = {"hard": {"pods": str(10 * self.replicas)}, "scopeSelector": {"matchExpressions": [scope]}}
        return _object("v1", "ResourceQuota", spec)

    def budget(self) -> Object:
        """Drains take one replica at a time, and one that does not work never holds up a drain."""
        spec = {
            "maxUnavailable": 1,
            "selector": {"matchLabels": LABELS},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        }
        return _object("policy/v1", "PodDisruptionBudget", spec)

    def deployment(self) -> Object:
        """The Deployment."""
        spec = {
            "replicas": self.replicas,
            "selector": {"matchLabels": LABELS},
            "strategy": {"rollingUpdate": self._rolling()},
            "template": {"metadata": {"labels": LABELS}, "spec": self._pod()},
        }
        return _object("apps/v1", "Deployment", spec)

    def _rolling(self) -> Object:
        """Where each has a node of its own a fourth finds none: one goes before the next comes."""
        one_more = self.spread == "preferred"
        return {"maxUnavailable": 0, "maxSurge": 1} if one_more else {"maxUnavailable": 1, "maxSurge": 0}

    def _pod(self) -> Object:
        return {
            "serviceAccountName": NAME,
            "priorityClassName": PRIORITY,
            "terminationGracePeriodSeconds": TERMINATION_SECONDS,
            "securityContext": restricted_pod(fsGroup=USER),
            "affinity": {"podAntiAffinity": self._apart()},
            "containers": [self._container()],
            "volumes": [
                {"name": "kubeconfig", "configMap": {"name": "gatekeeper-kubeconfig"}},
                # The serving key: in memory, never on a disk.
                {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
                *([volume(self.policies)] if self.policies else []),
            ],
        }

    def _apart(self) -> Object:
        term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": LABELS}}
        if self.spread == "required":
            return {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
        weighted = {"weight": 100, "podAffinityTerm": term}
        return {"preferredDuringSchedulingIgnoredDuringExecution": [weighted]}

    def _container(self) -> Object:
        return {
            "name": NAME,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "args": [
                "serve",
                f"--policies={MOUNT}",
                f"--certificates-secret={NAMESPACE}/{CERTIFICATES}",
                "--register=service",
                "--host=0.0.0.0",
                f"--port={PORT}",
                "--kubeconfig=/etc/gatekeeper/config",
            ],
            # Heaps of the C library; each keeps what was once used of it.
            "env": [{"name": "MALLOC_ARENA_MAX", "value": "2"}],
            "ports": [{"name": "https", "containerPort": PORT}],
            # A second, what a kubelet waits by itself, is short on a node that is busy.
            "readinessProbe": _probe("/readyz", periodSeconds=5, timeoutSeconds=5),
            "livenessProbe": _probe("/healthz", periodSeconds=10, timeoutSeconds=5, failureThreshold=6),
            "startupProbe": _probe("/healthz", periodSeconds=2, failureThreshold=60),
            # Until no API server sends new reviews here.
            "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
            # Server and child stay below 512 MiB: docs/limits.md.
            "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
            "securityContext": restricted_container(),
            "volumeMounts": [
                {"name": "kubeconfig", "mountPath": "/etc/gatekeeper", "readOnly": True},
                {"name": "tmp", "mountPath": "/tmp"},
                *([{"name": VOLUME, "mountPath": MOUNT, "readOnly": True}] if self.policies else []),
            ],
        }


def service() -> Object:
    """Where the API server calls: it asks for the name gatekeeper.gatekeeper-system.svc."""
    ports = [{"name": "https", "port": 443, "targetPort": "https"}]
    return _object("v1", "Service", {"selector": LABELS, "ports": ports})


def kubeconfig() -> Object:
    """How the engine reaches the API server from inside the cluster."""
    metadata = {"name": "gatekeeper-kubeconfig", "namespace": NAMESPACE, "labels": LABELS}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"config": KUBECONFIG}}


def _object(api_version: str, kind: str, spec: Object) -> Object:
    metadata = {"name": NAME, "namespace": NAMESPACE, "labels": LABELS}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _probe(path: str, **limits: int) -> Object:
    return {"httpGet": {"path": path, "port": "https", "scheme": "HTTPS"}, **limits}
