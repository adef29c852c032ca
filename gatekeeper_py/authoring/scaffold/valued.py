"""Templates about one field: what it may be, or what it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from gatekeeper_py.authoring.scaffold.blueprint import Blueprint
from gatekeeper_py.authoring.scaffold.location import BESIDE, Location, Step, chain, literal
from gatekeeper_py.authoring.scaffold.refusal import CannotDraft
from gatekeeper_py.authoring.scaffold.sketch import (
    LEFT,
    OF_A_TENANT,
    OTHER,
    OTHERWISE,
    OWN,
    PLAIN,
    TRUSTED,
    WRITES,
    Sketch,
    difference,
    example,
    grouped,
    merged,
    otherwise,
)
from gatekeeper_py.authoring.scaffold.topic import EPHEMERAL, Target
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.admission.submission import Submission, make_request

__all__ = ["mutating", "naming_the_tenant", "param", "validating"]

ANYTHING: Final[Mapping[type, object]] = {bool: True, int: 1, str: "example"}
"""A value of each type."""


def validating(blueprint: Blueprint) -> Sketch:
    """The field is one of the allowed values or, without any, is there at all."""
    location, values = blueprint.field, blueprint.values
    if not values and blueprint.may_be_absent:
        raise CannotDraft("what may be absent and may be anything is never refused. Name a --value")
    if location.type is bool and len(set(values)) > 1:
        raise CannotDraft("true and false are all there is, so nothing would be refused. Name one --value")
    listed = ", ".join(map(_shown, values))
    told = f"allowed are {listed}" if values else "set it"
    test = f"value in [{', '.join(map(literal, values))}]" if values else "true"
    if not values and location.type is str:
        test = "value != ''"
    return _judging(
        blueprint, test, literal(told)[1:-1], told, f"{listed or 'any value'}{_or_absent(blueprint)}"
    )


def param(blueprint: Blueprint) -> Sketch:
    """The field is one of the values that a ConfigMap lists."""
    if blueprint.field.type is not str:
        raise CannotDraft(f"{blueprint.field.text} is no text. Take the template validating")
    if not blueprint.values:
        raise CannotDraft("name each value that the ConfigMap allows at first with --value")
    listed = ",".join(map(str, blueprint.values))
    allowed = f"what data.allowed of the ConfigMap lists, with commas between{_or_absent(blueprint)}"
    test = "value in params.data.allowed.split(',')"
    made = _judging(
        blueprint, test, "allowed are ' + params.data.allowed + '", f"allowed are {listed}", allowed
    )
    return replace(made, params={"allowed": listed})


def naming_the_tenant(blueprint: Blueprint) -> Sketch:
    """The field names the tenant whose the namespace is."""
    location, names = blueprint.field, [each.name for each in blueprint.targets]
    if location.type is not str or location.list_steps:
        raise CannotDraft(f"{location.text} is no single text, so it names no tenant. Name another --field")
    read, foreign = location.read("object"), location.nested(OTHER)
    said = f"'{location.text} is \"' + {read}.orValue('') + '\"; in a namespace of tenant ' + tenant.name"
    told = f'{location.text} is "{OTHER}"; in a namespace of tenant {OWN} it is {OWN}, or absent'
    elsewhere = merged(foreign, {"metadata": {"namespace": TRUSTED}})
    return Sketch(
        summary=f"Refuses {_plural(blueprint)} of a tenant whose {location.text} names another.",
        parts={"Field": location.text, "Allowed": f"the tenant's name; absent; {LEFT}"},
        operations=WRITES,
        conditions={**OF_A_TENANT, **_changes(location)},
        validation={
            "expression": f"{read}.orValue(tenant.name) == tenant.name",
            "messageExpression": f"{said} + ' it is ' + tenant.name + ', or absent'",
        },
        objects={each.name: each.object(OWN) for each in blueprint.targets},
        cases=[
            _refused("another tenant's name is refused", names, foreign, told),
            example("the tenant's own name is admitted", names, change=location.nested(OWN), expect="allow"),
            example("what names nobody is admitted", names, expect="allow"),
            example(OTHERWISE, names, operation="UPDATE", **otherwise(foreign), expect="allow"),
            example("the platform may name anybody", names, change=elsewhere, expect="allow"),
        ],
        tenants="example",
    )


def _refused(name: str, objects: Sequence[str], change: Mapping[str, Any], told: str) -> dict[str, Any]:
    return example(name, objects, operations=WRITES, change=change, expect="deny", message=told)


def mutating(blueprint: Blueprint) -> Sketch:
    """The field gets a value where it has none."""
    location, names = blueprint.field, [each.name for each in blueprint.targets]
    if location.list_steps:
        raise CannotDraft(f"{location.text} is in a list. Name a field that each object has once")
    if len(blueprint.values) != 1:
        raise CannotDraft("name the value that is filled in with one --value")
    filled_in = [each.served.kind.kind for each in blueprint.targets if not _can_be_absent(each, location)]
    if filled_in:
        what = f"the API server fills in {location.text} of every {filled_in[0]}"
        raise CannotDraft(f"{what}, so it is never absent. Name another --field")
    (value,) = blueprint.values
    filled, kept = location.nested(value), location.nested(_other(location, (value,)))
    return Sketch(
        summary=f"Sets {location.text} of {_plural(blueprint)} where it is absent.",
        parts={"Field": location.text, "Value": f"{_shown(value)}, unless the author wrote another"},
        operations=["CREATE"],
        conditions={"is-absent": f"!{location.read('object')}.hasValue()"},
        mutation=_applied("Object", location.steps, value),
        objects={each.name: location.applied(each.object(PLAIN), None) for each in blueprint.targets},
        cases=[
            example("what is absent is filled in", names, expect="allow", patched=filled),
            example("what the author wrote is left alone", names, change=kept, expect="allow", patched=kept),
        ],
    )


def _applied(root: str, steps: Sequence[Step], value: object) -> str:
    """An ApplyConfiguration that sets one field; a key stands in a plain map."""
    step, *rest = steps
    if step.key:
        return f"{{{literal(step.name)}: {literal(value)}}}"
    inner = _applied(f"{root}.{step.name}", rest, value) if rest else literal(value)
    return f"{root}{{{step.name}: {inner}}}"


def _judging(blueprint: Blueprint, test: str, told: str, shown: str, allowed: str) -> Sketch:
    """A policy that refuses values for which a test of `value` is false.

    `told` is how its message ends, as CEL writes it, and `shown` what that comes to.
    """
    location = blueprint.field
    optional = _optional(location)
    passes = f"{optional}.optMap(value, {test}).orValue({literal(blueprint.may_be_absent)})"
    found = f"{optional}.optMap(value, '\"' + string(value) + '\"').orValue('absent')"
    variables: Mapping[str, str] = {}
    rule, said = passes, found
    if location.list_steps:
        lists = [f"{chain('object', steps)}.orValue([])" for steps in location.lists]
        items = lists[0] if len(lists) == 1 else f"({' + '.join(lists)})"
        variables = {"found": f"{items}.filter(item, !{passes}).map(item, {found})"}
        rule, said = "variables.found.size() == 0", "variables.found[0]"
    message = f"'{location.named} is ' + {said} + '; {told}'"
    return Sketch(
        summary=f"Refuses {_plural(blueprint)} whose {location.named} is not as the platform wants it.",
        parts={"Field": location.named, "Allowed": f"{allowed}; {LEFT}"},
        operations=WRITES,
        conditions=_changes(location),
        variables=variables,
        validation={"expression": rule, "messageExpression": message.removesuffix(" + ''")},
        objects={each.name: _good(blueprint, each) for each in blueprint.targets},
        cases=list(_judged(blueprint, shown)),
    )


def _optional(location: Location) -> str:
    """CEL for the value as an optional, from the object or from an item of the list."""
    if not location.list_steps:
        return location.read("object")
    return chain("item", location.item_steps) if location.item_steps else "optional.of(item)"


def _good(blueprint: Blueprint, target: Target) -> Object:
    """An object that the policy admits."""
    location = blueprint.field
    value = blueprint.values[0] if blueprint.values else ANYTHING[location.type]
    return location.applied(target.object(PLAIN), value)


def _judged(blueprint: Blueprint, told: str) -> Iterator[dict[str, Any]]:
    """The cases: each bad value, a good one, and an update of what is bad already."""
    location, targets = blueprint.field, blueprint.targets
    leaves = bool(location.item_steps) and all(_can_be_absent(each, location) for each in targets)
    bad: dict[str, tuple[object, str]] = {}
    if blueprint.values:
        other = _other(location, blueprint.values)
        bad["another value is refused"] = (other, f'{location.named} is "{_shown(other)}"; {told}')
    if leaves and not blueprint.may_be_absent:
        bad["no value is refused"] = (None, f"{location.named} is absent; {told}")
    if not bad:
        raise CannotDraft(f"the API server fills in {location.text}, so it is never absent. Name a --value")
    for name, (value, said) in bad.items():
        changes = [(each, {"change": change}) for each, change in _changed(blueprint, value)]
        yield from grouped(name, changes, operations=WRITES, expect="deny", message=said)
    if location.is_of_any_container:
        yield from _beside(blueprint, *next(iter(bad.values())))
    yield example("an allowed value is admitted", [each.name for each in targets], expect="allow")
    if blueprint.may_be_absent and leaves:
        absent = [(each, {"change": change}) for each, change in _changed(blueprint, None)]
        yield from grouped("no value is admitted", absent, expect="allow")
    worst, _ = next(iter(bad.values()))
    stored = [(each, otherwise(change)) for each, change in _changed(blueprint, worst)]
    yield from grouped(OTHERWISE, stored, operation="UPDATE", expect="allow")


def _beside(blueprint: Blueprint, value: object, said: str) -> Iterator[dict[str, Any]]:
    """What init and ephemeral containers say is judged as what the others say."""
    for name in BESIDE:
        changes = [(each, {"change": _with(blueprint, each, name, value)}) for each in blueprint.targets]
        yield from grouped(f"so are {name}", changes, operations=WRITES, expect="deny", message=said)
    for target in blueprint.targets:
        if target.is_pod:
            change = _with(blueprint, target, BESIDE[-1], value)
            debugged = {"operation": "UPDATE", "subresource": EPHEMERAL, "change": change}
            yield example(
                "and those that kubectl debug adds", [target.name], **debugged, expect="deny", message=said
            )


def _with(blueprint: Blueprint, target: Target, name: str, value: object) -> dict[str, Any]:
    good = _good(blueprint, target)
    return difference(good, blueprint.field.beside(good, name, value))


def _changed(blueprint: Blueprint, value: object) -> Iterator[tuple[Target, dict[str, Any]]]:
    """What makes each good object one with this value."""
    for target in blueprint.targets:
        good = _good(blueprint, target)
        yield target, difference(good, blueprint.field.applied(good, value))


def _changes(location: Location) -> dict[str, str]:
    """The condition by which an update that leaves the field as it was is nobody's business."""
    places = location.lists or (location.steps,)
    changed = [f"{chain('object', steps)} != {chain('oldObject', steps)}" for steps in places]
    return {"changes-it": " || ".join(("oldObject == null", *changed))}


