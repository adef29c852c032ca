"""A background audit in the cluster: who may watch everything, the pod that does, and who may ask it.

It is told what exists, and writes nothing but reports. Secrets are not in its role, as in that of the Jobs
(`auditjobs`): a token that reads them all is worth breaking into.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gatekeeper_py.cluster.live import watchable
from gatekeeper_py.installation.auditjobs import REPORTS, account_and_roles, reading
from gatekeeper_py.installation.config_maps import MOUNT, VOLUME, volume
from gatekeeper_py.installation.identifiers import BACKGROUND, LABELS, NAMESPACE
from gatekeeper_py.installation.restriction import restricted_container, restricted_pod
from gatekeeper_py.objects.resource import Object

__all__ = ["PORT", "READERS", "accounts", "deployment", "door"]

AGGREGATED: Final = {"gatekeeper-py.dev/background": "true"}
"""On the ClusterRoles whose rules it has."""

READERS: Final = {"gatekeeper-py.dev/reads-audit": "true"}
"""On the namespaces whose pods may ask it: it names objects of all tenants to whoever does."""

PORT: Final = 8088
PODS: Final = {"app.kubernetes.io/name": BACKGROUND}
"""Others than the server's: its Service must not lead here."""


def accounts() -> list[Object]:
    """The ServiceAccount and its roles: it watches, and writes nothing but reports."""
    kinds = list(reading(watchable, ["list", "watch"]))
    return account_and_roles(BACKGROUND, AGGREGATED, {"kinds": kinds, "reports": [REPORTS]})


def deployment(image: str, files: Mapping[str, str]) -> Object:
    """One pod. A second would find the same, and write the same reports.

    `files` are the policies that are brought as ConfigMaps; none: those of the image.
    """
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": PODS},
        "strategy": {"type": "Recreate"},
        "template": {"metadata": {"labels": PODS}, "spec": _pod(image, files)},
    }
    return _object("apps/v1", "Deployment", spec)


def door() -> list[Object]:
    """How it is reached, and from where."""
    ports = [{"name": "http", "port": PORT, "targetPort": "http"}]
    allowed = {
        "from": [{"namespaceSelector": {"matchLabels": READERS}}],
        "ports": [{"protocol": "TCP", "port": PORT}],
    }
    policy = {"podSelector": {"matchLabels": PODS}, "policyTypes": ["Ingress"], "ingress": [allowed]}
    return [
        _object("v1", "Service", {"selector": PODS, "ports": ports}),
        _object("networking.k8s.io/v1", "NetworkPolicy", policy),
    ]


def _pod(image: str, files: Mapping[str, str]) -> Object:
    return {
        "serviceAccountName": BACKGROUND,
        "securityContext": restricted_pod(),
        "containers": [_container(image, files)],
        "volumes": [
            {"name": "kubeconfig", "configMap": {"name": "gatekeeper-kubeconfig"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}},
            *([volume(files)] if files else []),
        ],
    }


def _container(image: str, files: Mapping[str, str]) -> Object:
    return {
        "name": "audit",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "audit",
            "--watch",
            f"--policies={MOUNT}",
            "--kubeconfig=/etc/gatekeeper/config",
            "--write=policyreport",
            "--host=0.0.0.0",
            f"--port={PORT}",
        ],
        # Heaps of the C library; each keeps what was once used of it.
        "env": [{"name": "MALLOC_ARENA_MAX", "value": "2"}],
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": _probe("/readyz", periodSeconds=5, timeoutSeconds=5),
        "livenessProbe": _probe("/healthz", periodSeconds=10, timeoutSeconds=5, failureThreshold=6),
        "startupProbe": _probe("/healthz", periodSeconds=2, failureThreshold=60),
        # What exists is in memory, whole: docs/background.md.
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": restricted_container(),
        "volumeMounts": [
            {"name": "kubeconfig", "mountPath": "/etc/gatekeeper", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
            *([{"name": VOLUME, "mountPath": MOUNT, "readOnly": True}] if files else []),
        ],
    }


def _probe(path: str, **limits: int) -> Object:
    return {"httpGet": {"path": path, "port": "http"}, **limits}


def _object(api_version: str, kind: str, spec: Object) -> Object:
    metadata = {"name": BACKGROUND, "namespace": NAMESPACE, "labels": LABELS}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
