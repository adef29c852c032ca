"""Which names an expression of a policy may use, and what it must give.

One environment for each kind of expression, as apiserver/pkg/admission/plugin/cel/compile.go and
composition.go declare them. Environments are immutable and shared; `Compiler` compiles the expressions of
one policy, whose variables it learns one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any, TypeVar

from gatekeeper_py.cel import (
    BOOL,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    CompileError,
    Environment,
    InstantiationError,
    Kind,
    Program,
    ResultError,
    Type,
    authorizer,
    expect,
    jsonpatch,
    kubernetes_environment,
    list_of,
    map_of,
    object_type,
)
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.evaluation.extension import Extension
from gatekeeper_py.policy.model import Expression

__all__ = ["Compiler", "Environments", "ExpressionKind", "InvalidExpression"]


class InvalidExpression(ValueError):
    """An expression the API server would refuse to store; the text is its own detail of why."""


@dataclass(frozen=True, slots=True)
class _Kind:
    results: tuple[Type, ...] | None
    """What the expression may give; None is anything."""
    variables: bool = True
    authorizer: bool = True
    patches: bool = False


JSON_PATCH = object_type("JSONPatch", {"op": STRING, "path": STRING, "from": STRING, "value": DYN})
OBJECT = object_type("Object")


class ExpressionKind(Enum):
    """Where in a policy an expression stands."""

    MATCH_CONDITION = _Kind((BOOL,), variables=False)
    VARIABLE = _Kind(None)
    VALIDATION = _Kind((BOOL,))
    MESSAGE = _Kind((STRING,), authorizer=False)
    AUDIT_ANNOTATION = _Kind((STRING, NULL))
    JSON_PATCH = _Kind((list_of(JSON_PATCH),), patches=True)
    APPLY_CONFIGURATION = _Kind((OBJECT,), patches=True)


MAX_KEPT = 10_000
"""Programs and expressions remembered: ten times what the shipped policies have."""

T = TypeVar("T")


class Environments:
    """The environments that policies share, and the expressions compiled in them.

    Policies repeat each other's expressions, and a load after an edit repeats all but one: a text is compiled
    once for the same names of the same types.
    """

    def __init__(self, extensions: Iterable[Extension] = ()) -> None:
        self._extensions = tuple(extensions)
        self._made: dict[tuple[bool, bool, bool], Environment] = {}
        self._programs: dict[Hashable, Program] = {}
        self._expressions: dict[Hashable, Expression] = {}
        self._lock = Lock()

    @classmethod
    def shared(cls, extensions: Sequence[Extension]) -> Environments:
        """The same for every load with the same names and types; the values may differ."""
        libraries = tuple(_Same(library) for extension in extensions for library in extension.libraries)
        names = tuple(
            (name, _Same(kind)) for extension in extensions for name, kind in extension.variables.items()
        )
        return _shared(libraries, names)

    def needed_by(self, texts: Iterable[str]) -> Environments:
        """These for expressions that use a name of the extensions, Kubernetes' own for all others.

        So what Kubernetes refuses is refused here, with its message: it knows no function of ours.
        """
        names = self._extension_names
        if names is None or any(names.search(text) for text in texts):
            return self
        return Environments.shared(())

    @cached_property
    def _extension_names(self) -> re.Pattern[str] | None:
        """What an expression must name to have anything to do with an extension; None without extensions.

        A field of that name, right behind a value and its dot, is none, nor is the beginning of a string.
        """
        names = {name for extension in self._extensions for name in _names(extension)}
        either = "|".join(map(re.escape, sorted(names)))
        return re.compile(rf"(?<![\w\])]\.)(?<!['\"])\b(?:{either})\b", re.ASCII) if names else None

    def program(
        self,
        names: Hashable,
        text: str,
        environment: Callable[[], Environment],
        results: tuple[Type, ...] | None,
    ) -> Program:
        """The program of a text, compiled in `environment` unless it was for the same `names` before.

        Raises `CompileError`. One that is found may have another result than one of `results`.
        """
        key = (names, text)
        found = self._programs.get(key)
        return found or self._kept(self._programs, key, environment().compile(text, results))

    def expression(
        self, text: str, program: Program, variables: Mapping[str, Expression | None]
    ) -> Expression:
        """The one expression of a program that reads these variables."""
        key = (program, tuple(variables.items()))
        found = self._expressions.get(key)
        return found or self._kept(self._expressions, key, Expression(text, program, tuple(variables)))

    def _kept(self, kept: dict[Hashable, T], key: Hashable, made: T) -> T:
        with self._lock:
            if len(kept) >= MAX_KEPT:
                del kept[next(iter(kept))]
            return kept.setdefault(key, made)

    @cached_property
    def _base(self) -> Environment:
        libraries = [library for extension in self._extensions for library in extension.libraries]
        variables = _variables()
        for extension in self._extensions:
            variables |= extension.variables
        return kubernetes_environment().extend(variables=variables, libraries=libraries)

    def of(self, kind: ExpressionKind, *, params: bool) -> Environment:
        """The environment of a kind of expression, without `variables`."""
        key = (kind.value.authorizer, kind.value.patches, params)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(kind.value, params=params)
        return made

    def _make(self, kind: _Kind, *, params: bool) -> Environment:
        variables: dict[str, Type] = {"params": DYN} if params else {}
        if kind.authorizer:
            variables |= AUTHORIZERS
        if not kind.patches:
            return self._base.extend(variables=variables)
        return self._base.extend(variables=variables, libraries=[jsonpatch.LIBRARY], messages=patch_type)


def _names(extension: Extension) -> Iterator[str]:
    """The names of an extension, but for methods of its own types: another name is needed to get at these."""
    yield from extension.variables
    for library in extension.libraries:
        yield from library.constants
        yield from (kind.name for kind in library.types)
        for function in library.functions:
            if not all(each.member and each.parameters[0] in library.types for each in function.overloads):
                yield function.name


class _Same:
    """Equal to itself alone: types compare by name, and two extensions may use one name."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


