"""Which words each kind of expression may use, and what it must give."""

from __future__ import annotations

from functools import cache

import pytest

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import DYN, STRING, opaque
from gatekeeper_py.policy.evaluation.compilation import (
    Compiler,
    Environments,
    ExpressionKind,
    InvalidExpression,
)
from gatekeeper_py.policy.evaluation.extension import Extension

KINDS = {kind.name: kind for kind in ExpressionKind}
EVERY = frozenset(KINDS)


@cache
def environments() -> Environments:
    return Environments()


def compiler(*, params: bool = False) -> Compiler:
    made = Compiler(environments(), params=params)
    made.variable("v", "1")
    return made


WORDS = [
    ("object", EVERY),
    ("oldObject", EVERY),
    ("request.operation", EVERY),
    ("namespaceObject.metadata.name", EVERY),
    ("authorizer.requestResource", EVERY - {"MESSAGE"}),
    ("variables.v", EVERY - {"MATCH_CONDITION"}),
    ("Object{}", frozenset({"JSON_PATCH", "APPLY_CONFIGURATION"})),
    ("jsonpatch.escapeKey('a')", frozenset({"JSON_PATCH", "APPLY_CONFIGURATION"})),
    ("params", frozenset()),
    ("tenant", frozenset()),
]

SHELL = {
    "MATCH_CONDITION": "type({}) == int",
    "VALIDATION": "type({}) == int",
    "VARIABLE": "{}",
    "MESSAGE": "string(type({}) == int)",
    "AUDIT_ANNOTATION": "string(type({}) == int)",
    "JSON_PATCH": "[JSONPatch{{op: 'add', path: '/x', value: type({}) == int}}]",
    "APPLY_CONFIGURATION": "Object{{x: type({}) == int}}",
}


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(("word", "kinds"), WORDS, ids=[word for word, _ in WORDS])
def test_a_word_is_known_where_kubernetes_knows_it(word: str, kinds: frozenset[str], kind: str) -> None:
    text = SHELL[kind].format(word)
    if kind in kinds:
        compiler().compile(KINDS[kind], text)
    else:
        with pytest.raises(InvalidExpression, match="undeclared reference"):
            compiler().compile(KINDS[kind], text)


def test_params_are_known_to_policies_with_a_param_kind() -> None:
    assert (
        compiler(params=True).compile(ExpressionKind.MATCH_CONDITION, "params.x == 1").text == "params.x == 1"
    )


RESULTS = [
    ("VALIDATION", "object.x", "must evaluate to bool but got dyn"),
    ("MATCH_CONDITION", "'a'", "must evaluate to bool but got string"),
    ("MESSAGE", "1", "must evaluate to string but got int"),
    ("MESSAGE", "null", "must evaluate to string but got null_type"),
    ("AUDIT_ANNOTATION", "1", "must evaluate to one of [string null_type] but got int"),
    ("JSON_PATCH", "[]", "must evaluate to list(JSONPatch) but got list(dyn)"),
    ("JSON_PATCH", "['a']", "must evaluate to list(JSONPatch) but got list(string)"),
    ("APPLY_CONFIGURATION", "Object.spec{a: 1}", "must evaluate to Object but got Object.spec"),
]


