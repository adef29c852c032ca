"""Which variables an expression reads whatever the data say."""

from __future__ import annotations

import pytest

from gatekeeper_py.policy.sharing.certainty import surely_read
from tests.policy.support import engine, validating

VARIABLES = [{"name": name, "expression": "object.data"} for name in ("a", "b", "c")]

READ = {
    "object.kind == 'Pod'": set(),
    "variables.a.size() > variables.b.size()": {"a", "b"},
    "has(variables.a)": {"a"},
    "has(variables.a.x)": {"a"},
    "!(variables.a == variables.b)": {"a", "b"},
    "variables.a.x == '' && variables.b.x == ''": {"a"},
    "variables.a.x == '' || variables.b.x == ''": {"a"},
    "variables.a.x == '' ? variables.b.x == '' : variables.c.x == ''": {"a"},
    "variables.a.all(key, key in variables.b)": {"a"},
    "[variables.a, variables.b].exists(each, each == variables.c)": {"a", "b"},
    "{'x': variables.a} == {'x': variables.b}": {"a", "b"},
    "variables.a.?x.orValue(variables.b.y) == ''": {"a"},
    "variables.a.?x.or(variables.b.?x) == optional.of(variables.c)": {"a", "c"},
    "variables.a.?x.optMap(x, variables.b.y + x).hasValue()": {"a"},
}


@pytest.mark.parametrize(("text", "expected"), READ.items(), ids=READ)
def test_what_may_be_passed_over_is_not_surely_read(text: str, expected: set[str]) -> None:
    policy = validating("p", variables=VARIABLES, validations=[{"expression": text}])
    (loaded,) = engine(policy).policies.validating
    assert surely_read(loaded.validations[0].expression) == expected
