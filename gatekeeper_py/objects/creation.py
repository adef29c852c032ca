"""What the API server's own plugins and a kind's strategy do to an object that is created or updated.

kubernetes 1.36 plugin/pkg/admission/* (those on by default, but for ServiceAccount) and
pkg/registry/*/*/strategy.go (PrepareForCreate, PrepareForUpdate). Every function changes its first argument,
a fresh object, in place.

A few values are known only to a running cluster. So that policies find them present, they are placeholders;
what is given back to an author (`policy/changes.py`, graft) has none of them.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from gatekeeper_py.golang import quantities as quantity
from gatekeeper_py.objects.decoding import UnreadableObject
from gatekeeper_py.objects.default_rules import containers
from gatekeeper_py.objects.limit_ranges import apply_limit_ranges
from gatekeeper_py.objects.resource import GroupVersionKind, Object, Objects
from gatekeeper_py.objects.schema import CUSTOM_RESOURCE_DEFINITION, builtin_schema

__all__ = ["GENERATED_METADATA", "PLACEHOLDER_IP", "PLACEHOLDER_UID", "create", "update"]

PLACEHOLDER_UID = "00000000-0000-0000-0000-000000000000"
"""Stands for the uid that a Job's selector and template labels will hold."""
PLACEHOLDER_IP = "10.0.0.0"
"""Stands for a Service's address; what kube-apiserver's own dry run answers on the default range."""

PLACEHOLDER_NODE_PORT = 32769
"""The first port of nodes that a dry run of kube-apiserver answers; outside the range of real ones."""

POD = GroupVersionKind("", "v1", "Pod")
PRIORITY_CLASS = GroupVersionKind("scheduling.k8s.io", "v1", "PriorityClass")
RUNTIME_CLASS = GroupVersionKind("node.k8s.io", "v1", "RuntimeClass")
STORAGE_CLASS = GroupVersionKind("storage.k8s.io", "v1", "StorageClass")
INGRESS_CLASS = GroupVersionKind("networking.k8s.io", "v1", "IngressClass")

