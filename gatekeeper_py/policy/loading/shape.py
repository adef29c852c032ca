"""Whether a policy or binding has the fields and types of its kind: what strict decoding refuses.

The API server stops at the first value of a wrong type; we list all of them, in its words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeAlias

from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.manifests.place import FieldPath, field_text

__all__ = ["GROUP", "KINDS", "VERSIONS", "shape_problems"]

GROUP = "admissionregistration.k8s.io"
VERSIONS = ("v1", "v1beta1", "v1alpha1")
"""All have the same shape."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value without parts, `name` in Go."""

    name: str
    python: type


@dataclass(frozen=True, slots=True)
class Struct:
    """A mapping with known fields."""

    name: str
    fields: Mapping[str, Type]
    embedded: Mapping[str, str] = field(default_factory=dict)
    """Fields of embedded structs, to the path Go's decoder names them by."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    item: Type


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping with any keys."""

    value: Type


@dataclass(frozen=True, slots=True)
class Anything:
    """Not looked into: nothing of it is used."""


Type: TypeAlias = Scalar | Struct | ListOf | MapOf | Anything

STRING = Scalar("string", str)
INTEGER = Scalar("int64", int)
BOOLEAN = Scalar("bool", bool)
UID = Scalar("types.UID", str)
STRINGS = ListOf(STRING)
ANYTHING = Anything()
LABELS = MapOf(STRING)


def _enumeration(name: str) -> Scalar:
    return Scalar(f"{{version}}.{name}", str)


def _struct(name: str, /, **fields: Type) -> Struct:
    return Struct(name, fields)


OWNER_REFERENCE = _struct(
    "OwnerReference",
    apiVersion=STRING,
    kind=STRING,
    name=STRING,
    uid=UID,
    controller=BOOLEAN,
    blockOwnerDeletion=BOOLEAN,
)
METADATA = _struct(
    "ObjectMeta",
    name=STRING,
    generateName=STRING,
    namespace=STRING,
    selfLink=STRING,
    uid=UID,
    resourceVersion=STRING,
    generation=INTEGER,
    creationTimestamp=ANYTHING,
    deletionTimestamp=ANYTHING,
    deletionGracePeriodSeconds=INTEGER,
    labels=LABELS,
    annotations=LABELS,
    ownerReferences=ListOf(OWNER_REFERENCE),
    finalizers=STRINGS,
    managedFields=ANYTHING,
)
REQUIREMENT = _struct(
    "LabelSelectorRequirement",
    key=STRING,
    operator=Scalar("v1.LabelSelectorOperator", str),
    values=STRINGS,
)
SELECTOR = _struct("LabelSelector", matchLabels=LABELS, matchExpressions=ListOf(REQUIREMENT))
RULE = Struct(
    "NamedRuleWithOperations",
    {
        "resourceNames": STRINGS,
        "operations": ListOf(_enumeration("OperationType")),
        "apiGroups": STRINGS,
        "apiVersions": STRINGS,
        "resources": STRINGS,
        "scope": _enumeration("ScopeType"),
    },
    {
        "operations": "RuleWithOperations.operations",
        "apiGroups": "RuleWithOperations.Rule.apiGroups",
        "apiVersions": "RuleWithOperations.Rule.apiVersions",
        "resources": "RuleWithOperations.Rule.resources",
        "scope": "RuleWithOperations.Rule.scope",
    },
)
MATCH_RESOURCES = _struct(
    "MatchResources",
    namespaceSelector=SELECTOR,
    objectSelector=SELECTOR,
    resourceRules=ListOf(RULE),
    excludeResourceRules=ListOf(RULE),
    matchPolicy=_enumeration("MatchPolicyType"),
)
POLICY: Mapping[str, Type] = {
    "paramKind": _struct("ParamKind", apiVersion=STRING, kind=STRING),
    "matchConstraints": MATCH_RESOURCES,
    "variables": ListOf(_struct("Variable", name=STRING, expression=STRING)),
    "failurePolicy": _enumeration("FailurePolicyType"),
    "matchConditions": ListOf(_struct("MatchCondition", name=STRING, expression=STRING)),
}
VALIDATION = _struct(
    "Validation",
    expression=STRING,
    message=STRING,
    reason=Scalar("v1.StatusReason", str),
    messageExpression=STRING,
)
MUTATION = _struct(
    "Mutation",
    patchType=_enumeration("PatchType"),
    applyConfiguration=_struct("ApplyConfiguration", expression=STRING),
    jsonPatch=_struct("JSONPatch", expression=STRING),
)
PARAM_REF = _struct(
    "ParamRef",
    name=STRING,
    namespace=STRING,
    selector=SELECTOR,
    parameterNotFoundAction=_enumeration("ParameterNotFoundActionType"),
)
BINDING: Mapping[str, Type] = {
    "policyName": STRING,
    "paramRef": PARAM_REF,
    "matchResources": MATCH_RESOURCES,
}
SPECS: Mapping[str, Mapping[str, Type]] = {
    "ValidatingAdmissionPolicy": {
        **POLICY,
        "validations": ListOf(VALIDATION),
        "auditAnnotations": ListOf(_struct("AuditAnnotation", key=STRING, valueExpression=STRING)),
    },
    "ValidatingAdmissionPolicyBinding": {
        **BINDING,
        "validationActions": ListOf(_enumeration("ValidationAction")),
    },
    "MutatingAdmissionPolicy": {
        **POLICY,
        "mutations": ListOf(MUTATION),
        "reinvocationPolicy": _enumeration("ReinvocationPolicyType"),
    },
    "MutatingAdmissionPolicyBinding": BINDING,
}
KINDS = frozenset(SPECS)


