"""The parts of a policy that templates fill in, and the cases that show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gatekeeper_py.authoring.policyfile import Inline
from gatekeeper_py.authoring.scaffold.topic import Target
from gatekeeper_py.objects.resource import Object

__all__ = [
    "LEFT",
    "OF_A_TENANT",
    "OTHER",
    "OTHERWISE",
    "OWN",
    "PLAIN",
    "TRUSTED",
    "WRITES",
    "Changes",
    "Sketch",
    "difference",
    "example",
    "grouped",
    "merged",
    "otherwise",
]

OWN, OTHER, TRUSTED, PLAIN = "foo", "bar", "kube-system", "default"
"""Namespaces of the example's tenants foo and bar, of its platform, and of nobody."""
OF_A_TENANT: Final = {"of-a-tenant": "tenant != null && !tenant.trusted"}
WRITES: Final = ["CREATE", "UPDATE"]
LEFT = "what an update leaves as it was"
OTHERWISE = "what was there before may still be changed otherwise"
NOTED: Final = {"metadata": {"annotations": {"example.com/note": "changed"}}}
"""What an update changes that touches nothing a policy is about."""

FIELDS = ("operation", "operations", "subresource", "oldChange", "change", "expect", "message", "patched")
"""Of a case, in the order in which they are read."""
Changes = Iterable[tuple[Target, Mapping[str, Any]]]
"""Fields of a case, for each object."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """What one template says about one blueprint."""

    summary: str
    parts: Mapping[str, str]
    """Labelled lines of the comment block, without what it stops."""
    operations: Sequence[str]
    conditions: Mapping[str, str]
    objects: Mapping[str, Object]
    """What the cases start from."""
    cases: Sequence[Mapping[str, Any]]
    variables: Mapping[str, str] = field(default_factory=dict)
    validation: Mapping[str, str] = field(default_factory=dict)
    mutation: str = ""
    """An expression that gives what is applied; then there is no validation."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Data of the ConfigMap that is the policy's param."""
    cluster: Sequence[Object] = ()
    tenants: str = ""
    """Of a policy about tenants, the tenancy that its cases are tried on."""


def example(name: str, objects: Sequence[str], **rest: Any) -> dict[str, Any]:
    """A case that is tried with one object, or with several."""
    which: dict[str, Any] = {"object": objects[0]} if len(objects) == 1 else {"objects": list(objects)}
    inline = {key: Inline(value) if isinstance(value, dict) else value for key, value in rest.items()}
    return {"name": name, **which, **{key: inline[key] for key in FIELDS if key in inline}}


def grouped(name: str, changes: Changes, **rest: Any) -> list[dict[str, Any]]:
    """One case for all objects that are changed in the same way."""
    alike: list[tuple[Mapping[str, Any], list[Target]]] = []
    for target, fields in changes:
        known = next((targets for each, targets in alike if each == fields), None)
        if known is None:
            alike.append((fields, [target]))
        else:
            known.append(target)
    return [
        example(
            f"{name} ({_kinds(targets)})" if len(alike) > 1 else name,
            [each.name for each in targets],
            **fields,
            **rest,
        )
        for fields, targets in alike
    ]


def _kinds(targets: Iterable[Target]) -> str:
    return ", ".join(each.served.kind.kind for each in targets)


def difference(before: Any, after: Any) -> dict[str, Any]:
    """The merge patch (RFC 7386) that makes one mapping of another."""
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := difference(old, value):
                patch[key] = inner
        elif key not in before or old != value:
            patch[key] = value
    return patch


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two patches as one."""
    made = dict(one)
    for key, value in other.items():
        inner = made.get(key)
        made[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return made


def otherwise(stored: Mapping[str, Any]) -> dict[str, Any]:
    """An update of what is stored so, which changes something else."""
    return {"oldChange": stored, "change": merged(stored, NOTED)}
