"""One MutatingAdmissionPolicy over one object with one of its params (policy/mutating/patch)."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from gatekeeper_py.cel import Budget, Message, TypeValue
from gatekeeper_py.golang.numbers import print_double
from gatekeeper_py.objects.resource import ABSENT, GroupVersionKind, Object
from gatekeeper_py.objects.schema import Schema, builtin_schema, schema_of
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.evaluation.expression import PASS_BUDGET, ExpressionError, OutOfBudget, evaluate
from gatekeeper_py.policy.evaluation.invocation import Invocation
from gatekeeper_py.policy.immutable import immutable
from gatekeeper_py.policy.matching.versions import versions_listed
from gatekeeper_py.policy.model import MutatingPolicy, Mutation
from gatekeeper_py.policy.mutation.apply import ApplyError, apply_configuration
from gatekeeper_py.policy.mutation.conversion import DecodingError, conversion_problem, decode, settle
from gatekeeper_py.policy.mutation.jsonvalue import ConversionError, json_value
from gatekeeper_py.policy.mutation.literal import (
    PATCH,
    NativeError,
    contents,
    go_type_of,
    json_native,
    native,
    type_names,
)
from gatekeeper_py.policy.mutation.patch import Operation, PatchError, TestFailed, apply
from gatekeeper_py.policy.mutation.texts import with_texts

__all__ = ["MutationResult", "StatusError", "run_mutations"]


class StatusError(Exception):
    """The request fails with this status, whatever failurePolicy says (apimachinery/pkg/api/errors)."""

    def __init__(self, code: int, reason: str, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.cause = cause


UNTYPED: Final = frozenset(
    {
        GroupVersionKind("autoscaling", "v1", "Scale"),
        GroupVersionKind("policy", "v1", "Eviction"),
        GroupVersionKind("authentication.k8s.io", "v1", "TokenRequest"),
        GroupVersionKind("", "v1", "NodeProxyOptions"),
        GroupVersionKind("", "v1", "PodAttachOptions"),
        GroupVersionKind("", "v1", "PodExecOptions"),
        GroupVersionKind("", "v1", "PodPortForwardOptions"),
        GroupVersionKind("", "v1", "PodProxyOptions"),
        GroupVersionKind("", "v1", "ServiceProxyOptions"),
    }
)
"""Kinds sent to subresources of other groups, and the options of a CONNECT. The API server knows types by
what their own group serves (mutating/patch/typeconverter.go), so it merges nothing into these; recorded from
kube-apiserver 1.36.3."""


class _MutationError(Exception):
    """A mutation that cannot be made; failurePolicy decides what becomes of the request."""


@immutable(frozen=True, slots=True)
class MutationResult:
    """What a policy made of an object."""

    value: Object | None
    errors: tuple[str, ...] = ()
    patched: bool = False
    """At least one of its mutations went through, whether or not it changed anything."""


def run_mutations(invocation: Invocation[MutatingPolicy], patches: Sequence[object] = ()) -> MutationResult:
    """All mutations in order, each over what the one before left; an error does not stop the next.

    `patches`: what the first ones, patches of JSON, are known to give over the object as it is.
    """
    value = invocation.value
    if value is None:
        return MutationResult(None)
    errors: list[str] = []
    patched = False
    for at, mutation in enumerate(invocation.policy.mutations):
        known = patches[at] if at < len(patches) and value is invocation.value else ABSENT
        try:
            value = _mutate(mutation, invocation.over(value), value, known)
            patched = True
        except (_MutationError, ExpressionError, OutOfBudget) as error:
            errors.append(str(error))
    return MutationResult(value, tuple(errors), patched)


def _mutate(
    mutation: Mutation, invocation: Invocation[MutatingPolicy], value: Object, known: object
) -> Object:
    kind = invocation.match.kind
    if mutation.patch_type == "JSONPatch":
        # The API server asks for a schema here too, but knows every kind it is sent; a manifest read
        # from a file may be of a kind whose definition nobody gave, and a patch of JSON needs none.
        data, result = _evaluate(mutation, invocation) if known is ABSENT else (_DataOf(invocation), known)
        listed = partial(versions_listed, invocation.match.resource, invocation.facts.cluster)
        return _patched(value, result, data, mutation.expression.text, kind, listed)
    schema = schema_of(kind, invocation.facts.cluster)
    if kind in UNTYPED:
        raise _MutationError(f"error applying patch: {messages.untyped(kind)}")
    if schema is None:
        raise StatusError(503, "ServiceUnavailable", messages.schema_not_found(kind))
    data, result = _evaluate(mutation, invocation)
    return _merged(value, result, data, schema, kind)


def _evaluate(mutation: Mutation, invocation: Invocation[MutatingPolicy]) -> tuple[_DataOf, object]:
    budget = Budget(PASS_BUDGET, invocation.deadline)
    activation = invocation.activation(invocation.facts.mutation, budget)
    return _DataOf(invocation), evaluate(mutation.expression, activation, budget)


# --- JSONPatch (mutating/patch/json_patch.go) ---------------------------------------------------------


def _patched(
    value: Object,
    result: object,
    data: _DataOf,
    text: str,
    kind: GroupVersionKind,
    listed: Callable[[], Container[str]],
) -> Object:
    operations = tuple(_operations(result, data, text))
    if not operations:
        return value
    if (made := with_texts(value, operations, kind)) is not None:
        return made
    try:
        patched = apply(value, operations)
    except TestFailed:
        return value
    except PatchError as error:
        raise _MutationError(f"JSON Patch: {error}") from error
    try:
        return decode(patched, value, kind, listed)
    except DecodingError as error:
        raise StatusError(500, "InternalError", messages.internal_error(error), str(error)) from error


TEXTS: Final = ("op", "path", "from")
FIELDS: Final = frozenset({*TEXTS, "value"})


def _operations(result: object, data: _DataOf, text: str) -> Iterator[Operation]:
    if not isinstance(result, (list, tuple)):
        raise _MutationError("type mismatch: JSONPatchType.expression should evaluate to array")
    for made in result:
        if (problem := _misfit(made, data)) is not None:
            raise _MutationError(messages.evaluation_error(text, problem))
        op, path, origin = (_text(made.get(name, "")) for name in TEXTS)
        yield Operation(op, path, origin, _operand(made.get("value", ABSENT), data))


def _misfit(made: Message, data: _DataOf) -> str | None:
    """What is wrong with an operation that the compiler could not know (cel/mutation/jsonpatch.go)."""
    for name, value in made.items():
        if name not in FIELDS:
            return f"unexpected JSONPatchType field: {name}"
        if name in TEXTS and not isinstance(value, (str, TypeValue)):
            return f"unexpected type {go_type_of(value, data)} for JSONPatchType '{name}' field"
    return None


def _text(value: str | TypeValue) -> str:
    """A type is text to Go, too: its name."""
    return value if isinstance(value, str) else value.name


def _operand(value: object, data: _DataOf) -> object:
    """The value of an operation as JSON; the names of an `Object` follow its fields."""
    if value is ABSENT:
        return value
    try:
        if isinstance(value, Message) and value.type_name != PATCH:
            _check_names(value, value.type_name)
            return json_native(native(value, data))
        return json_value(value)
    except (ConversionError, NativeError) as error:
        raise _MutationError(
            f"JSONPath valueExpression evaluated to a type that could not marshal to JSON: {error}"
        ) from error


# --- ApplyConfiguration (mutating/patch/smd.go) -------------------------------------------------------


def _merged(
    value: Object,
    result: object,
    data: _DataOf,
    schema: Schema,
    kind: GroupVersionKind,
) -> Object:
    if not isinstance(result, Message):
        raise _MutationError(
            f"unsupported return type from ApplyConfiguration expression: {type(result).__name__}"
        )
    _check_names(result, result.type_name)
    try:
        patch = native(result, data)
    except NativeError as error:
        raise _MutationError("invalid return type: *dynamic.ObjectVal") from error
    try:
        merged = apply_configuration(value, patch, schema)
    except ApplyError as error:
        raise _MutationError(f"error applying patch: {error}") from error
    if builtin_schema(kind) is None:
        _check_numbers(patch)
        return merged
    problem = conversion_problem(merged, schema)
    if problem is not None:
        raise _MutationError(messages.conversion_failed(kind, problem))
    settled: Object = settle(merged, value, schema)
    return settled


def _check_numbers(value: Any) -> None:
    """Raise for a number that no JSON can hold, which nothing before the answer's writing finds."""
    if isinstance(value, float) and not math.isfinite(value):
        raise StatusError(500, "", f"json: unsupported value: {print_double(value)}")
    if isinstance(value, Mapping):
        value = list(value.values())
    for inner in value if isinstance(value, (list, tuple)) else ():
        _check_numbers(inner)


def _check_names(value: Message, path: str) -> None:
    problems = list(type_names(value, path))
    if problems:
        raise _MutationError("type mismatch: " + "\n".join(problems))


class _DataOf:
    """Tells lists and maps of the request's data from those an expression made; only when asked."""

    __slots__ = ("_invocation", "_known")

    def __init__(self, invocation: Invocation[MutatingPolicy]) -> None:
        self._invocation = invocation
        self._known: frozenset[int] | None = None

    def __call__(self, value: object) -> bool:
        """Whether the value is a part of the data."""
        if self._known is None:
            asked = self._invocation
            names = asked.facts.mutation(asked.match, asked.value, asked.params)
            self._known = contents(names.values())
        return id(value) in self._known
