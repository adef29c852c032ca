"""What an author can do about an expression that does not compile."""

from __future__ import annotations

import re
from difflib import get_close_matches

from gatekeeper_py.cel import CompileError, ResultError
from gatekeeper_py.policy.evaluation.compilation import ExpressionKind, InvalidExpression

__all__ = ["remedy_of"]

WORDS = ("object", "oldObject", "request", "params", "namespaceObject", "authorizer", "variables")
"""What every policy may speak of, somewhere."""

ELSEWHERE = {
    "params": "Set spec.paramKind",
    "variables": "Declare it in spec.variables; match conditions have none",
    "authorizer": "Messages cannot ask the authorizer; ask in a variable or validation",
    "Object": "Only mutations make objects",
    "JSONPatch": "Only mutations make patches",
    "namespace": "Write object.metadata.namespace, or namespaceObject",
}
"""Names that expressions of other kinds may use, and what to do without them."""

PATTERNS = (
    (r"expected type of field '\w+' is ''", "A JSONPatch has op, path, from and value"),
    (r"undefined field '\w+'", "Check the name; a variable can be used only after its own declaration"),
    (r"found no matching overload", "Convert one side, for instance with string(x), int(x) or double(x)"),
    (r"expected type '.*' but found", "Give all elements of a literal one type"),
    (r"unsupported syntax: '`'", "Write object['a-b'] instead of object.`a-b`"),
    (r"Syntax error: token recognition error at: '= '", "Compare with =="),
    (r"Syntax error", "Check quotes, brackets and operators before this place"),
    (r"reserved identifier", "Choose another name, or write object['name']"),
    (r"invalid argument to has\(\) macro", "Give has() a field: has(object.spec)"),
    (r"expression recursion limit", "Split it with variables"),
    (r"invalid duration argument", "Write a duration such as '1h30m'"),
    (r"invalid timestamp argument", "Write a time such as '2006-01-02T15:04:05Z'"),
    (r"invalid matches argument", "Write an RE2 pattern: no look-around, no back-references"),
)

RESULTS = {
    ExpressionKind.MATCH_CONDITION: "Compare it, for instance with == true",
    ExpressionKind.VALIDATION: "Compare it, for instance with == true",
    ExpressionKind.MESSAGE: "Convert it with string(x)",
    ExpressionKind.AUDIT_ANNOTATION: "Convert it with string(x)",
    ExpressionKind.JSON_PATCH: "Give a list of JSONPatch{op: ..., path: ..., value: ...}",
    ExpressionKind.APPLY_CONFIGURATION: "Give an Object{...}",
}

CHECK = "Check the expression"


def remedy_of(error: InvalidExpression, kind: ExpressionKind) -> str:
    """What to do about the first issue of an expression, or about its result."""
    cause = error.__cause__
    if not isinstance(cause, CompileError) or isinstance(cause, ResultError):
        return RESULTS.get(kind, CHECK)
    message = cause.issues[0].message
    unknown = re.match(r"undeclared reference to '([\w.]+)'", message)
    if unknown:
        return _unknown(unknown[1])
    return next((remedy for pattern, remedy in PATTERNS if re.match(pattern, message)), CHECK)


def _unknown(name: str) -> str:
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    near = get_close_matches(name, WORDS, 1)
    return f"Did you mean {near[0]}?" if near else "Check the name; it is no word of Kubernetes' CEL"