SYSTEM_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
NODE_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
TOLERATION_SECONDS = 300
GENERATED_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""What the API server makes itself, whatever the manifest says."""
KEEPS_STATUS = frozenset({"Node", "ServiceCIDR"})
"""Kinds whose status may be given at creation."""
JOB_NAME_LABELS = ("job-name", "batch.kubernetes.io/job-name")
JOB_UID_LABELS = ("controller-uid", "batch.kubernetes.io/controller-uid")
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")
MOST_GENERATIONS = 2**63 - 1
"""The largest int64."""
LEGACY_STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"
DEFAULT_STORAGE_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
DEFAULT_INGRESS_CLASS = ("ingressclass.kubernetes.io/is-default-class",)
LEGACY_INGRESS_CLASS = "kubernetes.io/ingress.class"
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
COMPUTE = ("cpu", "memory")

Preparation: TypeAlias = Callable[[Object, Objects | None], None]


def create(made: Object, kind: GroupVersionKind, view: Objects | None) -> None:
    """As validating admission sees a new object."""
    metadata = made.setdefault("metadata", {})
    for name in GENERATED_METADATA:
        metadata.pop(name, None)
    _reset_status(made, kind, view)
    prepare = PREPARATIONS.get((kind.group, kind.kind))
    if prepare is not None and builtin_schema(kind) is not None:
        prepare(made, view)


def _reset_status(made: Object, kind: GroupVersionKind, view: Objects | None) -> None:
    schema = builtin_schema(kind)
    if schema is None:
        if _has_status_subresource(kind, view):
            made.pop("status", None)
    elif "status" in schema.structs and kind.kind not in KEEPS_STATUS:
        made["status"] = _empty(kind)


def _empty(kind: GroupVersionKind) -> Object:
    """A status as Go writes one that was never set."""
    schema = builtin_schema(kind)
    assert schema is not None
    status = schema.fields["status"]
    return {name: {} for name in status.structs} | dict(status.always)


def _has_status_subresource(kind: GroupVersionKind, view: Objects | None) -> bool:
    for definition in view.list(CUSTOM_RESOURCE_DEFINITION) if view is not None else ():
        spec = _part(definition, "spec")
        if spec.get("group") == kind.group and _part(spec, "names").get("kind") == kind.kind:
            versions = (
                version for version in spec.get("versions", ()) if version.get("name") == kind.version
            )
            return any("status" in _part(version, "subresources") for version in versions)
    return False


# --- pods -------------------------------------------------------------------------------------------


def _pod(made: Object, view: Objects | None) -> None:
    spec = made["spec"]
    apply_limit_ranges(made, view)
    _runtime_class(spec, view)
    _tolerations(spec)
    _priority(spec, view)
    made["status"] = {"phase": "Pending", "qosClass": _quality_of_service(spec)}
    if spec.get("schedulingGates"):
        made["status"]["conditions"] = [_gated()]
    _label_keys(spec, made["metadata"].get("labels") or {})
    _app_armor(spec, made["metadata"].get("annotations") or {})


def _tolerations(spec: Object) -> None:
    """Five minutes on a node that is gone, unless the pod says otherwise."""
    have = spec.get("tolerations") or []
    for taint in NODE_TAINTS:
        if not any(
            toleration.get("key", "") in ("", taint) and toleration.get("effect", "") in ("", "NoExecute")
            for toleration in have
        ):
            spec["tolerations"] = [*(spec.get("tolerations") or ()), _toleration(taint)]


def _toleration(taint: str) -> Object:
    seconds = TOLERATION_SECONDS
    return {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}


def _priority(spec: Object, view: Objects | None) -> None:
    """The number and the policy of the pod's priority class."""
    name = spec.get("priorityClassName", "")
    found = _priority_class(name, view)
    if found is None and name not in SYSTEM_PRIORITIES and name:
        return  # the API server refuses it, or it is a class we cannot see
    if found is not None:
        spec["priorityClassName"] = _metadata(found)["name"]
    value = SYSTEM_PRIORITIES.get(name, 0) if found is None else _priority_value(found)
    policy = (
        "PreemptLowerPriority" if found is None else found.get("preemptionPolicy", "PreemptLowerPriority")
    )
    spec.setdefault("priority", value)
    spec.setdefault("preemptionPolicy", policy)


def _priority_class(name: str, view: Objects | None) -> Object | None:
    if view is None:
        return None
    if name:
        return view.get(PRIORITY_CLASS, "", name)
    defaults = [found for found in view.list(PRIORITY_CLASS) if found.get("globalDefault")]
    return min(defaults, key=_priority_value, default=None)


def _priority_value(found: Object) -> int:
    value = found.get("value")
    return value if isinstance(value, int) else 0


def _runtime_class(spec: Object, view: Objects | None) -> None:
    """Overhead and scheduling of the runtime class."""
    name = spec.get("runtimeClassName")
    found = view.get(RUNTIME_CLASS, "", name) if view is not None and name else None
    if found is None:
        return
    if overhead := _part(_part(found, "overhead"), "podFixed"):
        spec.setdefault("overhead", {key: quantity.canonical(str(text)) for key, text in overhead.items()})
    scheduling = _part(found, "scheduling")
    if selector := _part(scheduling, "nodeSelector"):
        spec["nodeSelector"] = {**(spec.get("nodeSelector") or {}), **selector}
    tolerations = scheduling.get("tolerations")
    for toleration in tolerations if isinstance(tolerations, list) else ():
        if toleration not in (spec.get("tolerations") or ()):
            spec["tolerations"] = [*(spec.get("tolerations") or ()), copy.deepcopy(toleration)]


def _part(found: Object, name: str) -> Object:
    """A map within an object somebody else wrote; empty where there is none."""
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def _gated() -> Object:
    return {
        "type": "PodScheduled",
        "status": "False",
        "lastProbeTime": None,
        "lastTransitionTime": None,
        "reason": "SchedulingGated",
        "message": "Scheduling is blocked due to non-empty scheduling gates",
    }


