"""One MutatingAdmissionPolicy over one request with one binding's params (policy/mutating/patch)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gatekeeper_py.cel import Budget, Message
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.schema import Schema, builtin_schema, schema_of
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.evaluation.activation import Facts
from gatekeeper_py.policy.evaluation.conditions import (
    PASS_BUDGET,
    ExpressionError,
    OutOfBudget,
    applies,
    evaluate,
)
from gatekeeper_py.policy.evaluation.variables import Variables
from gatekeeper_py.policy.matching.match import Match
from gatekeeper_py.policy.model import MutatingPolicy, Mutation
from gatekeeper_py.policy.mutation.apply import ApplyError, apply_configuration
from gatekeeper_py.policy.mutation.conversion import DecodingError, conversion_problem, decode, settle
from gatekeeper_py.policy.mutation.jsonvalue import ConversionError, json_value
from gatekeeper_py.policy.mutation.literal import NativeError, contents, json_native, native, type_names
from gatekeeper_py.policy.mutation.patch import ABSENT, Operation, PatchError, TestFailed, apply

__all__ = ["Broken", "Mutated", "MutationInvocation"]


class Broken(Exception):
    """The request fails with this status, whatever failurePolicy says."""

    def __init__(self, code: int, reason: str, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.cause = cause


class _Refused(Exception):
    """A mutation that cannot be made; failurePolicy decides what becomes of the request."""


@dataclass(frozen=True, slots=True)
class Mutated:
    """What a policy made of an object."""

    value: Object | None
    errors: tuple[str, ...] = ()
    patched: bool = False
    """At least one of its mutations went through, whether or not it changed anything."""


class MutationInvocation:
    """A policy, matched, with one param."""

    def __init__(
        self,
        policy: MutatingPolicy,
        match: Match,
        facts: Facts,
        params: Object | None,
        deadline: float | None,
    ) -> None:
        self._policy = policy
        self._match = match
        self._facts = facts
        self._params = params
        self._deadline = deadline
        self._declared = policy.declared

    def applies(self, value: Object | None) -> bool:
        """Whether the match conditions hold for the object as it is now; raise `ConditionError`."""
        return applies(self._policy, self._facts, self._match, value, self._params, self._deadline)

    def run(self, value: Object) -> Mutated:
        """All mutations in order, each over what the one before left; an error does not stop the next."""
        errors: list[str] = []
        patched = False
        for mutation in self._policy.mutations:
            try:
                value = self._mutate(mutation, value)
                patched = True
            except (_Refused, ExpressionError, OutOfBudget) as error:
                errors.append(str(error))
        return Mutated(value, tuple(errors), patched)

    def _mutate(self, mutation: Mutation, value: Object) -> Object:
        if mutation.patch_type == "JSONPatch":
            # The API server asks for a schema here too, but knows every kind it is sent; a manifest read
            # from a file may be of a kind whose definition nobody gave, and a patch of JSON needs none.
            activation, result = self._evaluate(mutation, value)
            return _patched(value, result, activation, self._match.kind)
        schema = schema_of(self._match.kind, self._facts.cluster)
        if schema is None:
            raise Broken(503, "ServiceUnavailable", messages.schema_not_found(self._match.kind))
        activation, result = self._evaluate(mutation, value)
        return _merged(value, result, activation, schema, self._match.kind)

    def _evaluate(self, mutation: Mutation, value: Object) -> tuple[Mapping[str, object], object]:
        budget = Budget(PASS_BUDGET, self._deadline)
        activation = self._facts.mutation(self._match, value, self._params)
        activation["variables"] = Variables(self._declared, activation, budget)
        return activation, evaluate(mutation.expression, activation, budget)


# --- JSONPatch (mutating/patch/json_patch.go) ---------------------------------------------------------


def _patched(
    value: Object, result: object, activation: Mapping[str, object], kind: GroupVersionKind
) -> Object:
    operations = tuple(_operations(result, activation))
    if not operations:
        return value
    try:
        patched = apply(value, operations)
    except TestFailed:
        return value
    except PatchError as error:
        raise _Refused(f"JSON Patch: {error}") from error
    try:
        return decode(patched, value, kind)
    except DecodingError as error:
        raise Broken(500, "InternalError", messages.internal_error(error), str(error)) from error


def _operations(result: object, activation: Mapping[str, object]) -> Iterator[Operation]:
    if not isinstance(result, list | tuple):
        raise _Refused("type mismatch: JSONPatchType.expression should evaluate to array")
    for made in result:
        yield Operation(
            made.get("op", ""),
            made.get("path", ""),
            made.get("from", ""),
            _operand(made.get("value", ABSENT), activation),
        )


def _operand(value: object, activation: Mapping[str, object]) -> object:
    """The value of an operation as JSON; the names of an `Object` follow its fields."""
    if value is ABSENT:
        return value
    try:
        if isinstance(value, Message):
            _check_names(value, value.type_name)
            return json_native(native(value, _DataOf(activation)))
        return json_value(value)
    except (ConversionError, NativeError) as error:
        raise _Refused(
            f"JSONPath valueExpression evaluated to a type that could not marshal to JSON: {error}"
        ) from error


# --- ApplyConfiguration (mutating/patch/smd.go) -------------------------------------------------------


def _merged(
    value: Object,
    result: object,
    activation: Mapping[str, object],
    schema: Schema,
    kind: GroupVersionKind,
) -> Object:
    if not isinstance(result, Message):
        raise _Refused(f"unsupported return type from ApplyConfiguration expression: {type(result).__name__}")
    _check_names(result, result.type_name)
    try:
        patch = native(result, _DataOf(activation))
    except NativeError as error:
        raise _Refused("invalid return type: *dynamic.ObjectVal") from error
    try:
        merged = apply_configuration(value, patch, schema)
    except ApplyError as error:
        raise _Refused(f"error applying patch: {error}") from error
    if builtin_schema(kind) is None:
        return merged
    problem = conversion_problem(merged, schema)
    if problem is not None:
        raise _Refused(messages.conversion_failed(kind, problem))
    settled: Object = settle(merged, value, schema)
    return settled


def _check_names(value: Message, path: str) -> None:
    problems = list(type_names(value, path))
    if problems:
        raise _Refused("type mismatch: " + "\n".join(problems))


class _DataOf:
    """Tells lists and maps of the request's data from those an expression made; looks only when asked."""

    __slots__ = ("_activation", "_known")

    def __init__(self, activation: Mapping[str, object]) -> None:
        self._activation = activation
        self._known: frozenset[int] | None = None

    def __call__(self, value: object) -> bool:
        """Whether the value is a part of the data."""
        if self._known is None:
            words = (word for name, word in self._activation.items() if name != "variables")
            self._known = contents(words)
        return id(value) in self._known
