"""A binding is read whole: each field of the document is one of what the engine works with."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.selector import EVERYTHING, Selector
from gatekeeper_py.policy.loading.checks import check_binding
from gatekeeper_py.policy.model import (
    Binding,
    MatchResources,
    MutatingBinding,
    ParamRef,
    Rule,
    ValidatingBinding,
)
from tests.policy.support import bound, mutating, validating

SOURCE = Source("policy.yaml")
GOLD = {"matchLabels": {"tier": "gold"}}


def read(document: dict[str, Any]) -> Binding | None:
    binding, problems = check_binding(Manifest(document, SOURCE))
    assert problems == []
    return binding


def test_what_a_binding_leaves_out_is_everything() -> None:
    assert read(bound(validating())) == ValidatingBinding("p-b", SOURCE, "p", None, None, ("Deny",))
    assert read(bound(mutating())) == MutatingBinding("p-b", SOURCE, "p", None, None)


def test_actions_stay_in_their_order() -> None:
    document = bound(validating(), validationActions=["Warn", "Audit"])
    assert read(document) == ValidatingBinding("p-b", SOURCE, "p", actions=("Warn", "Audit"))


REFERENCES: list[tuple[dict[str, Any], ParamRef]] = [
    ({"name": "a", "parameterNotFoundAction": "Deny"}, ParamRef("a", None, "", "Deny")),
    ({"name": "a", "namespace": "x", "parameterNotFoundAction": "Allow"}, ParamRef("a", None, "x", "Allow")),
    ({"selector": GOLD, "parameterNotFoundAction": "Allow"}, ParamRef("", Selector.of(GOLD), "", "Allow")),
    (
        {"selector": {}, "namespace": "x", "parameterNotFoundAction": "Deny"},
        ParamRef("", EVERYTHING, "x", "Deny"),
    ),
]


@pytest.mark.parametrize("make", [validating, mutating])
@pytest.mark.parametrize(("written", "expected"), REFERENCES)
def test_params_are_named_or_selected_here_or_there(
    make: Any, written: dict[str, Any], expected: ParamRef
) -> None:
    binding = read(bound(make(), paramRef=written))
    assert binding is not None
    assert binding.param_ref == expected


@pytest.mark.parametrize("make", [validating, mutating])
def test_a_binding_narrows_what_its_policy_matches(make: Any) -> None:
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["deployments"],
        "scope": "Namespaced",
        "resourceNames": ["web"],
    }
    excluded = {**rule, "resourceNames": ["old"], "scope": "*"}
    written = {
        "resourceRules": [rule],
        "excludeResourceRules": [excluded],
        "namespaceSelector": GOLD,
        "objectSelector": {"matchLabels": {"app": "web"}},
        "matchPolicy": "Exact",
    }
    binding = read(bound(make(), matchResources=written))
    assert binding is not None
    what = (("CREATE",), ("apps",), ("v1",), ("deployments",))
    assert binding.match == MatchResources(
        rules=(Rule(*what, "Namespaced", ("web",)),),
        exclude_rules=(Rule(*what, "*", ("old",)),),
        namespace_selector=Selector.of(GOLD),
        object_selector=Selector.of({"matchLabels": {"app": "web"}}),
        match_policy="Exact",
    )
