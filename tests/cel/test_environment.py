from __future__ import annotations

import pytest

from gatekeeper_py.cel import (
    Budget,
    CompileError,
    Environment,
    Function,
    Library,
    Overload,
    kubernetes_environment,
)
from gatekeeper_py.cel.checking.types import (
    BOOL,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    Type,
    list_of,
    map_of,
    object_type,
    opaque,
    optional_of,
)
from gatekeeper_py.cel.errors import InstantiationError, ResultError
from gatekeeper_py.cel.evaluation.values import Message
from gatekeeper_py.cel.library import optionals

BASE = Environment(variables={"x": DYN, "n": INT})


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("true", BOOL),
        ("1", INT),
        ("'a'", STRING),
        ("x", DYN),
        ("x.a", DYN),
        ("x == 1", BOOL),
        ("[1]", list_of(INT)),
        ("{'a': x}", map_of(STRING, DYN)),
        ("n + 1", INT),
        ("timestamp('2020-01-01T00:00:00Z')", TIMESTAMP),
    ],
)
def test_result_type(text: str, result: Type) -> None:
    assert BASE.compile(text).type == result


@pytest.mark.parametrize(
    ("text", "expected", "message"),
    [
        ("x", BOOL, "must evaluate to bool but got dyn"),
        ("1", BOOL, "must evaluate to bool but got int"),
        ("'a'", BOOL, "must evaluate to bool but got string"),
        ("x.a", STRING, "must evaluate to string but got dyn"),
        ("1", (STRING, NULL), "must evaluate to one of [string null_type] but got int"),
        ("null", STRING, "must evaluate to string but got null_type"),
        ("[1]", BOOL, "must evaluate to bool but got list(int)"),
        (
            "timestamp('2020-01-01T00:00:00Z')",
            BOOL,
            "must evaluate to bool but got google.protobuf.Timestamp",
        ),
    ],
)
def test_result_must_be_of_the_type_that_is_wanted(
    text: str, expected: Type | tuple[Type, ...], message: str
) -> None:
    with pytest.raises(ResultError) as caught:
        BASE.compile(text, expected)
    assert str(caught.value) == message


def test_one_of_several_types_is_enough() -> None:
    assert BASE.compile("null", (STRING, NULL)).type == NULL
    assert BASE.compile("'a'", (STRING, NULL)).type == STRING


def test_what_no_data_can_save_does_not_compile() -> None:
    with pytest.raises(InstantiationError) as caught:
        BASE.compile("int('abc') == n")
    assert str(caught.value) == "program instantiation failed: type conversion error from 'string' to 'int'"


def test_undeclared_names_do_not_compile() -> None:
    with pytest.raises(CompileError, match=r"undeclared reference to 'y' \(in container ''\)"):
        BASE.compile("y")
    assert BASE.extend(variables={"y": DYN}).compile("y").type == DYN
    with pytest.raises(CompileError):
        BASE.compile("y")


def test_extending_leaves_the_environment_as_it_was() -> None:
    extended = BASE.extend(libraries=[optionals.LIBRARY])
    assert extended.compile("optional.of(1)").type == optional_of(INT)
    with pytest.raises(CompileError):
        BASE.compile("optional.of(1)")


def test_a_program_knows_what_it_mentions() -> None:
    program = BASE.compile("x.a == n && [1].all(i, i == n)")
    assert program.variables == {"x", "n"}
    assert program.text == "x.a == n && [1].all(i, i == n)"


@pytest.mark.parametrize(
    ("text", "x", "n"), [("x.a == 1", True, False), ("n + 1", False, True), ("seen()", True, True)]
)
def test_an_expression_reads_what_it_mentions_and_a_function_that_sees_all_reads_everything(
    text: str, x: bool, n: bool
) -> None:
    seen = Overload("seen", (), INT, lambda _variables: 1, contextual=True)
    library = Library("sight", (Function("seen", (seen,)),))
    program = BASE.extend(libraries=[library]).compile(text)
    assert (program.reads("x"), program.reads("n")) == (x, n)


def test_qualified_variables() -> None:
    environment = Environment(variables={"a.b": INT, "a": DYN})
    program = environment.compile("a.b + a.c")
    assert program.variables == {"a.b", "a"}
    assert program.evaluate({"a.b": 1, "a": {"c": 2}}, Budget(100)) == 3


def test_containers_resolve_names() -> None:
    environment = Environment(variables={"p.q.x": INT, "x": STRING}, container="p.q")
    assert environment.compile("x").type == INT
    assert environment.compile(".x").type == STRING