def _document(kind: str) -> Struct:
    fields: dict[str, Type] = {
        "apiVersion": STRING,
        "kind": STRING,
        "metadata": METADATA,
        "spec": Struct(f"{kind}Spec", SPECS[kind]),
    }
    if kind == "ValidatingAdmissionPolicy":
        fields["status"] = ANYTHING
    return Struct(kind, fields)


DOCUMENTS = {kind: _document(kind) for kind in SPECS}


def shape_problems(manifest: Manifest) -> Iterator[Problem]:
    """What is wrong with the fields and types of a policy or binding; nothing when all is well."""
    version, kind, source = manifest.kind.version, manifest.kind.kind, manifest.source
    refusal = f'{kind} in version "{version}" cannot be handled as a {kind}: '
    for complaint in _Walk(version).struct(DOCUMENTS[kind], manifest.object, ()):
        where = (source.locate_key if complaint.key else source.locate)(complaint.field)
        yield Problem(source.path, *where, refusal + complaint.text, complaint.remedy)


@dataclass(frozen=True, slots=True)
class _Complaint:
    field: FieldPath
    text: str
    remedy: str
    key: bool = False
    """The field's name is wrong, not its value."""


@dataclass(frozen=True, slots=True)
class _Walk:
    """Compares values with types; null stands for an absent value everywhere, as in the API server."""

    version: str

    def struct(
        self, struct: Struct, value: Mapping[str, Any], at: FieldPath, path: str = ""
    ) -> Iterator[_Complaint]:
        for name, part in value.items():
            known = struct.fields.get(name)
            if known is None:
                yield _unknown(struct, (*at, name))
            else:
                below = f"{path}.{struct.embedded.get(name, name)}".lstrip(".")
                yield from self._value(known, part, (*at, name), struct.name, below)

    def _value(self, known: Type, value: Any, at: FieldPath, owner: str, path: str) -> Iterator[_Complaint]:
        """`path` is the field as Go's decoder names it, without indices; `owner` the struct it is in."""
        if value is None or isinstance(known, Anything):
            return
        if not _fits(known, value):
            wanted = _go_type(known).replace("{version}", self.version)
            text = (
                f"json: cannot unmarshal {_found(value)} into Go struct field {owner}.{path} of type {wanted}"
            )
            yield _Complaint(at, text, f"Write {WORDS[_python(known)]}")
        elif isinstance(known, Struct):
            yield from self.struct(known, value, at, path)
        elif isinstance(known, ListOf):
            for index, item in enumerate(value):
                yield from self._value(known.item, item, (*at, index), owner, path)
        elif isinstance(known, MapOf):
            for key, item in value.items():
                yield from self._value(known.value, item, (*at, key), owner, path)


def _unknown(struct: Struct, at: FieldPath) -> _Complaint:
    near = get_close_matches(str(at[-1]), struct.fields, 1)
    remedy = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(sorted(struct.fields))}"
    return _Complaint(at, f'strict decoding error: unknown field "{field_text(at)}"', remedy, key=True)


def _fits(known: Type, value: Any) -> bool:
    return isinstance(value, _python(known)) and (known is BOOLEAN or not isinstance(value, bool))


def _python(known: Type) -> type[Any]:
    if isinstance(known, Scalar):
        return known.python
    return list if isinstance(known, ListOf) else dict


WORDS: Mapping[Any, str] = {
    str: "a string, in quotes",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
}

META = frozenset({"ObjectMeta", "OwnerReference", "LabelSelector", "LabelSelectorRequirement"})
"""Types of meta/v1, which have no other version."""


def _go_type(known: Type) -> str:
    if isinstance(known, ListOf):
        return f"[]{_go_type(known.item)}"
    if isinstance(known, MapOf):
        return f"map[string]{_go_type(known.value)}"
    if isinstance(known, Struct):
        return f"{'v1' if known.name in META else '{version}'}.{known.name}"
    return known.name if isinstance(known, Scalar) else "any"


def _found(value: Any) -> str:
    """What Go's decoder calls a value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"