def _quality_of_service(spec: Object) -> str:
    """BestEffort, Burstable or Guaranteed: pkg/apis/core/v1/helper/qos/qos.go."""
    of_pod = spec.get("resources")
    parts = [of_pod] if of_pod is not None else [part.get("resources") or {} for part in containers(spec)]
    requests, limits = ([_compute(part.get(kind)) for part in parts] for kind in ("requests", "limits"))
    if not any(requests) and not any(limits):
        return "BestEffort"
    complete = all(len(limit) == len(COMPUTE) for limit in limits)
    equal = complete and (requests == limits or _total(requests) == _total(limits))
    return "Guaranteed" if equal else "Burstable"


def _compute(listed: Mapping[str, Any] | None) -> dict[str, Fraction]:
    parsed = {name: quantity.parse(str((listed or {}).get(name, "0"))) for name in COMPUTE}
    return {name: each[0] for name, each in parsed.items() if each is not None and each[0].numerator > 0}


def _total(amounts: Iterable[Mapping[str, Fraction]]) -> dict[str, Fraction]:
    total: dict[str, Fraction] = {}
    for amount in amounts:
        for name, value in amount.items():
            total[name] = total.get(name, Fraction(0)) + value
    return total


def _label_keys(spec: Object, labels: Mapping[str, str]) -> None:
    """matchLabelKeys become requirements of the selector beside them."""
    for constraint in spec.get("topologySpreadConstraints") or ():
        _add_requirements(constraint, "matchLabelKeys", "In", labels)
    for term in _affinity_terms(spec.get("affinity") or {}):
        _add_requirements(term, "matchLabelKeys", "In", labels)
        _add_requirements(term, "mismatchLabelKeys", "NotIn", labels)


def _affinity_terms(affinity: Object) -> Iterator[Object]:
    for name in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(name) or {}
        for preferred in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            yield preferred["podAffinityTerm"]
        yield from rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ()


def _add_requirements(holder: Object, field: str, operator: str, labels: Mapping[str, str]) -> None:
    selector = holder.get("labelSelector")
    keys = [key for key in holder.get(field) or () if key in labels]
    if selector is not None and keys:
        added = [{"key": key, "operator": operator, "values": [labels[key]]} for key in keys]
        selector["matchExpressions"] = [*(selector.get("matchExpressions") or ()), *added]


def _app_armor(spec: Object, annotations: Mapping[str, str]) -> None:
    """The old annotations become fields."""
    if (spec.get("os") or {}).get("name") == "windows":
        return
    of_pod = (spec.get("securityContext") or {}).get("appArmorProfile")
    for container in [*containers(spec), *(spec.get("ephemeralContainers") or ())]:
        profile = _app_armor_profile(annotations.get(f"{APP_ARMOR}{container['name']}", ""))
        context = container.get("securityContext") or {}
        if profile is not None and "appArmorProfile" not in context and profile != of_pod:
            container["securityContext"] = {**context, "appArmorProfile": profile}


def _app_armor_profile(annotation: str) -> Object | None:
    if annotation in ("unconfined", "runtime/default"):
        return {"type": "Unconfined" if annotation == "unconfined" else "RuntimeDefault"}
    prefix, _, name = annotation.partition("/")
    if prefix == "localhost" and name.strip() == name and name:
        return {"type": "Localhost", "localhostProfile": name}
    return None


# --- workloads --------------------------------------------------------------------------------------


def _job(made: Object, _view: Objects | None) -> None:
    if made["spec"].get("manualSelector"):
        return
    template = made["spec"]["template"]["metadata"]
    labels = template.setdefault("labels", {})
    for key in JOB_NAME_LABELS:
        labels.setdefault(key, made["metadata"].get("name", ""))
    for key in JOB_UID_LABELS:
        labels.setdefault(key, PLACEHOLDER_UID)
    template["labels"] = dict(labels)
    selector = made["spec"].setdefault("selector", {})
    selector.setdefault("matchLabels", {}).setdefault(JOB_UID_LABELS[1], PLACEHOLDER_UID)


