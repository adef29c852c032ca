"""Which overload of a function is called: the one that takes the values there are at run time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from gatekeeper_py.cel.checking.declarations import Overload
from gatekeeper_py.cel.checking.types import DURATION, TIMESTAMP, Kind, Type
from gatekeeper_py.cel.errors import EvaluationError, InternalError
from gatekeeper_py.cel.evaluation import values
from gatekeeper_py.cel.evaluation.budget import Budget
from gatekeeper_py.cel.evaluation.runtime import go_name
from gatekeeper_py.cel.library.standard import LIBRARY as STANDARD_LIBRARY

__all__ = ["Dispatcher", "has_inside", "type_test"]

_PLAIN: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "uint": (values.UInt,),
    "double": (float,),
    "string": (str,),
    "bytes": (bytes,),
    "timestamp": (values.Timestamp,),
    "duration": (values.Duration,),
}


def _primitive_test(of: Type) -> Callable[[Any], bool]:
    classes = _PLAIN[of.name]
    only = classes[0]
    if of.name == "string":
        return lambda value: isinstance(value, str)
    return lambda value: type(value) is only


def type_test(of: Type, inside: bool = True) -> Callable[[Any], bool]:
    """Whether a run-time value may stand where `of` is declared.

    Of a list or a map the first element tells, as in cel-go (common/types/types.go); it is tested only
    if `inside`.
    """
    if of.kind in _ANYTHING:
        return lambda _: True
    if of.kind is Kind.PRIMITIVE or of in (TIMESTAMP, DURATION):
        return _primitive_test(of)
    if of.kind is Kind.LIST:
        return _list_test(of) if inside and has_inside(of) else _is_list
    if of.kind is Kind.MAP:
        return _map_test(of) if inside and has_inside(of) else _is_map
    if of.kind is Kind.NULL:
        return lambda value: value is None
    if of.kind is Kind.WRAPPER:
        inner = type_test(of.parameters[0])
        return lambda value: value is None or inner(value)
    name = {Kind.OPTIONAL: "optional_type", Kind.TYPE: "type"}.get(of.kind, of.name)
    return lambda value: values.type_name(value) == name


_ANYTHING = frozenset({Kind.DYN, Kind.PARAMETER, Kind.ERROR})


def has_inside(of: Type) -> bool:
    """Whether a type says what is inside its values."""
    return of.kind in (Kind.LIST, Kind.MAP) and any(each.kind not in _ANYTHING for each in of.parameters)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _list_test(of: Type) -> Callable[[Any], bool]:
    element = type_test(of.parameters[0])
    return lambda value: isinstance(value, (list, tuple)) and (not value or element(value[0]))


def _map_test(of: Type) -> Callable[[Any], bool]:
    key_test, value_test = map(type_test, of.parameters)

    def test(value: Any) -> bool:
        if not isinstance(value, Mapping):
            return False
        return all(key_test(key) and value_test(value[key]) for key in islice(value, 1))

    return test


_TRAITS: dict[str, frozenset[str]] = {
    name: frozenset(kinds.split())
    for name, kinds in {
        "_+_": "bytes double google.protobuf.Duration int list string google.protobuf.Timestamp uint",
        "_-_": "double google.protobuf.Duration int google.protobuf.Timestamp uint",
        "_*_": "double int uint",
        "_/_": "double int uint",
        "_%_": "int uint",
        "-_": "bool double google.protobuf.Duration int",
        "_<_": "bool bytes double google.protobuf.Duration int string google.protobuf.Timestamp uint",
        "size": "bytes list map string",
        "matches": "string",
        "sort": "list",
        "@sortByAssociatedKeys": "list",
        "!_": "",
    }.items()
}
_TRAITS.update(dict.fromkeys(("_<=_", "_>_", "_>=_"), _TRAITS["_<_"]))
_OPERATORS = {
    function.name: function.overloads
    for function in STANDARD_LIBRARY.functions
    if function.name in _TRAITS and function.name.startswith(("_", "-"))
}
"""All overloads of the operators that cel-go leaves to the values themselves, whatever the checker thought:
`x.orValue(1) + y` adds two strings where x is one."""
_RECEIVERS = frozenset({"string", "google.protobuf.Duration", "google.protobuf.Timestamp"})
"""Types cel-go asks for a method of the operator's name; they answer without one."""
_UNGUARDED = frozenset({"contains", "endsWith", "startsWith", "@in", "!_"})


