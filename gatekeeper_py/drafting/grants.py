"""What namespaces use today that a tenant has to be granted: who runs them, classes, hostnames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper_py.drafting.runtimes import Runtimes
from gatekeeper_py.drafting.sightings import namespace_in, part, pod_specs, texts
from gatekeeper_py.objects.resource import Object

__all__ = ["Grants"]

OWNING: Final = frozenset({"admin", "cluster-admin"})
"""Built-in roles that whoever runs a namespace is bound to in it."""
RUNTIME_CLASSES: Final = "runtimeClasses"
CLUSTER_PRIORITIES: Final = "system-"
DEFAULT_SCHEDULER: Final = "default-scheduler"
LEGACY_INGRESS: Final = "kubernetes.io/ingress.class"

Uses = dict[str, dict[str, None]]
"""Names in use by field of a Tenant, in the order found."""


@dataclass(frozen=True, slots=True)
class Grants:
    """What is in use, by namespace."""

    found: Mapping[str, list[Object]]
    runtimes: Runtimes

    def spec(self, namespaces: Iterable[str]) -> dict[str, Any]:
        """The fields of a tenant that owns these namespaces."""
        here = set(namespaces)
        uses: Uses = {}
        for namespace, where, name in self._uses():
            if namespace in here and name:
                uses.setdefault(where, {})[name] = None
        spec: dict[str, Any] = {"owners": owners} if (owners := list(self._owners(here))) else {}
        uses.pop(RUNTIME_CLASSES, None)  # those that isolate are every tenant's
        for where, names in sorted(uses.items()):
            spec[where] = sorted(names) if where == "hostnames" else {"allowed": sorted(names)}
        return spec

    def comments(self, namespaces: Iterable[str]) -> Iterator[str]:
        """What is in use and not granted."""
        here = set(namespaces)
        named = {name for space, where, name in self._uses() if space in here and where == RUNTIME_CLASSES}
        for name in sorted(named - {"", *self.runtimes.allowed}):
            yield f"Pods name RuntimeClass {name}, which does not isolate; `enforce` refuses them."

    def _uses(self) -> Iterator[tuple[str, str, str]]:
        """Namespace, field of a Tenant, and name."""
        for value, spec in pod_specs(self.found):
            yield from ((namespace_in(value), where, name) for where, name in _of_pods(spec))
        for value in self.found["PersistentVolumeClaim"]:
            yield namespace_in(value), "storageClasses", _text(part(value, "spec", "storageClassName"))
        for value in self.found["Service"]:
            yield namespace_in(value), "loadBalancerClasses", _text(part(value, "spec", "loadBalancerClass"))
        for value in self.found["Gateway"]:
            yield namespace_in(value), "gatewayClasses", _text(part(value, "spec", "gatewayClassName"))
            yield from ((namespace_in(value), "hostnames", host) for host in _listened(value))
        for value in self.found["Ingress"]:
            yield from ((namespace_in(value), where, name) for where, name in _of_ingress(value))

    def _owners(self, namespaces: set[str]) -> Iterator[dict[str, str]]:
        """The people and groups that are bound to a role of whoever runs a namespace."""
        seen = set()
        for binding in self.found["RoleBinding"]:
            if namespace_in(binding) not in namespaces or not _owning(binding):
                continue
            for subject in part(binding, "subjects") or ():
                kind, name = _text(part(subject, "kind")), _text(part(subject, "name"))
                if kind in ("User", "Group") and not name.startswith("system:") and (kind, name) not in seen:
                    seen.add((kind, name))
                    yield {"kind": kind, "name": name}


def _owning(binding: Object) -> bool:
    role = part(binding, "roleRef") or {}
    return role.get("kind") == "ClusterRole" and role.get("name") in OWNING


def _of_pods(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield RUNTIME_CLASSES, _text(part(spec, "runtimeClassName"))
    priority = _text(part(spec, "priorityClassName"))
    yield "priorityClasses", "" if priority.startswith(CLUSTER_PRIORITIES) else priority
    scheduler = _text(part(spec, "schedulerName"))
    yield "schedulers", "" if scheduler == DEFAULT_SCHEDULER else scheduler


def _of_ingress(value: Object) -> Iterator[tuple[str, str]]:
    annotations = part(value, "metadata", "annotations") or {}
    named = part(value, "spec", "ingressClassName") or annotations.get(LEGACY_INGRESS)
    yield "ingressClasses", _text(named)
    for rule in part(value, "spec", "rules") or ():
        yield "hostnames", _text(part(rule, "host"))
    for tls in part(value, "spec", "tls") or ():
        yield from (("hostnames", host) for host in texts(part(tls, "hosts")))


def _listened(gateway: Object) -> Iterator[str]:
    yield from (_text(part(listener, "hostname")) for listener in part(gateway, "spec", "listeners") or ())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
