"""Laying out changes white space alone, twice is once, and lines end where a reader would end them."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel import lay_out
from gatekeeper_py.cel.errors import CompileError
from gatekeeper_py.cel.syntax.parser import parse
from tests.cel.expressions import pair
from tests.cel.outline import outline
from tests.shipped import POLICIES

WIDTH = 40
LAID_OUT = {
    "one line is enough": ("a==1&&b  !=  2", "a == 1 && b != 2"),
    "what a line cannot hold ends at its outermost operators": (
        "object.metadata.name == 'a' && object.spec.replicas > 3",
        "object.metadata.name == 'a' &&\nobject.spec.replicas > 3",
    ),
    "and within or is indented": (
        "first.condition && second.condition || third.condition && fourth.condition && fifth.condition",
        "first.condition && second.condition ||\nthird.condition &&\n  fourth.condition &&\n  fifth.condition",
    ),
    "what is compared stands below": (
        "object.spec.template.spec.containers != oldObject.spec.template.spec.containers",
        "object.spec.template.spec.containers !=\noldObject.spec.template.spec.containers",
    ),
    "choices stand below each other": (
        "kind == 'Pod' ? object.spec : kind == 'Job' ? object.spec.template.spec : {}",
        "kind == 'Pod' ? object.spec :\nkind == 'Job' ?\n  object.spec.template.spec :\n{}",
    ),
    "texts fill lines": (
        "'container ' + container.name + ' has ' + string(port) + ', which is the node\\'s'",
        "'container ' + container.name +\n' has ' + string(port) +\n', which is the node\\'s'",
    ),
    "methods of a chain stand below each other": (
        "spec.volumes.orValue([]).filter(volume, has(volume.projected)).map(volume, volume.name)",
        "spec.volumes.orValue([])\n  .filter(volume, has(volume.projected))\n  .map(volume, volume.name)",
    ),
    "one method is broken behind its variable": (
        "variables.containers.exists(container, container.image == '')",
        "variables.containers.exists(container,\n  container.image == '')",
    ),
    "words of a list fill lines": (
        "name in ['alpha', 'beta', 'gamma', 'delta', 'epsilon']",
        "name in\n['alpha', 'beta', 'gamma', 'delta',\n  'epsilon']",
    ),
    "messages and maps": (
        "[JSONPatch{op:'add',path:'/a',value:{'k':[1,2u,0.5],?'x':y}}]",
        "[JSONPatch{op: 'add',\n    path: '/a',\n    value: {'k': [1, 2u, 0.5],\n      ?'x': y}}]",
    ),
    "signs, marks and absolute names": ("! - a.?b [ ?c ] . d ( ) +- .e", "!-a.?b[?c].d() + -.e"),
    "brackets stay": ("( a )*( b+c )", "(a) * (b + c)"),
    "trailing commas stay": ("[a,b,]", "[a, b,]"),
    "a string longer than a line stays whole": (f"a == '{'x' * 50}'", f"a ==\n'{'x' * 50}'"),
}


@pytest.mark.parametrize("name", LAID_OUT)
def test_lines(name: str) -> None:
    before, after = LAID_OUT[name]
    assert lay_out(before, WIDTH) == after
    assert lay_out(after, WIDTH) == after


@pytest.mark.parametrize(
    "text",
    [
        "a // why\n  && b",
        "a &&",
        "a b",
        "'''a\n\nb''' == c",
        "(" * 5000,
        "a ? b",
        "a..b",
        ")",
        "",
        "{a}",
        "1 +",
    ],
    ids=lambda text: text[:10],
)
def test_what_would_lose_something_and_what_is_no_expression_stays(text: str) -> None:
    assert lay_out(text, WIDTH) == text


def shipped_expressions() -> list[str]:
    found: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for key, each in value.items():
                if key in ("expression", "messageExpression", "valueExpression"):
                    found.append(each)
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    for path in sorted(POLICIES.rglob("*.yaml")):
        if not path.name.endswith("_test.yaml"):
            for document in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader):
                walk(document)
    return sorted(set(found))


def test_shipped_expressions_mean_the_same() -> None:
    expressions = shipped_expressions()
    assert len(expressions) > 300
    for text in expressions:
        made = lay_out(text, 100)
        assert outline(parse(made)) == outline(parse(text))
        assert lay_out(made, 100) == made


@given(st.integers(0, 10**6), st.integers(10, 120), st.randoms())
def test_any_expression_means_the_same(seed: int, width: int, random: object) -> None:
    text, _ = pair(seed)
    try:
        before = outline(parse(text))
    except CompileError:
        return
    made = lay_out(text, width)
    assert outline(parse(made)) == before
    assert lay_out(made, width) == made
    assert lay_out(made.replace("\n", "  \n "), width) == made


@given(st.text(alphabet="ab.?:&|()[]{}'\"!-+ ,1\n/\\", max_size=30))
def test_any_text_is_survived(text: str) -> None:
    made = lay_out(text, 10)
    assert lay_out(made, 10) == made
    assert made.split() == text.split() or "".join(made.split()) == "".join(text.split())
