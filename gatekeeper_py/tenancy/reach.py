"""What an object lays hands on in its own namespace: by a selector, by a target, by a name.

Controllers act for whoever wrote the object: a ReplicaSet adopts and deletes what its selector fits, a
StatefulSet takes the claim that has the name to come, an autoscaler scales what it is told to. Only what is
protected is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from gatekeeper_py.objects.projection import Projection
from gatekeeper_py.objects.resource import GroupVersionKind, Object, Objects, Served
from gatekeeper_py.objects.selector import Selector, SelectorError, labels_of
from gatekeeper_py.tenancy.catalogue import BUILT_IN_GROUPS
from gatekeeper_py.tenancy.forms import Place, Unreadable
from gatekeeper_py.tenancy.protection import (
    CHAIN,
    CLAIM,
    MARKS,
    Protection,
    claim_stems,
    name_of,
)

__all__ = ["LOOKED_UP", "MAY_REACH", "READ", "Reach", "reached", "reaching"]

POD, CONTROLLER, _, DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, JOB, CRON_JOB = CHAIN
SERVICE = GroupVersionKind("", "v1", "Service")
DEVICE_CLAIM = GroupVersionKind("resource.k8s.io", "v1", "ResourceClaim")
SNAPSHOT = GroupVersionKind("snapshot.storage.k8s.io", "v1", "VolumeSnapshot")
LOOKED_UP = frozenset((*CHAIN, SERVICE, DEVICE_CLAIM, SNAPSHOT))
"""The kinds that are read to tell what is reached."""
REACHED_KINDS = (*CHAIN, SERVICE)
"""What a field may name by its kind."""
COPIED: Mapping[str, GroupVersionKind] = {CLAIM.kind: CLAIM, SNAPSHOT.kind: SNAPSHOT}
"""What a claim may be filled with a copy of."""
SELECTED_BY_CUSTOM_KINDS = (POD, DEPLOYMENT, STATEFUL_SET, DAEMON_SET, REPLICA_SET, JOB, SERVICE)
TARGETS: Mapping[str, GroupVersionKind] = {kind.kind: kind for kind in REACHED_KINDS}
"""Kinds a target may be of: what is run, what it keeps its data in, and what leads to it."""
TARGETS_WITHOUT_KIND = ("targetref", "workloadref", "target", "workload", "targetrefs", "workloads")
"""How the names of fields end that hold a target and may leave its kind out."""
TARGET_KEY = re.compile(
    r"(pod|deployment|statefulset|daemonset|replicaset|cronjob|job|pvc|persistentvolumeclaim|claim|service|svc)"
    r"(s|names?|refs?)?$",
    re.IGNORECASE,
)
"""Fields of custom kinds that name a target, or several, by themselves."""
BACKEND_KEY = re.compile(r"backend(ref)?s?$", re.IGNORECASE)
"""Fields of routes that hold a Service where no kind is named."""
NAMED_TARGET = re.compile(
    r"(?:(?:[a-z0-9.-]+/)?v[0-9][a-z0-9]*[/:])?([A-Za-z]+?)s?(?:[.][a-z0-9.]+)?[/:]([a-z0-9][a-z0-9.-]*)"
)
"""A target as kubectl has it, `deployment/web`, or with its version before it, `apps/v1/Deployment/web`."""
KIND_FIELD = "Kind"
"""How a field ends that says of what kind something is whose name stands beside it: `workloadKind`."""
HOST_FIELDS = ("host", "hosts")
"""Fields of Istio by which a name in the mesh is taken."""
MESH_GROUP = "networking.istio.io"
FAULT_GROUP = "chaos-mesh.org"
EXPECTING = re.compile(r"^(?:except|exclude|ignore|skip)", re.IGNORECASE)
"""How the names of fields begin that say what is left alone."""
CALLED: Mapping[str, GroupVersionKind] = {
    **{kind.kind.lower(): kind for kind in CHAIN},
    "pvc": CLAIM,
    "claim": CLAIM,
    "service": SERVICE,
    "svc": SERVICE,
}
SELECTOR_KEY = re.compile(
    r"(?<!namespace)(?<!node)(?<!namespacelabel)selectors?$|(?:selector|workload|matching|target)labels$",
    re.IGNORECASE,
)
BARE_SELECTOR = "matchLabels"
"""A selector without a field of that name around it."""
PASSED_OVER = frozenset(
    (
        *("affinity", "topologySpreadConstraints", "volumeClaimTemplates", "metadata", "status"),
        *("ingress", "egress", "ingressDeny", "egressDeny"),
    )
)
"""Fields below which a selector says where pods go, which volume is bound, or with whom pods talk."""
POD_GROUPS = ("PodGroup", "Workload")
"""Kinds that say what pods share, and are not pods."""
SERVED_BY = "kubernetes.io/service-name"
"""The label by which an EndpointSlice says of which Service it holds addresses (KEP-752)."""
LABEL_SOURCES = ("k8s:", "any:")
"""What Cilium writes before a label (CiliumNetworkPolicy)."""
TEXT_DEMAND = re.compile(
    r"""(?<![A-Za-z0-9./_-])([A-Za-z0-9./_-]+)(?:\s*==?|\s+in\s)[\s({"']*([A-Za-z0-9._-]+)"""
)
"""A demand on a label in a selector that is text, as kubectl and Calico write it."""
TEXT_CHOICE = re.compile(r"\|\|")
"""By what Calico joins demands of which one is enough."""
TEXT_PRESENCE = re.compile(r"has\(\s*([A-Za-z0-9./_-]+)\s*\)|^\s*([A-Za-z0-9./_-]+)\s*$")


LONGEST_SELECTOR = 4096
"""Characters of a selector that is text and still read: fifty demands of the longest labels."""
MOST_SELECTORS = 1000
"""Selectors of one custom resource that are read: each is held against all pods of the namespace."""
CONTAINERS = frozenset((dict, list))


class Reach(NamedTuple):
    """Something protected, and the field by which it is reached."""

    path: str
    kind: str
    name: str


def reached(value: Object, protection: Protection) -> list[Reach]:
    """Everything protected that an object reaches; an object that is protected itself reaches its own."""
    group, _, _ = str(value.get("apiVersion", "")).rpartition("/")
    kind = str(value.get("kind", ""))
    finders = FINDERS.get((group, kind), ())
    if group not in BUILT_IN_GROUPS:
        finders = (_by_custom_kind, *finders)
    return list(dict.fromkeys(reach for finder in finders for reach in finder(value, protection)))


Finder: TypeAlias = Callable[[Object, Protection], Iterator[Reach]]


def _spec(value: Any) -> Mapping[str, Any]:
    spec = value.get("spec") if isinstance(value, dict) else None
    return spec if isinstance(spec, dict) else {}


# --- selectors


def _by_selector(field: str, *kinds: GroupVersionKind, empty: bool) -> Finder:
    """By a metav1.LabelSelector; `empty` says whether one without demands counts, which fits everything."""

    def find(value: Object, protection: Protection) -> Iterator[Reach]:
        selector = _spec(value).get(field)
        if isinstance(selector, dict):
            for kind, name in _selected(selector, kinds, protection, empty=empty):
                yield Reach(f"spec.{field}", kind, name)

    return find


def _by_map(value: Object, protection: Protection) -> Iterator[Reach]:
    """By labels that must all be there, as Services and ReplicationControllers select."""
    selector = _spec(value).get("selector")
    if not selector and value.get("kind") == CONTROLLER.kind:
        template = _spec(value).get("template")
        selector = labels_of(template) if isinstance(template, dict) else None
    if isinstance(selector, dict) and selector:
        for kind, name in _selected({"matchLabels": selector}, (POD,), protection, empty=False):
            yield Reach("spec.selector", kind, name)


def _selected(
    selector: Mapping[str, Any], kinds: Iterable[GroupVersionKind], protection: Protection, *, empty: bool
) -> Iterator[tuple[str, str]]:
    """Kind and name of what is protected and fits; a mark that is asked for is a name without a kind."""
    if not selector.get("matchLabels") and not selector.get("matchExpressions") and not empty:
        return
    yield from (("", key) for key in _asked(selector) if key in MARKS)
    for kind in kinds:
        for found in protection.objects.list(kind, protection.namespace):
            if _fits(selector, labels_of(found)) and protection.covers(found):
                yield kind.kind, name_of(found)


def _asked(selector: Mapping[str, Any]) -> Iterator[str]:
    """The labels that must be there for a selector to fit."""
    labels = selector.get("matchLabels")
    yield from labels if isinstance(labels, dict) else ()
    expressions = selector.get("matchExpressions")
    for demand in expressions if isinstance(expressions, list) else ():
        if isinstance(demand, dict) and demand.get("operator") in ("In", "Exists"):
            yield str(demand.get("key", ""))


def _fits(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether a selector fits; one that nobody can read fits everything."""
    exact = selector.get("matchLabels")
    if isinstance(exact, dict) and any(labels.get(key) != value for key, value in exact.items()):
        return False
    if not selector.get("matchExpressions"):
        return True
    try:
        return Selector.of({"matchExpressions": selector["matchExpressions"]}).matches(labels)
    except (SelectorError, AttributeError, TypeError):
        return True


# --- names


def _by_claim_templates(value: Object, protection: Protection) -> Iterator[Reach]:
    """A StatefulSet takes the claims of the names to come, whosever; its numbers may begin anywhere."""
    taken = [(each, stem) for each in protection.of(STATEFUL_SET) for stem in claim_stems(each)]
    for index, stem in enumerate(claim_stems(value)):
        path = f"spec.volumeClaimTemplates[{index}].metadata.name"
        for claim in protection.objects.list(CLAIM, protection.namespace):
            name = name_of(claim)
            if name.startswith(stem) and name.removeprefix(stem).isdigit() and protection.covers(claim):
                yield Reach(path, CLAIM.kind, name)
        for other, its_stem in taken:
            if its_stem == stem and name_of(other) != name_of(value):
                yield Reach(path, STATEFUL_SET.kind, name_of(other))


def _by_mounts(value: Object, protection: Protection) -> Iterator[Reach]:
    """A pod, or what makes pods, that writes to a protected claim."""
    path, spec = _pod_spec(value)
    for index, volume in enumerate(_items(spec.get("volumes"))):
        claim = volume.get("persistentVolumeClaim")
        if isinstance(claim, dict) and claim.get("readOnly") is not True:
            name = str(claim.get("claimName", ""))
            if protection.covers_named(CLAIM, name):
                yield Reach(f"{path}.volumes[{index}].persistentVolumeClaim.claimName", CLAIM.kind, name)


def _by_devices(value: Object, protection: Protection) -> Iterator[Reach]:
    """What shares a device that a protected claim holds: pods, and groups of pods (KEP-5729)."""
    path, spec = _pod_spec(value) if value.get("kind") not in POD_GROUPS else ("spec", _spec(value))
    each = [(f"{path}.resourceClaims", spec.get("resourceClaims"))]
    for index, group in enumerate(_items(spec.get("podGroupTemplates"))):
        each.append((f"{path}.podGroupTemplates[{index}].resourceClaims", group.get("resourceClaims")))
    for field, claims in each:
        for index, claim in enumerate(_items(claims)):
            name = claim.get("resourceClaimName")
            if isinstance(name, str) and protection.covers_named(DEVICE_CLAIM, name):
                yield Reach(f"{field}[{index}].resourceClaimName", DEVICE_CLAIM.kind, name)


def _by_ephemeral_claims(value: Object, protection: Protection) -> Iterator[Reach]:
    """The claim of a pod's ephemeral volume is called like both (KEP-1698)."""
    path, spec = _pod_spec(value)
    for index, volume in enumerate(_items(spec.get("volumes"))):
        if "ephemeral" in volume:
            name = f"{name_of(value)}-{volume.get('name', '')}"
            if protection.covers_named(CLAIM, name):
                yield Reach(f"{path}.volumes[{index}].name", CLAIM.kind, name)


def _by_clones(value: Object, protection: Protection) -> Iterator[Reach]:
    """A claim that is filled with a copy of a protected one, or of its snapshot, or a template of such."""
    for path, spec in _claim_specs(value):
        for field in ("dataSource", "dataSourceRef"):
            source = spec.get(field)
            if isinstance(source, dict):
                kind, name = COPIED.get(str(source.get("kind"))), str(source.get("name", ""))
                if kind is not None and _covers_copy(kind, name, protection):
                    yield Reach(f"{path}.{field}.name", kind.kind, name)


def _covers_copy(kind: GroupVersionKind, name: str, protection: Protection) -> bool:
    """Whether a claim is protected, or a snapshot, by a mark of its own or by what it was taken of."""
    if protection.covers_named(kind, name):
        return True
    taken = protection.objects.get(kind, protection.namespace, name) if kind == SNAPSHOT else None
    source = _spec(taken).get("source")
    claim = source.get("persistentVolumeClaimName") if isinstance(source, dict) else None
    return isinstance(claim, str) and protection.covers_named(CLAIM, claim)


def _claim_specs(value: Object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where a kind says what its claims are, and what it says."""
    if value.get("kind") == CLAIM.kind:
        yield "spec", _spec(value)
    for index, template in enumerate(_items(_spec(value).get("volumeClaimTemplates"))):
        yield f"spec.volumeClaimTemplates[{index}].spec", _spec(template)
    path, pod = _pod_spec(value)
    for index, volume in enumerate(_items(pod.get("volumes"))):
        if isinstance(volume.get("ephemeral"), dict):
            template = volume["ephemeral"].get("volumeClaimTemplate")
            yield f"{path}.volumes[{index}].ephemeral.volumeClaimTemplate.spec", _spec(template)


def _by_own_name(kind: GroupVersionKind) -> Finder:
    """Of the name of what it belongs to: Endpoints of a Service, a ServiceExport of one (KEP-1645)."""

    def find(value: Object, protection: Protection) -> Iterator[Reach]:
        if protection.covers_named(kind, name_of(value)):
            yield Reach("metadata.name", kind.kind, name_of(value))

    return find


def _by_service_label(value: Object, protection: Protection) -> Iterator[Reach]:
    """A slice of addresses for a protected Service."""
    name = labels_of(value).get(SERVED_BY)
    if isinstance(name, str) and protection.covers_named(SERVICE, name):
        yield Reach(f'metadata.labels["{SERVED_BY}"]', SERVICE.kind, name)


def _by_backends(value: Object, protection: Protection) -> Iterator[Reach]:
    """An Ingress that leads to a protected Service."""
    spec = _spec(value)
    backends = [("spec.defaultBackend", spec.get("defaultBackend"))]
    for at, rule in enumerate(_items(spec.get("rules"))):
        http = rule.get("http")
        for index, path in enumerate(_items(http.get("paths") if isinstance(http, dict) else None)):
            backends.append((f"spec.rules[{at}].http.paths[{index}].backend", path.get("backend")))
    for field, backend in backends:
        service = backend.get("service") if isinstance(backend, dict) else None
        name = service.get("name") if isinstance(service, dict) else None
        if isinstance(name, str) and protection.covers_named(SERVICE, name):
            yield Reach(f"{field}.service.name", SERVICE.kind, name)


def _by_name_of_a_claim(value: Object, protection: Protection) -> Iterator[Reach]:
    """A claim of a name that a protected StatefulSet, or a pod's ephemeral volume, will ask for."""
    if protection.covers(value):
        yield Reach("metadata.name", CLAIM.kind, name_of(value))
    for pod in protection.objects.list(POD, protection.namespace):
        if name_of(value).startswith(f"{name_of(pod)}-") and protection.covers(pod):
            for volume in _items(_spec(pod).get("volumes")):
                if "ephemeral" in volume and name_of(value) == f"{name_of(pod)}-{volume.get('name')}":
                    yield Reach("metadata.name", POD.kind, name_of(pod))


def _by_numbered_name(kind: GroupVersionKind) -> Finder:
    """Of a name that a controller gives what it makes: such an object is in its way, or taken for its own."""

    def find(value: Object, protection: Protection) -> Iterator[Reach]:
        stem, _, number = name_of(value).rpartition("-")
        if stem and number.isdigit() and protection.covers_named(kind, stem):
            yield Reach("metadata.name", kind.kind, stem)

    return find


def _by_own_labels(*kinds: GroupVersionKind) -> Finder:
    """By labels that the selector of a protected controller fits: it would take the object for its own."""

    def find(value: Object, protection: Protection) -> Iterator[Reach]:
        labels = labels_of(value)
        for kind in kinds if labels else ():
            for controller in protection.objects.list(kind, protection.namespace):
                selector = _spec(controller).get("selector")
                if kind == CONTROLLER and isinstance(selector, dict):
                    selector = {"matchLabels": selector}
                fits = selector and _fits(selector, labels) and protection.covers(controller)
                if fits and not protection.covers(value):
                    yield Reach("metadata.labels", kind.kind, name_of(controller))

    return find


def _by_services(value: Object, protection: Protection) -> Iterator[Reach]:
    """A pod that would get what is meant for protected ones: a Service finds them by labels that it has, too.

    A Service of the platform that leads to the tenant's own pods alone is there for them.
    """
    labels = labels_of(value)
    for service in protection.objects.list(SERVICE, protection.namespace) if labels else ():
        wanted = _spec(service).get("selector")
        if isinstance(wanted, dict) and wanted and wanted.items() <= labels.items():
            taken = protection.covers(service) and not protection.covers(value)
            if taken and any(wanted.items() <= labels_of(pod).items() for pod in protection.of(POD)):
                yield Reach("metadata.labels", SERVICE.kind, name_of(service))


def _by_group_snapshot(value: Object, protection: Protection) -> Iterator[Reach]:
    """The claims that a VolumeGroupSnapshot copies: without a demand all of the namespace."""
    source = _spec(value).get("source")
    selector = source.get("selector") if isinstance(source, dict) else None
    if isinstance(selector, dict):
        for kind, name in _selected(selector, (CLAIM,), protection, empty=True):
            yield Reach("spec.source.selector", kind, name)


def _by_target(field: str) -> Finder:
    def find(value: Object, protection: Protection) -> Iterator[Reach]:
        yield from _targeted(_spec(value).get(field), f"spec.{field}", protection)

    return find


def _targeted(target: Any, path: str, protection: Protection) -> Iterator[Reach]:
    if isinstance(target, dict):
        for kind, name in _targets(target, path, protection):
            yield Reach(f"{path}.name", kind, name)


def _targets(target: Mapping[str, Any], field: str, protection: Protection) -> Iterator[tuple[str, str]]:
    """Kind and name of what a target names, where that is protected."""
    name = target.get("name")
    if isinstance(name, str):
        for kind in _target_kinds(target, field):
            if protection.covers_named(kind, name):
                yield kind.kind, name


def _target_kinds(target: Mapping[str, Any], field: str) -> Iterable[GroupVersionKind]:
    """Of which kind a target is; what scales takes a Deployment, or another kind, where none is named."""
    named = target.get("kind")
    if isinstance(named, str) and named:
        return (TARGETS[named],) if named in TARGETS else ()
    resource = target.get("resource")
    called = resource.partition(".")[0].lower().removesuffix("s") if isinstance(resource, str) else ""
    if called in CALLED:
        return (CALLED[called],)
    if field.lower().endswith(TARGETS_WITHOUT_KIND):
        return CHAIN
    return (SERVICE,) if BACKEND_KEY.search(field) else ()


def _by_endpoints(value: Object, protection: Protection) -> Iterator[Reach]:
    for index, endpoint in enumerate(_items(value.get("endpoints"))):
        yield from _targeted(endpoint.get("targetRef"), f"endpoints[{index}].targetRef", protection)
    for at, subset in enumerate(_items(value.get("subsets"))):
        for field in ("addresses", "notReadyAddresses"):
            for index, address in enumerate(_items(subset.get(field))):
                path = f"subsets[{at}].{field}[{index}].targetRef"
                yield from _targeted(address.get("targetRef"), path, protection)


def _items(value: Any) -> Iterator[Mapping[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _pod_spec(value: Object) -> tuple[str, Mapping[str, Any]]:
    """Where a kind that makes pods says what they are, and what it says."""
    kind, spec = value.get("kind"), _spec(value)
    if kind == POD.kind:
        return "spec", spec
    if kind == "PodTemplate":
        return "template.spec", _spec(value.get("template"))
    if kind == CRON_JOB.kind:
        job = _spec(spec.get("jobTemplate"))
        return "spec.jobTemplate.spec.template.spec", _spec(job.get("template"))
    return "spec.template.spec", _spec(spec.get("template"))


_PODS = _by_selector("selector", POD, empty=True)
_RUNS: tuple[Finder, ...] = (_by_mounts, _by_devices)
"""By what pods reach others, wherever it is said what they are."""
FINDERS: Mapping[tuple[str, str], tuple[Finder, ...]] = {
    ("", "Pod"): (
        _by_own_labels(REPLICA_SET, CONTROLLER, STATEFUL_SET, DAEMON_SET, JOB),
        _by_services,
        _by_numbered_name(STATEFUL_SET),
        *_RUNS,
        _by_ephemeral_claims,
        _by_clones,
    ),
    ("", "PodTemplate"): _RUNS,
    ("", "ReplicationController"): (_by_map, *_RUNS),
    ("", "Service"): (_by_map,),
    ("", "Endpoints"): (_by_endpoints, _by_own_name(SERVICE)),
    ("", "PersistentVolumeClaim"): (_by_name_of_a_claim, _by_clones),
    ("apps", "Deployment"): (_by_selector("selector", POD, REPLICA_SET, empty=True), *_RUNS),
    ("apps", "ReplicaSet"): (_PODS, _by_own_labels(DEPLOYMENT), *_RUNS),
    ("apps", "StatefulSet"): (_PODS, _by_claim_templates, *_RUNS, _by_clones),
    ("apps", "DaemonSet"): (_PODS, *_RUNS),
    ("apps", "ControllerRevision"): (_by_own_labels(STATEFUL_SET, DAEMON_SET),),
    ("batch", "Job"): (_PODS, _by_numbered_name(CRON_JOB), *_RUNS),
    ("batch", "CronJob"): _RUNS,
    ("autoscaling", "HorizontalPodAutoscaler"): (_by_target("scaleTargetRef"),),
    ("discovery.k8s.io", "EndpointSlice"): (_by_endpoints, _by_service_label),
    ("networking.k8s.io", "Ingress"): (_by_backends,),
    ("networking.k8s.io", "NetworkPolicy"): (_by_selector("podSelector", POD, empty=False),),
    ("policy", "PodDisruptionBudget"): (_by_selector("selector", POD, empty=False),),
    ("groupsnapshot.storage.k8s.io", "VolumeGroupSnapshot"): (_by_group_snapshot,),
    ("multicluster.x-k8s.io", "ServiceExport"): (_by_own_name(SERVICE),),
    **{("scheduling.k8s.io", kind): (_by_devices,) for kind in POD_GROUPS},
}
"""By what each kind of Kubernetes' own, or of one of its projects, reaches others. What concerns a whole
namespace, a default deny or a budget for all, is what honest tenants write, too: there an empty selector
counts for none."""


# --- kinds of others


def _by_custom_kind(value: Object, protection: Protection) -> Iterator[Reach]:
    """What in a custom resource looks like a selector of pods, a target that runs, a template of claims."""
    yield from _by_claim_templates(value, protection)
    yield from _by_mesh_names(value, protection)
    yield from _by_faults(value, protection)
    stack: list[tuple[Any, Place, str]] = [
        (item, Place(None, key, len(key)), key) for key, item in value.items() if key not in PASSED_OVER
    ]
    selectors = 0
    while stack:
        inner, place, field = stack.pop()
        if type(inner) is list:
            stack += [(item, place.below(f"[{index}]"), field) for index, item in enumerate(inner) if item]
        elif type(inner) is dict:
            for path, kind, name in _together(inner, field, protection):
                yield Reach(f"{place.path()}{path}", kind, name)
            for key, item in inner.items():
                if item and key not in PASSED_OVER and not EXPECTING.match(key):
                    selectors += SELECTOR_KEY.search(key) is not None
                    if selectors > MOST_SELECTORS:
                        raise Unreadable(f"the object has more than {MOST_SELECTORS} selectors: split it")
                    for kind, name in _by_field(key, item, field, protection):
                        yield Reach(place.below(f".{key}").path(), kind, name)
                    if type(item) in CONTAINERS:
                        stack.append((item, place.below(f".{key}"), key))


def _together(value: Mapping[str, Any], field: str, protection: Protection) -> Iterator[tuple[str, str, str]]:
    """A target whose kind and name stand in one mapping: beside each other, as an object, in fields alike but
    for their ends.
    """
    yield from ((".name", *found) for found in _targets(value, field, protection))
    metadata, kind = value.get("metadata"), value.get("kind")
    if isinstance(metadata, dict) and metadata.get("namespace") in (None, "", protection.namespace):
        target = {"kind": kind, "name": metadata.get("name")}
        yield from ((".metadata.name", *found) for found in _targets(target, "", protection))
    for key, kind in value.items():
        if key.endswith(KIND_FIELD) and type(kind) is str:
            named = f"{key.removesuffix(KIND_FIELD)}Name"
            target = {"kind": kind, "name": value.get(named)}
            yield from ((f".{named}", *found) for found in _targets(target, "", protection))


def _by_field(key: str, value: Any, around: str, protection: Protection) -> Iterator[tuple[str, str]]:
    target = TARGET_KEY.search(key)
    if target is not None:
        yield from _named(value, CALLED[target[1].lower()], protection)
    elif key.lower().endswith(TARGETS_WITHOUT_KIND) and type(value) is list:
        for kind in CHAIN:
            yield from _named([name for name in value if type(name) is str], kind, protection)
    elif SELECTOR_KEY.search(key) or (key == BARE_SELECTOR and "selector" not in around.lower()):
        for selector in _selectors(value):
            yield from _selected(selector, SELECTED_BY_CUSTOM_KINDS, protection, empty=False)
    elif type(value) in (str, list):
        for text in value if type(value) is list else [value]:
            written = NAMED_TARGET.fullmatch(text) if type(text) is str else None
            if written is not None and (kind_named := CALLED.get(written[1].lower())) is not None:
                yield from _named(written[2], kind_named, protection)


def _named(value: Any, kind: GroupVersionKind, protection: Protection) -> Iterator[tuple[str, str]]:
    """A name, a mapping with one, a list of such, or such by namespaces, of what is protected."""
    if type(value) is dict and value and all(type(item) is list for item in value.values()):
        value = [name for names in value.values() for name in names]
    for item in value if type(value) is list else [value]:
        name = item.get("name") if type(item) is dict and "kind" not in item else item
        if type(name) is str and protection.covers_named(kind, name):
            yield kind.kind, name


def _by_mesh_names(value: Object, protection: Protection) -> Iterator[Reach]:
    """A VirtualService or DestinationRule of Istio takes over, or changes, what has a host's name."""
    if not str(value.get("apiVersion", "")).startswith(f"{MESH_GROUP}/"):
        return
    for field in HOST_FIELDS:
        hosts = _spec(value).get(field)
        for host in hosts if isinstance(hosts, list) else [hosts]:
            name, _, rest = host.partition(".") if isinstance(host, str) else ("", "", "")
            own = not rest or rest.partition(".")[0] == protection.namespace
            if name and own and protection.covers_named(SERVICE, name):
                yield Reach(f"spec.{field}", SERVICE.kind, name)


def _by_faults(value: Object, protection: Protection) -> Iterator[Reach]:
    """A fault of Chaos Mesh that picks pods by nothing but their namespace breaks all of them."""
    selector = _spec(value).get("selector")
    if not str(value.get("apiVersion", "")).startswith(f"{FAULT_GROUP}/") or not isinstance(selector, dict):
        return
    if {key for key, said in selector.items() if said} <= {"namespaces"}:
        for pod in protection.of(POD):
            yield Reach("spec.selector", POD.kind, name_of(pod))


def _selectors(value: Any) -> Iterator[Mapping[str, Any]]:
    """A selector in the forms custom kinds have: a metav1.LabelSelector, a map, `labels` in one, demands in a
    list, text."""
    if type(value) is str:
        yield from _of_text(value)
    elif type(value) is list:
        demands = [item for item in value if type(item) is dict and "key" in item and "operator" in item]
        if demands:
            yield _plain({"matchExpressions": demands})
    elif type(value) is dict:
        if BARE_SELECTOR in value or "matchExpressions" in value:
            yield _plain(value)
        elif type(value.get("labels")) is dict:
            yield {BARE_SELECTOR: value["labels"]}
        elif value and all(type(item) is str for item in value.values()):
            yield {BARE_SELECTOR: value}


def _plain(selector: Mapping[str, Any]) -> Mapping[str, Any]:
    """A selector without the sources that Cilium puts before its labels."""
    exact, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
    plain: dict[str, Any] = {}
    if isinstance(exact, dict):
        plain["matchLabels"] = {_without_source(key): value for key, value in exact.items()}
    if isinstance(expressions, list):
        plain["matchExpressions"] = [
            {**demand, "key": _without_source(str(demand.get("key", "")))} for demand in _items(expressions)
        ]
    return plain


def _without_source(key: str) -> str:
    return next((key.removeprefix(source) for source in LABEL_SOURCES if key.startswith(source)), key)


def _of_text(text: str) -> Iterator[Mapping[str, Any]]:
    if len(text) > LONGEST_SELECTOR:
        raise Unreadable(f"a selector of the object has more than {LONGEST_SELECTOR} characters: shorten it")
    for choice in TEXT_CHOICE.split(text):
        demands = [
            {"key": key, "operator": "In", "values": [wanted]} for key, wanted in TEXT_DEMAND.findall(choice)
        ]
        for called, bare in TEXT_PRESENCE.findall(choice):
            demands.append({"key": called or bare, "operator": "Exists"})
        yield {"matchExpressions": demands}


# --- what reaches something new


@dataclass(frozen=True, slots=True)
class _With:
    """The objects of a namespace, and some that are not there yet."""

    objects: Objects
    more: tuple[Object, ...]

    def get(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        new = (value for value in self.more if value["kind"] == kind.kind and name_of(value) == name)
        return next(new, None) or self.objects.get(kind, namespace, name)

    def list(self, kind: GroupVersionKind, namespace: str | None = None) -> Iterable[Object]:
        new = (value for value in self.more if value["kind"] == kind.kind)
        return (*self.objects.list(kind, namespace), *new)

    def served(self, kind: GroupVersionKind) -> Served | None:
        return self.objects.served(kind)


def reaching(value: Object, protection: Protection) -> list[Reach]:
    """What is in the namespace already, is not protected, and would reach an object that is about to be."""
    there = protection.objects
    after = Protection(_With(there, (value, *_pods_to_come(value))), protection.namespace)
    return [
        Reach(found.path, kind.kind, name_of(each))
        for kind in MAY_REACH
        for each in there.list(kind, protection.namespace)
        if not protection.covers(each)
        for found in set(reached(each, after)) - set(reached(each, protection))
    ]


def _pods_to_come(value: Object) -> Iterator[Object]:
    """A pod as a workload will make it, as far as labels go."""
    template = _spec(value).get("template")
    if isinstance(template, dict):
        labels = {**labels_of(template), **{mark: "" for mark in MARKS if mark in labels_of(value)}}
        yield {"apiVersion": "v1", "kind": POD.kind, "metadata": {"labels": labels}}


MAY_REACH = (
    *CHAIN,
    SERVICE,
    GroupVersionKind("autoscaling", "v2", "HorizontalPodAutoscaler"),
    GroupVersionKind("networking.k8s.io", "v1", "NetworkPolicy"),
    GroupVersionKind("policy", "v1", "PodDisruptionBudget"),
)
"""Kinds of which something may reach what comes later, and is looked for then."""


def _of_pods(path: str) -> Iterator[str]:
    """What is read where a kind says what its pods are."""
    yield f"{path}metadata.labels"
    yield from (f"{path}spec.volumes[].{name}" for name in ("name", "ephemeral", "persistentVolumeClaim"))


READ = Projection.of(
    *("spec.selector", "spec.podSelector", "spec.scaleTargetRef"),
    "spec.clusterIPs",  # of the Service that leads to the API server (context.py)
    "spec.volumeClaimTemplates[].metadata.name",
    "spec.source.persistentVolumeClaimName",
    *_of_pods(""),
    *_of_pods("spec.template."),
    *_of_pods("spec.jobTemplate.spec.template."),
)
"""What is read of the objects of a cluster, here and in `protection.py`, beside what tells which they are."""
