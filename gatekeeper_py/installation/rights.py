"""What the engine may do: read what its policies look up, keep its own things, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from gatekeeper_py.cluster.live import BASE_KINDS
from gatekeeper_py.installation.identifiers import (
    ADMISSION,
    CERTIFICATES,
    LABELS,
    NAME,
    NAMESPACE,
    RBAC,
    REACH,
)
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.tenancy.fields import definitions
from gatekeeper_py.tenancy.lookups import looked_up
from gatekeeper_py.tenancy.tenant import GROUP
from gatekeeper_py.webhook.origin import TENANCY_KINDS

__all__ = ["own_rules", "plural", "reading_rules", "rights"]

FOLLOW: Final = ("list", "watch")
"""How kinds are read: by following them, never one by one."""

ACCOUNT: Final = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}

CLUSTER_RULES: Final = (
    {
        "apiGroups": [GROUP],
        "resources": [
            "tenants/status",
            "tenancysettings/status",
            "waivers/status",
            "controlplanes/status",
        ],
        "verbs": ["patch"],
    },
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
    {
        "apiGroups": [ADMISSION],
        "resources": ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
        "resourceNames": [NAME],
        "verbs": ["get", "update"],
    },
)
"""The state of Tenants, settings and Waivers, Events about denials, and its own registration."""


def rights(policies: PolicySet) -> list[Object]:
    """The ServiceAccount and its roles, for these policies."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(NAMESPACE)}
    return [
        account,
        _role("ClusterRole", [*reading_rules(policies), *CLUSTER_RULES], ""),
        _binding("ClusterRole", ""),
        _role("Role", own_rules(), NAMESPACE),
        _binding("Role", NAMESPACE),
    ]


def reading_rules(policies: PolicySet) -> list[Object]:
    """One rule an API group, for every kind that a decision may look up."""
    known = Kinds.builtin().with_definitions(map(dict, definitions()))
    return [
        {"apiGroups": [group], "resources": resources, "verbs": list(FOLLOW)}
        for group, resources in _by_group((*BASE_KINDS, *TENANCY_KINDS, *looked_up(policies)), known)
    ]


def own_rules() -> list[Object]:
    """What it keeps in its own namespace. It makes nothing: all of it is there before it starts."""
    named = [
        ("", "secrets", CERTIFICATES, ["get", "update"]),
        ("", "configmaps", REACH, ["get", "update"]),
        ("coordination.k8s.io", "leases", NAME, ["get", "update"]),
    ]
    return [
        {"apiGroups": [group], "resources": [resource], "resourceNames": [name], "verbs": verbs}
        for group, resource, name, verbs in named
    ]


def _by_group(kinds: Iterable[GroupVersionKind], known: Kinds) -> list[tuple[str, list[str]]]:
    found: dict[str, set[str]] = defaultdict(set)
    for kind in kinds:
        found[kind.group].add(plural(kind, known))
    return [(group, sorted(resources)) for group, resources in sorted(found.items())]


def plural(kind: GroupVersionKind, known: Kinds) -> str:
    """The resource of a kind; that of an unknown one is its plural in English, as nearly all have it."""
    if served := known.served(kind):
        return served.resource.resource
    singular = kind.kind.lower()
    if singular.endswith(("s", "x", "z", "ch", "sh")):
        return f"{singular}es"
    if singular.endswith("y") and singular[-2:-1] not in "aeiou":
        return f"{singular[:-1]}ies"
    return f"{singular}s"


def _role(kind: str, rules: Sequence[Object], namespace: str) -> Object:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": kind,
        "metadata": _metadata(namespace),
        "rules": list(rules),
    }


def _binding(kind: str, namespace: str) -> Object:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": _metadata(namespace),
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": NAME},
        "subjects": [ACCOUNT],
    }


def _metadata(namespace: str) -> Object:
    where = {"namespace": namespace} if namespace else {}
    return {"name": NAME, **where, "labels": LABELS}
