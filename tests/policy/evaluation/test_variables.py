"""Variables are evaluated when first read, and once."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel import Budget, CostExceeded, EvaluationError
from gatekeeper_py.policy.evaluation.activation import Names
from gatekeeper_py.policy.evaluation.compilation import Compiler, Environments, ExpressionKind
from gatekeeper_py.policy.evaluation.variables import Variables
from gatekeeper_py.policy.model import Expression

TEN = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
HEAVY = f"{TEN}.all(a, {TEN}.all(b, {TEN}.all(c, {TEN}.all(d, {TEN}.all(e, {TEN}.all(f, a + b + c + d + e + f > 0))))))"


def evaluation(budget: Budget, **texts: str) -> tuple[Compiler, Names]:
    """Declared variables and the activation that holds them."""
    compiler = Compiler(Environments(), params=False)
    declared = {name: compiler.variable(name, text) for name, text in texts.items()}
    activation = Names({"object": {"a": 1}})
    activation["variables"] = Variables(declared, activation, budget)
    return compiler, activation


def evaluate(text: str, **texts: str) -> object:
    budget = Budget(10_000_000)
    compiler, activation = evaluation(budget, **texts)
    return compiler.compile(ExpressionKind.VALIDATION, text).program.evaluate(activation, budget)


def test_a_variable_may_use_those_before_it() -> None:
    assert evaluate("variables.b == 2", a="object.a", b="variables.a + 1") is True


def test_one_that_nothing_reads_is_not_evaluated() -> None:
    assert evaluate("true || variables.a == 1", a="object.gone") is True


def test_an_error_names_the_variable_and_is_absorbed_like_any_other() -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate("variables.b == 1", a="object.gone", b="variables.a")
    assert str(caught.value) == (
        'composited variable "b" fails to evaluate: composited variable "a" fails to evaluate: no such key: gone'
    )
    assert evaluate("variables.a == 1 || true", a="object.gone") is True


def test_has_is_true_unless_the_variable_fails() -> None:
    assert evaluate("has(variables.a)", a="null") is True
    with pytest.raises(EvaluationError, match="composited variable"):
        evaluate("has(variables.a)", a="object.gone")


class Counting:
    """A program that counts how often it runs."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs = 0
        self._error = error

    def evaluate(self, _activation: object, _budget: object) -> object:
        self.runs += 1
        if self._error:
            raise self._error
        return 1


@pytest.mark.parametrize("error", [None, EvaluationError("no")])
def test_values_and_errors_are_kept(error: Exception | None) -> None:
    program = Counting(error)
    activation = Names()
    variables = Variables({"a": Expression("a", program)}, activation, Budget(1))  # type: ignore[arg-type]
    for _ in range(3):
        try:
            assert variables["a"] == 1
        except EvaluationError:
            assert error is not None
    assert program.runs == 1


def test_a_variable_pays_its_own_limit_out_of_the_common_budget() -> None:
    budget = Budget(10_000_000)
    compiler, activation = evaluation(budget, a=HEAVY)
    program = compiler.compile(ExpressionKind.VALIDATION, "variables.a || object.a == 1").program
    assert program.evaluate(activation, budget) is True
    assert budget.remaining < 9_100_000


def test_an_exhausted_budget_is_not_absorbed() -> None:
    budget = Budget(1_000)
    compiler, activation = evaluation(budget, a=HEAVY)
    program = compiler.compile(ExpressionKind.VALIDATION, "variables.a || object.a == 1").program
    with pytest.raises(CostExceeded):
        program.evaluate(activation, budget)
    assert budget.remaining < 0
