from __future__ import annotations

import pytest

from gatekeeper_py.cel.errors import CompileError
from gatekeeper_py.cel.syntax.macros import BINDINGS, LISTS, MATH, OPTIONALS, STANDARD, TWO_VARIABLES
from gatekeeper_py.cel.syntax.parser import parse
from tests.cel.outline import outline

ALL = frozenset((*STANDARD, *OPTIONALS, *TWO_VARIABLES, *LISTS, *BINDINGS, *MATH))


def expanded(text: str, macros: frozenset[str] = ALL) -> str:
    return outline(parse(text, macros=macros))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("has(a.b)", "a.~b"),
        ("has(a.b.c)", "a.b.~c"),
        ("has((a.b))", "a.~b"),
        ("l.all(x, p)", "all<l; x; p; ->"),
        ("l.exists(x, p)", "exists<l; x; p; ->"),
        ("l.exists_one(x, p)", "exists_one<l; x; p; ->"),
        ("l.map(x, t)", "map<l; x; -; t>"),
        ("l.map(x, p, t)", "map<l; x; p; t>"),
        ("l.filter(x, p)", "filter<l; x; p; ->"),
        ("l.all(i, x, p)", "all<l; i,x; p; ->"),
        ("l.exists(i, x, p)", "exists<l; i,x; p; ->"),
        ("l.exists_one(i, x, p)", "exists_one<l; i,x; p; ->"),
        ("l.existsOne(i, x, p)", "exists_one<l; i,x; p; ->"),
        ("l.transformList(i, x, t)", "transformList<l; i,x; -; t>"),
        ("l.transformList(i, x, p, t)", "transformList<l; i,x; p; t>"),
        ("m.transformMap(k, v, t)", "transformMap<m; k,v; -; t>"),
        ("m.transformMap(k, v, p, t)", "transformMap<m; k,v; p; t>"),
        ("m.transformMapEntry(k, v, {v: k})", "transformMapEntry<m; k,v; -; {v: k}>"),
        ("m.transformMapEntry(k, v, p, {v: k})", "transformMapEntry<m; k,v; p; {v: k}>"),
        (
            "a.?b.optMap(x, t)",
            "let @optional = a.?b in _?_:_(hasValue(@optional; ), "
            "optional.of(let x = value(@optional; ) in t), optional.none())",
        ),
        (
            "a.optFlatMap(x, t)",
            "let @optional = a in _?_:_(hasValue(@optional; ), "
            "let x = value(@optional; ) in t, optional.none())",
        ),
        ("cel.bind(x, v, x + x)", "let x = v in _+_(x, x)"),
        ("math.greatest(a)", "math.@max(a)"),
        ("math.greatest([1, a])", "math.@max([1, a])"),
        ("math.least(a, 1)", "math.@min(a, 1)"),
        ("math.least(a, 1, 2.0)", "math.@min([a, 1, 2.0])"),
        (
            "l.sortBy(x, -x)",
            "let @__sortBy_input__ = l in "
            "@sortByAssociatedKeys(@__sortBy_input__; map<@__sortBy_input__; x; -; -_(x)>)",
        ),
    ],
)
def test_expansion(text: str, expected: str) -> None:
    assert expanded(text) == expected


def test_macros_nest() -> None:
    assert expanded("a.all(x, x.filter(y, has(y.z)).exists(w, w in x))") == (
        "all<a; x; exists<filter<x; y; y.~z; ->; w; @in(w, x); ->; ->"
    )
    text = "a" + ".map(x, x)" * 200
    assert expanded(text).count("map<") == 200


@pytest.mark.parametrize(
    "text",
    [
        "a.has(b.c)",
        "has()",
        "has(a.b, c)",
        "all(a, b, c)",
        "a.all(x)",
        "a.map(x)",
        "a.existsOne(x, p)",
        "a.bind(x, 1, x)",
        ".cel.bind(x, 1, x)",
    ],
)
def test_other_counts_and_receivers_are_plain_calls(text: str) -> None:
    assert "<" not in expanded(text)


@pytest.mark.parametrize("text", ["a.optMap(x, x)", "a.all(i, x, p)", "a.sortBy(x, x)", "cel.bind(x, 1, x)"])
def test_macros_of_libraries_are_plain_calls_without_them(text: str) -> None:
    found = expanded(text, frozenset(STANDARD))
    assert not found.startswith("let")
    assert "<" not in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("has(a)", "1:5 invalid argument to has() macro"),
        ("has(a[0])", "1:6 invalid argument to has() macro"),
        ("has(a.?b)", "1:6 invalid argument to has() macro"),
        ("has(has(a.b))", "1:8 invalid argument to has() macro"),
        ("a.all(b.c, true)", "1:8 argument must be a simple name"),
        ("a.exists(1, true)", "1:10 argument must be a simple name"),
        ("a.exists_one(f(), true)", "1:15 argument must be a simple name"),
        ("a.map(b.c, true)", "1:8 argument is not an identifier"),
        ("a.map(1, true, 2)", "1:7 argument is not an identifier"),
        ("a.filter([x], true)", "1:10 argument is not an identifier"),
        ("a.all(__result__, true)", "1:7 iteration variable overwrites accumulator variable"),
        ("a.map(__result__, true)", "1:7 iteration variable overwrites accumulator variable"),
        ("a.all(x, 1, true)", "1:10 argument must be a simple name"),
        ("a.transformList(x.y, z, true)", "1:18 argument must be a simple name"),
        ("a.transformMap(x, x, true)", "1:19 duplicate variable name: x"),
        ("a.exists(x, __result__, true)", "1:13 iteration variable overwrites accumulator variable"),
        ("a.optMap(x.y, 1)", "1:11 optMap() variable name must be a simple identifier"),
        ("a.optFlatMap(1, 1)", "1:14 optFlatMap() variable name must be a simple identifier"),
        ("math.greatest()", "1:1 math.greatest() requires at least one argument"),
        ("math.greatest('a')", "1:15 math.greatest() invalid single argument value"),
        ("math.least(1, 'a')", "1:15 math.least() simple literal arguments must be numeric"),
        ("cel.bind(1, 1, 1)", "1:10 cel.bind() variable names must be simple identifiers"),
        (
            "{}.sortBy(x, x)",
            "1:1 sortBy can only be applied to a list, identifier, comprehension, call or select expression",
        ),
    ],
)
def test_bad_arguments_are_refused_in_cel_gos_words(text: str, expected: str) -> None:
    with pytest.raises(CompileError) as caught:
        parse(text, macros=ALL)
    (issue,) = caught.value.issues
    assert f"{issue.line}:{issue.column} {issue.message}" == expected


def test_what_a_macro_makes_stands_at_its_parenthesis() -> None:
    node = parse("has(a.b)", macros=ALL)
    assert (node.position, node.span.start, node.span.end) == (3, 0, 8)
