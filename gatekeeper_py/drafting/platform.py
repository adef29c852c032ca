"""Which namespaces look like the platform's, and by what: the control plane, and add-ons that serve all.

Nothing here is proof. A tenant could have some of it by mistake, so every sign is written beside the name,
for a person to read before anything is enforced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gatekeeper_py.drafting.sightings import labels_in, name_in, namespace_in, part, pod_specs, texts
from gatekeeper_py.objects.resource import Object

__all__ = ["administrators", "is_reserved", "signs"]

SYSTEM_PREFIXES: Final = ("kube-", "openshift-")
"""How names of namespaces begin that clusters keep for themselves."""

REVIEWS: Final = frozenset(
    {"tokenreviews", "subjectaccessreviews", "localsubjectaccessreviews"}
    | {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}
)
"""Whoever serves behind authentication may ask these, tenants too."""
READABLE: Final = frozenset(
    {"nodes", "namespaces", "storageclasses", "ingressclasses", "gatewayclasses", "runtimeclasses"}
    | {"priorityclasses", "csidrivers", "csinodes", "customresourcedefinitions", "persistentvolumes"}
)
"""Cluster-wide facts that a tenant's operator may be let read."""
READS: Final = frozenset({"get", "list", "watch"})

SERVICE_ACCOUNTS: Final = "system:serviceaccounts:"
ADMINISTRATOR: Final = "cluster-admin"


def signs(found: Mapping[str, list[Object]]) -> Mapping[str, list[str]]:
    """The namespaces that exist and look like the platform's, each with why, by name."""
    names = sorted(map(name_in, found["Namespace"]))
    seen: dict[str, dict[str, None]] = {name: {} for name in names}
    for namespace, sign in _signs(found):
        if namespace in seen:
            seen[namespace][sign] = None
    return {name: list(why) for name, why in seen.items() if why}


def _signs(found: Mapping[str, list[Object]]) -> Iterator[tuple[str, str]]:
    yield from _by_name(found["Namespace"])
    yield from _by_service(found)
    yield from _by_rights(found)
    yield from _by_pods(found)


def is_reserved(name: str) -> bool:
    """Whether clusters keep a name of a namespace for themselves."""
    return name.startswith(SYSTEM_PREFIXES)


def _by_name(namespaces: Iterable[Object]) -> Iterator[tuple[str, str]]:
    for value in namespaces:
        name = name_in(value)
        if is_reserved(name):
            yield name, "its name is one that clusters keep for themselves"
        if labels_in(value).get("pod-security.kubernetes.io/enforce") == "privileged":
            yield name, "its label lets privileged pods in (pod-security.kubernetes.io/enforce)"


def _by_service(found: Mapping[str, list[Object]]) -> Iterator[tuple[str, str]]:
    """Namespaces of Services that the API server itself calls."""
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        for value in found[kind]:
            for webhook in part(value, "webhooks") or ():
                yield (
                    str(part(webhook, "clientConfig", "service", "namespace")),
                    f"serves {kind} {name_in(value)}",
                )
    for value in found["APIService"]:
        yield str(part(value, "spec", "service", "namespace")), f"serves APIService {name_in(value)}"
    for value in found["CustomResourceDefinition"]:
        service = part(value, "spec", "conversion", "webhook", "clientConfig", "service", "namespace")
        yield str(service), f"converts CustomResourceDefinition {name_in(value)}"


def _by_rights(found: Mapping[str, list[Object]]) -> Iterator[tuple[str, str]]:
    """Namespaces whose accounts have rights in every namespace."""
    roles = {name_in(role): part(role, "rules") or () for role in found["ClusterRole"]}
    for binding in found["ClusterRoleBinding"]:
        role = str(part(binding, "roleRef", "name"))
        if any(map(_reaches_all, roles.get(role, ()))):
            for namespace, account in _accounts(binding):
                yield namespace, f"{account} has ClusterRole {role} in all namespaces ({name_in(binding)})"


def _accounts(binding: Object) -> Iterator[tuple[str, str]]:
    """The namespaces of a binding's ServiceAccounts, each with which these are."""
    for subject in part(binding, "subjects") or ():
        name = str(part(subject, "name"))
        if part(subject, "kind") == "ServiceAccount":
            yield str(part(subject, "namespace")), f"ServiceAccount {name}"
        elif part(subject, "kind") == "Group" and name.startswith(SERVICE_ACCOUNTS):
            yield name.removeprefix(SERVICE_ACCOUNTS), "every ServiceAccount"


def _reaches_all(rule: Mapping[str, Any]) -> bool:
    """Whether a rule lets read or write more than facts about the cluster."""
    resources = set(texts(part(rule, "resources"))) - REVIEWS
    if set(texts(part(rule, "verbs"))) <= READS:
        resources -= READABLE
    return bool(resources)


def _by_pods(found: Mapping[str, list[Object]]) -> Iterator[tuple[str, str]]:
    for value, spec in pod_specs(found):
        told = f"{value['kind']} {name_in(value)}"
        if value["kind"] == "DaemonSet" and (access := list(_host_access(spec))):
            yield namespace_in(value), f"{told} is on every node with {', '.join(access)}"
        priority = part(spec, "priorityClassName")
        if value["kind"] != "Pod" and isinstance(priority, str) and priority.startswith("system-"):
            yield namespace_in(value), f"{told} has the priority {priority}"


def _host_access(spec: Mapping[str, Any]) -> Iterator[str]:
    yield from (field for field in ("hostNetwork", "hostPID", "hostIPC") if part(spec, field) is True)
    volumes = part(spec, "volumes") or ()
    if any(part(volume, "hostPath") for volume in volumes):
        yield "hostPath"
    containers = [*(part(spec, "initContainers") or ()), *(part(spec, "containers") or ())]
    if any(part(container, "securityContext", "privileged") is True for container in containers):
        yield "privileged containers"


def administrators(bindings: Iterable[Object]) -> tuple[list[str], list[str]]:
    """The users and groups that may do everything everywhere, but for those every cluster has.

    Groups of Kubernetes' own (`system:authenticated`) are left out: to take them for the platform would let
    everybody do everything.
    """
    bound = [
        (str(part(subject, "kind")), str(part(subject, "name")))
        for binding in bindings
        if part(binding, "roleRef", "name") == ADMINISTRATOR
        for subject in part(binding, "subjects") or ()
    ]
    named = sorted({(kind, name) for kind, name in bound if not name.startswith("system:")})
    return [n for kind, n in named if kind == "User"], [n for kind, n in named if kind == "Group"]
