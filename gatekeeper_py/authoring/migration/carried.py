"""What becomes of foreign policies: native documents, and what of theirs has no like here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gatekeeper_py.authoring.policyfile import Expression
from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import Served

__all__ = [
    "CannotCarry",
    "Carried",
    "Native",
    "glob_condition",
    "literal",
    "resources_of",
    "rules_for",
    "unread",
]

VERSION = "admissionregistration.k8s.io/v1"


class CannotCarry(Exception):
    """Something has no like here, so what it belongs to is left out; the place is a field of the document."""

    def __init__(self, path: FieldPath, what: str) -> None:
        super().__init__(what)
        self.path = path


@dataclass(frozen=True, slots=True)
class Carried:
    """The documents that one foreign policy becomes, and what was not carried."""

    name: str
    documents: tuple[Mapping[str, Any], ...] = ()
    left_out: tuple[Problem, ...] = ()
    """Rules that nothing enforces any more."""
    otherwise: tuple[Problem, ...] = ()
    """What is said and means nothing for what is admitted, or is stricter than it was."""


@dataclass(frozen=True, slots=True)
class Native:
    """A ValidatingAdmissionPolicy and its binding."""

    name: str
    rules: Sequence[Mapping[str, Any]]
    validations: Sequence[Mapping[str, Any]]
    actions: Sequence[str]
    conditions: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    constraints: Mapping[str, Any] = field(default_factory=dict)
    """Selectors and excludeResourceRules of matchConstraints."""
    failure_policy: str = "Fail"
    more: Mapping[str, Any] = field(default_factory=dict)
    """paramKind, auditAnnotations."""
    param_ref: Mapping[str, Any] | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)

    def documents(self) -> Iterator[Mapping[str, Any]]:
        """Both."""
        metadata: dict[str, Any] = {"name": self.name}
        if self.annotations:
            metadata["annotations"] = dict(self.annotations)
        spec: dict[str, Any] = {"failurePolicy": self.failure_policy, **self.more}
        spec["matchConstraints"] = {"resourceRules": list(self.rules), **self.constraints}
        for name, texts in (("matchConditions", self.conditions), ("variables", self.variables)):
            if texts:
                spec[name] = [{"name": key, "expression": Expression(text)} for key, text in texts.items()]
        spec["validations"] = [
            {key: Expression(value) if "xpression" in key else value for key, value in each.items()}
            for each in self.validations
        ]
        yield {"apiVersion": VERSION, "kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": spec}
        binding: dict[str, Any] = {"policyName": self.name}
        if self.param_ref is not None:
            binding["paramRef"] = dict(self.param_ref)
        binding["validationActions"] = list(self.actions)
        kind = "ValidatingAdmissionPolicyBinding"
        yield {"apiVersion": VERSION, "kind": kind, "metadata": {"name": self.name}, "spec": binding}


def unread(body: Mapping[str, Any], known: Iterable[str], path: FieldPath) -> None:
    """Raise `CannotCarry` for the first field that nobody has read."""
    for name in body:
        if name not in frozenset(known) and body[name] not in (None, [], {}, ""):
            raise CannotCarry((*path, name), f"{name} has no like here")


def resources_of(kind: str, group: str, version: str, path: FieldPath) -> list[Served]:
    """The resources that serve a kind, of a group and version or (`*`) of any."""
    found = [
        each.served
        for each in Kinds.builtin()
        if each.served.kind.kind == kind
        and group in ("*", each.served.kind.group)
        and version in ("*", each.served.kind.version)
    ]
    if not found:
        raise CannotCarry(path, f'nothing here serves kind "{kind}"')
    return found


def rules_for(
    served: Iterable[Served], operations: Sequence[str], *, versions: str = "", scope: str = "*"
) -> list[dict[str, Any]]:
    """Resource rules for resources, one for each group and version; `versions` instead of their own."""
    groups: dict[tuple[str, str], list[str]] = {}
    for each in served:
        names = groups.setdefault((each.resource.group, versions or each.resource.version), [])
        more = (
            ["pods/ephemeralcontainers"]
            if each.resource.resource == "pods" and "UPDATE" in operations
            else []
        )
        names += [name for name in (each.resource.resource, *more) if name not in names]
    return [
        {
            "apiGroups": [group],
            "apiVersions": [version],
            "operations": list(operations),
            "resources": names,
            **({} if scope == "*" else {"scope": scope}),
        }
        for (group, version), names in groups.items()
    ]


def literal(text: str) -> str:
    """A text as CEL writes it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def glob_condition(value: str, globs: Sequence[str]) -> str:
    """CEL for a text that is like one of these: `*` stands for anything, `?` for one character."""
    exact = [glob for glob in globs if not re.search(r"[*?]", glob)]
    parts = [f"{value} in [{', '.join(map(literal, exact))}]"] if exact else []
    parts += [f"{value}.matches({literal(_expression(glob))})" for glob in globs if glob not in exact]
    return parts[0] if len(parts) == 1 else f"({' || '.join(parts)})"


def _expression(glob: str) -> str:
    """A glob as an RE2 expression of the whole text."""
    marks = {"*": ".*", "?": "."}
    return (
        "(?s)^"
        + "".join(marks.get(each) or re.sub(r"([\\.^$|()\[\]{}+])", r"\\\1", each) for each in glob)
        + "$"
    )


def problem(manifest: Manifest, error: CannotCarry, remedy: str) -> Problem:
    """What is told of something that was not carried."""
    return manifest.source.problem(error.path, str(error), remedy)
