"""What belongs into each namespace of a tenant and admission cannot give, which is asked about what is there.

    Namespace       labelled with the level of Pod Security
    RoleBinding     the owners administer it
    NetworkPolicies nothing comes in or goes out, but for DNS and the tenant's own namespaces
    ResourceQuota   how much there may be
    LimitRange      what a container asks for that does not say, and how much it may

A pure function of the tenant and its namespaces: the same in, the same out. All but the Namespace bear the
platform's mark, so that the tenant can neither change nor delete them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from gatekeeper_py.golang import quantities
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.policy.admission.decision import Enforcement
from gatekeeper_py.tenancy.tenant import ContestedNamespace, Owner, Tenancy, Tenant

__all__ = ["ADMIN", "LEVELS", "LEVEL_LABEL", "NAME_LABEL", "QUOTA", "frame", "homes"]

ADMIN: Final = "admin"
"""The built-in ClusterRole that owners get: everything in a namespace but its quota."""
RBAC: Final = "rbac.authorization.k8s.io"
MARK: Final = {"tenancy.gatekeeper-py.dev/protected": "true", "app.kubernetes.io/managed-by": "gatekeeper"}

LEVEL_LABEL: Final = "pod-security.kubernetes.io/enforce"
LEVELS: Final = ("privileged", "baseline", "restricted")
"""Of Pod Security, the strictest last."""
NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""The API server keeps it: unlike others nobody can give it to a namespace of his own."""

DNS_NAMESPACE: Final = "kube-system"
DNS_LABELS: Final = {"k8s-app": "kube-dns"}
"""How CoreDNS is labelled everywhere, for kube-dns was before it."""
DNS_PORT: Final = 53

QUOTA: Final[Mapping[str, str]] = {
    "pods": "200",
    "services": "100",
    "configmaps": "500",
    "secrets": "500",
    "persistentvolumeclaims": "100",
    "count/jobs.batch": "500",
    "count/cronjobs.batch": "100",
}
"""Objects of one namespace where nobody says how many: enough for people, and no way to fill etcd. Processors
and memory are not among them: how many there are only the platform knows."""

REQUEST: Final = {"cpu": "100m", "memory": "128Mi"}
"""What a container asks for that does not say."""
LIMIT: Final = {"cpu": "1", "memory": "2Gi"}
"""What a container gets that does not say: as much as a virtual machine of Kata has without limits. Without
it a LimitRange would give it the most there may be (plugin/pkg/admission/limitranger), and so the machine."""


def frame(
    tenant: Tenant, namespace: Object, namespaces: Sequence[str], role: str = ADMIN
) -> Iterator[Object]:
    """What belongs into a namespace, itself first; `namespaces` are the names of all of the tenant's.

    `namespace` is its record as far as it is known: of two levels of Pod Security the stricter stays. What
    would change or refuse something is left out where the tenant is not enforced.
    """
    name = namespace["metadata"]["name"]
    yield _namespace(tenant, namespace)
    if tenant.owners:
        yield _owners(tenant, name, role)
    if tenant.enforcement == "enforce":
        yield _network_policy(name, "tenant-default-deny", ("Ingress", "Egress"))
        yield _dns(name)
        yield _inside(name, namespaces)
        yield _quota(tenant, name)
        yield _limit_range(tenant, name)


def homes(tenancy: Tenancy, records: Iterable[Object]) -> Mapping[str, list[Object]]:
    """The namespaces of each tenant that is to have a frame, by names: those that exist, and those it names.

    Of what is in dispute there is none, nor of trusted tenants.
    """
    known = {record["metadata"]["name"]: record for record in records}
    named = (name for tenant in tenancy.tenants for name in tenant.claim.names)
    found: dict[str, list[Object]] = {tenant.name: [] for tenant in tenancy.tenants if not tenant.trusted}
    for name in sorted({*known, *named}):
        record = known.get(name) or {"metadata": {"name": name}}
        owner = _claimant(tenancy, name, record)
        if owner is not None and owner.name in found:
            found[owner.name].append(record)
    return found


