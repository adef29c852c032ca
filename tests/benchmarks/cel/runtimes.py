"""The runtimes that are compared; each times every expression on one pod, in microseconds.

`python -m tests.benchmarks.cel.runtimes cel-expr-python` is a child process that times the C++ binding,
which may crash: expressions come from `expressions`, the numbers of containers from the command line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import timeit
from collections.abc import Callable, Sequence
from typing import Any

from tests.benchmarks.cel.expressions import EXPRESSIONS, pod

__all__ = ["Timings", "cel_expr_python", "cel_python", "ours"]

Timings = list[float | None]
"""Microseconds for each expression; None where the runtime fails."""

SECONDS = 0.05
"""Time spent on one measurement."""


def _microseconds(run: Callable[[], Any]) -> float:
    once = timeit.timeit(run, number=1)
    number = max(1, int(SECONDS / max(once, 1e-7) / 5))
    return min(timeit.repeat(run, number=number, repeat=5)) / number * 1e6


def ours(containers: int) -> Timings:
    """This package, with the budget on."""
    from gatekeeper_py.cel import Budget, kubernetes_environment
    from gatekeeper_py.cel.checking import types

    environment = kubernetes_environment().extend(variables={"object": types.DYN})
    activation = {"object": pod(containers)}
    budget = Budget(10**18)

    def time(text: str) -> float:
        program = environment.compile(text, types.BOOL)
        program.evaluate(activation, budget)
        return _microseconds(lambda: program.evaluate(activation, budget))

    return [time(text) for text in EXPRESSIONS]


def cel_python(containers: int) -> Timings:
    """cel-python's interpreter, its values converted beforehand."""
    import celpy
    from celpy.adapter import json_to_cel

    environment = celpy.Environment()
    activation = {"object": json_to_cel(pod(containers))}

    def time(text: str) -> float | None:
        runner = environment.program(environment.compile(text))
        try:
            runner.evaluate(activation)
        except Exception:
            return None
        return _microseconds(lambda: runner.evaluate(activation))

    return [time(text) for text in EXPRESSIONS]


def cel_expr_python(containers: Sequence[int]) -> list[Timings]:
    """cel-expr-python on data it has converted already, in a child; a row for each number of containers."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.cel.runtimes", *map(str, containers)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in child.stdout.splitlines()]


def _time_cel_expr_python(containers: int) -> Timings:
    from cel_expr_python import cel

    environment = cel.NewEnv(variables={"object": cel.Type.DYN})
    activation = environment.Activation({"object": pod(containers)})

    def time(text: str) -> float:
        expression = environment.compile(text)
        expression.eval(activation).value()
        return _microseconds(lambda: expression.eval(activation).value())

    return [time(text) for text in EXPRESSIONS]


if __name__ == "__main__":
    for number in map(int, sys.argv[1:]):
        print(json.dumps(_time_cel_expr_python(number)), flush=True)