def _daemon_set(made: Object, _view: Objects | None) -> None:
    """The annotation stands for an old field that counts from 1 (pkg/apis/apps/v1/conversion.go)."""
    annotations = made["metadata"].setdefault("annotations", {})
    given = annotations.get(TEMPLATE_GENERATION, "1")
    if WHOLE_NUMBER.fullmatch(given) is None or int(given) > MOST_GENERATIONS:
        path = ("metadata", "annotations", TEMPLATE_GENERATION)
        raise UnreadableObject(path, "a whole number", repr(given))
    annotations[TEMPLATE_GENERATION] = str(max(int(given), 1))


# --- core -------------------------------------------------------------------------------------------


def _namespace(made: Object, _view: Objects | None) -> None:
    made["status"] = {"phase": "Active"}
    _add(made["spec"], "kubernetes")


def _add(holder: Object, finalizer: str) -> None:
    have = holder.get("finalizers") or []
    if finalizer not in have:
        holder["finalizers"] = [*have, finalizer]


def _persistent_volume(made: Object, _view: Objects | None) -> None:
    made["status"] = {"phase": "Pending"}
    _add(made["metadata"], "kubernetes.io/pv-protection")


def _persistent_volume_claim(made: Object, view: Objects | None) -> None:
    made["status"] = {"phase": "Pending"}
    _add(made["metadata"], "kubernetes.io/pvc-protection")
    spec = made["spec"]
    _data_sources(spec)
    annotations = made["metadata"].get("annotations") or {}
    if "storageClassName" not in spec and LEGACY_STORAGE_CLASS not in annotations:
        default = _default_class(STORAGE_CLASS, DEFAULT_STORAGE_CLASS, view)
        if default is not None:
            spec["storageClassName"] = default


def _data_sources(spec: Object) -> None:
    """The old and the new field show each other's content; another namespace is not served by default."""
    if (spec.get("dataSourceRef") or {}).get("namespace"):
        del spec["dataSourceRef"]
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and reference is None:
        if (source.get("apiGroup") or "", source.get("kind")) in OLD_DATA_SOURCES:
            spec["dataSourceRef"] = dict(source)
        else:
            del spec["dataSource"]
    elif reference is not None and source is None:
        spec["dataSource"] = {key: reference[key] for key in ("apiGroup", "kind", "name") if key in reference}


OLD_DATA_SOURCES = frozenset({("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot")})


def _default_class(kind: GroupVersionKind, marks: Iterable[str], view: Objects | None) -> str | None:
    """The newest class marked as default, then the first by name."""
    marked = [
        _metadata(found)
        for found in (view.list(kind) if view is not None else ())
        if any(_part(_metadata(found), "annotations").get(mark) == "true" for mark in marks)
    ]
    marked.sort(key=lambda metadata: str(metadata["name"]))
    marked.sort(key=lambda metadata: str(metadata.get("creationTimestamp") or ""), reverse=True)
    return str(marked[0]["name"]) if marked else None


def _metadata(found: Object) -> Object:
    """Of an object somebody else wrote, with a name at least."""
    return {"name": "", **_part(found, "metadata")}


def _service(made: Object, _view: Objects | None) -> None:
    """Address and family fields on a cluster of one IPv4 range."""
    spec = made["spec"]
    if spec["type"] == "ExternalName":
        return
    if not spec.get("clusterIP") and spec.get("clusterIPs"):
        spec["clusterIP"] = spec["clusterIPs"][0]
    headless = spec.get("clusterIP") == "None"
    dual = headless and not spec.get("selector")
    spec.setdefault("ipFamilyPolicy", "RequireDualStack" if dual else "SingleStack")
    spec.setdefault("clusterIP", PLACEHOLDER_IP)
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    families = spec.setdefault("ipFamilies", [_family(spec["clusterIP"])])
    if dual and len(families) == 1 and spec["ipFamilyPolicy"] != "SingleStack":
        families.append("IPv6" if families[0] == "IPv4" else "IPv4")
    if spec["type"] in {"NodePort", "LoadBalancer"}:
        _node_ports(spec)


