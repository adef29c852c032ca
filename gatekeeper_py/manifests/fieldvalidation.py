"""Whether a manifest is one of the kind that it says: known kind, known fields, a name, a pod to make.

kubectl asks the API server for strict field validation (KEP-2885), so what is unknown there never gets in.
Here too it is told, with its place and what was meant, instead of being passed over by every policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from typing import Any

from gatekeeper_py.manifests.conformity import problem_of, told
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.fieldpath import FieldPath, field_text
from gatekeeper_py.objects.findings import Finding, UnknownField, WrongType, findings
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.naming import LABEL_LENGTH, SUBDOMAIN_LENGTH, dns_subdomain
from gatekeeper_py.objects.resource import GroupVersionKind, Objects
from gatekeeper_py.objects.schema import Form, Schema, builtin_schema, schema_of

__all__ = ["field_problems", "is_built_in_group", "kind_problem", "validated"]

NEARLY = 0.8
"""How alike two words are of which one is a slip of the other (difflib's ratio)."""

DEEPEST = 6
"""Levels below a misplaced field that are searched for its place: a container is six below a CronJob."""

NAMELESS = frozenset({"authentication.k8s.io", "authorization.k8s.io"})
"""Groups of questions, which are answered and not kept."""

NAMED_FREELY = frozenset(
    {
        GroupVersionKind("", "v1", "Event"),
        GroupVersionKind("certificates.k8s.io", "v1", "CertificateSigningRequest"),
        GroupVersionKind("policy", "v1", "PodDisruptionBudget"),
        *(
            GroupVersionKind("rbac.authorization.k8s.io", "v1", kind)
            for kind in ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
        ),
    }
)
"""Kinds whose names may be any part of a path, as `system:node`; all others are DNS names. Asked of
kube-apiserver 1.36.3, kind by kind."""

NAMED_BY_LABELS = frozenset(
    {
        GroupVersionKind("", "v1", "Namespace"),
        GroupVersionKind("", "v1", "Service"),
        GroupVersionKind("apps", "v1", "StatefulSet"),
    }
)
"""Kinds whose names hold no dot."""

LONGEST_BASE = 58
"""Characters of a generateName that are kept (apiserver/pkg/storage/names/generate.go)."""

POD_SPEC = "core.v1.PodSpec"


def validated(manifest: Manifest, view: Objects) -> tuple[Problem, ...]:
    """What is wrong with a manifest that is to be created; `view` serves the custom kinds."""
    unknown = kind_problem(manifest, view)
    if unknown is not None:
        return (unknown,)
    return (*_name_problems(manifest), *field_problems(manifest, view), *_pod_problems(manifest))


# --- kinds --------------------------------------------------------------------------------------------


def kind_problem(manifest: Manifest, view: Objects) -> Problem | None:
    """Of a kind that no API server has: misspelt, of a version that is gone, or of the wrong group.

    A group with a dot may be that of a CustomResourceDefinition that nobody gave.
    """
    kind = manifest.kind
    if view.served(kind) is not None:
        return None
    meant = _meant(kind)
    if meant is None and "." in kind.group and not is_built_in_group(kind.group):
        return None
    part = "apiVersion" if meant is not None and meant.kind == kind.kind else "kind"
    what = f"Kubernetes has no {kind.api_version} {kind.kind}"
    remedy = f"Did you mean {meant.api_version} {meant.kind}?" if meant else "Correct apiVersion and kind"
    return manifest.source.problem((part,), what, remedy)


def _meant(kind: GroupVersionKind) -> GroupVersionKind | None:
    """The built-in kind that was meant: of that name, whatever its case, in a group that is as near."""
    word = kind.kind.lower()
    named = [known for known in _known() if known.kind.lower() in (word, word.removesuffix("s"))]
    if not named:
        near = get_close_matches(kind.kind, [known.kind for known in _known() if _is_near(known, kind)], 1)
        named = [known for known in _known() if known.kind in near and _is_near(known, kind)]
    elif "." in kind.group and not is_built_in_group(kind.group):
        named = [known for known in named if _likeness(known.group, kind.group) >= NEARLY]
    return max(named, key=lambda known: _likeness(known.group, kind.group), default=None)


def _is_near(known: GroupVersionKind, kind: GroupVersionKind) -> bool:
    return known.group == kind.group or (
        "." not in kind.group and _likeness(known.group, kind.group) >= NEARLY
    )


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


@cache
def _known() -> tuple[GroupVersionKind, ...]:
    """Every built-in kind, the best version of each first: v1 before v1beta2 before v1alpha3."""
    kinds = [resource.served.kind for resource in Kinds.builtin()]
    return tuple(sorted(kinds, key=lambda kind: ("alpha" in kind.version, "beta" in kind.version)))


def is_built_in_group(group: str) -> bool:
    """Whether Kubernetes has kinds of a group, so that no definition brings others."""
    return group in _groups()


@cache
def _groups() -> frozenset[str]:
    return frozenset(kind.group for kind in _known())


# --- names and pods -----------------------------------------------------------------------------------


def _name_problems(manifest: Manifest) -> Iterator[Problem]:
    if manifest.kind.group in NAMELESS:
        return
    metadata = manifest.object.get("metadata") or {}
    name, base = metadata.get("name"), metadata.get("generateName")
    if not name and not base:
        yield manifest.source.problem(
            ("metadata",), "the object has no name", "Add metadata.name, or metadata.generateName"
        )
    if name and manifest.kind not in NAMED_FREELY:
        yield from _misnamed(manifest, "name", name, name)
    elif base and manifest.kind not in NAMED_FREELY:
        yield from _misnamed(manifest, "generateName", base, f"{base[:LONGEST_BASE]}x")
    if namespace := metadata.get("namespace"):
        yield from _misnamed(manifest, "namespace", namespace, namespace, label=True)


def _misnamed(
    manifest: Manifest, field: str, written: str, name: str, *, label: bool = False
) -> Iterator[Problem]:
    """A name that no API server takes, as `ABC`, or the `${NAME}` that nobody replaced."""
    label = label or manifest.kind in NAMED_BY_LABELS
    if dns_subdomain(name) or (label and (len(name) > LABEL_LENGTH or "." in name)):
        rule = "small letters, digits and '-'" if label else "small letters, digits, '-' and '.'"
        what = f"metadata.{field} cannot be {written!r}"
        remedy = f"Use {rule}, with a letter or digit at both ends"
        most = LABEL_LENGTH if label else SUBDOMAIN_LENGTH
        yield manifest.source.problem(("metadata", field), what, f"{remedy}, and no more than {most}")


def _pod_problems(manifest: Manifest) -> Iterator[Problem]:
    """Of a pod, or a template of pods, without a container."""
    schema = builtin_schema(manifest.kind)
    path = _pod_path(schema, DEEPEST) if schema is not None else None
    if path is None:
        return
    containers = (*path, "containers")
    if _at(manifest.object, containers) in (None, [], {}):
        what = f"{field_text(containers)} is empty"
        yield manifest.source.problem(containers, what, "A pod has at least one container: add it")


def _pod_path(schema: Schema, depth: int) -> tuple[str, ...] | None:
    """Where a kind has the pod that it is or makes."""
    if schema.type == POD_SPEC:
        return ()
    for name, field in schema.fields.items() if depth else ():
        below = _pod_path(field, depth - 1) if name in ("spec", "template", "jobTemplate") else None
        if below is not None:
            return (name, *below)
    return None


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


# --- fields -------------------------------------------------------------------------------------------


def field_problems(manifest: Manifest, view: Objects) -> Iterator[Problem]:
    """Every field that its kind does not have, and every value that its field cannot hold."""
    schema = schema_of(manifest.kind, view)
    for finding in findings(manifest.object, schema) if schema is not None else ():
        if not _is_dropped(finding):
            yield _problem(manifest.source, finding, schema or finding.schema)


def _problem(source: Source, finding: Finding, root: Schema) -> Problem:
    """At the field's name when that is what is wrong, else at its value."""
    made = problem_of((finding.path, _told(finding, root)), source)
    if not isinstance(finding, UnknownField):
        return made
    line, column = source.locate_key(finding.path)
    return replace(made, line=line, column=column)


def _is_dropped(finding: Finding) -> bool:
    """Whether it is a null that the API server drops before it looks (apiserver/schema/defaulting)."""
    return isinstance(finding, WrongType) and finding.value is None


def _told(finding: Finding, root: Schema) -> str:
    if not isinstance(finding, UnknownField):
        return told(finding)
    name = str(finding.path[-1])
    near = _slip(name, finding.schema)
    place = None if near else _place(finding, root)
    if place is not None:
        return f"stands in the wrong place; did you mean {place}?"
    near = near or finding.near
    return f"is unknown; did you mean {near}?" if near else f"is unknown; {_all_known(finding.schema)}"


MOST_TOLD = 20
"""Fields that a message lists."""


def _all_known(schema: Schema) -> str:
    names = sorted(schema.fields)
    more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
    return f"known are {', '.join(names[:MOST_TOLD])}{more}"


def _slip(name: str, schema: Schema) -> str | None:
    """The field beside it of which a name is a slip: another case, or a letter or two."""
    same = (known for known in schema.fields if known.lower() == name.lower())
    return next(same, None) or next(iter(get_close_matches(name, schema.fields, 1, NEARLY)), None)


def _place(finding: Finding, root: Schema) -> str | None:
    """The field of that name nearest to where it stands: above it, or else below what is above it."""
    *above, name = finding.path
    for length in range(len(above), -1, -1):
        around = tuple(above[:length])
        schema = _schema_at(root, around)
        below = _below(schema, str(name), finding.value) if schema is not None else None
        if below is not None:
            return field_text((*around, *below))
    return None


def _schema_at(root: Schema, path: FieldPath) -> Schema | None:
    schema: Schema | None = root
    for part in path:
        if schema is None:
            return None
        schema = schema.items if isinstance(part, int) else schema.field(part)
    return schema


def _below(schema: Schema, name: str, value: Any) -> FieldPath | None:
    """The shortest way down to a field of a name that can hold the value."""
    level: list[tuple[FieldPath, Schema]] = [((), schema)]
    seen = {id(schema)}
    for _ in range(DEEPEST):
        for path, each in level:
            field = each.fields.get(name)
            if field is not None and not findings(value, field):
                return (*path, name)
        level = [(path, each) for place in level for path, each in _steps(*place) if id(each) not in seen]
        seen.update(id(each) for _, each in level)
    return None


def _steps(path: FieldPath, schema: Schema) -> Iterator[tuple[FieldPath, Schema]]:
    """One level down, through the items of lists: `containers[]`."""
    for name, field in schema.fields.items():
        if name == "status":
            continue
        if field.form is Form.LIST and field.items is not None:
            yield (*path, f"{name}[]"), field.items
        else:
            yield (*path, name), field
