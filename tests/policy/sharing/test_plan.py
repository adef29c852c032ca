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


def planned_variables(plan: Plan) -> dict[str, list[tuple[str, int]]]:
    """For each policy the variables it sets in any case, each with the slot that keeps its value."""
    return {
        planned.candidate.policy.name: [(name, slot) for name, slot, _ in planned.variables]
        for planned in plan.policies
    }


def test_a_variable_that_means_the_same_is_computed_once() -> None:
    data = {"v": "object.data"}
    found = candidates(reading("a", data, "has(variables.v.a)"), reading("b", data, "variables.v.size() > 0"))
    assert planned_variables(found.plan((True,))) == {"a": [("v", 0)], "b": []}


def test_a_name_that_means_another_thing_between_is_set_again_from_what_was_kept() -> None:
    found = candidates(
        reading("a", {"v": "object.data"}, "has(variables.v.a)"),
        reading("b", {"v": "object.kind"}, "variables.v != ''"),
        reading("c", {"v": "object.data"}, "variables.v.size() > 0"),
    )
    plan = found.plan((True,))
    assert planned_variables(plan) == {"a": [("v", 0)], "b": [("v", 1)], "c": [("v", 0)]}
    assert plan.slots == 2


def test_a_variable_that_only_a_branch_reads_waits_until_one_does() -> None:
    variables = {"v": "object.data", "w": "variables.v.a", "x": "object.kind"}
    check = "variables.x == 'Other' || variables.w == '1'"
    (planned,) = candidates(reading("a", variables, check)).plan((True,)).policies
    assert [name for name, _, _ in planned.variables] == ["x"]
    assert set(planned.perhaps) == {"v", "w"}


def test_a_name_that_may_hold_the_value_of_another_policy_is_forgotten() -> None:
    guarded = "object.kind == 'Other' || variables.v.size() > 0"
    found = candidates(
        reading("a", {"v": "object.data"}, guarded),
        reading("b", {"v": "object.data"}, guarded),
        reading("c", {"v": "object.kind"}, guarded),
    )
    plan = found.plan((True,))
    assert [planned.forgotten for planned in plan.policies] == [(), (), ("v",)]
    assert plan.slots == 2


def test_only_variables_that_validations_read_are_set_those_they_read_first() -> None:
    variables = {"one": "object.data", "other": "object.kind", "two": "variables.one.a"}
    found = candidates(reading("a", variables, "variables.two == '1'"))
    assert planned_variables(found.plan((True,))) == {"a": [("one", 0), ("two", 1)]}


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
    ("messages", "told", "planned"), [(5, 0, True), (6, 0, False), (1, 4, True), (1, 5, False), (0, 9, True)]
)
def test_messages_that_could_exhaust_a_budget_are_left_to_the_policy(
    messages: int, told: int, planned: bool
) -> None:
    """The API server evaluates the messages of validations that pass, and whatever variables these read."""
    said = " + ".join(["'no'", *(f"variables.v{at}" for at in range(told))])
    checks = [{"expression": f"{at} >= 0", "messageExpression": said} for at in range(messages)]
    variables = [{"name": f"v{at}", "expression": f"object.kind + '{at}'"} for at in range(told)]
    policy = validating("a", variables=variables, validations=checks or [{"expression": "true"}])
    plan = candidates(policy).plan((True,))
    assert (list(planned_variables(plan)) == ["a"]) is planned
    assert (names(plan.undecided) == ["a"]) is not planned


@pytest.mark.parametrize(("messages", "paid"), [(3, []), (4, ["v0", "v1"])])
def test_what_messages_and_perhaps_a_validation_read_is_paid_for_where_it_counts(
    messages: int, paid: list[str]
) -> None:
    guarded = {
        "expression": "object.kind == 'ConfigMap' || variables.v0 == variables.v1",
        "messageExpression": "variables.v0 + variables.v1",
    }
    variables = [{"name": f"v{at}", "expression": f"object.kind + '{at}'"} for at in range(2)]
    policy = validating("a", variables=variables, validations=[guarded] * messages)
    (planned,) = candidates(policy).plan((True,)).policies
    assert planned.to_be_paid == tuple(planned.perhaps[name] for name in paid)


def test_a_plan_is_made_once_for_the_same_outcome() -> None:
    found = candidates(reading("a", {}, "true"))
    assert found.plan((True,)) is found.plan((True,))
    assert found.plan((True,)) is not found.plan((False,))
