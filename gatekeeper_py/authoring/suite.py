"""Test suites of policies: what a `*_test.yaml` file says, read strictly.

A suite stands beside the policy it tests (`host-path_test.yaml` beside `host-path.yaml`). `docs/testing.md`
explains its fields.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from gatekeeper_py.manifests.manifest import (
    Document,
    FieldPath,
    Manifest,
    ManifestError,
    Problem,
    Source,
    files,
    read_documents,
)
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.admission.request import OPERATIONS
from gatekeeper_py.policy.loading.load import is_test
from gatekeeper_py.tenancy.fields import Schema
from gatekeeper_py.tenancy.shape import ANYTHING, faults, problem_of

__all__ = ["Case", "Expectation", "Suite", "find_suites", "read_suite"]

Expectation = Literal["allow", "deny", "warn"]
EXPECTATIONS: tuple[Expectation, ...] = ("allow", "deny", "warn")

TEXT: Schema = {"type": "string"}
MAPPING: Schema = {"type": "object", "additionalProperties": ANYTHING}
CASE: Schema = {
    "type": "object",
    "required": ["name", "object"],
    "properties": {
        "name": TEXT,
        "object": ANYTHING,
        "change": MAPPING,
        "old": ANYTHING,
        "oldChange": MAPPING,
        "operation": {"type": "string", "enum": OPERATIONS},
        "subresource": TEXT,
        "requestName": TEXT,
        "user": TEXT,
        "groups": {"type": "array", "items": TEXT},
        "namespace": TEXT,
        "expect": {"type": "string", "enum": EXPECTATIONS},
        "message": TEXT,
        "patched": MAPPING,
    },
}
SUITE: Schema = {
    "type": "object",
    "required": ["cases"],
    "properties": {
        "policies": {"type": "array", "items": TEXT},
        "tenants": {"type": "array", "items": MAPPING},
        "cluster": {"type": "array", "items": MAPPING},
        "objects": {"type": "object", "additionalProperties": MAPPING},
        "cases": {"type": "array", "items": CASE},
    },
}


@dataclass(frozen=True, slots=True)
class Case:
    """One request and what must become of it."""

    name: str
    source: Source
    """Where the case stands."""
    object: Object
    """As a user writes it; for DELETE and CONNECT what the operation is about."""
    old: Object | None = None
    operation: Literal["CREATE", "UPDATE", "DELETE", "CONNECT"] | None = None
    subresource: str = ""
    request_name: str = ""
    """The name in the request, where the object has none (exec, bindings)."""
    user: str = ""
    groups: tuple[str, ...] = ()
    namespace: str = ""
    expect: Expectation = "allow"
    message: str = ""
    """A part of the denial's or warning's text."""
    patched: Mapping[str, Any] = field(default_factory=dict)
    """A part the object has in the end; null says that a field is absent."""


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases of one file, and what they are tried on."""

    path: Path
    policies: tuple[Path, ...]
    """Files and folders of the policies under test."""
    tenants: tuple[Manifest, ...]
    """Tenancy documents besides those of the folder."""
    cluster: tuple[Object, ...]
    """Objects that exist."""
    cases: tuple[Case, ...]


def find_suites(paths: list[str | Path]) -> list[Path]:
    """The suites among files and folders, by name."""
    return [file for path in paths for file in files(path) if is_test(file)]


def read_suite(path: Path) -> Suite:
    """Read a suite; raises `ManifestError` with every problem."""
    documents = read_documents(path)
    if len(documents) != 1:
        raise ManifestError([Problem(str(path), 1, 1, "a suite is one document", "Keep one, and its cases")])
    document = documents[0]
    problems = [problem_of(fault, document.source) for fault in faults(document.value, SUITE)]
    if problems:
        raise ManifestError(problems)
    return _Reader(document, path).suite()


