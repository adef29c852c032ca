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

from gatekeeper_py.cluster.manifest import (
    Document,
    FieldPath,
    Manifest,
    ManifestError,
    Problem,
    Source,
    files,
    read_documents,
)
from gatekeeper_py.cluster.view import Object
from gatekeeper_py.policy.loading import is_test

__all__ = ["Case", "Expectation", "Suite", "find_suites", "read_suite"]

Expectation = Literal["allow", "deny", "warn"]
EXPECTATIONS: tuple[Expectation, ...] = ("allow", "deny", "warn")
SUITE_FIELDS = ("policies", "tenants", "cluster", "objects", "cases")
CASE_FIELDS = (
    "name",
    "object",
    "change",
    "old",
    "oldChange",
    "operation",
    "subresource",
    "requestName",
    "user",
    "groups",
    "namespace",
    "expect",
    "message",
    "patched",
)
TEST_SUFFIXES = ("_test.yaml", "_test.yml")


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
    return _Reader(documents[0], path).suite()


class _Reader:
    def __init__(self, document: Document, path: Path) -> None:
        self._value = document.value
        self._source = document.source
        self._path = path
        self._problems: list[Problem] = []

    def suite(self) -> Suite:
        value = self._mapping(self._value, (), SUITE_FIELDS)
        objects = value.get("objects") or {}
        cases = [
            self._case(case, ("cases", index), objects) for index, case in enumerate(value.get("cases") or [])
        ]
        if not cases:
            self._problem(("cases",), "a suite has cases", "Add one")
        if self._problems:
            raise ManifestError(self._problems)
        return Suite(
            path=self._path,
            policies=self._policies(value),
            tenants=tuple(self._tenants(value)),
            cluster=tuple(value.get("cluster") or ()),
            cases=tuple(cases),
        )

    def _tenants(self, value: Mapping[str, Any]) -> Iterator[Manifest]:
        for index, tenant in enumerate(value.get("tenants") or ()):
            path: FieldPath = ("tenants", index)
            if isinstance(tenant, dict):
                yield Manifest(tenant, replace(self._source, prefix=(*self._source.prefix, *path)))
            else:
                self._problem(path, "a tenant is a document", "Write it in full")

    def _policies(self, value: Mapping[str, Any]) -> tuple[Path, ...]:
        """Those named, or the file the suite stands beside."""
        named = value.get("policies")
        if named:
            return tuple(self._path.parent / name for name in named)
        return (self._path.with_name(self._path.name.replace("_test.", ".")),)

    def _case(self, value: Any, path: tuple[str | int, ...], objects: Mapping[str, Any]) -> Case:
        case = self._mapping(value, path, CASE_FIELDS)
        expect = case.get("expect", "allow")
        if expect not in EXPECTATIONS:
            self._problem(
                (*path, "expect"), f"{expect!r} is no expectation", f"Write {', '.join(EXPECTATIONS)}"
            )
        for key in ("name", "object"):
            if key not in case:
                self._problem(path, f"a case has a {key}", "Add it")
        body = self._object(case.get("object"), (*path, "object"), objects)
        old = self._object(case["old"], (*path, "old"), objects) if "old" in case else None
        line, column = self._source.locate(path)
        return Case(
            name=str(case.get("name", "")),
            source=Source(self._source.path, line, column),
            object=merge(body, case.get("change") or {}),
            old=None if old is None else merge(old, case.get("oldChange") or {}),
            operation=case.get("operation") or ("UPDATE" if old is not None else None),
            subresource=case.get("subresource", ""),
            request_name=case.get("requestName", ""),
            user=case.get("user", ""),
            groups=tuple(case.get("groups") or ()),
            namespace=case.get("namespace", ""),
            expect=expect,
            message=case.get("message", ""),
            patched=case.get("patched") or {},
        )

    def _object(self, value: Any, path: tuple[str | int, ...], objects: Mapping[str, Any]) -> Object:
        if isinstance(value, str):
            if value not in objects:
                self._problem(
                    path, f"no object is called {value!r}", f"Known are {', '.join(objects) or 'none'}"
                )
            return copy.deepcopy(objects.get(value, {}))
        if not isinstance(value, dict):
            self._problem(path, "an object is a manifest, or the name of one in objects", "Write either")
            return {}
        return copy.deepcopy(value)

    def _mapping(self, value: Any, path: tuple[str | int, ...], known: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._problem(path, "must be a mapping", f"Give it {', '.join(known)}")
            return {}
        for key in value:
            if key not in known:
                self._problem((*path, key), f"{key} is unknown", f"Known are {', '.join(known)}")
        return value

    def _problem(self, path: tuple[str | int, ...], what: str, remedy: str) -> None:
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
