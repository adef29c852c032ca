"""The simple tests of google/cel-spec as our words: their types, values, environments, and what came out."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    INT,
    NULL,
    STRING,
    UINT,
    Type,
    list_of,
    map_of,
    object_type,
    opaque,
    optional_of,
    parameter,
)
from gatekeeper_py.cel.checking.wellknown import MESSAGES
from gatekeeper_py.cel.environment import EXTRAS, KUBERNETES, Environment, Program
from gatekeeper_py.cel.errors import CelError, EvaluationError
from gatekeeper_py.cel.evaluation.budget import Budget
from gatekeeper_py.cel.evaluation.times import parse_duration
from gatekeeper_py.cel.evaluation.values import Duration, Timestamp, TypeValue, UInt, from_pairs, type_name

__all__ = ["Test", "run"]

EXTRAS_IN = frozenset({"bindings_ext", "math_ext", "encoders_ext", "string_ext/reverse"})
"""Suites and sections about what Kubernetes does not have, which we offer as extras."""

_PRIMITIVES = {
    "BOOL": BOOL,
    "INT64": INT,
    "UINT64": UINT,
    "DOUBLE": DOUBLE,
    "STRING": STRING,
    "BYTES": BYTES,
}
_PREFIX = "type.googleapis.com/"


@dataclass(frozen=True)
class Test:
    """One simple test."""

    __test__ = False

    document: Mapping[str, Any]

    @property
    def identifier(self) -> str:
        """Where the test stands in cel-spec, and its expression: names repeat."""
        parts = (self.document[key] for key in ("suite", "section", "name"))
        return f"{'/'.join(parts)}: {self.document['expr']}"

    @property
    def suite(self) -> str:
        """The file of cel-spec the test is from."""
        return str(self.document["suite"])

    @property
    def extras(self) -> bool:
        """Whether the test needs what Kubernetes does not have."""
        return not EXTRAS_IN.isdisjoint({self.suite, f"{self.suite}/{self.document['section']}"})


def run(test: Test) -> str | None:
    """Run a test; what is wrong with the outcome, or None."""
    document = test.document
    fails = "eval_error" in document
    try:
        program = _compile(document, extras=test.extras)
        if not document.get("check_only"):
            value = program.evaluate(_bindings(document), Budget(10_000_000))
    except CelError as error:
        return None if fails else f"error: {error}"
    if fails:
        return f"no error but {value!r}"
    typed = document.get("typed_result", {})
    if typed and program.type != _type(typed["deduced_type"]):
        return f"type {program.type}"
    if document.get("check_only"):
        return None
    expected = document.get("value", typed.get("result", {"bool_value": True}))
    return None if _canonical(value) == _canonical(_value(expected)) else f"value {value!r}"


def _compile(document: Mapping[str, Any], *, extras: bool) -> Program:
    declared = document.get("type_env", ())
    variables = {each["name"]: _type(each["ident"]["type"]) for each in declared if "ident" in each}
    functions = tuple(_function(each) for each in declared if "function" in each)
    environment = Environment(
        (*KUBERNETES, *(EXTRAS if extras else ()), Library("test", functions)),
        {**dict.fromkeys(document.get("bindings", ()), DYN), **variables},
        container=document.get("container", ""),
        backticks=True,
        homogeneous=False,
    )
    if document.get("disable_check"):
        return environment.compile_unchecked(document["expr"])
    return environment.compile(document["expr"])


def _function(document: Mapping[str, Any]) -> Function:
    overloads = tuple(
        Overload(
            each["overload_id"],
            tuple(_type(part) for part in each["params"]),
            _type(each["result_type"]),
            _unimplemented,
        )
        for each in document["function"]["overloads"]
    )
    return Function(document["name"], overloads)


def _unimplemented(*arguments: object) -> object:
    raise EvaluationError(f"only checked, not there to be called: {arguments}")


def _type(document: Mapping[str, Any]) -> Type:
    (kind, detail), *_ = document.items()
    match kind:
        case "primitive":
            return _PRIMITIVES[detail]
        case "list_type":
            return list_of(_type(detail["elem_type"]))
        case "map_type":
            return map_of(_type(detail["key_type"]), _type(detail["value_type"]))
        case "message_type":
            return MESSAGES[detail].type if detail in MESSAGES else object_type(detail)
        case "abstract_type":
            parts = [_type(part) for part in detail["parameter_types"]]
            return (
                optional_of(*parts) if detail["name"] == "optional_type" else opaque(detail["name"], *parts)
            )
        case "type_param":
            return parameter(detail)
    return {"dyn": DYN, "null": NULL}[kind]


def _bindings(document: Mapping[str, Any]) -> dict[str, object]:
    return {name: _value(binding["value"]) for name, binding in document.get("bindings", {}).items()}


def _value(document: Mapping[str, Any]) -> object:
    (kind, detail), *_ = document.items()
    match kind:
        case "int64_value":
            return int(detail)
        case "uint64_value":
            return UInt(detail)
        case "double_value":
            return float(detail)
        case "bytes_value":
            return base64.b64decode(detail)
        case "list_value":
            return [_value(each) for each in detail.get("values", ())]
        case "map_value":
            entries = detail.get("entries", ())
            return from_pairs((_value(each["key"]), _value(each["value"])) for each in entries)
        case "type_value":
            return TypeValue(detail)
        case "object_value":
            return _any(detail["@type"].removeprefix(f"{_PREFIX}google.protobuf."), detail["value"])
    return detail


def _any(name: str, value: Any) -> object:
    """A well-known message in its JSON form."""
    if name == "Duration":
        return parse_duration(value)
    if name == "BytesValue":
        return base64.b64decode(value)
    if name.startswith("UInt"):
        return UInt(value)
    if name.startswith("Int"):
        return int(value)
    return value


def _canonical(value: object) -> object:
    """A value in a form in which only values alike in kind and content are equal; NaN is like NaN."""
    if isinstance(value, Mapping):
        entries = ((repr(_canonical(key)), _canonical(each)) for key, each in value.items())
        return "map", tuple(sorted(entries, key=lambda entry: entry[0]))
    if isinstance(value, list | tuple):
        return "list", tuple(map(_canonical, value))
    if isinstance(value, float) and math.isnan(value):
        return "double", "NaN"
    if isinstance(value, Duration | Timestamp):
        return type_name(value), value.nanoseconds
    return type_name(value), value
