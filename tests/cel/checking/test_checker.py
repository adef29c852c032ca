from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper_py.cel.checking.checker import Checked
from gatekeeper_py.cel.checking.names import Reference, ReferenceKind
from gatekeeper_py.cel.checking.types import (
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
    map_of,
    object_type,
    optional_of,
    wrapper_of,
)
from gatekeeper_py.cel.environment import EXTRAS, KUBERNETES, Environment
from gatekeeper_py.cel.errors import CompileError
from gatekeeper_py.cel.syntax.tree import Call, Identifier, Node, Select, children

USER = object_type("test.User", {"name": STRING, "groups": list_of(STRING), "born": TIMESTAMP})
VARIABLES: Mapping[str, Type] = {
    "object": DYN,
    "s": STRING,
    "i": INT,
    "l": list_of(INT),
    "m": map_of(STRING, INT),
    "o": optional_of(INT),
    "user": USER,
    "a.b.c": STRING,
    "a": map_of(STRING, INT),
    "w": wrapper_of(INT),
}
MESSAGES = {
    "Object": object_type("Object"),
    "Object.spec": object_type("Object.spec"),
    "JSONPatch": object_type("JSONPatch", {"op": STRING, "path": STRING, "value": DYN}),
}
ENVIRONMENT = Environment(KUBERNETES, VARIABLES, messages=MESSAGES)


def result(text: str, environment: Environment = ENVIRONMENT) -> str:
    return str(environment.compile(text).type)


