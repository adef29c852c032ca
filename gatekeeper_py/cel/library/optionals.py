"""Optional values: `optional.of(x)`, `a.?b.orValue(c)` (cel-go cel/library.go, version 2).

`or` and `orValue` evaluate their argument only when it is needed, and give a receiver that is no
optional back as it is: the generator makes code of them, so they are declared here without one.
"""

from __future__ import annotations

from typing import Any

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import (
    BOOL,
    DYN,
    INT,
    STRING,
    Type,
    list_of,
    map_of,
    optional_of,
    parameter,
)
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import values
from gatekeeper_py.cel.evaluation.values import NONE, Optional
from gatekeeper_py.cel.syntax.macros import OPTIONALS

__all__ = ["LIBRARY"]

K, V = parameter("K"), parameter("V")
OPTIONAL = optional_of(V)


def _of_non_zero(value: object) -> Optional:
    return NONE if values.is_zero(value) else Optional(value)


def _value(optional: Optional) -> Any:
    return optional.value


def _has_value(optional: Optional) -> bool:
    return optional.present


def _first(elements: Any) -> Optional:
    return Optional(elements[0]) if elements else NONE


def _last(elements: Any) -> Optional:
    return Optional(elements[-1]) if elements else NONE


def _unwrap(elements: Any) -> list[Any]:
    for element in elements:
        if not isinstance(element, Optional):
            raise EvaluationError(f"value {values.print_key(element)} is not optional")
    return [element.value for element in elements if element.present]


def _generated(*_: object) -> Any:
    raise EvaluationError("no such overload")


def _method(identifier: str, parameters: tuple[Type, ...], result: Type, run: Any, **more: Any) -> Overload:
    return Overload(identifier, parameters, result, run, member=True, **more)


def _index(identifier: str, container: Type, key: Type) -> Overload:
    return Overload(identifier, (container, key), OPTIONAL, _generated)


LIBRARY = Library(
    "cel.lib.optional",
    functions=(
        Function("optional.of", (Overload("optional_of", (V,), OPTIONAL, Optional),)),
        Function(
            "optional.ofNonZeroValue", (Overload("optional_ofNonZeroValue", (V,), OPTIONAL, _of_non_zero),)
        ),
        Function("optional.none", (Overload("optional_none", (), OPTIONAL, lambda: NONE),)),
        Function("value", (_method("optional_value", (OPTIONAL,), V, _value),)),
        Function("hasValue", (_method("optional_hasValue", (OPTIONAL,), BOOL, _has_value),)),
        Function("or", (_method("optional_or_optional", (OPTIONAL, OPTIONAL), OPTIONAL, _generated),)),
        Function("orValue", (_method("optional_orValue_value", (OPTIONAL, V), V, _generated),)),
        Function("_?._", (Overload("select_optional_field", (DYN, STRING), OPTIONAL, _generated),)),
        Function(
            "_[?_]",
            (
                _index("list_optindex_optional_int", list_of(V), INT),
                _index("optional_list_optindex_optional_int", optional_of(list_of(V)), INT),
                _index("map_optindex_optional_value", map_of(K, V), K),
                _index("optional_map_optindex_optional_value", optional_of(map_of(K, V)), K),
            ),
        ),
        Function(
            "_[_]",
            (
                _index("optional_list_index_int", optional_of(list_of(V)), INT),
                _index("optional_map_index_value", optional_of(map_of(K, V)), K),
            ),
        ),
        Function("first", (_method("list_first", (list_of(V),), OPTIONAL, _first),)),
        Function("last", (_method("list_last", (list_of(V),), OPTIONAL, _last),)),
        Function(
            "optional.unwrap",
            (Overload("optional_unwrap", (list_of(OPTIONAL),), list_of(V), _unwrap, work=len),),
        ),
        Function(
            "unwrapOpt",
            (_method("optional_unwrapOpt", (list_of(OPTIONAL),), list_of(V), _unwrap, work=len),),
        ),
    ),
    types=(optional_of(DYN),),
    macros=OPTIONALS,
)
