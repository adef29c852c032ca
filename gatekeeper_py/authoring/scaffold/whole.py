"""Templates about whole objects: what they name, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatekeeper_py.authoring.scaffold.blueprint import Blueprint
from gatekeeper_py.authoring.scaffold.location import literal
from gatekeeper_py.authoring.scaffold.refusal import CannotDraft
from gatekeeper_py.authoring.scaffold.sketch import (
    LEFT,
    OF_A_TENANT,
    OTHER,
    OTHERWISE,
    OWN,
    TRUSTED,
    WRITES,
    Sketch,
    difference,
    example,
    grouped,
    merged,
    otherwise,
)
from gatekeeper_py.authoring.scaffold.topic import Target
from gatekeeper_py.objects.resource import Object

__all__ = ["counting", "referring"]

FOREIGN = (
    "references(object).filter(reference, !tenant.permits(reference) && "
    "!(oldObject != null && references(oldObject).exists(old, old == reference)))"
)
NOBODYS = "elsewhere"
"""A namespace that no tenant of the tenancy `open` claims."""
NAMED = (
    "variables.foreign.map(reference, reference.path + ' names ' + reference.kind + ' \"' + reference.name + "
    "'\" in namespace \"' + reference.namespace)[0] + '\", which is not of tenant ' + tenant.name + "
    "'; name its own, or have it shared'"
)


def referring(blueprint: Blueprint) -> Sketch:
    """The object names nothing of another tenant that is not shared."""
    patches = [(each, _foreign(each)) for each in blueprint.targets]
    names = [each.name for each in blueprint.targets]
    elsewhere = {"metadata": {"namespace": NOBODYS}}
    told = f'in namespace "{OTHER}", which is not of tenant {OWN}; name its own, or have it shared'
    changes = [(each, {"change": patch}) for each, patch in patches]
    stored = [(each, otherwise(patch)) for each, patch in patches]
    outside = [(each, {"change": merged(patch, elsewhere)}) for each, patch in patches]
    resources = ", ".join(each.served.resource.resource for each in blueprint.targets)
    return Sketch(
        summary=f"Refuses objects of a tenant ({resources}) that name something of another.",
        parts={
            "Fields": "every field that names something, by the catalogue of references",
            "Allowed": f"the tenant's own, what another tenant shares, {LEFT}",
        },
        operations=WRITES,
        conditions=OF_A_TENANT,
        variables={"foreign": FOREIGN},
        validation={"expression": "variables.foreign.size() == 0", "messageExpression": NAMED},
        objects={each.name: each.object(OWN) for each in blueprint.targets},
        cases=[
            *grouped("another tenant's is refused", changes, operations=WRITES, expect="deny", message=told),
            example("the tenant's own is admitted", names, expect="allow"),
            *grouped(OTHERWISE, stored, operation="UPDATE", expect="allow"),
            *grouped("outside of tenants anything may be named", outside, expect="allow"),
        ],
        tenants="open",
    )


def _foreign(target: Target) -> dict[str, Any]:
    """What makes an object name something of another tenant. Raises `CannotDraft` where that is unknown."""
    body, kind = target.object(OWN), target.served.kind
    if kind.kind == "RoleBinding":
        return {"subjects": [{**body["subjects"][0], "namespace": OTHER}]}
    if kind.kind == "Service":
        spec = {"type": "ExternalName", "externalName": f"web.{OTHER}.svc.cluster.local"}
        return difference(body, {**body, "spec": spec})
    if "." in kind.group and not target.specimen:
        return {"spec": {"targetRef": {"name": "web", "namespace": OTHER}}}
    named = "rolebindings, services, or a custom resource with --crd"
    raise CannotDraft(f"no example of what a {kind.kind} names in other namespaces is known. Take {named}")


def counting(blueprint: Blueprint) -> Sketch:
    """There are no more objects in a namespace than so many."""
    if len(blueprint.targets) != 1:
        raise CannotDraft("the template look-up counts one resource. Name one --resource")
    (target,) = blueprint.targets
    kind, resource, limit = target.served.kind, target.served.resource.resource, blueprint.limit
    told = f'namespace "{OWN}" has {limit} {resource}, of {limit}; delete one, or ask the platform'
    look_up = f"cluster.list({literal(kind.api_version)}, {literal(kind.kind)}, request.namespace)"
    others, trusted = {"metadata": {"namespace": OTHER}}, {"metadata": {"namespace": TRUSTED}}
    return Sketch(
        summary=f"Refuses more than {limit} {resource} in a namespace of a tenant.",
        parts={"Resource": f"{resource} (CREATE)", "Limit": f"{limit} in a namespace"},
        operations=["CREATE"],
        conditions=OF_A_TENANT,
        variables={"count": f"{look_up}.size()"},
        validation={
            "expression": f"variables.count < {limit}",
            "messageExpression": "'namespace \"' + request.namespace + '\" has ' + string(variables.count) + "
            f"' {resource}, of {limit}; delete one, or ask the platform'",
        },
        objects={target.name: target.object(OWN)},
        cases=[
            example("one more than there may be is refused", [target.name], expect="deny", message=told),
            example("another tenant's are not counted", [target.name], change=others, expect="allow"),
            example("the platform may have any number", [target.name], change=trusted, expect="allow"),
        ],
        cluster=[*_existing(target, OWN, limit), *_existing(target, TRUSTED, limit)],
        tenants="example",
    )


def _existing(target: Target, namespace: str, count: int) -> Iterator[Object]:
    for number in range(count):
        body = target.object(namespace)
        yield {**body, "metadata": {**body["metadata"], "name": f"web-{number}"}}