@lru_cache(maxsize=4)
def _shared(libraries: tuple[_Same, ...], names: tuple[tuple[str, _Same], ...]) -> Environments:
    variables = {name: kind.value for name, kind in names}
    return Environments([Extension(tuple(library.value for library in libraries), variables)])


AUTHORIZERS: Mapping[str, Type] = {
    "authorizer": authorizer.AUTHORIZER_TYPE,
    "authorizer.requestResource": authorizer.RESOURCE_CHECK_TYPE,
}


def patch_type(name: str) -> Type | None:
    """The type a message literal of a mutation names (apiserver/pkg/cel/mutation/typeresolver.go)."""
    if name == JSON_PATCH.name:
        return JSON_PATCH
    if name == OBJECT.name or name.startswith(OBJECT.name + "."):
        return object_type(name)
    return None


READ = re.compile(r"\bvariables\b(?:\.([A-Za-z0-9_]+))?", re.ASCII)
"""Where an expression reads a variable, or in the same letters something else."""

UNSPELLABLE: Mapping[str, Type] = {"": DYN}
"""Makes a type without fields of its own one that is known, rather than one that cannot be looked into."""


class Compiler:
    """Compiles the expressions of one policy; its variables first, in order."""

    def __init__(self, environments: Environments, *, params: bool, composed: bool = True) -> None:
        self._environments = environments
        self._params = params
        self._composed = composed
        """Whether there is a name `variables` at all: a ValidatingAdmissionPolicy without any has none."""
        self._fields: dict[str, Type] = {}
        self._variables: dict[str, Expression] = {}
        self._made: dict[tuple[ExpressionKind, int], Environment] = {}

    def variable(self, name: str, text: str) -> Expression:
        """Compile a variable and declare it for what comes after, as dyn when it does not compile."""
        self._fields.setdefault(name, DYN)
        declared = self._fields.pop(name)
        try:
            expression = self.compile(ExpressionKind.VARIABLE, text)
            declared = declaration_of(expression.program.type)
            self._variables[name] = expression
        finally:
            self._fields[name] = declared
            self._made.clear()
        return expression

    def compile(self, kind: ExpressionKind, text: str) -> Expression:
        """Compile an expression; raise `InvalidExpression` in the API server's words."""
        read = self._read(text) if kind.value.variables and self._composed else ()
        names = self._names(kind, read)
        results = kind.value.results
        try:
            program = self._environments.program(names, text, lambda: self.environment(kind), results)
            expect(program.type, results)
        except (InstantiationError, ResultError) as error:
            raise InvalidExpression(str(error)) from error
        except CompileError as error:
            raise InvalidExpression(messages.compilation_failed(error)) from error
        return self._environments.expression(
            text, program, {name: self._variables.get(name) for name in read}
        )

    def _read(self, text: str) -> tuple[str, ...]:
        """The variables a text may read: all where it does not say which."""
        names = {found[1] for found in READ.finditer(text)}
        return tuple(name for name in self._fields if None in names or name in names)

    def _names(self, kind: ExpressionKind, read: Sequence[str]) -> Hashable:
        """What environments differ by for a text that reads these variables."""
        composed = kind.value.variables and self._composed
        fields = tuple((name, self._fields[name]) for name in read) if composed else None
        return kind.value.authorizer, kind.value.patches, self._params, fields

    def environment(self, kind: ExpressionKind) -> Environment:
        """The names of a kind of expression, with the variables so far."""
        shared = self._environments.of(kind, params=self._params)
        if not kind.value.variables or not self._composed:
            return shared
        key = (kind, len(self._fields))
        made = self._made.get(key)
        if made is None:
            variables = object_type("kubernetes.variables", {**UNSPELLABLE, **self._fields})
            made = self._made[key] = shared.extend(variables={"variables": variables})
        return made


