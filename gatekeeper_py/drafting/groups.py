"""Who shares namespaces already: tenants of Capsule, projects of Rancher, trees of HNC; or nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gatekeeper_py.drafting.sightings import labels_in, name_in
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.tenancy.fields import TENANT_NAME_LENGTH

__all__ = ["ADDONS", "Group", "groups"]

CAPSULE: Final = "capsule.clastix.io/tenant"
RANCHER: Final = "field.cattle.io/projectId"
HNC: Final = ".tree.hnc.x-k8s.io/depth"
"""After the name of an ancestor; the value says how far above it is (HNC, docs/user-guide/concepts)."""

ADDONS: Final = "addons"
"""The tenant of what serves the whole cluster."""

TAKEN: Final = frozenset({ADDONS, "platform", "settings", "unclaimed"})
"""Names of documents that are there already."""


@dataclass(frozen=True, slots=True)
class Group:
    """Namespaces that one tenant would own."""

    name: str
    """Of the tenant."""
    why: str
    claim: Mapping[str, Any]
    """The field `namespaces` of the tenant."""
    namespaces: list[str] = field(default_factory=list)
    """Those it has now."""


def groups(namespaces: Iterable[Object]) -> list[Group]:
    """The groups of all these namespaces, by the names of their tenants."""
    found: dict[str, Group] = {}
    used = set(TAKEN)
    for value in sorted(namespaces, key=name_in):
        owner, why, claim = _owner(value)
        group = found.get(why)
        if group is None:
            group = found[why] = Group(_free(owner, used), why, claim)
        group.namespaces.append(name_in(value))
    return sorted(found.values(), key=lambda group: group.name)


def _owner(namespace: Object) -> tuple[str, str, Mapping[str, Any]]:
    """What the tenant might be called, why these namespaces are one's, and how they are claimed."""
    labels, name = labels_in(namespace), name_in(namespace)
    if tenant := labels.get(CAPSULE):
        return str(tenant), f"the namespaces of Capsule's tenant {tenant}", {"capsuleTenant": tenant}
    if project := labels.get(RANCHER):
        return str(project), f"the namespaces of Rancher's project {project}", {"rancherProject": project}
    root = _root(labels)
    if root:
        tree = {"matchExpressions": [{"key": root + HNC, "operator": "Exists"}]}
        return root, f"the tree of namespaces below {root} (HNC)", {"selector": tree}
    return name, f"the namespace {name}", {"names": [name]}


def _root(labels: Mapping[str, Any]) -> str:
    """The highest ancestor of a namespace, or itself; empty where HNC does not know it."""
    depths = {
        key.removesuffix(HNC): int(value)
        for key, value in labels.items()
        if key.endswith(HNC) and str(value).isdecimal()
    }
    return max(depths, key=lambda name: depths[name], default="")


def _free(wanted: str, used: set[str]) -> str:
    """A name that a tenant may have, and none has yet."""
    name = wanted.lower().replace(".", "-")
    if len(name) > TENANT_NAME_LENGTH:
        name = f"{name[: TENANT_NAME_LENGTH - 9].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    free, number = name, 1
    while free in used:
        number += 1
        free = f"{name[: TENANT_NAME_LENGTH - 5]}-{number}"
    used.add(free)
    return free