@pytest.mark.parametrize(("kind", "text", "message"), RESULTS)
def test_a_result_of_another_type_is_refused(kind: str, text: str, message: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        compiler().compile(KINDS[kind], text)
    assert str(caught.value) == message


def test_what_no_object_can_save_is_refused_in_words_of_its_own() -> None:
    with pytest.raises(InvalidExpression) as caught:
        compiler().compile(ExpressionKind.VALIDATION, "int('abc') == object.x")
    assert str(caught.value) == "program instantiation failed: type conversion error from 'string' to 'int'"


def test_a_text_has_one_result_for_every_kind_of_expression() -> None:
    made = compiler()
    assert made.compile(ExpressionKind.VARIABLE, "1 + 1").text == "1 + 1"
    with pytest.raises(InvalidExpression, match="must evaluate to bool but got int"):
        made.compile(ExpressionKind.VALIDATION, "1 + 1")


@pytest.mark.parametrize("field", ["uid", "object", "oldObject"])
def test_request_has_no_more_fields_than_kubernetes_shows(field: str) -> None:
    with pytest.raises(InvalidExpression, match=f"undefined field '{field}'"):
        compiler().compile(ExpressionKind.VALIDATION, f"request.{field} == 'x'")


def test_a_variable_is_known_only_to_what_comes_after() -> None:
    made = Compiler(environments(), params=False)
    with pytest.raises(InvalidExpression, match="undefined field 'b'"):
        made.variable("a", "variables.b")
    made.variable("b", "1")
    assert made.compile(ExpressionKind.VALIDATION, "variables.a == 'x' && variables.b == 1")


TYPES = [
    ("1", "variables.v == 'x'", "found no matching overload for '_==_' applied to '(int, string)'"),
    ("[1]", "variables.v[0] == 'x'", "applied to '(int, string)'"),
    ("{'a': 1}", "variables.v.a == 'x'", "applied to '(int, string)'"),
    ("timestamp('2024-01-01T00:00:00Z')", "variables.v == 'x'", "applied to '(timestamp, string)'"),
]


@pytest.mark.parametrize(("variable", "text", "message"), TYPES)
def test_a_variable_has_the_type_of_its_expression(variable: str, text: str, message: str) -> None:
    made = Compiler(environments(), params=False)
    made.variable("v", variable)
    with pytest.raises(InvalidExpression) as caught:
        made.compile(ExpressionKind.VALIDATION, text)
    assert message in str(caught.value)


@pytest.mark.parametrize("variable", ["optional.of(1)", "quantity('1')", "request.userInfo", "type(1)"])
def test_a_type_that_kubernetes_cannot_declare_is_dyn(variable: str) -> None:
    made = Compiler(environments(), params=False)
    made.variable("v", variable)
    assert made.compile(ExpressionKind.VALIDATION, "variables.v.anything == 'x'")


def test_an_extension_adds_words_everywhere() -> None:
    extension = Extension(libraries=(Library("test"),), variables={"word": STRING})
    made = Compiler(Environments([extension]), params=False)
    for kind in (ExpressionKind.MATCH_CONDITION, ExpressionKind.VALIDATION):
        assert made.compile(kind, "word == 'x'")


OWN_OBJECT = opaque("test.Shop")
SHOP = Extension(
    libraries=(
        Library(
            "shop",
            types=(OWN_OBJECT,),
            functions=(
                Function(
                    "fetch",
                    (Overload("shop_fetch", (OWN_OBJECT, STRING), DYN, lambda _, name: name, member=True),),
                ),
            ),
        ),
    ),
    variables={"shop": OWN_OBJECT},
)


def test_a_policy_without_a_word_of_an_extension_is_refused_in_kubernetes_words() -> None:
    text = "other.fetch(1) == 'x'"
    made = Compiler(Environments([SHOP]).needed_by(["Pod", text]), params=False)
    with pytest.raises(InvalidExpression) as caught:
        made.compile(ExpressionKind.VALIDATION, text)
    assert "undeclared reference to 'other'" in str(caught.value)
    assert "undeclared reference to 'fetch'" in str(caught.value)


def test_functions_of_an_extensions_objects_are_nothing_to_other_policies() -> None:
    made = Compiler(Environments([SHOP]).needed_by(["object.fetch('x') == 'x'"]), params=False)
    with pytest.raises(InvalidExpression, match="undeclared reference to 'fetch'"):
        made.compile(ExpressionKind.VALIDATION, "object.fetch('x') == 'x'")


def test_a_policy_that_names_a_word_of_an_extension_has_them_all() -> None:
    texts = ["shop", "variables.v.fetch('x') == 'x'"]
    made = Compiler(Environments([SHOP]).needed_by(texts), params=False)
    made.variable("v", texts[0])
    assert made.compile(ExpressionKind.VALIDATION, texts[1])