def declaration_of(result: Type) -> Type:
    """How a variable of this type is declared: what Kubernetes' declarations cannot say becomes dyn.

    Follows convertCelTypeToDeclType of apiserver/pkg/admission/plugin/cel/composition.go.
    """
    if result.kind in (Kind.LIST, Kind.MAP):
        return Type(result.kind, result.name, tuple(map(declaration_of, result.parameters)))
    return result if result.kind in (Kind.PRIMITIVE, Kind.NULL) else DYN


def _variables() -> dict[str, Type]:
    return {"object": DYN, "oldObject": DYN, "namespaceObject": _namespace(), "request": _request()}


def _request() -> Type:
    """`request`: the AdmissionReview's, without uid, object and oldObject (BuildRequestType)."""
    kind = object_type("kubernetes.GroupVersionKind", dict.fromkeys(("group", "version", "kind"), STRING))
    names = ("group", "version", "resource")
    resource = object_type("kubernetes.GroupVersionResource", dict.fromkeys(names, STRING))
    user = object_type(
        "kubernetes.UserInfo",
        {
            "username": STRING,
            "uid": STRING,
            "groups": list_of(STRING),
            "extra": map_of(STRING, list_of(STRING)),
        },
    )
    return object_type(
        "kubernetes.AdmissionRequest",
        {
            "kind": kind,
            "resource": resource,
            "subResource": STRING,
            "requestKind": kind,
            "requestResource": resource,
            "requestSubResource": STRING,
            "name": STRING,
            "namespace": STRING,
            "operation": STRING,
            "userInfo": user,
            "dryRun": BOOL,
            "options": DYN,
        },
    )


def _namespace() -> Type:
    """`namespaceObject` (BuildNamespaceType); `UID` is upper case there, while the data has `uid`."""
    condition = object_type(
        "kubernetes.NamespaceCondition",
        {
            "status": STRING,
            "type": STRING,
            "lastTransitionTime": TIMESTAMP,
            "message": STRING,
            "reason": STRING,
        },
    )
    metadata = object_type(
        "kubernetes.NamespaceMetadata",
        {
            "name": STRING,
            "generateName": STRING,
            "namespace": STRING,
            "labels": map_of(STRING, STRING),
            "annotations": map_of(STRING, STRING),
            "UID": STRING,
            "creationTimestamp": TIMESTAMP,
            "deletionGracePeriodSeconds": INT,
            "deletionTimestamp": TIMESTAMP,
            "generation": INT,
            "resourceVersion": STRING,
            "finalizers": list_of(STRING),
        },
    )
    status = {"conditions": list_of(condition), "phase": STRING}
    return object_type(
        "kubernetes.Namespace",
        {
            "metadata": metadata,
            "spec": object_type("kubernetes.NamespaceSpec", {"finalizers": list_of(STRING)}),
            "status": object_type("kubernetes.NamespaceStatus", status),
        },
    )