def issues(text: str, environment: Environment = ENVIRONMENT) -> list[str]:
    """Column and message of every issue."""
    with pytest.raises(CompileError) as caught:
        environment.compile(text)
    return [f"{issue.column} {issue.message}" for issue in caught.value.issues]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", "null"),
        ("true", "bool"),
        ("1", "int"),
        ("1u", "uint"),
        ("1.0", "double"),
        ("'a'", "string"),
        ("b'a'", "bytes"),
        ("[]", "list(dyn)"),
        ("[1]", "list(int)"),
        ("[[]]", "list(list(dyn))"),
        ("{}", "map(dyn, dyn)"),
        ("{'a': 1u}", "map(string, uint)"),
        ("timestamp('2024-01-01T00:00:00Z')", "timestamp"),
        ("duration('1h')", "duration"),
        ("int", "type(int)"),
        ("type", "type(type)"),
        ("type(1)", "type(int)"),
        ("list", "type(list(dyn))"),
        ("net.IP", "type(net.IP)"),
        ("google.protobuf.Timestamp", "type(timestamp)"),
        ("google.protobuf.NullValue.NULL_VALUE", "int"),
        ("object", "dyn"),
        ("object.spec.x[0]", "dyn"),
        ("user", "test.User"),
        ("user.groups", "list(string)"),
        ("has(user.name)", "bool"),
        ("m.anything", "int"),
        ("m['x']", "int"),
        ("l[0]", "int"),
        ("l[?0]", "optional_type(int)"),
        ("m.?x", "optional_type(int)"),
        ("m.?x.orValue(2)", "int"),
        ("o.value()", "int"),
        ("optional.of('a')", "optional_type(string)"),
        ("optional.none()", "optional_type(dyn)"),
        ("object.?x.y", "optional_type(dyn)"),
        ("[?o, 1]", "list(int)"),
        ("{?'a': o}", "map(string, int)"),
        ("a.b.c", "string"),
        ("a.b", "int"),
        (".a.b.c", "string"),
        ("true ? 1 : object", "dyn"),
        ("object ? 1 : 2", "int"),
        ("true ? o : null", "optional_type(int)"),
        ("w + 1", "int"),
        ("w == null", "bool"),
        ("1 + object", "int"),
        ("object + object", "dyn"),
        ("i in l && s in m", "bool"),
        ("Object{anything: 1}", "Object"),
        ("Object.spec{}", "Object.spec"),
        ("[JSONPatch{op: 'add', path: '/x', value: [1]}]", "list(JSONPatch)"),
        ("google.protobuf.Int32Value{value: 1}", "wrapper(int)"),
        ("google.protobuf.Struct{fields: {'a': 1}}", "map(string, dyn)"),
        ("google.protobuf.Value{bool_value: true}", "dyn"),
    ],
)
def test_types(text: str, expected: str) -> None:
    assert result(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("l.all(x, x > 0)", "bool"),
        ("l.exists_one(x, x > 0)", "bool"),
        ("l.map(x, string(x))", "list(string)"),
        ("l.map(x, x > 1, x * 2)", "list(int)"),
        ("l.filter(x, x > 0)", "list(int)"),
        ("m.map(k, k)", "list(string)"),
        ("m.filter(k, m[k] > 1)", "list(string)"),
        ("[].map(x, x)", "list(dyn)"),
        ("object.items.map(x, x.name)", "list(dyn)"),
        ("object.items.filter(x, x.ok)", "list(dyn)"),
        ("l.transformList(index, x, {index: x})", "list(map(int, int))"),
        ("m.transformList(k, v, k)", "list(string)"),
        ("m.transformMap(k, v, string(v))", "map(string, string)"),
        ("l.transformMap(index, x, x)", "map(int, int)"),
        ("m.transformMapEntry(k, v, {v: k})", "map(int, string)"),
        ("o.optMap(x, string(x))", "optional_type(string)"),
        ("o.optFlatMap(x, optional.of([x]))", "optional_type(list(int))"),
        ("l.sortBy(x, -x)", "list(int)"),
        ("l.map(s, s).all(s, s > 0) && s == ''", "bool"),
    ],
)
def test_types_of_macros(text: str, expected: str) -> None:
    assert result(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nope", ["1 undeclared reference to 'nope' (in container '')"]),
        (".nope", ["2 undeclared reference to '.nope' (in container '')"]),
        ("nope()", ["5 undeclared reference to 'nope' (in container '')"]),
        ("s.nope()", ["7 undeclared reference to 'nope' (in container '')"]),
        (
            "math.greatest(1, 2)",
            [
                "1 undeclared reference to 'math' (in container '')",
                "14 undeclared reference to 'greatest' (in container '')",
            ],
        ),
        ("user.uid", ["5 undefined field 'uid'"]),
        ("has(user.uid)", ["4 undefined field 'uid'"]),
        ("user.?uid", ["5 undefined field 'uid'"]),
        ("s.x", ["2 type 'string' does not support field selection"]),
        ("has(i.x)", ["4 type 'int' does not support field selection"]),
        ("'a' == 1", ["5 found no matching overload for '_==_' applied to '(string, int)'"]),
        ("1u + 1", ["4 found no matching overload for '_+_' applied to '(uint, int)'"]),
        ("-s", ["1 found no matching overload for '-_' applied to '(string)'"]),
        ("s.startsWith(1)", ["13 found no matching overload for 'startsWith' applied to 'string.(int)'"]),
        ("size()", ["5 found no matching overload for 'size' applied to '()'"]),
        ("true ? s : 1", ["6 found no matching overload for '_?_:_' applied to '(bool, string, int)'"]),
        ("true ? s : null", ["6 found no matching overload for '_?_:_' applied to '(bool, string, null)'"]),
        ("l['a']", ["2 found no matching overload for '_[_]' applied to '(list(int), string)'"]),
        ("true && 1", ["9 expected type 'bool' but found 'int'"]),
        ("s || i", ["1 expected type 'bool' but found 'string'", "6 expected type 'bool' but found 'int'"]),
        (
            "s.all(x, true)",
            [
                "1 expression of type 'string' cannot be range of a comprehension "
                "(must be list, map, or dynamic)"
            ],
        ),
        ("l.all(x, x)", ["10 expected type 'bool' but found 'int'"]),
        ("l.exists(x, 'a')", ["13 expected type 'bool' but found 'string'"]),
        ("l.exists_one(x, x)", ["13 found no matching overload for '_?_:_' applied to '(int, int, int)'"]),
        (
            "l.filter(x, x)",
            ["9 found no matching overload for '_?_:_' applied to '(int, list(int), list(int))'"],
        ),
        (
            "l.map(x, x, s)",
            ["6 found no matching overload for '_?_:_' applied to '(int, list(string), list(string))'"],
        ),
        (
            "m.transformMapEntry(k, v, v)",
            ["20 found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), int)'"],
        ),
        ("l.exists(x, x == 'a')", ["15 found no matching overload for '_==_' applied to '(int, string)'"]),
        ("l.map(x, y)", ["10 undeclared reference to 'y' (in container '')"]),
        ("l.all(x, true) && x", ["19 undeclared reference to 'x' (in container '')"]),
        ("[?1]", ["3 expected type 'optional_type(int)' but found 'int'"]),
        ("{?'a': s}", ["8 expected type 'optional_type(string)' but found 'string'"]),
        ("Nope{}", ["5 undeclared reference to 'Nope' (in container '')"]),
        ("int{}", ["4 'int' is not a message type"]),
        ("s{}", ["2 'string' is not a type"]),
        ("JSONPatch{nope: 1}", ["15 expected type of field 'nope' is '' but provided type is 'int'"]),
        (
            "JSONPatch{op: 1}",
            ["13 expected type of field 'op' is 'string' but provided type is 'int'"],
        ),
        (
            "JSONPatch{?op: s}",
            ["16 expected type 'optional_type(string)' but found 'string'"],
        ),
        ("nope.a + nope.b", [
            "1 undeclared reference to 'nope' (in container '')",
            "10 undeclared reference to 'nope' (in container '')",
        ]),
        (
            "i.optMap(x, x)",
            [
                "9 found no matching overload for 'hasValue' applied to 'int.()'",
                "9 found no matching overload for 'value' applied to 'int.()'",
            ],
        ),
    ],
)  # fmt: skip
def test_issues_have_the_words_and_the_place_of_cel_go(text: str, expected: list[str]) -> None:
    assert issues(text) == expected


