"""Which fields of tenancy documents a policy reads: what an operator can set to make it stricter or wider."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from gatekeeper_py.cel import tree
from gatekeeper_py.objects.schema import OpenAPI
from gatekeeper_py.policy.model import Policy
from gatekeeper_py.tenancy.fields import CONTROL_PLANE_SPEC, SETTINGS_SPEC, TENANT_SPEC
from gatekeeper_py.tenancy.lookups import expressions

__all__ = ["DocumentField", "document_fields", "word_is_used"]

Kind = Literal["Tenant", "TenancySettings", "ControlPlane"]
SPECS: Mapping[Kind, OpenAPI] = {
    "Tenant": TENANT_SPEC,
    "TenancySettings": SETTINGS_SPEC,
    "ControlPlane": CONTROL_PLANE_SPEC,
}


@dataclass(frozen=True, slots=True)
class DocumentField:
    """A field of a tenancy document."""

    kind: Kind
    path: str
    """Below `spec`, such as `limits.snapshots`."""

    @property
    def wholes(self) -> tuple[DocumentField, ...]:
        """The fields it is a part of."""
        parts = self.path.split(".")
        return tuple(DocumentField(self.kind, ".".join(parts[:depth])) for depth in range(1, len(parts)))

    @property
    def meaning(self) -> str:
        """What the schema says of it."""
        schema = SPECS[self.kind]
        for name in self.path.split("."):
            schema = schema["properties"][name]
        return str(schema["description"])


def _tenant(*paths: str) -> tuple[DocumentField, ...]:
    return tuple(DocumentField("Tenant", path) for path in paths)


def _control_plane(*paths: str) -> tuple[DocumentField, ...]:
    return tuple(DocumentField("ControlPlane", path) for path in paths)


def _settings(*paths: str) -> tuple[DocumentField, ...]:
    return tuple(DocumentField("TenancySettings", path) for path in paths)


WORDS: Mapping[str, tuple[DocumentField, ...]] = {
    "tenant.name": (),
    "tenant.claimed": (),
    "tenant.refused": _settings("unclaimed"),
    "tenant.controlPlanes": _control_plane("tenant", "syncer"),
    "tenant.isolation": _tenant("runtimeClasses.isolation"),
    "tenant.owns": _tenant("namespaces"),
    "tenant.permits": _tenant("sharing"),
    "tenant.permitsAudience": _tenant("tokenAudiences"),
    "tenant.permitsKind": _tenant("customResources"),
    "tenant.mayCall": (*_tenant("sharing"), *_settings("clusterDomain")),
    "tenant.excess": _tenant("limits"),
    "tenant.admits": _tenant("sharing"),
    "tenant.ownsHostname": _tenant("hostnames"),
    "tenant.allowsImage": _tenant("registries"),
    "tenants.ofNamespace": _tenant("namespaces"),
    "tenants.ofNamespaceObject": _tenant("namespaces"),
    "requester.platform": (*_settings("platform"), *_tenant("writesAs")),
    "requester.trusted": _settings("platform"),
    "requester.claimed": _tenant("owners"),
    "requester.tenants": _tenant("owners"),
    "requester.deploysFor": _tenant("writesAs", "copiesMarks"),
    "requester.vouched": _tenant("writesAs", "clusterWide"),
    "requester.syncs": _control_plane("syncer"),
    "requester.controlPlane": _control_plane("syncer"),
    "settings.labelPrefix": (),
    "settings.tenantLabel": (),
    "settings.protectedLabels": _tenant("labels", "namespaces.selector"),
    "settings.reservedTaints": _tenant("nodes.tolerations"),
    "runtimeClass": _settings("handlers"),
}
"""What stands behind a word that is not simply the field of its name."""

FIELDS_OF: Mapping[str, Kind] = {"tenant": "Tenant", "settings": "TenancySettings"}
"""Words whose fields are those of a document unless `WORDS` says otherwise."""


def document_fields(policy: Policy) -> tuple[DocumentField, ...]:
    """The fields that a policy's expressions read, Tenants' first; none of which another holds the whole."""
    words = {word for expression in expressions(policy) for word in _words(expression.program.tree)}
    found = {field for word in words for field in _fields(word)}
    widest = (field for field in found if found.isdisjoint(field.wholes))
    return tuple(sorted(widest, key=lambda field: (field.kind != "Tenant", field.path)))


def word_is_used(policy: Policy, word: str) -> bool:
    """Whether a policy's expressions use a word of tenancy, such as `references` or `tenant.permitsKind`."""
    roots = (expression.program.tree for expression in expressions(policy))
    return any(_dotted(node) == word for root in roots for node in tree.nodes(root))


def _fields(word: str) -> tuple[DocumentField, ...]:
    if word in WORDS:
        return WORDS[word]
    root, _, path = word.partition(".")
    kind = FIELDS_OF.get(root)
    return (DocumentField(kind, path),) if kind and path in _paths(SPECS[kind]) else ()


def _paths(schema: OpenAPI, prefix: str = "") -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        yield f"{prefix}{name}"
        yield from _paths(inner, f"{prefix}{name}.")


def _words(node: tree.Node) -> Iterator[str]:
    """The dotted names in a node, each as long as it means something."""
    name = _dotted(node)
    if name and _fields(name):
        yield name
        yield from _words_of(node.arguments if isinstance(node, tree.Call) else ())
    else:
        yield from _words_of(tree.children(node))


def _words_of(nodes: Iterable[tree.Node]) -> Iterator[str]:
    for node in nodes:
        yield from _words(node)


def _dotted(node: tree.Node) -> str:
    """`tenant.limits.snapshots`, `tenant.permits`, `runtimeClass`; nothing for what is no such name."""
    match node:
        case tree.Identifier(name=name):
            return name
        case tree.Select(operand=outer, field=name):
            return _below(outer, name)
        case tree.Call(target=outer, function=name):
            return name if outer is None else _below(outer, name)
    return ""


def _below(outer: tree.Node, name: str) -> str:
    dotted = _dotted(outer)
    return f"{dotted}.{name}" if dotted else ""