def _claimant(tenancy: Tenancy, name: str, record: Object) -> Tenant | None:
    try:
        return tenancy.claimant(name, lambda _name: labels_of(record))
    except ContestedNamespace:
        return None


MODES: Final[Mapping[Enforcement, str]] = {"enforce": "enforce", "warn": "warn", "observe": "audit"}
"""Of Pod Security, what is to tenants what these are to us."""


def _namespace(tenant: Tenant, namespace: Object) -> Object:
    mode = LEVEL_LABEL.replace("enforce", MODES[tenant.enforcement])
    there = labels_of(namespace).get(mode, "")
    level = max(tenant.pod_security, there, key=lambda each: LEVELS.index(each) if each in LEVELS else -1)
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": namespace["metadata"]["name"], "labels": {mode: level}},
    }


def _made(api_version: str, kind: str, namespace: str, name: str, **content: Any) -> Object:
    metadata = {"name": name, "namespace": namespace, "labels": dict(MARK)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def _owners(tenant: Tenant, namespace: str, role: str) -> Object:
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
    subjects = [_subject(owner) for owner in tenant.owners]
    return _made(
        f"{RBAC}/v1", "RoleBinding", namespace, "tenant-owners", roleRef=reference, subjects=subjects
    )


def _subject(owner: Owner) -> Object:
    if owner.kind == "ServiceAccount":
        return {"kind": owner.kind, "name": owner.name, "namespace": owner.namespace}
    return {"apiGroup": RBAC, "kind": owner.kind, "name": owner.name}


# --- traffic


def _network_policy(namespace: str, name: str, types: Sequence[str], **rules: Any) -> Object:
    spec = {"podSelector": {}, "policyTypes": list(types), **rules}
    return _made("networking.k8s.io/v1", "NetworkPolicy", namespace, name, spec=spec)


def _dns(namespace: str) -> Object:
    """To the cluster's DNS, which no pod can do without."""
    peer = {
        "namespaceSelector": {"matchLabels": {NAME_LABEL: DNS_NAMESPACE}},
        "podSelector": {"matchLabels": dict(DNS_LABELS)},
    }
    ports = [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")]
    return _network_policy(namespace, "tenant-dns", ["Egress"], egress=[{"to": [peer], "ports": ports}])


def _inside(namespace: str, namespaces: Sequence[str]) -> Object:
    """From and to the tenant's own namespaces, by what nobody can forge."""
    named = {"key": NAME_LABEL, "operator": "In", "values": sorted(namespaces)}
    peer = {"namespaceSelector": {"matchExpressions": [named]}}
    rules = {"ingress": [{"from": [peer]}], "egress": [{"to": [peer]}]}
    return _network_policy(namespace, "tenant-inside", ["Ingress", "Egress"], **rules)


# --- amounts


def _quota(tenant: Tenant, namespace: str) -> Object:
    counted = {
        "services.loadbalancers": tenant.limits.load_balancers,
        "services.nodeports": tenant.limits.node_ports,
        "count/volumesnapshots.snapshot.storage.k8s.io": tenant.limits.snapshots,
    }
    limits = {name: str(most) for name, most in counted.items() if most}
    hard = dict(sorted({**QUOTA, **limits, **tenant.quota}.items()))
    return _made("v1", "ResourceQuota", namespace, "tenant-quota", spec={"hard": hard})


def _limit_range(tenant: Tenant, namespace: str) -> Object:
    stated = {"cpu": tenant.limits.cpu, "memory": tenant.limits.memory}
    most = {name: amount for name, amount in stated.items() if amount != "0"}
    item: Object = {
        "type": "Container",
        "defaultRequest": _within(REQUEST, most),
        "default": _within(LIMIT, most),
        **({"max": most} if most else {}),
    }
    return _made("v1", "LimitRange", namespace, "tenant-limits", spec={"limits": [item]})


def _within(amounts: Mapping[str, str], most: Mapping[str, str]) -> dict[str, str]:
    """Amounts, none above its bound."""
    return {name: min(amount, most.get(name, amount), key=_value) for name, amount in amounts.items()}


def _value(amount: str) -> Any:
    found = quantities.parse(amount)
    assert found is not None, "the shape of tenancy documents allows quantities alone"
    return found[0]
