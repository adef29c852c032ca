"""What a policy and its match conditions may cost together, to the unit: by the API server and by us.

Expressions are made whose costs, as our engine counts them, add up to the limit, or to one more. A cost that the
API server counts otherwise shows here, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from gatekeeper_py.cel import Budget
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.evaluation.expression import CONDITIONS_BUDGET, PASS_BUDGET
from gatekeeper_py.policy.model import ValidatingPolicy
from tests.e2e import test_corners as corners
from tests.e2e.conftest import namespace
from tests.e2e.harness import ControlPlane
from tests.e2e.test_corners import Answer

Json = dict[str, Any]

MOST_SPENT = 900_000
"""By one expression: each has a limit of its own, a million."""
DEEPEST = 5
ITEMS = f"[{', '.join('1' * 10)}]"
UNIT = "1 == 1"


def block(depth: int) -> str:
    """True, after ten times the turns of the block below."""
    return f"{ITEMS}.all(x{depth}, {block(depth - 1)})" if depth else UNIT


@cache
def cost_of(expression: str) -> int:
    policy = load_policies([Manifest(corners.policy(0, expression), Source("policy"))]).validating[0]
    assert isinstance(policy, ValidatingPolicy)
    budget = Budget(PASS_BUDGET)
    assert policy.validations[0].expression.program.evaluate({}, budget) is True
    return PASS_BUDGET - budget.remaining


def blocks(total: int) -> Iterator[str]:
    """That cost so much together, the dearest first."""
    for depth in range(DEEPEST, -1, -1):
        count, total = divmod(total, cost_of(block(depth)))
        yield from [block(depth)] * count


def expressions(total: int) -> list[str]:
    """As few as may be, each below the limit of one."""
    made: list[list[str]] = [[]]
    spent = 0
    for each in blocks(total):
        if spent + cost_of(each) > MOST_SPENT:
            made.append([])
            spent = 0
        made[-1].append(each)
        spent += cost_of(each)
    return [" && ".join(each) for each in made]


def validations(total: int) -> Json:
    return {"validations": [{"expression": each} for each in expressions(total)]}


def variables(total: int) -> Json:
    """Each read twice, and paid for once; a reading costs two."""
    made = expressions(total - 4 * len(expressions(total)))
    return {
        "variables": [{"name": f"v{number}", "expression": each} for number, each in enumerate(made)],
        "validations": [
            {"expression": f"variables.v{number}"} for number in range(len(made)) for _ in range(2)
        ],
    }


def messages(total: int) -> Json:
    """Of validations that pass: nobody reads them, and they are paid for."""
    return {
        "validations": [
            {"expression": "true", "messageExpression": f"{each} ? 'a' : 'b'"} for each in expressions(total)
        ]
    }


def audited(total: int) -> Json:
    """They have the whole once more."""
    audit = [
        {"key": f"a{number}", "valueExpression": f"{each} ? 'a' : 'b'"}
        for number, each in enumerate(expressions(total))
    ]
    return {**validations(PASS_BUDGET), "auditAnnotations": audit}


def conditions(total: int) -> Json:
    """Of a policy that denies whatever it matches."""
    made = [{"name": f"c{number}", "expression": each} for number, each in enumerate(expressions(total))]
    return {"matchConditions": made, "validations": [{"expression": "false", "message": "matched"}]}


def ignored(total: int) -> Json:
    return {**conditions(total), "failurePolicy": "Ignore"}


MAKERS: Mapping[str, tuple[Callable[[int], Json], int]] = {
    "validations": (validations, PASS_BUDGET),
    "variables": (variables, PASS_BUDGET),
    "messages": (messages, PASS_BUDGET),
    "audit annotations": (audited, PASS_BUDGET),
    "match conditions": (conditions, CONDITIONS_BUDGET),
    "match conditions, failures ignored": (ignored, CONDITIONS_BUDGET),
}
ROWS: Mapping[str, tuple[Callable[[int], Json], int]] = {
    f"{name} {more:+d}": (maker, limit + more)
    for name, (maker, limit) in MAKERS.items()
    for more in (-1, 0, 1, 2)
}


def policy(number: int) -> Json:
    maker, total = list(ROWS.values())[number]
    made = corners.policy(number, "true")
    return {**made, "spec": {**made["spec"], **maker(total)}}


@pytest.fixture(scope="module")
def theirs(bare_plane: ControlPlane) -> Mapping[int, Answer]:
    for number in range(len(ROWS)):
        bare_plane.send("POST", "/api/v1/namespaces", namespace(corners.place(number)))
        bare_plane.send("POST", corners.BINDINGS, corners.binding(number))
        bare_plane.send("POST", corners.POLICIES, policy(number))
    time.sleep(corners.SETTLED_SECONDS)
    return {number: corners.created(bare_plane, number) for number in range(len(ROWS))}


def ours(number: int) -> Answer:
    """The API server tells the first denial of a policy."""
    documents = [Manifest(each, Source("budget")) for each in (policy(number), corners.binding(number))]
    view = Snapshot.of([Manifest(namespace(corners.place(number)), Source("namespace"))])
    submitted = Manifest(corners.config_map(number), Source("object"))
    request = make_request(submitted, view, Submission("CREATE", "", make_user("admin", ("system:masters",))))
    decision = Engine(load_policies(documents), view).review(request)
    return Answer("allowed") if decision.allowed else Answer("denied", decision.findings[0].message)


@pytest.mark.parametrize(("number", "name"), list(enumerate(ROWS)), ids=list(ROWS))
def test_a_budget_ends_at_the_unit_at_which_the_api_server_ends_it(
    theirs: Mapping[int, Answer], number: int, name: str
) -> None:
    assert ours(number) == theirs[number], name


def test_both_answers_are_among_them(theirs: Mapping[int, Answer]) -> None:
    assert {answer.verdict for answer in theirs.values()} == {"allowed", "denied"}
