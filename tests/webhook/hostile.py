"""Reviews of a few kilobytes that cost as much as so few bytes can: what a tenant would send to stop the event loop."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gatekeeper_py.webhook.purse import MOST_VALUES, SHORT_BODY
from tests.webhook.support import pod_review

__all__ = ["hostile"]

Json = Any

CONTAINER = {"name": "c", "image": "nginx:1"}

TEXTS = (
    "foo,", "foo ", "bar;", "a\n", "/a", "a/", "http://a.bar.svc/ ", "system:serviceaccount:bar:x ", "secret: bar\n", "$(a)",
    "a.b.", "*", "(a+)+", "\N{COMBINING ACUTE ACCENT}", "1.2.3.4 ", "%61", '{"namespace":"bar"}',
)  # fmt: skip
"""Of what a long text may be made: whatever splits, refers, matches or has to be escaped."""

IN_PODS: Mapping[str, Json] = {
    "containers": {"name": "c", "image": "a"},
    "initContainers": {},
    "tolerations": {},
    "volumes": {"name": "a", "secret": {"secretName": "x"}},
    "imagePullSecrets": {"name": "x"},
    "topologySpreadConstraints": {},
    "hostAliases": {},
    "readinessGates": None,
}
"""Lists of a pod's spec, and of what they may be made."""

IN_CONTAINERS = ("env", "envFrom", "ports", "volumeMounts", "resizePolicy")
"""Lists of a container."""

FILLINGS: Mapping[str, Json] = {
    "nothing": None,
    "objects": {},
    "lists": [],
    "names": "bar",
    "references": {"namespace": "bar", "name": "x"},
    "secrets": {"secretRef": {"namespace": "bar", "name": "x"}},
}
"""Of what a custom resource may be made."""


@dataclass(frozen=True)
class _Size:
    """What fits into a short review beside what has to be in it."""

    room: int
    """Bytes."""
    values: int

    def many(self, entry: Json) -> list[Json]:
        """A list of it."""
        return [entry] * self._times(orjson.dumps(entry) + b",")

    def keys(self, value: Json) -> dict[str, Json]:
        """A map with it under many keys."""
        return {f"k{number}": value for number in range(self._times(orjson.dumps({"k0000": value})))}

    def text(self, unit: str) -> str:
        """A text of it."""
        return unit * self._times(orjson.dumps(unit))

    def deep(self, opening: str, closing: str) -> Json:
        """A value as deep as there are values; orjson would not write it."""
        depth = self._times(opening.encode())
        return orjson.Fragment(opening * depth + "0" + closing * depth)

    def _times(self, written: bytes) -> int:
        return min(self.room // len(written), self.values // max(1, len(re.findall(rb"[,{[]", written))))


WHOLE = _Size(SHORT_BODY - 1024, MOST_VALUES - 64)
HALF = _Size(WHOLE.room // 2, WHOLE.values // 2)


def hostile() -> Iterator[tuple[str, bytes]]:
    """What each is called, and its body: each object created, and one of half its size updated in little."""
    for name, value in _objects(WHOLE):
        yield name, _review(value)
    for name, value in _objects(HALF):
        yield f"{name}, updated", _review(value | {"changed": 1}, operation="UPDATE", oldObject=value)
    for name, users in (("groups", {"groups": WHOLE.many("a")}), ("extra", {"extra": WHOLE.keys([])})):
        yield f"a user's {name}", orjson.dumps(pod_review(userInfo={"username": "alice", **users}))


def _objects(size: _Size) -> Iterator[tuple[str, Json]]:
    for name, entry in IN_PODS.items():
        yield f"a pod's {name}", _pod({"containers": [CONTAINER], name: size.many(entry)})
    for name in IN_CONTAINERS:
        yield f"a container's {name}", _pod({"containers": [{**CONTAINER, name: size.many({"name": "a"})}]})
    capabilities = {"capabilities": {"add": size.many("A")}}
    yield "capabilities", _pod({"containers": [{**CONTAINER, "securityContext": capabilities}]})
    terms = size.many({"namespaces": ["b"]})
    yield (
        "affinity",
        _pod({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}),
    )
    for name, filling in (
        ("labels", size.keys("")),
        ("annotations", size.keys("")),
        ("finalizers", size.many("a")),
    ):
        yield name, _pod({"containers": [CONTAINER]}, **{name: filling})
    yield "owners", _pod({"containers": [CONTAINER]}, ownerReferences=size.many({"kind": "ReplicaSet"}))
    for name, filling in FILLINGS.items():
        yield f"a custom resource of {name}", _custom({"list": size.many(filling)})
    yield "a custom resource of fields", _custom(size.keys("bar"))
    for brackets in (("[", "]"), ('{"a":', "}")):
        yield f"depth in {brackets[0]}", _custom({"deep": size.deep(*brackets)})
    for unit in TEXTS:
        yield f"a custom resource with {unit!r}", _custom({"namespaces": size.text(unit)})
        yield f"an image of {unit!r}", _pod({"containers": [{"name": "c", "image": size.text(unit)}]})
        yield f"an annotation of {unit!r}", _pod({}, annotations={"k": size.text(unit)})


def _pod(spec: Json, **metadata: Json) -> dict[str, Json]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", **metadata}, "spec": spec}


def _custom(spec: Json) -> dict[str, Json]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "web"}, "spec": spec}


def _review(value: dict[str, Json], **fields: Json) -> bytes:
    group, _, version = value["apiVersion"].rpartition("/")
    kind = {"group": group, "version": version, "kind": value["kind"]}
    resource = {"group": group, "version": version, "resource": f"{value['kind'].lower()}s"}
    return orjson.dumps(pod_review(kind=kind, resource=resource, object=value, **fields))
