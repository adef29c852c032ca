"""cel-expr-python (Google's C++ runtime) as a second opinion, in a child process because it can crash.

`python -m tests.cel.differential` is that child: a JSON line `[expression, data]` in, a JSON line out:
`{"value": ...}`, `{"error": ...}` or `{"refused": ...}`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

__all__ = ["Answer", "Oracle"]

Answer = dict[str, Any]
BATCH = 2_000
"""Pairs for one child. cel-expr-python 0.1.3 loses a reference to None with every null it returns."""


class Oracle:
    """Asks children, a fresh one for every batch."""

    def answers(self, pairs: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[Answer]:
        """What the other runtime says of each pair, in order."""
        remaining = iter(pairs)
        while batch := list(islice(remaining, BATCH)):
            yield from self._ask(batch)

    def _ask(self, batch: list[tuple[str, dict[str, Any]]]) -> Iterator[Answer]:
        text = "".join(json.dumps(pair) + "\n" for pair in batch)
        child = subprocess.run(
            [sys.executable, "-m", "tests.cel.differential"],
            input=text.encode(),
            capture_output=True,
            check=False,
        )
        lines = child.stdout.splitlines()
        yield from map(json.loads, lines)
        for _ in range(len(batch) - len(lines)):
            yield {"crashed": child.returncode}


def _serve() -> None:
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_optional

    dyn = cel.Type.DYN
    environment = cel.NewEnv(
        variables={"object": dyn, "x": dyn, "y": dyn}, extensions=[ext_optional.ExtOptional()]
    )
    for line in sys.stdin:
        expression, data = json.loads(line)
        print(json.dumps(_answer(environment, expression, data)), flush=True)


def _answer(environment: Any, expression: str, data: dict[str, Any]) -> Answer:
    try:
        program = environment.compile(expression)
    except Exception as error:
        return {"refused": str(error)}
    try:
        result = program.eval(data=data)
    except Exception as error:
        return {"error": str(error)}
    kind = result.type().name()
    if kind in ("null", "null_type", "NULL"):
        return {"value": "null_type:NULL_VALUE"}
    plain = result.plain_value()
    return {"error": str(plain)} if "error" in kind.lower() else {"value": _notation(plain)}


def _notation(value: Any) -> str:
    from tests.cel.notation import notation

    return notation(value)


if __name__ == "__main__":
    _serve()
