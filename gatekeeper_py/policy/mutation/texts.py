"""Patches that only add texts, or maps of them: labels, the name of a class. Most that change anything do.

What `apply` and `decode` make of such a patch is known at once: where the kind has a text or a map of texts,
one that is not empty is what is read there, and the rest is as it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.schema import Schema, builtin_schema
from gatekeeper_py.policy.mutation.patch import Operation, pointed

__all__ = ["with_texts"]


def with_texts(live: Object, operations: Sequence[Operation], kind: GroupVersionKind) -> Object | None:
    """The object as such a patch leaves it; None for another patch, or for one that need not fit the kind."""
    schema = builtin_schema(kind)
    if schema is None or live.get("kind") != kind.kind or live.get("apiVersion") != kind.api_version:
        return None
    made: Object = {"apiVersion": kind.api_version, "kind": kind.kind, **live}
    own: dict[int, Object] = {}
    for operation in operations:
        if operation.op != "add" or not _write(made, operation, schema, own):
            return None
    return made


def _write(made: Object, operation: Operation, schema: Schema, own: dict[int, Object]) -> bool:
    """Whether what the operation writes belongs there; `own` are the maps below that are copies."""
    tokens = pointed(operation.path)
    if len(tokens) < 2:
        return False
    for token in tokens[:-1]:
        inner, field = made.get(token), schema.field(token)
        if type(inner) is not dict or field is None:
            return False
        if id(inner) not in own:
            inner = made[token] = inner.copy()
            own[id(inner)] = inner
        made, schema = inner, field
    last = schema.field(tokens[-1])
    if last is None or not _belongs(operation.value, last):
        return False
    made[tokens[-1]] = operation.value
    return True


def _belongs(value: object, schema: Schema) -> bool:
    """Whether the value is a text or a map of texts, not empty, where the kind has one."""
    if type(value) is str:
        return bool(value) and schema.scalar == "string"
    inner = schema.values
    if type(value) is not dict or not value or schema.fields or inner is None or inner.scalar != "string":
        return False
    return all(type(each) is str for each in value.values())