def _node_ports(spec: Object) -> None:
    """One port of the nodes for each port number; protocols that share the number share it too."""
    ports = spec.get("ports") or []
    wanted = {port["port"]: port["nodePort"] for port in reversed(ports) if port.get("nodePort")}
    taken: list[int] = []
    if spec["type"] == "NodePort" or spec.get("allocateLoadBalancerNodePorts"):
        for port in ports:
            number = wanted.setdefault(port["port"], max(taken, default=PLACEHOLDER_NODE_PORT - 1) + 1)
            port.setdefault("nodePort", number)
            taken.append(port["nodePort"])
    if spec["type"] == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local":
        spec.setdefault("healthCheckNodePort", max(taken, default=PLACEHOLDER_NODE_PORT - 1) + 1)


def _family(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"


def _service_account(made: Object, _view: Objects | None) -> None:
    """Secrets are named by name alone."""
    if made.get("secrets"):
        made["secrets"] = [
            {"name": secret["name"]} if secret.get("name") else {} for secret in made["secrets"]
        ]


def _ingress(made: Object, view: Objects | None) -> None:
    annotations = made["metadata"].get("annotations") or {}
    if "ingressClassName" not in made["spec"] and LEGACY_INGRESS_CLASS not in annotations:
        default = _default_class(INGRESS_CLASS, DEFAULT_INGRESS_CLASS, view)
        if default is not None:
            made["spec"]["ingressClassName"] = default


def _attributes_class(made: Object, _view: Objects | None) -> None:
    _add(made["metadata"], "kubernetes.io/vac-protection")


def _custom_resource_definition(made: Object, _view: Objects | None) -> None:
    stored = [version["name"] for version in made["spec"].get("versions") or () if version.get("storage")]
    names = {"kind": "", "plural": ""}
    made["status"] |= {"acceptedNames": names, "storedVersions": stored[:1]}


PREPARATIONS: Mapping[tuple[str, str], Preparation] = {
    ("", "Namespace"): _namespace,
    ("", "PersistentVolume"): _persistent_volume,
    ("", "PersistentVolumeClaim"): _persistent_volume_claim,
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("", "ServiceAccount"): _service_account,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _custom_resource_definition,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("storage.k8s.io", "VolumeAttributesClass"): _attributes_class,
}


# --- updates ----------------------------------------------------------------------------------------


def update(made: Object, old: Object, kind: GroupVersionKind, subresource: str) -> None:
    """As validating admission sees the update of a stored object: the rest of it comes from the old one."""
    metadata, stored = made.setdefault("metadata", {}), _part(old, "metadata")
    for name in ("creationTimestamp", "uid", "namespace"):
        if name in stored:
            metadata.setdefault(name, stored[name])
    if subresource == "status":
        made.update({name: copy.deepcopy(part) for name, part in old.items() if name not in NOT_THE_SPEC})
        if kind == POD and "qosClass" in _part(old, "status"):
            made["status"].setdefault("qosClass", old["status"]["qosClass"])
    elif not subresource and "status" in old:
        made["status"] = copy.deepcopy(old["status"])
    if kind.kind == "Scale" and kind.group == "autoscaling":
        made["status"] = copy.deepcopy(old.get("status", {}))
    if kind == POD:
        _keep_from_old_pod(_part(made, "spec"), _part(old, "spec"))


NOT_THE_SPEC = frozenset({"apiVersion", "kind", "metadata", "status"})


def _keep_from_old_pod(spec: Object, old: Object) -> None:
    _tolerations(spec)
    for name in ("priority", "preemptionPolicy"):
        if name in old:
            spec.setdefault(name, old[name])