def test_messages() -> None:
    types = {"Point": object_type("Point", {"x": INT, "label": STRING})}
    environment = Environment([optionals.LIBRARY], {"o": DYN}, messages=types)
    made = environment.compile("Point{x: 1, ?label: o.?label}").evaluate({"o": {}}, Budget(1000))
    assert isinstance(made, Message)
    assert (made.type_name, dict(made)) == ("Point", {"x": 1})
    assert environment.compile("Point{x: 1}.x + 1").evaluate({}, Budget(1000)) == 2
    with pytest.raises(CompileError, match="undefined field 'y'"):
        environment.compile("Point{y: 1}")
    by_function = Environment(messages=lambda name: object_type(name) if name.startswith("Object") else None)
    assert by_function.compile("Object.spec{a: 1}").evaluate({}, Budget(1000)) == Message(
        "Object.spec", {"a": 1}
    )


class TestLibraries:
    TWICE = Library(
        "twice",
        functions=(
            Function("twice", (Overload("twice_int", (INT,), INT, lambda n: 2 * n, cost=lambda n: 7),)),
            Function(
                "whoami",
                (Overload("whoami", (), STRING, lambda variables: variables["me"], contextual=True),),
            ),
        ),
        constants={"answer": (INT, 42)},
    )

    def test_functions_and_constants(self) -> None:
        environment = BASE.extend(libraries=[self.TWICE])
        budget = Budget(100)
        assert environment.compile("twice(n) + answer").evaluate({"n": 4}, budget) == 50
        assert budget.remaining == 100 - 7 - 1 - 1

    def test_contextual_functions_see_the_variables(self) -> None:
        environment = BASE.extend(libraries=[self.TWICE])
        assert environment.compile("whoami()").evaluate({"me": "ada"}, Budget(100)) == "ada"

    def test_overloads_of_several_libraries_join(self) -> None:
        more = Library(
            "more", (Function("twice", (Overload("twice_s", (STRING,), STRING, lambda s: s + s),)),)
        )
        environment = BASE.extend(libraries=[self.TWICE, more])
        assert environment.compile("twice('a')").evaluate({}, Budget(100)) == "aa"
        assert environment.compile("twice(x)").evaluate({"x": "b"}, Budget(100)) == "bb"
        assert environment.compile("twice(x)").evaluate({"x": 2}, Budget(100)) == 4

    def test_values_of_a_library_dispatch_by_their_type(self) -> None:
        class Money:
            cel_type = opaque("Money")

        money = Library(
            "money",
            (
                Function("money", (Overload("money", (INT,), Money.cel_type, lambda _: Money()),)),
                Function("ok", (Overload("money_ok", (Money.cel_type,), BOOL, lambda _: True, member=True),)),
            ),
            types=(Money.cel_type,),
        )
        environment = BASE.extend(libraries=[money])
        assert (
            environment.compile("money(1).ok() && type(money(1)) == Money").evaluate({}, Budget(100)) is True
        )
        assert environment.compile("x.ok()").evaluate({"x": Money()}, Budget(100)) is True
        with pytest.raises(Exception, match=r"no such overload: ok\(int\)"):
            environment.compile("x.ok()").evaluate({"x": 1}, Budget(100))


@pytest.mark.parametrize(
    "text",
    [
        "quantity('1Gi').isGreaterThan(quantity('1Mi'))",
        "ip('10.0.0.1').family() == 4",
        "cidr('10.0.0.0/8').containsIP('10.0.0.1')",
        "url('https://example.com/').getScheme() == 'https'",
        "'abc'.find('b') == 'b'",
        "[3, 1].min() == 1",
        "[3, 1].sort() == [1, 3]",
        "semver('1.2.3').major() == 1",
        "format.named('dns1123Label').hasValue()",
        "sets.contains([1, 2], [1])",
        "'a-b'.split('-').join('+') == 'a+b'",
        "[1, 2].exists(i, v, i + v == 3)",
        "optional.of(1).optMap(v, v + 1).value() == 2",
        "'%s'.format([1]) == '1'",
    ],
)
def test_kubernetes_has_its_libraries(text: str) -> None:
    assert kubernetes_environment().compile(text, BOOL).evaluate({}, Budget(10_000)) is True


@pytest.mark.parametrize(
    "text",
    [
        "cel.bind(a, 1, a == 1)",
        "math.greatest(1, 2) == 2",
        "base64.encode(b'a') == 'YQ=='",
        "'ab'.reverse() == 'ba'",
    ],
)
def test_extras_only_on_demand(text: str) -> None:
    with pytest.raises(CompileError):
        kubernetes_environment().compile(text)
    assert kubernetes_environment(extras=True).compile(text).evaluate({}, Budget(10_000)) is True


def test_back_ticks_only_on_demand() -> None:
    with pytest.raises(CompileError):
        BASE.compile("x.`a-b`")
    environment = Environment(variables={"x": DYN}, backticks=True)
    assert environment.compile("x.`a-b`").evaluate({"x": {"a-b": 1}}, Budget(100)) == 1


def test_mixed_literals_only_on_demand() -> None:
    with pytest.raises(CompileError):
        BASE.compile("[1, 'a']")
    assert Environment(homogeneous=False).compile("[1, 'a']").evaluate({}, Budget(100)) == [1, "a"]


def test_the_environment_of_kubernetes_is_made_once() -> None:
    assert kubernetes_environment() is kubernetes_environment()