def test_mixed_literals_are_dyn_where_they_are_allowed() -> None:
    free = Environment(KUBERNETES, VARIABLES, homogeneous=False)
    assert result("['a', 1]", free) == "list(dyn)"
    assert result("{'a': 1, 2: 's'}", free) == "map(dyn, dyn)"
    assert result("[optional.of(1), null][0]", free) == "optional_type(int)"


def test_names_are_searched_from_the_container_outwards() -> None:
    variables = {"x.y.v": INT, "x.v": STRING, "v": DYN, "x.w.z": UINT}
    nested = Environment(KUBERNETES, variables, container="x.y")
    assert result("v", nested) == "int"
    assert result(".v", nested) == "dyn"
    assert result("w.z", nested) == "uint"
    assert result("x.v", nested) == "string"
    assert issues("gone", nested) == ["1 undeclared reference to 'gone' (in container 'x.y')"]


def test_local_variables_come_before_declared_ones() -> None:
    nested = Environment(KUBERNETES, {"x.v": INT, "v.name": INT}, container="x")
    assert result("['a'].map(v, v)", nested) == "list(string)"
    assert result("[{'name': 'a'}].map(v, v.name)", nested) == "list(string)"
    assert result("['a'].map(v, .x.v)", nested) == "list(int)"


def test_bindings_are_in_scope_of_their_body_only() -> None:
    extra = Environment((*KUBERNETES, *EXTRAS), VARIABLES)
    assert result("cel.bind(x, 'a', x + x)", extra) == "string"
    assert issues("cel.bind(x, 1, x) + x", extra) == ["21 undeclared reference to 'x' (in container '')"]


def checked(text: str, environment: Environment = ENVIRONMENT) -> Checked:
    return environment.compile(text).checked


def find(outcome: Checked, kind: type[Node], name: str) -> Node:
    pending = [outcome.node]
    while pending:
        node = pending.pop()
        if isinstance(node, kind) and name in (
            getattr(node, "function", None), getattr(node, "name", None), getattr(node, "field", None)
        ):  # fmt: skip
            return node
        pending += children(node)
    raise AssertionError(name)


