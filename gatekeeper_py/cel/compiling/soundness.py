"""What of an expression must be right before anything runs: values that are computed while it compiles."""

from __future__ import annotations

from gatekeeper_py.cel.checking.checker import Checked
from gatekeeper_py.cel.compiling.constants import Constants
from gatekeeper_py.cel.library.standard import pattern
from gatekeeper_py.cel.syntax.tree import Call, children

__all__ = ["MATCHING", "inspect"]

MATCHING = frozenset({"matches", "find", "findAll"})
"""Functions whose second argument is a regular expression."""


def inspect(checked: Checked) -> int:
    """Look at everything constant, and give the levels of the tree; raises `EvaluationError`.

    A conversion of a constant must succeed, and a constant regular expression must be one (cel-go
    interpreter/decorators.go, decOptimize and MatchesRegexOptimization).
    """
    constants = Constants(checked)
    depth, level = 0, [checked.node]
    while level:
        depth += 1
        for node in level:
            constants.value(node)
            if isinstance(node, Call):
                _check_pattern(node, checked, constants)
        level = [child for node in level for child in children(node)]
    return depth


def _check_pattern(node: Call, checked: Checked, constants: Constants) -> None:
    reference = checked.references.get(node)
    if reference is None or reference.name not in MATCHING:
        return
    target = () if node.target is None or reference.namespaced else (node.target,)
    operands = (*target, *node.arguments)
    text = constants.value(operands[1]) if len(operands) > 1 else None
    if isinstance(text, str):
        pattern(text)
