"""What a name stands for: local variables over declarations, and containers from the inside out."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel.checking.names import Declarations, ReferenceKind, Scope, qualified_name
from gatekeeper_py.cel.checking.types import BOOL, DOUBLE, INT, STRING, Type, type_of
from gatekeeper_py.cel.syntax.macros import OPTIONALS, STANDARD
from gatekeeper_py.cel.syntax.parser import parse
from gatekeeper_py.cel.syntax.tree import Node

DECLARATIONS = Declarations(
    functions={},
    variables={"x": INT, "a.x": STRING, "a.b.x": BOOL, "t": INT},
    constants={"one": (INT, 1), "x": (STRING, "hidden")},
    types={"int": INT, "t": STRING},
)


def node(text: str) -> Node:
    return parse(text, macros=frozenset((*STANDARD, *OPTIONALS)))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a", "a"),
        ("a.b.c", "a.b.c"),
        (".a.b", ".a.b"),
        ("f().b", None),
        ("a[0].b", None),
        ("'a'.b", None),
        ("has(a.b)", None),
        ("a.?b", None),
    ],
)
def test_a_chain_of_selections_spells_a_name(text: str, name: str | None) -> None:
    assert qualified_name(node(text)) == name


@pytest.mark.parametrize(
    ("container", "name", "found"),
    [
        ("", "x", "x"),
        ("a", "x", "a.x"),
        ("a.b", "x", "a.b.x"),
        ("a.c", "x", "a.x"),
        ("a.b", ".x", "x"),
        ("ab", "x", "x"),
        ("", "b.x", None),
        ("a", "b.x", "a.b.x"),
    ],
)
def test_the_innermost_container_that_has_a_name_wins(container: str, name: str, found: str | None) -> None:
    identified = Scope(DECLARATIONS, container).identifier(name)
    assert (identified[1].name if identified else None) == found


@pytest.mark.parametrize(
    ("name", "kind", "typed", "value"),
    [
        ("x", ReferenceKind.VARIABLE, INT, None),
        ("t", ReferenceKind.VARIABLE, INT, None),
        ("one", ReferenceKind.CONSTANT, INT, 1),
        ("int", ReferenceKind.TYPE, type_of(INT), INT),
    ],
)
def test_a_variable_hides_a_constant_and_a_type(
    name: str, kind: ReferenceKind, typed: Type, value: object
) -> None:
    identified = Scope(DECLARATIONS, "").identifier(name)
    assert identified is not None
    assert (identified[0], identified[1].kind, identified[1].value) == (typed, kind, value)


def test_the_innermost_local_variable_is_the_one() -> None:
    scope = Scope(DECLARATIONS, "")
    seen = [scope.local(node("x"))]
    for typed in (STRING, DOUBLE):
        scope.enter({"x": typed})
        seen.append(scope.local(node("x")))
    scope.leave()
    assert [*seen, scope.local(node("x"))] == [None, STRING, DOUBLE, STRING]


@pytest.mark.parametrize(
    ("text", "local", "shadows"),
    [
        ("x", DOUBLE, True),
        ("y", DOUBLE, True),
        (".x", None, False),
        (".y", DOUBLE, False),
        ("x.a.b", None, True),
        (".x.a", None, False),
        ("z.a", None, False),
    ],
)
def test_a_leading_dot_asks_for_what_is_declared(text: str, local: Type | None, shadows: bool) -> None:
    scope = Scope(DECLARATIONS, "")
    scope.enter({"x": DOUBLE, "y": DOUBLE})
    assert (scope.local(node(text)), scope.shadows(node(text))) == (local, shadows)
