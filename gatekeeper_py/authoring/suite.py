"""Test suites of policies: what a `*_test.yaml` file says, read strictly.

A suite stands beside the policy it tests (`host-path_test.yaml` beside `host-path.yaml`). `docs/testing.md`
explains its fields.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any, Literal

import orjson

from gatekeeper_py.authoring.tenancies import TENANCIES, named_tenancy
from gatekeeper_py.authoring.workload import POD, TEMPLATES, WORKLOADS, at_template, in_workload
from gatekeeper_py.manifests.conformity import faults, problem_of
from gatekeeper_py.manifests.manifest import (
    Document,
    Manifest,
    ManifestError,
    Problem,
    Source,
    files,
    read_documents,
)
from gatekeeper_py.objects.fieldpath import FieldPath, field_text
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.objects.schema import ANYTHING, OpenAPI, openapi_schema
from gatekeeper_py.policy.admission.request import OPERATIONS, Operation
from gatekeeper_py.policy.admission.submission import Submission
from gatekeeper_py.policy.loading.load import is_test

__all__ = ["Case", "Expectation", "Suite", "find_suites", "read_suite"]

Expectation = Literal["allow", "deny", "warn", "waived", "unmatched"]
EXPECTATIONS: tuple[Expectation, ...] = ("allow", "deny", "warn", "waived", "unmatched")

TEXT: OpenAPI = {"type": "string"}
DAY: OpenAPI = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
OPERATION: OpenAPI = {"type": "string", "enum": OPERATIONS}
MAPPING: OpenAPI = {"type": "object", "additionalProperties": ANYTHING}
CASE: OpenAPI = {
    "type": "object",
    "required": ["name", "expect"],
    "properties": {
        "name": TEXT,
        "object": ANYTHING,
        "objects": {"type": "array", "items": ANYTHING},
        "workloads": ANYTHING,
        "change": MAPPING,
        "old": ANYTHING,
        "oldChange": MAPPING,
        "operation": OPERATION,
        "operations": {"type": "array", "items": OPERATION},
        "subresource": TEXT,
        "subresources": {"type": "array", "items": TEXT},
        "requestName": TEXT,
        "user": TEXT,
        "groups": {"type": "array", "items": TEXT},
        "namespace": TEXT,
        "expect": {"type": "string", "enum": EXPECTATIONS},
        "message": TEXT,
        "patched": MAPPING,
        "today": DAY,
    },
}
DOCUMENT: OpenAPI = {
    "type": "object",
    "required": ["cases"],
    "properties": {
        "policies": {"type": "array", "items": TEXT},
        "tenants": {"type": "array", "items": ANYTHING},
        "waivers": {"type": "array", "items": MAPPING},
        "today": DAY,
        "cluster": {"type": "array", "items": MAPPING},
        "objects": {"type": "object", "additionalProperties": MAPPING},
        "user": TEXT,
        "workloads": ANYTHING,
        "cases": {"type": "array", "items": CASE},
    },
}
SUITE = openapi_schema(DOCUMENT)

KIND = ("apiVersion", "kind")

PLURALS = (("object", "objects"), ("operation", "operations"), ("subresource", "subresources"))
"""Fields of a case, and those by which it is tried with several."""
WORKLOADS_OF_WORD: Mapping[str, tuple[str, ...]] = {"all": WORKLOADS, "templates": tuple(TEMPLATES)}


@dataclass(frozen=True, slots=True)
class Case:
    """One request and what must become of it."""

    name: str
    source: Source
    """Where the case stands."""
    object: Object
    """As a user writes it; for DELETE and CONNECT what the operation is about."""
    old: Object | None = None
    operation: Operation | None = None
    subresource: str = ""
    request_name: str = ""
    """The name in the request, where the object has none (exec, bindings)."""
    user: str = ""
    groups: tuple[str, ...] = ()
    namespace: str = ""
    expect: Expectation = "allow"
    """`unmatched`: it is admitted, for no policy of the suite is about it."""
    message: str = ""
    """A part of the denial's or warning's text."""
    patched: Mapping[str, Any] = field(default_factory=dict)
    """A part the object has in the end; null says that a field is absent."""
    asked_at: datetime | None = None
    """When; None where the suite waives nothing."""
    workload: bool = False
    """Whether it is one of the workloads that a policy under test is said to match."""


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases of one file, and what they are tried on."""

    path: Path
    policies: tuple[Path, ...]
    """Files and folders of the policies under test."""
    tenants: tuple[Manifest, ...]
    """Tenancy documents: those it names, and those it holds."""
    named: bool
    """Whether it names where tenants stand, so that none of a folder are added."""
    cluster: tuple[Object, ...]
    """Objects that exist."""
    cases: tuple[Case, ...]
    unused: tuple[Problem, ...]
    """Objects that no case starts from: no error, but a slip of the pen."""
    written: tuple[Manifest, ...]
    """Every object that stands in it, with its place."""
    parts: tuple[Manifest, ...] = ()
    """What cases change of an object, or expect in it, each as an object that has nothing else."""
    idle: tuple[Problem, ...] = ()
    """Parts of cases that change nothing: no error either."""
    waivers: tuple[Manifest, ...] = ()
    """What is waived; nothing that the folder waives is."""


