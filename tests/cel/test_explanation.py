from __future__ import annotations

from gatekeeper_py.cel import Budget, kubernetes_environment
from gatekeeper_py.cel.checking.types import DYN
from gatekeeper_py.cel.explanation import OUTCOME_LIMIT, Explanation, explain

ENVIRONMENT = kubernetes_environment().extend(variables={"object": DYN})


def explained(text: str, data: object) -> Explanation:
    return explain(ENVIRONMENT.compile(text), {"object": data})


def lines(explanation: Explanation, level: int = 0) -> list[str]:
    shown = ", ".join(outcome.error or repr(outcome.value) for outcome in explanation.outcomes) or "-"
    result = [f"{'  ' * level}{explanation.text} => {shown}"]
    for part in explanation.parts:
        result += lines(part, level + 1)
    return result


def test_every_part_has_its_value() -> None:
    assert lines(explained("object.a + 1 == 3", {"a": 2})) == [
        "object.a + 1 == 3 => True",
        "  object.a + 1 => 3",
        "    object.a => 2",
        "      object => {'a': 2}",
        "    1 => 1",
        "  3 => 3",
    ]


def test_absorbed_errors_show() -> None:
    assert lines(explained("object.b == 1 || true || object.c", {})) == [
        "object.b == 1 || true || object.c => True",
        "  object.b == 1 => no such key: b",
        "    object.b => no such key: b",
        "      object => {}",
        "    1 => 1",
        "  true => True",
        "  object.c => -",
        "    object => -",
    ]


def test_the_error_of_the_whole_shows_where_it_began() -> None:
    explanation = explained("object.a.b.c == 1", {"a": {}})
    assert explanation.outcomes[0].error == "no such key: b"
    assert [line for line in lines(explanation) if "no such key" not in line] == [
        "      object.a => {}",
        "        object => {'a': {}}",
        "  1 => 1",
    ]


def test_a_loop_body_has_an_outcome_each_turn() -> None:
    explanation = explained("object.all(i, i < 2)", [1, 2, 3])
    body = next(part for part in explanation.parts if part.text == "i < 2")
    assert [outcome.value for outcome in body.outcomes] == [True, False]


def test_outcomes_of_long_loops_are_cut() -> None:
    explanation = explained("object.all(i, i < 1000000)", list(range(1000)))
    body = next(part for part in explanation.parts if part.text == "i < 1000000")
    assert len(body.outcomes) == OUTCOME_LIMIT


def test_what_macros_add_does_not_show() -> None:
    assert lines(explained("object.?a.optMap(v, v + 1).orValue(0)", {"a": 1})) == [
        "object.?a.optMap(v, v + 1).orValue(0) => 2",
        "  object.?a.optMap(v, v + 1) => Optional(2)",
        "    object.?a => Optional(1)",
        "      object => {'a': 1}",
        "    v + 1 => 2",
        "      v => 1",
        "      1 => 1",
        "  0 => 0",
    ]


def test_names_of_functions_are_no_values() -> None:
    assert lines(explained("optional.of(object).hasValue()", 1)) == [
        "optional.of(object).hasValue() => True",
        "  optional.of(object) => Optional(1)",
        "    object => 1",
    ]


def test_an_expression_too_dear_is_cut_off() -> None:
    explanation = explained("object.all(i, object.all(j, object.all(k, k >= 0)))", list(range(200)))
    assert explanation.outcomes[0].error == "operation cancelled: actual cost limit exceeded"


def test_spans_point_into_the_text() -> None:
    text = "object.a == 'é' && object.b"
    explanation = explain(ENVIRONMENT.compile(text), {"object": {}}, Budget(100))
    for part in explanation.parts:
        assert text[part.span.start : part.span.end] == part.text
