"""Which values policies take over from each other, and which policies a plan leaves open."""

from __future__ import annotations

import pytest

from gatekeeper_py.policy.model import ValidatingPolicy
from gatekeeper_py.policy.sharing.candidate import Candidate
from gatekeeper_py.policy.sharing.index import Candidates
from gatekeeper_py.policy.sharing.plan import Plan
from tests.policy.support import Json, engine, request, validating


def candidates(*policies: Json) -> Candidates[ValidatingPolicy]:
    return engine(*policies).policies.validating.concerning(request())


def reading(name: str, variables: dict[str, str], *checks: str, **spec: object) -> Json:
    """A policy with these variables and validations."""
    return validating(
        name,
        variables=[{"name": variable, "expression": text} for variable, text in variables.items()],
        validations=[{"expression": check} for check in checks],
        **spec,
    )


def names(found: tuple[Candidate[ValidatingPolicy], ...]) -> list[str]:
    return [candidate.policy.name for candidate in found]


def planned_variables(plan: Plan) -> dict[str, list[tuple[str, bool]]]:
    """For each policy the variables it sets, and whether it computes them."""
    return {
        planned.candidate.policy.name: [
            (name, evaluate is not None) for name, _, evaluate in planned.variables
        ]
        for planned in plan.policies
    }


def test_a_variable_that_means_the_same_is_computed_once() -> None:
    data = {"v": "object.data"}
    found = candidates(reading("a", data, "has(variables.v.a)"), reading("b", data, "variables.v.size() > 0"))
    assert planned_variables(found.plan((True,))) == {"a": [("v", True)], "b": []}


def test_a_name_that_means_another_thing_between_is_set_again_from_what_was_kept() -> None:
    found = candidates(
        reading("a", {"v": "object.data"}, "has(variables.v.a)"),
        reading("b", {"v": "object.kind"}, "variables.v != ''"),
        reading("c", {"v": "object.data"}, "variables.v.size() > 0"),
    )
    plan = found.plan((True,))
    assert planned_variables(plan) == {"a": [("v", True)], "b": [("v", True)], "c": [("v", False)]}
    assert plan.slots == 2


def test_only_variables_that_validations_read_are_set_those_they_read_first() -> None:
    variables = {"one": "object.data", "other": "object.kind", "two": "variables.one.a"}
    found = candidates(reading("a", variables, "variables.two == '1'"))
    assert planned_variables(found.plan((True,))) == {"a": [("one", True), ("two", True)]}


@pytest.mark.parametrize(
    ("applies", "planned", "undecided"),
    [(True, ["a"], []), (False, [], []), (None, [], ["a"])],
    ids=["applies", "does not", "cannot be told"],
)
def test_a_policy_is_planned_when_it_applies(
    applies: bool | None, planned: list[str], undecided: list[str]
) -> None:
    plan = candidates(reading("a", {}, "true")).plan((applies,))
    assert (list(planned_variables(plan)), names(plan.undecided)) == (planned, undecided)


ANNOTATED = {"auditAnnotations": [{"key": "k", "valueExpression": "string(object.kind)"}]}


def test_a_policy_that_writes_audit_annotations_is_looked_at_in_any_case() -> None:
    plan = candidates(reading("a", {}, "true", **ANNOTATED)).plan((True,))
    assert (planned_variables(plan), names(plan.undecided)) == ({}, ["a"])


@pytest.mark.parametrize(
    ("messages", "unread", "planned"), [(5, 0, True), (6, 0, False), (1, 5, False), (0, 9, True)]
)
def test_messages_that_could_exhaust_a_budget_are_left_to_the_policy(
    messages: int, unread: int, planned: bool
) -> None:
    """The API server evaluates the messages of validations that pass, and whatever variables these read."""
    checks = [{"expression": f"{at} >= 0", "messageExpression": "'no'"} for at in range(messages)]
    variables = [{"name": f"v{at}", "expression": f"object.kind + '{at}'"} for at in range(unread)]
    policy = validating("a", variables=variables, validations=checks or [{"expression": "true"}])
    plan = candidates(policy).plan((True,))
    assert (list(planned_variables(plan)) == ["a"]) is planned
    assert (names(plan.undecided) == ["a"]) is not planned


def test_a_plan_is_made_once_for_the_same_outcome() -> None:
    found = candidates(reading("a", {}, "true"))
    assert found.plan((True,)) is found.plan((True,))
    assert found.plan((True,)) is not found.plan((False,))
