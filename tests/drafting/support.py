"""Objects of a small cluster that runs already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatekeeper_py.drafting.sightings import by_kind
from gatekeeper_py.objects.resource import Object

Json = dict[str, Any]
RBAC = "rbac.authorization.k8s.io/v1"


def of(api_version: str, kind: str, name: str, namespace: str = "", **fields: Any) -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **fields.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def namespace(name: str, **labels: str) -> Json:
    return of("v1", "Namespace", name, metadata={"labels": labels})


def daemon_set(name: str, where: str, **spec: Any) -> Json:
    return of("apps/v1", "DaemonSet", name, where, spec={"template": {"spec": spec}})


def cluster_role(name: str, *rules: Json) -> Json:
    return of(RBAC, "ClusterRole", name, rules=list(rules))


def rule(resources: str, verbs: str) -> Json:
    return {"apiGroups": ["*"], "resources": resources.split(), "verbs": verbs.split()}


def bound(role: str, *subjects: Json, kind: str = "ClusterRoleBinding", where: str = "") -> Json:
    reference = {"kind": "ClusterRole", "name": role}
    return of(RBAC, kind, f"{role}-binding", where, roleRef=reference, subjects=list(subjects))


def account(name: str, where: str) -> Json:
    return {"kind": "ServiceAccount", "name": name, "namespace": where}


def runtime_class(name: str, handler: str) -> Json:
    return of("node.k8s.io/v1", "RuntimeClass", name, handler=handler)


def webhook(kind: str, name: str, where: str) -> Json:
    service = {"namespace": where, "name": "webhook"}
    made = {"name": name, "clientConfig": {"service": service}}
    return of("admissionregistration.k8s.io/v1", kind, name, webhooks=[made])


def seen(*objects: Json) -> Mapping[str, list[Object]]:
    return by_kind(objects)
