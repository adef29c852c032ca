"""How a text runs whose types nobody checked: names are found, and what is not fails only when reached."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cel import Budget, EvaluationError
from gatekeeper_py.cel.checking.declarations import Function, Overload
from gatekeeper_py.cel.checking.names import Declarations, ReferenceKind
from gatekeeper_py.cel.checking.types import DYN, INT, STRING, Type, object_type
from gatekeeper_py.cel.compiling.resolution import resolve
from gatekeeper_py.cel.environment import EXTRAS, KUBERNETES, Environment
from gatekeeper_py.cel.syntax.parser import parse
from gatekeeper_py.cel.syntax.tree import Call, Identifier, Message, Node, Select, children
from tests.cel.notation import notation


def overload(identifier: str, *parameters: Type, member: bool = False) -> Overload:
    return Overload(identifier, parameters, INT, lambda *_: 1, member=member)


FUNCTIONS = (
    Function(
        "f",
        (
            overload("f_int", INT),
            overload("f_string", STRING),
            overload("f_two", INT, INT),
            overload("int_f", INT, member=True),
            overload("int_f_int", INT, INT, member=True),
        ),
    ),
    Function("space.f", (overload("space_f", INT), overload("space_f_two", INT, INT))),
    Function("box.g", (overload("box_g", INT),)),
)
DECLARATIONS = Declarations(
    functions={each.name: each for each in FUNCTIONS},
    variables={"x": INT, "a.b": INT, "box.y": STRING},
    constants={"one": (INT, 1)},
    types={"int": INT},
    messages={"Point": object_type("Point"), "box.Line": object_type("box.Line")}.get,
)


def every(node: Node) -> list[Node]:
    return [node, *(below for child in children(node) for below in every(child))]


def references(text: str, container: str = "") -> list[str]:
    """What the names of a text stand for, as `kind name`, in the order of the tree."""
    resolved = resolve(parse(text), DECLARATIONS, container)
    named = (Identifier, Select, Message)
    found = [resolved.references.get(each) for each in every(resolved.node) if isinstance(each, named)]
    return [f"{each.kind.value} {each.name}" for each in found if each]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", ["variable x"]),
        (".x", ["variable x"]),
        ("x.a", ["variable x"]),
        ("a.b", ["variable a.b"]),
        ("a.b.c", ["variable a.b"]),
        ("a.c", ["variable a"]),
        ("has(a.b)", ["variable a"]),
        ("nobody", ["variable nobody"]),
        ("nobody.knows", ["variable nobody"]),
        ("one", ["constant one"]),
        ("int", ["type int"]),
        ("google.protobuf.Timestamp", ["type google.protobuf.Timestamp"]),
        ("Point{x: x}", ["type Point", "variable x"]),
        ("Nothing{x: 1}", ["type Nothing"]),
        ("{x: one}", ["variable x", "constant one"]),
        ("[1].map(x, x)", []),
        ("[x].map(x, x + one)", ["variable x", "constant one"]),
        ("[1].map(a, a.b)", []),
        ("[1].map(i, a.b)", ["variable a.b"]),
        ("[1].map(x, [x].map(y, x + y + z))", ["variable z"]),
        ("[1].map(x, x) == x", ["variable x"]),
        ("[1].map(x, .x)", ["variable x"]),
        ("[1].map(local, .local)", []),
        ("[1].map(i, x > i, one)", ["variable x", "constant one"]),
    ],
)
def test_names_stand_for_what_is_declared(text: str, expected: list[str]) -> None:
    assert references(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y", ["variable box.y"]),
        (".y", ["variable y"]),
        ("Line{}", ["type box.Line"]),
        ("x", ["variable x"]),
    ],
)
def test_names_are_searched_in_the_container_first(text: str, expected: list[str]) -> None:
    assert references(text, "box") == expected


@pytest.mark.parametrize(
    ("text", "name", "overloads", "namespaced"),
    [
        ("f(1)", "f", ["f_int", "f_string"], False),
        ("f(1, 2)", "f", ["f_two"], False),
        ("x.f()", "f", ["int_f"], False),
        ("x.f(1)", "f", ["int_f_int"], False),
        ("f()", "f", [], False),
        ("f(1, 2, 3)", "f", [], False),
        ("space.f(1)", "space.f", ["space_f"], True),
        ("space.f(1, 2)", "space.f", ["space_f_two"], True),
        ("space.f()", "space.f", [], True),
        ("other.f(1)", "f", ["int_f_int"], False),
        ("f(1).f()", "f", ["int_f"], False),
        ("g(1)", "g", [], False),
    ],
)
def test_every_overload_of_the_form_is_a_candidate(
    text: str, name: str, overloads: list[str], namespaced: bool
) -> None:
    resolved = resolve(parse(text), DECLARATIONS)
    reference = resolved.references[resolved.node]
    assert (reference.kind, reference.name, reference.namespaced) == (
        ReferenceKind.FUNCTION,
        name,
        namespaced,
    )
    assert [each.identifier for each in reference.overloads] == overloads
    assert not reference.resolved


def test_a_function_is_searched_in_the_container() -> None:
    resolved = resolve(parse("g(1)"), DECLARATIONS, "box")
    assert resolved.references[resolved.node].name == "box.g"


def test_the_target_of_a_function_in_a_namespace_is_no_value() -> None:
    resolved = resolve(parse("space.f(x)"), DECLARATIONS)
    call = resolved.node
    assert isinstance(call, Call)
    assert call.target is not None
    assert call.target not in resolved.references
    assert resolved.references[call.arguments[0]].name == "x"


def test_every_value_is_dyn() -> None:
    resolved = resolve(parse("x + f(1) == [one][0]"), DECLARATIONS)
    assert resolved.result == DYN
    assert set(resolved.types.values()) == {DYN}
    assert set(every(resolved.node)) == set(resolved.types)


ENVIRONMENT = Environment((*KUBERNETES, *EXTRAS), {"x": DYN}, homogeneous=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true || nobody", "bool:true"),
        ("false && nobody.knows(1)", "bool:false"),
        ("true ? 1 : nothing(2)", "int:1"),
        ("[1, 'a'].size()", "int:2"),
        ("'a' + x", '"ab"'),
        ("cel.bind(x, 1, [x].map(y, x + y))", "[int:2]"),
        ("x.optMap(y, y)", "error: no such overload: hasValue(string)"),
        ("optional.of(x).optMap(x, x + x).value()", '"bb"'),
        ("'a' + 1", "error: no such overload"),
        ("nobody", "error: no such attribute(s): nobody"),
        ("nothing(1)", "error: no such overload: nothing(int)"),
        ("x.nothing()", "error: no such overload: nothing(string)"),
    ],
)
def test_what_is_wrong_fails_only_when_it_is_reached(text: str, expected: str) -> None:
    program = ENVIRONMENT.compile_unchecked(text)
    for evaluate in (program.evaluate, program.evaluate_plainly):
        assert _said(evaluate, {"x": "b"}) == expected


def _said(evaluate: Any, data: dict[str, object]) -> str:
    try:
        return notation(evaluate(data, Budget(1000)))
    except EvaluationError as error:
        return f"error: {error}"