def _no_overload(function: str, arguments: tuple[Any, ...]) -> EvaluationError:
    """The error of a call that fits no overload; cel-go words it by how the function is bound."""
    if function in _UNGUARDED:
        return EvaluationError("no such overload")
    kinds = _TRAITS.get(function)
    if kinds is None:
        return values.no_such_overload(function, *arguments)
    if values.type_name(arguments[0]) in kinds | _RECEIVERS:
        return EvaluationError("no such overload")
    return EvaluationError(f"no such overload: {function}")


def _no_list(value: Any) -> InternalError:
    method = "Contains" if values.type_name(value) in _ADDED else "Add"
    return InternalError.conversion(go_name(value), f"traits.Lister: missing method {method}")


_ADDED = _TRAITS["_+_"]
"""Types whose values can be added, as lists can; what they lack to be a list is another method."""


class Dispatcher:
    """Calls the overload that run-time types ask for, and says what the call costs."""

    __slots__ = ("_by_classes", "_candidates", "_compared", "_function", "_inside", "_priced", "_resolved")

    def __init__(
        self,
        function: str,
        overloads: tuple[Overload, ...],
        *,
        resolved: bool = False,
        constant_pattern: bool = False,
    ) -> None:
        self._function = "contains" if constant_pattern else function
        self._priced = frozenset(map(id, overloads))
        overloads = _OPERATORS.get(function, overloads)
        self._candidates = tuple(
            (overload, tuple(type_test(each, not overload.unguarded) for each in overload.parameters))
            for overload in overloads
        )
        self._inside = any(has_inside(each) for overload in overloads for each in overload.parameters)
        self._resolved = resolved
        self._compared = overloads[0].compared if resolved else None
        self._by_classes: dict[tuple[type | str, ...], Overload] = {}

    def prepare(self, budget: Budget, *arguments: Any) -> tuple[Overload, int]:
        """The overload of these arguments and the units its call costs above one; counts its unpriced work.

        Without one it raises `EvaluationError`.
        """
        overload = self._choose(arguments)
        if overload.work is not None:
            budget.work(overload.work(*arguments))
        if overload.cost is None or id(overload) not in self._priced:
            return overload, 0
        unresolved = None if self._resolved else overload.unresolved_cost
        return overload, (unresolved or overload.cost)(*arguments) - 1

    def _choose(self, arguments: tuple[Any, ...]) -> Overload:
        known = self._by_classes.get(tuple(map(type, arguments)))
        return known if known is not None else self._search(arguments)

    def _search(self, arguments: tuple[Any, ...]) -> Overload:
        classes = tuple(map(_class_of, arguments))
        known = self._by_classes.get(classes)
        if known is not None:
            return known
        for overload, tests in self._candidates:
            if len(tests) == len(arguments) and all(
                test(argument) for test, argument in zip(tests, arguments, strict=True)
            ):
                if all(self._tells(kind) for kind in classes):
                    self._by_classes[classes] = overload
                return overload
        if self._compared is not None and not _is_list(arguments[self._compared]):
            raise _no_list(arguments[self._compared])
        raise _no_overload(self._function, arguments)

    def _tells(self, kind: type | str) -> bool:
        """Whether a class says all there is to know of an argument."""
        if isinstance(kind, str):
            return not self._inside
        return kind in _CACHEABLE and not (self._inside and kind in (list, dict))


def _class_of(value: object) -> type | str:
    """The class of a value; of a structured one, which have one class, the name of its type."""
    return value.type_name if isinstance(value, values.Message) else type(value)


_CACHEABLE = frozenset(
    {
        bool,
        int,
        values.UInt,
        float,
        str,
        bytes,
        list,
        dict,
        type(None),
        values.Timestamp,
        values.Duration,
        values.Optional,
    }
)
