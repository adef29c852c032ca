"""What becomes of objects that policies have mutated: what is refused or dropped, and what never ends.

Found by mutating the least objects of common kinds, so what is told is certain (GK209 to GK213).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from gatekeeper_py.authoring.fuller import fuller
from gatekeeper_py.authoring.lint.fieldreads import reads_of
from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.shapes import parts_of
from gatekeeper_py.authoring.lint.structure import meant
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.authoring.lint.trial import MOST_TRIED, grounds, is_about, only, requests_about
from gatekeeper_py.authoring.specimens import kinds_with_specimens, specimen
from gatekeeper_py.engine import Engine
from gatekeeper_py.objects.creation import GENERATED_METADATA
from gatekeeper_py.objects.fieldpath import FieldPath, field_text
from gatekeeper_py.objects.naming import label_value, qualified_name
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.objects.schema import Schema, builtin_schema
from gatekeeper_py.policy.admission.decision import Status
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import with_object
from gatekeeper_py.policy.model import MutatingPolicy
from gatekeeper_py.policy.mutation.acceptance import ELSEWHERE

__all__ = ["aftermath"]

Told = Iterator[tuple[str, str, str]]
"""A code, what is wrong, and what to do."""

IDENTITY: Final = frozenset({("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")})
SERVERS_OWN: Final = frozenset(("metadata", field) for field in GENERATED_METADATA)
"""What the API server writes itself (apiserver/pkg/registry/rest/create.go and update.go)."""
IMMUTABLE: Final[Mapping[str, tuple[FieldPath, ...]]] = {
    "ClusterRoleBinding": (("roleRef",),),
    "DaemonSet": (("spec", "selector"),),
    "Deployment": (("spec", "selector"),),
    "Job": (("spec", "selector"), ("spec", "template"), ("spec", "completionMode")),
    "PersistentVolumeClaim": (("spec",),),
    "Pod": (("spec",),),
    "PriorityClass": (("value",), ("preemptionPolicy",)),
    "ReplicaSet": (("spec", "selector"),),
    "RoleBinding": (("roleRef",),),
    "RuntimeClass": (("handler",),),
    "Secret": (("type",),),
    "Service": (("spec", "clusterIP"),),
    "StatefulSet": (("spec", "selector"), ("spec", "serviceName"), ("spec", "podManagementPolicy")),
    "StorageClass": (("provisioner",), ("parameters",), ("reclaimPolicy",), ("volumeBindingMode",)),
}
"""What an UPDATE may not change (pkg/apis/*/validation)."""
CHANGEABLE: Final = frozenset(
    {
        "image",
        "activeDeadlineSeconds",
        "terminationGracePeriodSeconds",
        "tolerations",
        "schedulingGates",
        "resources",
        "volumeAttributesClassName",
        "nodeSelector",
        "affinity",
    }
)
"""Fields of a pod or a claim that may be changed after all, some of them or sometimes."""


def aftermath(subject: Subject) -> Iterator[Finding]:
    """What is wrong with objects after each policy that mutates, each code once a policy."""
    for policy in subject.policies.mutating:
        found: dict[str, tuple[str, str]] = {}
        for engine, namespace in grounds(subject):
            for code, what, remedy in _of(engine, policy, namespace):
                found.setdefault(code, (what, remedy))
        for code, (what, remedy) in found.items():
            yield Finding(policy.source.problem(place_of(policy), what, remedy), code)


def place_of(policy: MutatingPolicy) -> FieldPath:
    """The one mutation, or all of them."""
    single = len(policy.mutations) == 1
    return ("spec", "mutations", *((0, policy.mutations[0].field, "expression") if single else ()))


def _of(engine: Engine, policy: MutatingPolicy, namespace: str) -> Told:
    alone = Engine(replace(engine.policies, **only(policy)), engine.cluster)
    asked = reads_of(policy).asked
    for kind in kinds_with_specimens():
        schema = builtin_schema(kind)
        if schema is None or not is_about(alone, kind):
            continue
        least = specimen(kind)
        for body in (least, *islice(fuller(least, schema, asked), MOST_TRIED)):
            for request in requests_about(kind, body, namespace, alone):
                if request.operation in ("CREATE", "UPDATE"):
                    yield from _mutated(alone, policy, request, schema)


def _mutated(engine: Engine, policy: MutatingPolicy, request: AdmissionRequest, schema: Schema) -> Told:
    decision = engine.judge(request, frozenset({"mutate"}))
    if not decision.allowed and not decision.findings and decision.status is not None:
        yield _refusal(request.kind.kind, decision.status)
    before, after = request.object, decision.object if decision.allowed else None
    if after is None or before is None or after == before:
        return
    changed = list(_changes(before, after, ()))
    name = request.kind.kind
    for path in changed:
        yield from _not_ours(path, name, schema)
        if request.operation == "UPDATE" and _is_immutable(path, name):
            what = f"this changes {field_text(path)} of a {name} at an UPDATE, where it cannot be changed"
            yield "GK210", what, "Leave UPDATE out of the rules, or ask for oldObject == null"
        yield from _marked(path, after)
        yield from _unfit(path, after, schema)
    if _repeats(engine, policy, request, after):
        what = f"this changes a {name} that it has changed already, and does so each time"
        yield "GK213", what, "Ask whether it is there before it is added"


def _refusal(kind: str, status: Status) -> tuple[str, str, str]:
    """What no API server takes, whatever policies validate: its own words tell what it is."""
    cause = _cause(status)
    if status.message == ELSEWHERE:
        return "GK209", f"this changes metadata.namespace of a {kind}, {ANOTHER}", REFUSE_IT
    if "metadata.labels" in cause or "metadata.annotations" in cause:
        return "GK211", f"what this makes of a {kind} is refused: {cause}", "Write another"
    if status.reason == "Invalid":
        return "GK212", f"what this makes of a {kind} is refused: {cause}", "Write what the field holds"
    return "GK212", f"what this makes of a {kind} cannot be read: {cause}", "Write what the field holds"


def _after(engine: Engine, request: AdmissionRequest) -> Object | None:
    """The object as it is mutated; None when it is refused."""
    decision = engine.judge(request, frozenset({"mutate"}))
    return decision.object if decision.allowed else None


def _changes(before: Any, after: Any, path: FieldPath) -> Iterator[FieldPath]:
    """The places that differ, as deep as they can be told."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from _changes(before.get(key, ABSENT), after.get(key, ABSENT), (*path, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _changes(one, other, (*path, index))
    elif before is ABSENT and isinstance(after, dict) and after:
        for key, value in after.items():
            yield from _changes(ABSENT, value, (*path, key))
    elif before != after or type(before) is not type(after):
        yield path


ABSENT: Final = object()
ANOTHER: Final = "and the request is about another object then"
REFUSE_IT: Final = "Refuse what must not be, by a policy that validates"


def _not_ours(path: FieldPath, kind: str, schema: Schema) -> Told:
    if path in IDENTITY:
        yield "GK209", f"this changes {field_text(path)} of a {kind}, {ANOTHER}", REFUSE_IT
    elif path in SERVERS_OWN:
        what = f"this changes {field_text(path)} of a {kind}, which the API server writes itself"
        yield "GK209", what, "Leave it alone"
    elif path[0] == "status" and "status" in schema.fields:
        what = f"this changes {field_text(path)} of a {kind}, which the API server drops: status has its own"
        yield "GK209", what, "Leave it to the controller, which writes it by the subresource status"


def _is_immutable(path: FieldPath, kind: str) -> bool:
    fixed = any(path[: len(prefix)] == prefix for prefix in IMMUTABLE.get(kind, ()))
    return fixed and not (kind in ("Pod", "PersistentVolumeClaim") and CHANGEABLE & {*map(str, path)})


def _marked(path: FieldPath, after: Object) -> Told:
    """Labels and annotations that no API server takes (apimachinery/pkg/api/validation/objectmeta.go)."""
    if len(path) < 3 or path[-3] != "metadata" or path[-2] not in ("labels", "annotations"):
        return
    key, value = str(path[-1]), _at(after, path)
    if value is None:
        return
    faults = qualified_name(key.lower() if path[-2] == "annotations" else key)
    faults = faults or (label_value(value) if path[-2] == "labels" and isinstance(value, str) else [])
    if faults:
        word = str(path[-2]).removesuffix("s")
        yield "GK211", f'"{key}: {value}" is no {word}: {faults[0]}', f"Write a {word}"


def _unfit(path: FieldPath, after: Object, schema: Schema) -> Told:
    """Texts that a field never holds, and items of a list without what they are told apart by."""
    for place, value, shape in parts_of(path, _at(after, path), _shape(schema, path)):
        if shape.choices and isinstance(value, str) and value and value not in shape.choices:
            what = f'this writes "{value}" into {field_text(place)}, which is never that'
            yield "GK207", what, meant(value, shape.choices)
        elif isinstance(value, list):
            yield from _nameless(place, value, shape)


def _nameless(place: FieldPath, items: list[Any], shape: Schema) -> Told:
    defaults = shape.items.defaults if shape.items is not None else {}
    for index, item in enumerate(items):
        for key in shape.keys or ():
            if isinstance(item, dict) and key not in item and key not in defaults and key == "name":
                what = f"this leaves {field_text((*place, index))} without a {key}"
                yield "GK212", what, f"Write its {key}"


def _shape(schema: Schema | None, path: FieldPath) -> Schema | None:
    for step in path:
        if schema is None:
            return None
        schema = schema.items if isinstance(step, int) else schema.field(step)
    return schema


def _at(value: Any, path: FieldPath) -> Any:
    for step in path:
        if isinstance(value, list):
            value = value[step] if isinstance(step, int) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _cause(status: Status) -> str:
    return next((cause.message for cause in status.causes), status.message)


def _repeats(engine: Engine, policy: MutatingPolicy, request: AdmissionRequest, after: Object) -> bool:
    """Whether the object differs after each of two further times, which come by reinvocation or an UPDATE."""
    if request.operation == "CREATE" and policy.reinvocation_policy == "Never":
        return False
    for _ in range(2):
        again = with_object(request, after, engine.cluster)
        if request.operation == "UPDATE":
            again = replace(again, old_object=again.object)
        changed = _after(engine, again)
        if changed is None or changed == again.object:
            return False
        after = changed
    return True
