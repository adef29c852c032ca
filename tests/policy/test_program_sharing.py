"""A text is compiled once for the same words, and never taken for another's."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel.checking.types import INT, STRING, object_type
from gatekeeper_py.policy.evaluation.compilation import (
    Compiler,
    Environments,
    ExpressionKind,
    InvalidExpression,
)
from gatekeeper_py.policy.evaluation.extension import Extension

THING = object_type("Thing", {"name": STRING})


def compiler(*extensions: Extension, params: bool = False, **variables: str) -> Compiler:
    made = Compiler(Environments.shared(extensions), params=params)
    for name, text in variables.items():
        made.variable(name, text)
    return made


def test_the_same_text_with_the_same_words_is_one_program() -> None:
    first = compiler(a="1").compile(ExpressionKind.VALIDATION, "variables.a == 1")
    second = compiler(a="2").compile(ExpressionKind.VALIDATION, "variables.a == 1")
    assert first.program is second.program


@pytest.mark.parametrize(
    "other",
    [compiler(a="'x'"), compiler(a="1", params=True)],
    ids=["another type", "params"],
)
def test_other_words_are_another_program(other: Compiler) -> None:
    text = "variables.a == variables.a"
    first = compiler(a="1").compile(ExpressionKind.VALIDATION, text)
    assert other.compile(ExpressionKind.VALIDATION, text).program is not first.program


MEANING = [
    ("true", {"a": "1"}, {"a": "2"}, True),
    ("variables.a == 1", {"a": "1"}, {"a": "1"}, True),
    ("variables.a == 1", {"a": "1"}, {"a": "1", "b": "2"}, True),
    ("variables.a == 1", {"a": "1"}, {"a": "2"}, False),
    ("variables.b == 1", {"a": "1", "b": "variables.a"}, {"a": "1", "b": "variables.a"}, True),
    ("variables.b == 1", {"a": "1", "b": "variables.a"}, {"a": "2", "b": "variables.a"}, False),
    ("[variables].all(v, v.a == 1)", {"a": "1"}, {"a": "2"}, False),
    ("variables\n.a == 1", {"a": "1"}, {"a": "2"}, False),
    ("variables // the\n.a == 1", {"a": "1"}, {"a": "2"}, False),
    ("has(variables.a)", {"a": "1"}, {"a": "2"}, False),
]
"""A text, the variables of two policies, and whether it means the same in both."""


@pytest.mark.parametrize(("text", "one", "other", "same"), MEANING)
def test_what_means_the_same_is_one_expression(
    text: str, one: dict[str, str], other: dict[str, str], same: bool
) -> None:
    first = compiler(params=False, **one).compile(ExpressionKind.VALIDATION, text)
    second = compiler(params=False, **other).compile(ExpressionKind.VALIDATION, text)
    assert (first is second) == same


def test_what_compiles_for_one_policy_may_not_for_another() -> None:
    compiler(a="1").compile(ExpressionKind.VALIDATION, "variables.a > 1")
    with pytest.raises(InvalidExpression):
        compiler(a="'x'").compile(ExpressionKind.VALIDATION, "variables.a > 1")
    with pytest.raises(InvalidExpression):
        compiler().compile(ExpressionKind.VALIDATION, "variables.a > 1")


def test_extensions_share_only_when_their_words_are_the_same() -> None:
    one = Extension(variables={"thing": THING})
    assert Environments.shared([one]) is Environments.shared([Extension(variables={"thing": THING})])
    same_name = object_type("Thing", {"name": INT})
    assert Environments.shared([one]) is not Environments.shared([Extension(variables={"thing": same_name})])
