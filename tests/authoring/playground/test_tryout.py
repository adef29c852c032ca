"""What the page is told of a sheet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.authoring.playground import tryout
from gatekeeper_py.authoring.playground.sheet import Sheet
from gatekeeper_py.authoring.playground.tryout import try_out
from tests.authoring.playground.sheets import DENIED, MUTATION, POD, SHEET, TENANTS, VALIDATION


def only(sheet: Sheet) -> dict[str, Any]:
    """What becomes of the one object of a sheet that has no fault."""
    answer = try_out(sheet)
    assert answer["problems"] == []
    assert answer["notices"] == []
    (request,) = answer["requests"]
    found: dict[str, Any] = request
    return found


def test_an_object_is_changed_and_the_change_is_a_diff() -> None:
    request = only(SHEET)
    assert (request["name"], request["verdict"]) == ("CREATE Pod foo/web", "changed")
    assert [line for line in request["diff"] if line[0] in "+-"] == ["+  runtimeClassName: kata"]


def test_an_object_is_denied_and_it_is_said_why() -> None:
    request = only(DENIED)
    assert request["verdict"] == "denied"
    assert request["message"].endswith("denied request: pin the images")


def test_a_warning_is_one() -> None:
    request = only(replace(DENIED, policy=VALIDATION.replace("[Deny]", "[Warn]")))
    assert request["verdict"] == "warned"
    assert "pin the images" in request["warnings"][0]


def test_every_expression_is_explained_with_its_cost() -> None:
    mutating, validating = only(DENIED)["policies"]
    assert (mutating["name"], mutating["mutates"]) == ("isolated", True)
    assert [each["place"] for each in mutating["expressions"]] == [
        "matchConditions of-a-tenant",
        "mutations[0]",
    ]
    (validation,) = validating["expressions"]
    assert validation["tree"]["given"] == ["false"]
    assert validation["cost"] > 0
    assert validating["cost"] == validation["cost"]
    (walked, checked) = validation["tree"]["parts"]
    assert walked["text"] == "object.spec.containers"
    assert checked["given"] == ["false"]
    assert only(DENIED)["cost"] == mutating["cost"] + validating["cost"]


def test_what_a_validation_sees_is_what_mutation_left() -> None:
    policy = VALIDATION.replace(
        "object.spec.containers.all(c, c.image.contains('@'))", "has(object.spec.runtimeClassName)"
    )
    validating = only(replace(SHEET, policy=policy + MUTATION))["policies"][1]
    assert validating["expressions"][0]["tree"]["given"] == ["true"]


def test_a_policy_that_does_not_match_says_so() -> None:
    request = only(
        replace(SHEET, policy=VALIDATION, manifest="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    )
    assert request["verdict"] == "allowed"
    assert request["policies"][0]["why"] == "the rules and selectors of the policy do not select the request"


def test_an_update_finds_the_old_object_in_what_exists() -> None:
    sheet = replace(DENIED, policy=VALIDATION, cluster=POD, operation="UPDATE")
    assert only(sheet)["name"] == "UPDATE Pod foo/web"


def test_who_asks_is_as_the_sheet_says() -> None:
    policy = VALIDATION.replace(
        "object.spec.containers.all(c, c.image.contains('@'))", "request.userInfo.username == 'eve'"
    )
    sheet = replace(SHEET, policy=policy, user="eve", groups="a, b,")
    assert only(sheet)["verdict"] == "allowed"
    groups = policy.replace("username == 'eve'", "groups == ['a', 'b', 'system:authenticated']")
    assert only(replace(sheet, policy=groups))["verdict"] == "allowed"


@pytest.mark.parametrize(
    ("pane", "text", "line", "said"),
    [
        ("policy", VALIDATION.replace("object.spec", "objct.spec"), 9, "undeclared reference to 'objct'"),
        ("policy", "a: [", 1, "not valid YAML"),
        ("manifest", "kind: Pod\n", 1, "the object has no apiVersion. Add apiVersion"),
        ("tenants", TENANTS.replace("isolation: vm", "isolation: wm"), 16, "must be one of"),
        ("cluster", "- a\n", 1, "not a Kubernetes object"),
    ],
)
def test_a_fault_is_told_at_its_place(pane: str, text: str, line: int, said: str) -> None:
    answer = try_out(replace(SHEET, **{pane: text}))
    assert answer["requests"] == []
    found = answer["problems"][0]
    assert found["pane"] == pane
    assert found["line"] >= line
    assert said in found["text"]


@pytest.mark.parametrize(
    ("sheet", "pane", "said"),
    [
        (Sheet(), "policy", "write a policy and its binding"),
        (Sheet(policy=VALIDATION), "manifest", "write a manifest"),
        (replace(SHEET, tenants=""), "tenants", tryout.NO_TENANTS),
        (replace(SHEET, policy=VALIDATION.partition("---")[0]), "policy", "has no binding"),
        (
            replace(SHEET, manifest="---\n".join([POD] * 21)),
            "manifest",
            "only the first 20 objects are tried",
        ),
    ],
)
def test_what_shows_nothing_is_said_to(sheet: Sheet, pane: str, said: str) -> None:
    notices = try_out(sheet)["notices"]
    assert [each for each in notices if each["pane"] == pane and said in each["text"]]


def test_lint_is_asked_too() -> None:
    policy = VALIDATION.replace("c.image.", "c.imge.")
    (notice,) = try_out(replace(SHEET, policy=policy))["notices"]
    assert (notice["code"], notice["line"]) == ("GK201", 9)


def test_an_object_that_no_server_takes_is_said_to_be_one() -> None:
    assert only(replace(SHEET, manifest=POD + "  hostnetwork: true\n"))["odd"] == [
        "spec.hostnetwork is unknown. Did you mean hostNetwork?"
    ]


def test_an_object_that_cannot_be_submitted_costs_only_itself() -> None:
    requests = try_out(replace(SHEET, manifest=POD, operation="UPDATE", subresource="nothing"))["requests"]
    assert requests[0]["verdict"] == "unusable"
    assert "nothing" in requests[0]["message"]


def test_only_so_many_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tryout, "MOST_EXPLAINED", 1)
    explained, left = only(SHEET)["policies"]
    assert explained["expressions"]
    assert (left["why"], left["expressions"]) == ("only 1 are explained", [])


def test_only_so_many_parts_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tryout, "MOST_PARTS", 1)
    assert only(DENIED)["policies"][1]["expressions"][0]["tree"]["parts"] == []