def _can_be_absent(target: Target, location: Location) -> bool:
    """Whether the API server leaves the field absent where its author does not write it."""
    written = location.applied(target.object(PLAIN), None)
    made = make_request(Manifest(written, Source("<new>")), Snapshot(), Submission()).object
    return not any(_found(made, location.steps))


def _found(value: Any, steps: Iterable[Step]) -> Iterator[bool]:
    """Whether a value stands there, for each item of a list."""
    step, *rest = steps
    inner = value.get(step.name) if isinstance(value, dict) else None
    for each in (inner or ()) if step.items else (inner,):
        if each is not None and rest:
            yield from _found(each, rest)
        else:
            yield each is not None


def _other(location: Location, values: Sequence[object]) -> bool | int | str:
    """A value that is none of these."""
    if location.type is bool:
        return not values[0]
    if location.type is int:
        return max(value for value in values if isinstance(value, int)) + 1
    return next(
        word
        for word in (*location.choices, "other", *(f"other-{number}" for number in range(len(values) + 1)))
        if word not in values
    )


def _shown(value: object) -> str:
    return value if isinstance(value, str) else literal(value)


def _or_absent(blueprint: Blueprint) -> str:
    return "; absent" if blueprint.may_be_absent else ""


def _plural(blueprint: Blueprint) -> str:
    names = [each.served.resource.resource for each in blueprint.targets]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
