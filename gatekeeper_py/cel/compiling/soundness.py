"""What of an expression must be right before anything runs: values that are computed while it compiles."""

from __future__ import annotations

from gatekeeper_py.cel.checking.checker import Checked
from gatekeeper_py.cel.compiling.constants import VARIABLE, Constants
from gatekeeper_py.cel.evaluation.values import check_qualifier
from gatekeeper_py.cel.library.standard import pattern
from gatekeeper_py.cel.syntax.tree import Call, children

__all__ = ["MATCHING", "inspect"]

MATCHING = frozenset({"matches", "find", "findAll"})
"""Functions whose second argument is a regular expression."""

INDEXING = frozenset({"_[_]", "_[?_]"})
"""Functions whose second argument is a key or an index."""


def inspect(checked: Checked) -> int:
    """Look at everything constant, and give the levels of the tree; raises `EvaluationError`.

    A conversion of a constant must succeed, a constant regular expression must be one (cel-go
    interpreter/decorators.go, decOptimize and MatchesRegexOptimization), and a constant key or index must
    be of a type that one can be of (interpreter/planner.go, planCallIndex).
    """
    constants = Constants(checked)
    depth, level = 0, [checked.node]
    while level:
        depth += 1
        for node in level:
            constants.value(node)
            if isinstance(node, Call):
                _check_pattern(node, checked, constants)
                _check_key(node, constants)
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


def _check_key(node: Call, constants: Constants) -> None:
    if node.function in INDEXING and (key := constants.value(node.arguments[1])) is not VARIABLE:
        check_qualifier(key)
