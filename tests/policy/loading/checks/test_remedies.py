"""What an author is told to do about an expression."""

from __future__ import annotations

import pytest

from gatekeeper_py.policy.evaluation.compilation import Compiler, Environments, ExpressionKind
from gatekeeper_py.policy.loading.checks.expressions import Written, compile_expression
from gatekeeper_py.policy.loading.checks.parts import Faults


@pytest.fixture(scope="module")
def environments() -> Environments:
    return Environments()


@pytest.mark.parametrize(
    ("kind", "expression", "remedy"),
    [
        ("VALIDATION", "objekt.x == 1", "Did you mean object?"),
        ("VALIDATION", "now() > 1", "Check the name; it is no word of Kubernetes' CEL"),
        ("VALIDATION", "params.x == 1", "Set spec.paramKind"),
        (
            "MATCH_CONDITION",
            "variables.x == 1",
            "Declare it in spec.variables; match conditions have none",
        ),
        (
            "MESSAGE",
            "string(authorizer.path('/').check('get').allowed())",
            "Messages cannot ask the authorizer; ask in a variable or validation",
        ),
        ("VALIDATION", "Object{} == Object{}", "Only mutations make objects"),
        (
            "VALIDATION",
            "request.uid == 'x'",
            "Check the name; a variable can be used only after its own declaration",
        ),
        (
            "VALIDATION",
            "1 == 'a'",
            "Convert one side, for instance with string(x), int(x) or double(x)",
        ),
        ("VALIDATION", "1 in [1, 'a']", "Give all elements of a literal one type"),
        ("VALIDATION", "object.`a-b` == 1", "Write object['a-b'] instead of object.`a-b`"),
        ("VALIDATION", "object.a = 'x'", "Compare with =="),
        ("VALIDATION", "object.a ==", "Check quotes, brackets and operators before this place"),
        ("VALIDATION", "package == 1", "Choose another name, or write object['name']"),
        ("VALIDATION", "has(object)", "Give has() a field: has(object.spec)"),
        ("VALIDATION", "(" * 300 + "true" + ")" * 300, "Split it with variables"),
        ("VALIDATION", "duration('x') == duration('1s')", "Write a duration such as '1h30m'"),
        (
            "VALIDATION",
            "timestamp('x') == timestamp('y')",
            "Write a time such as '2006-01-02T15:04:05Z'",
        ),
        (
            "VALIDATION",
            "'a'.matches('(?=a)')",
            "Write an RE2 pattern: no look-around, no back-references",
        ),
        ("VALIDATION", "object.x", "Compare it, for instance with == true"),
        ("MATCH_CONDITION", "'a'", "Compare it, for instance with == true"),
        ("MESSAGE", "object.x", "Convert it with string(x)"),
        ("AUDIT_ANNOTATION", "1", "Convert it with string(x)"),
        ("JSON_PATCH", "[]", "Give a list of JSONPatch{op: ..., path: ..., value: ...}"),
        ("APPLY_CONFIGURATION", "{}", "Give an Object{...}"),
    ],
)
def test_remedies_word_for_word(environments: Environments, kind: str, expression: str, remedy: str) -> None:
    faults, compiler = Faults(), Compiler(environments, params=False, composed=False)
    made = compile_expression(faults, compiler, ExpressionKind[kind], Written(("spec",), expression))
    assert made is None
    assert [fault.remedy for fault in faults.found] == [remedy]


@pytest.mark.parametrize(
    ("text", "trimmed", "checked", "offset"),
    [
        ("\n  a +\n b\n", False, "\n  a +\n b\n", 0),
        ("\n  a +\n b\n", True, "a +\n b", 3),
        ("a", True, "a", 0),
    ],
)
def test_what_is_checked_of_what_is_written(text: str, trimmed: bool, checked: str, offset: int) -> None:
    written = Written(("spec",), text, trimmed=trimmed)
    assert written.checked == checked
    assert written.offset(None) == offset