def find_suites(paths: list[str | Path]) -> list[Path]:
    """The suites among files and folders, by name."""
    return [file for path in paths for file in files(path) if is_test(file)]


def read_suite(path: Path, text: str | None = None) -> Suite:
    """Read a suite, from `text` or as it is saved; raises `ManifestError` with every problem."""
    documents = read_documents(path, text)
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
        self._used: set[str] = set()
        self._idle: list[Problem] = []
        self._changed: list[Manifest] = []
        self._problems: list[Problem] = []

    def suite(self) -> Suite:
        cases = [
            case
            for index, written in enumerate(self._value["cases"])
            for case in self._cases(written, ("cases", index))
        ]
        self._check_suite()
        tenants = tuple(self._tenants())
        if self._problems:
            raise ManifestError(self._problems)
        return Suite(
            path=self._path,
            policies=self._policies(),
            tenants=tenants,
            named=any(isinstance(tenant, str) for tenant in self._value.get("tenants", ())),
            waivers=tuple(self._waivers()),
            cluster=tuple(self._value.get("cluster", ())),
            cases=tuple(cases),
            unused=tuple(self._unused()),
            written=tuple(self._written()),
            parts=tuple(self._changed),
            idle=tuple(self._idle),
        )

    def _check_suite(self) -> None:
        """What no schema says of the whole."""
        cases = self._value["cases"]
        if not cases:
            self._problem(("cases",), "a suite has cases", "Add one")
        first: dict[str, int] = {}
        for index, case in enumerate(cases):
            if (earlier := first.setdefault(case["name"], index)) != index:
                what = f"cases[{earlier}] has this name, too"
                self._problem(("cases", index, "name"), what, "Say what this one shows")
        for index, body in enumerate(self._value.get("cluster", ())):
            for field_name in ("apiVersion", "kind"):
                if not isinstance(body.get(field_name), str):
                    self._problem(("cluster", index), f"cluster[{index}] lacks {field_name}", "Add it")

    def _unused(self) -> Iterator[Problem]:
        for name in self._objects.keys() - self._used:
            if not self._anchored(("objects", name)):
                yield self._source.problem(("objects", name), f"no case uses object {name!r}", "Remove it")

    def _anchored(self, path: FieldPath) -> bool:
        """Whether a value has an anchor, so that another may start from it."""
        line, _ = self._source.locate_key(path)
        _, _, value = self._source.text.split("\n")[line - 1].partition(f"{path[-1]}:")
        return value.lstrip().startswith("&")

    def _tenants(self) -> Iterator[Manifest]:
        for index, tenant in enumerate(self._value.get("tenants", ())):
            path: FieldPath = ("tenants", index)
            if isinstance(tenant, str):
                yield from self._named_tenants(tenant, path)
            elif isinstance(tenant, dict):
                yield self._manifest(tenant, path)
            else:
                self._problem(path, "tenants are a file, example, or a document", "Write one of them")

    def _waivers(self) -> Iterator[Manifest]:
        for index, waiver in enumerate(self._value.get("waivers", ())):
            yield self._manifest(waiver, ("waivers", index))

    def _named_tenants(self, name: str, path: FieldPath) -> Sequence[Manifest]:
        """Those of a tenancy that comes with us, or of a file or folder."""
        try:
            return named_tenancy(name, self._path.parent)
        except ManifestError as error:
            self._problem(path, str(error), f"Name a file, or one of {', '.join(TENANCIES)}")
            return ()

    def _manifest(self, value: Object, path: FieldPath) -> Manifest:
        return Manifest(
            value, replace(self._source, _line=0, _column=0, prefix=(*self._source.prefix, *path))
        )

    def _written(self) -> Iterator[Manifest]:
        """The objects of the suite; what is no object fails where it is used."""
        places: list[FieldPath] = [("objects", name) for name in self._objects]
        places += [("cluster", index) for index in range(len(self._value.get("cluster", ())))]
        for index, case in enumerate(self._value["cases"]):
            places += [("cases", index, each) for each in ("object", "old") if each in case]
            places += [("cases", index, "objects", each) for each in range(len(case.get("objects", ())))]
        for place in places:
            value: Any = self._value
            for step in place:
                value = value[step]
            if isinstance(value, dict) and all(isinstance(value.get(each), str) for each in KIND):
                yield self._manifest(value, place)

    def _policies(self) -> tuple[Path, ...]:
        """Those named, or the file the suite stands beside."""
        named = self._value.get("policies")
        if named:
            return tuple(self._path.parent / name for name in named)
        return (self._path.with_name(self._path.name.replace("_test.", ".")),)

    def _cases(self, written: Mapping[str, Any], path: FieldPath) -> Iterator[Case]:
        """The one case that is written, or each that it is tried with."""
        self._check(written, path)
        for (name, body), operation, subresource in product(
            self._bodies(written, path),
            written.get("operations", [written.get("operation")]),
            written.get("subresources", [written.get("subresource", "")]),
        ):
            case = self._case(written, path, body, Submission(operation, subresource))
            tried = (name, operation if "operations" in written else "")
            told = (*tried, subresource if "subresources" in written else "")
            for kind in self._workloads(written, path, case):
                yield _named(_in_workload(case, kind) if kind else case, (kind, *told))

    def _check(self, written: Mapping[str, Any], path: FieldPath) -> None:
        """What no schema says of a case."""
        for one, several in PLURALS:
            if one in written and several in written:
                self._problem((*path, several), f"a case has {one} or {several}", "Keep one of them")
            elif written.get(several) == []:
                self._problem((*path, several), f"{several} is empty", "Name one at least")
        if "object" not in written and "objects" not in written:
            self._problem(path, f"{field_text(path)} lacks object", "Add it")
        self._check_message(written, path)
        if "objects" in written and "old" in written:
            self._problem(
                (*path, "old"), "old is of one object", "Write oldChange, or a case for each object"
            )
        if "groups" in written and not (written.get("user") or self._value.get("user")):
            what = "groups are of a user, and nobody is named: a cluster administrator asks"
            self._problem((*path, "groups"), what, "Write user")
        operations = written.get("operations", [written.get("operation", "UPDATE")])
        for stored in ("old", "oldChange"):
            if stored in written and not {"UPDATE", "DELETE"} & set(operations):
                what = f"{stored} is what is stored, and {' and '.join(operations)} replaces nothing"
                self._problem((*path, stored), what, "Remove it, or write operation: UPDATE")
        if "UPDATE" in written.get("operations", ()) and not written.keys() & {"old", "oldChange", "change"}:
            what = "an UPDATE without a change, and without what is stored"
            self._problem((*path, "operations"), what, "Write change, or old")

    def _check_message(self, written: Mapping[str, Any], path: FieldPath) -> None:
        if written.get("message") == "":
            what = "an empty message is in every text"
            self._problem((*path, "message"), what, "Write a part of what is told, or remove it")

    def _bodies(self, written: Mapping[str, Any], path: FieldPath) -> Iterator[tuple[str, Object]]:
        """The objects before their change, each with what tells it from the others."""
        if "object" in written:
            yield "", self._object(written["object"], (*path, "object"))
        for index, value in enumerate(written.get("objects", ())):
            body = self._object(value, (*path, "objects", index))
            yield value if isinstance(value, str) else str(body.get("kind", "")), body

    def _case(
        self, written: Mapping[str, Any], path: FieldPath, body: Object, submission: Submission
    ) -> Case:
        old = self._old(written, path, body, submission)
        self._note(written, path, body, submission)
        line, column = self._source.locate(path)
        return Case(
            name=written["name"],
            source=Source(self._source.path, line, column),
            object=merge(body, written.get("change", {})),
            old=old,
            operation=submission.operation or ("UPDATE" if old is not None else None),
            subresource=submission.subresource,
            request_name=written.get("requestName", ""),
            user=written.get("user", self._value.get("user", "")),
            groups=tuple(written.get("groups", ())),
            namespace=written.get("namespace", ""),
            expect=written["expect"],
            message=written.get("message", ""),
            patched=written.get("patched", {}),
            asked_at=self._asked_at(written, path),
        )

    def _note(
        self, written: Mapping[str, Any], path: FieldPath, body: Object, submission: Submission
    ) -> None:
        """Keep the parts of an object that a case writes, and tell of a change that is none.

        What changes several objects at once may be for some of them.
        """
        if "objects" in written:
            return
        for part in ("change", "oldChange", "patched"):
            if part in written and all(isinstance(body.get(each), str) for each in KIND):
                kind = {each: body[each] for each in KIND}
                body_of_part = {**kind, **merge({}, written[part])}
                self._changed.append(self._manifest(body_of_part, (*path, part)))
        is_update = submission.verb == "UPDATE" or {"old", "oldChange"} & written.keys()
        if "change" in written and not is_update and merge(body, written["change"]) == body:
            what = "this changes nothing, so the case is that of the object as it is"
            self._idle.append(self._source.problem((*path, "change"), what, "Correct it, or remove it"))

    def _asked_at(self, written: Mapping[str, Any], path: FieldPath) -> datetime | None:
        """When a case asks. What holds until a day is tried on a day, or its suite fails on that day."""
        place: FieldPath = (*path, "today") if "today" in written else ("today",)
        day = written.get("today", self._value.get("today"))
        if day is None:
            if self._value.get("waivers"):
                self._problem(path, "waivers hold until a day, and this case has none", "Write today")
            return None
        try:
            return datetime.fromisoformat(day).replace(tzinfo=UTC)
        except ValueError:
            self._problem(place, f"today is {day!r}, which is no day", "Write it as 2027-01-31")
            return None

    def _old(
        self, written: Mapping[str, Any], path: FieldPath, body: Object, submission: Submission
    ) -> Object | None:
        """What is stored: as written, or the object before its change; None leaves it to the cluster."""
        if submission.operation == "CREATE":
            return None
        if "old" in written:
            stored: Object = merge(self._object(written["old"], (*path, "old")), written.get("oldChange", {}))
            return stored
        if "oldChange" in written:
            changed: Object = merge(body, written["oldChange"])
            return changed
        return copy.deepcopy(body) if "change" in written and submission.verb == "UPDATE" else None

    def _workloads(self, written: Mapping[str, Any], path: FieldPath, case: Case) -> Sequence[str]:
        """The kinds a pod is tried in; the empty one is as it stands."""
        is_pod = case.object.get("kind") == POD
        if "workloads" in written:
            if not is_pod:
                self._problem((*path, "workloads"), "only a Pod is tried in workloads", "Remove it")
            return self._kinds(written["workloads"], (*path, "workloads"))
        if "workloads" in self._value and is_pod and not case.subresource:
            return self._kinds(self._value["workloads"], ("workloads",))
        return ("",)

    def _kinds(self, value: Any, path: FieldPath) -> Sequence[str]:
        if isinstance(value, str) and value in WORKLOADS_OF_WORD:
            return WORKLOADS_OF_WORD[value]
        if isinstance(value, list) and value and all(kind in WORKLOADS for kind in value):
            return value
        what = f"workloads is {value!r}"
        self._problem(path, what, f"Write all, templates, or a list of {', '.join(WORKLOADS)}")
        return ()

    def _object(self, value: Any, path: FieldPath) -> Object:
        if isinstance(value, dict):
            return copy.deepcopy(value)
        if not isinstance(value, str):
            self._problem(path, "an object is a manifest, or the name of one in objects", "Write either")
        elif value in self._objects:
            self._used.add(value)
            return copy.deepcopy(self._objects[value])
        else:
            known = ", ".join(self._objects) or "none"
            self._problem(path, f"no object is called {value!r}", f"Known are {known}")
        return {}

    def _problem(self, path: FieldPath, what: str, remedy: str) -> None:
        self._problems.append(self._source.problem(path, what, remedy))


def _in_workload(case: Case, kind: str) -> Case:
    """A pod's case as a workload's."""
    return replace(
        case,
        object=in_workload(case.object, kind),
        old=None if case.old is None else in_workload(case.old, kind),
        patched=at_template(case.patched, kind) if case.patched else {},
        workload=True,
    )


def _named(case: Case, told: Sequence[str]) -> Case:
    """A case whose name says which of several it is."""
    words = [word for word in told if word]
    return replace(case, name=f"{case.name} ({', '.join(words)})") if words else case


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
    """What of `part` a value has not: a line with `-` for what is expected, with `+` for what is there."""
    if isinstance(part, dict) and isinstance(value, dict):
        for key, inner in part.items():
            yield from missing(value.get(key), inner, f"{path}.{key}" if path else key)
    elif isinstance(part, list) and isinstance(value, list) and len(part) == len(value):
        for index, (item, inner) in enumerate(zip(value, part, strict=True)):
            yield from missing(item, inner, f"{path}[{index}]")
    elif value != part:
        yield f"- {path}: {_shown(part)}"
        yield f"+ {path}: {_shown(value)}"


def _shown(value: Any) -> str:
    return "(absent)" if value is None else orjson.dumps(value).decode()