class _Reader:
    """From a document of the right shape to a suite."""

    def __init__(self, document: Document, path: Path) -> None:
        self._value: Mapping[str, Any] = document.value
        self._objects: Mapping[str, Object] = self._value.get("objects", {})
        self._source = document.source
        self._path = path
        self._problems: list[Problem] = []

    def suite(self) -> Suite:
        cases = [self._case(case, ("cases", index)) for index, case in enumerate(self._value["cases"])]
        if not cases:
            self._problem(("cases",), "a suite has cases", "Add one")
        if self._problems:
            raise ManifestError(self._problems)
        return Suite(
            path=self._path,
            policies=self._policies(),
            tenants=tuple(self._tenants()),
            cluster=tuple(self._value.get("cluster", ())),
            cases=tuple(cases),
        )

    def _tenants(self) -> Iterator[Manifest]:
        for index, tenant in enumerate(self._value.get("tenants", ())):
            prefix = (*self._source.prefix, "tenants", index)
            yield Manifest(tenant, replace(self._source, prefix=prefix))

    def _policies(self) -> tuple[Path, ...]:
        """Those named, or the file the suite stands beside."""
        named = self._value.get("policies")
        if named:
            return tuple(self._path.parent / name for name in named)
        return (self._path.with_name(self._path.name.replace("_test.", ".")),)

    def _case(self, case: Mapping[str, Any], path: FieldPath) -> Case:
        body = self._object(case["object"], (*path, "object"))
        old = self._object(case["old"], (*path, "old")) if "old" in case else None
        line, column = self._source.locate(path)
        return Case(
            name=case["name"],
            source=Source(self._source.path, line, column),
            object=merge(body, case.get("change", {})),
            old=None if old is None else merge(old, case.get("oldChange", {})),
            operation=case.get("operation") or ("UPDATE" if old is not None else None),
            subresource=case.get("subresource", ""),
            request_name=case.get("requestName", ""),
            user=case.get("user", ""),
            groups=tuple(case.get("groups", ())),
            namespace=case.get("namespace", ""),
            expect=case.get("expect", "allow"),
            message=case.get("message", ""),
            patched=case.get("patched", {}),
        )

    def _object(self, value: Any, path: FieldPath) -> Object:
        if isinstance(value, dict):
            return copy.deepcopy(value)
        if not isinstance(value, str):
            self._problem(path, "an object is a manifest, or the name of one in objects", "Write either")
        elif value in self._objects:
            return copy.deepcopy(self._objects[value])
        else:
            known = ", ".join(self._objects) or "none"
            self._problem(path, f"no object is called {value!r}", f"Known are {known}")
        return {}

    def _problem(self, path: FieldPath, what: str, remedy: str) -> None:
        self._problems.append(self._source.problem(path, what, remedy))


def merge(value: Any, change: Any) -> Any:
    """A value changed by an RFC 7386 merge patch."""
    if not isinstance(change, dict):
        return copy.deepcopy(change)
    merged = dict(value) if isinstance(value, dict) else {}
    for key, inner in change.items():
        if inner is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), inner)
    return merged


def missing(value: Any, part: Any, path: str = "") -> Iterator[str]:
    """What of `part` a value has not, in words."""
    if isinstance(part, dict):
        if not isinstance(value, dict):
            yield f"{path or 'the object'} is {value!r}, not a mapping"
            return
        for key, inner in part.items():
            where = f"{path}.{key}" if path else key
            if inner is None:
                if key in value:
                    yield f"{where} is {value[key]!r}, expected to be absent"
            elif key not in value:
                yield f"{where} is absent, expected {inner!r}"
            else:
                yield from missing(value[key], inner, where)
    elif isinstance(part, list) and isinstance(value, list) and len(part) == len(value):
        for index, (item, inner) in enumerate(zip(value, part, strict=True)):
            yield from missing(item, inner, f"{path}[{index}]")
    elif value != part:
        yield f"{path} is {value!r}, expected {part!r}"