def reference(text: str, kind: type[Node], name: str) -> Reference | None:
    outcome = checked(text)
    return outcome.references.get(find(outcome, kind, name))


def test_qualified_names_are_one_reference() -> None:
    found = reference("a.b.c == ''", Select, "c")
    assert found is not None
    assert (found.kind, found.name) == (ReferenceKind.VARIABLE, "a.b.c")


def test_types_are_values() -> None:
    found = reference("type(i) == net.IP", Select, "IP")
    assert found is not None
    assert (found.kind, found.name, str(found.value)) == (ReferenceKind.TYPE, "net.IP", "net.IP")


def test_local_variables_have_no_reference() -> None:
    assert reference("l.all(x, x > 0)", Identifier, "x") is None


def test_overloads_are_those_the_types_allow() -> None:
    def overloads(text: str, name: str) -> list[str]:
        found = reference(text, Call, name)
        assert found is not None
        return [overload.identifier for overload in found.overloads]

    assert overloads("i + 1", "_+_") == ["add_int64"]
    assert len(overloads("object + object", "_+_")) > 5
    assert overloads("l + object", "_+_") == ["add_list"]


def test_namespaced_functions_have_no_receiver() -> None:
    found = reference("optional.of(1).hasValue()", Call, "of")
    assert found is not None
    assert (found.name, found.namespaced) == ("optional.of", True)


def test_every_node_has_a_type_but_the_parts_of_names() -> None:
    outcome = checked("l.map(x, {'k': [x]}).exists(y, has(y.k) && y.k[?0].orValue(1) == 1)")
    pending = [outcome.node]
    while pending:
        node = pending.pop()
        assert node in outcome.types
        pending += children(node)


def test_a_guess_about_dyn_decides_the_result_type_but_no_overload() -> None:
    outcome = checked("object.items.distinct().map(x, -x)")
    negation = find(outcome, Call, "-_")
    assert str(outcome.result) == "list(double)"
    assert str(outcome.types[negation]) == "dyn"
    assert {overload.identifier for overload in outcome.references[negation].overloads} >= {
        "negate_double",
        "negate_int64",
    }
    assert outcome.references[negation].resolved


def test_deep_texts_are_checked() -> None:
    assert result("dyn(" * 150 + "i" + ")" * 150) == "dyn"
    assert result("[" * 150 + "1" + "]" * 150).count("list(") == 150


LEAVES = ("1", "2u", "'a'", "null", "object", "s", "l", "m", "o", "user", "x", "[]", "{}", "int", "w")
FORMS = (
    "{0} + {1}",
    "{0} == {1}",
    "{0} && {1}",
    "{0} ? {1} : {0}",
    "[{0}, ?{1}]",
    "{{{0}: {1}}}",
    "({0}).a",
    "({0}).?a",
    "({0})[{1}]",
    "has(({0}).a)",
    "size({0})",
    "dyn({0})",
    "duration({0})",
    "optional.of({0})",
    "JSONPatch{{op: {0}}}",
    "'%d'.format([{0}, {1}])",
    "({0}).all(x, {1})",
    "({0}).map(x, {1}, x)",
    "({0}).transformMapEntry(x, y, {1})",
    "({0}).optMap(x, {1})",
    "({0}).orValue({1})",
    "({0}).sortBy(x, {1})",
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Texts that parse and mostly make no sense."""
    leaf = st.sampled_from(LEAVES)
    text = draw(leaf)
    for form in draw(st.lists(st.sampled_from(FORMS), max_size=5)):
        text = form.format(*draw(st.permutations([text, draw(leaf)])))
    return text


@settings(max_examples=150, deadline=None)
@given(texts())
def test_any_tree_has_a_type_or_a_compile_error(text: str) -> None:
    with suppress(CompileError):
        assert result(text)


def test_types_that_double_at_every_step_are_refused() -> None:
    text = "[[1]]" + "".join(f".map(a{step}, {{a{step}: a{step}}})" for step in range(60))
    assert issues(text) == ["0 type limit exceeded: 1000"]
