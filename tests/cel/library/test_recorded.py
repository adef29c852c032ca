"""The libraries do what Kubernetes' own do: values, errors, compile errors and costs.

`recorded.jsonl` is what `recorder/` (a Go program over k8s.io/apiserver 0.36.3 and cel-go 0.26.0) printed.
`costs.jsonl` has expressions over larger data, which its first line holds, and what each of them costs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.cel import Budget, CompileError, EvaluationError
from tests.cel.library.expressions import LIMIT, compiled, show

RECORDS = [
    json.loads(line)
    for line in Path(__file__).with_name("recorded.jsonl").read_text(encoding="utf-8").splitlines()
]
DATA, *COSTS = [
    json.loads(line)
    for line in Path(__file__).with_name("costs.jsonl").read_text(encoding="utf-8").splitlines()
]
PATTERN = "ERROR: <input>:-1:0: "
"""What stands before the error of a program that could not be made; Kubernetes prints no place for it."""


def outcome(record: dict[str, Any]) -> dict[str, Any]:
    try:
        program = compiled(record["expr"])
    except CompileError as problem:
        return {"compile": str(problem).removeprefix(PATTERN)}
    budget = Budget(LIMIT)
    try:
        value = program.evaluate(record.get("vars") or {}, budget)
    except EvaluationError as problem:
        return {"error": str(problem)}
    return {"value": show(value), "type": str(program.type), "cost": LIMIT - budget.remaining}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["expr"])
def test_kubernetes_agrees(record: dict[str, Any]) -> None:
    expected = {name: record[name] for name in record.keys() - {"expr", "vars"}}
    assert outcome(record) == expected


@pytest.mark.parametrize(("expression", "cost"), COSTS)
def test_it_costs_the_same_in_kubernetes(expression: str, cost: int) -> None:
    budget = Budget(LIMIT)
    compiled(expression).evaluate(DATA["vars"], budget)
    assert LIMIT - budget.remaining == cost
