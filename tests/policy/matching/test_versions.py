"""Each policy judges a request once, in the version in which the API server's own would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersion, GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.matching.versions import versions_needed
from tests.policy.support import bound, manifests, mutating, validating

Json = dict[str, Any]

VERSIONS = ("v1", "v2", "v3")
OTHER = "v4"
"""A version that policies may name and nobody serves."""


def definition(strategy: str = "Webhook", group: str = "example.com") -> Json:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {"kind": "Widget", "plural": "widgets"},
            "conversion": {"strategy": strategy},
            "versions": [{"name": name, "served": True} for name in VERSIONS],
        },
    }


def rule(versions: Iterable[str], group: str = "example.com", resource: str = "widgets") -> Json:
    return {
        "apiGroups": [group],
        "apiVersions": list(versions),
        "operations": ["*"],
        "resources": [resource],
    }


SEES = "request.kind.version + ' ' + object.apiVersion + ' ' + request.requestKind.version"


def seeing(name: str, *rules: Json, match_policy: str = "Equivalent", **more: Any) -> Json:
    """A policy that refuses everything, and says as what it sees it."""
    return validating(
        name,
        matchConstraints={"resourceRules": list(rules), "matchPolicy": match_policy, **more},
        validations=[{"expression": "false", "messageExpression": SEES}],
    )


def widget(version: str, **fields: Any) -> AdmissionRequest:
    return AdmissionRequest(
        uid="u",
        kind=GroupVersionKind("example.com", version, "Widget"),
        resource=GroupVersionResource("example.com", version, "widgets"),
        operation="CREATE",
        name="w",
        object={"apiVersion": f"example.com/{version}", "kind": "Widget", "metadata": {"name": "w"}},
        **fields,
    )


def engine(*policies: Json, cluster: Iterable[Json] = ()) -> Engine:
    loaded = load_policies(manifests(*policies, *map(bound, policies)))
    return Engine(loaded, Snapshot(cluster or [definition()]))


def needed(asked: Engine, kinds: Kinds | None = None) -> frozenset[GroupVersion]:
    policies = asked.policies
    return versions_needed(
        (*policies.validating, *policies.mutating), kinds or Snapshot([definition()]).kinds
    )


def questions(version: str, conversions: frozenset[GroupVersion]) -> list[AdmissionRequest]:
    """What the API server asks of a registration about one widget, which it converts."""
    sent = widget(version, conversions=conversions)
    converted = [
        replace(
            widget(each.version, conversions=conversions),
            request_kind=sent.kind,
            request_resource=sent.resource,
        )
        for each in sorted(conversions)
        if each.version in VERSIONS and each.version != version
    ]
    return [replace(sent, request_kind=sent.kind, request_resource=sent.resource), *converted]


def seen(asked: Engine, requests: Iterable[AdmissionRequest]) -> dict[str, list[str]]:
    """As what each policy saw the requests."""
    found: dict[str, list[str]] = {}
    for request in requests:
        for finding in asked.review(request).findings:
            found.setdefault(finding.policy, []).append(finding.message)
    return found


named_versions = st.lists(st.sampled_from([*VERSIONS, OTHER]), min_size=1, max_size=3, unique=True)
rules = st.lists((named_versions | st.just(["*"])).map(rule), min_size=1, max_size=3)
some_policies = st.lists(st.tuples(rules, st.sampled_from(["Equivalent", "Exact"])), min_size=1, max_size=4)


def natively(rules_of_policy: list[Json], match_policy: str, version: str) -> str | None:
    """The version in which the API server's own policy would see it (generic/policy_matcher.go)."""
    named = [each["apiVersions"] for each in rules_of_policy]
    if any(version in versions or "*" in versions for versions in named):
        return version
    if match_policy == "Exact":
        return None
    return next((other for versions in named for other in VERSIONS if other in versions), None)


@given(some_policies, st.sampled_from(VERSIONS))
def test_each_policy_judges_once_and_as_the_api_servers_own(
    policies: list[tuple[list[Json], str]], version: str
) -> None:
    made = [
        seeing(f"p{number}", *of_policy, match_policy=match_policy)
        for number, (of_policy, match_policy) in enumerate(policies)
    ]
    asked = engine(*made)
    expected = {
        f"p{number}": [f"{native} example.com/{native} {version}"]
        for number, (of_policy, match_policy) in enumerate(policies)
        if (native := natively(of_policy, match_policy, version)) is not None
    }
    assert seen(asked, questions(version, needed(asked))) == expected


def test_without_the_question_that_it_needs_a_policy_refuses_in_words() -> None:
    asked = engine(seeing("p", rule(["v1"])))
    (messages,) = seen(asked, questions("v2", frozenset())).values()
    assert messages == [
        "failed to configure policy: it judges example.com/v1, the object was sent in another version, and "
        "nobody converted it. Send it in that version; or name every version in the policy, or register the "
        "webhooks anew for these policies (gatekeeper install)"
    ]


def test_its_failure_policy_decides_what_that_means() -> None:
    policy = seeing("p", rule(["v1"]))
    policy["spec"]["failurePolicy"] = "Ignore"
    assert seen(engine(policy), questions("v2", frozenset())) == {}


def test_versions_that_differ_by_name_alone_need_no_question() -> None:
    asked = engine(seeing("p", rule(["v1"])), cluster=[definition("None")])
    assert seen(asked, questions("v2", frozenset())) == {"p": ["v1 example.com/v1 v2"]}


def test_with_a_question_of_their_own_they_are_judged_there_alone() -> None:
    asked = engine(seeing("p", rule(["v1"])), cluster=[definition("None")])
    assert seen(asked, questions("v2", needed(asked))) == {"p": ["v1 example.com/v1 v2"]}


def test_a_kind_that_only_the_api_server_knows_is_judged_where_it_converts() -> None:
    asked = engine(seeing("p", rule(["v1"])), cluster=[definition(group="other.example.com")])
    conversions = needed(asked, Kinds.builtin())
    assert conversions == {GroupVersion("example.com", "v1")}
    assert seen(asked, questions("v2", conversions)) == {"p": ["v1 example.com/v1 v2"]}


def test_where_no_api_server_asks_objects_are_judged_as_they_are() -> None:
    asked = engine(seeing("p", rule(["v1"])))
    assert seen(asked, [widget("v2")]) == {"p": ["v1 example.com/v1 v2"]}


def test_a_registration_of_somebody_elses_that_converts_everything_is_judged_as_it_arrives() -> None:
    sent, converted = widget("v2"), widget("v1", conversions=frozenset())
    request = replace(converted, request_kind=sent.kind, request_resource=sent.resource)
    asked = engine(seeing("named", rule(["v1"])), seeing("all", rule(["*"])))
    assert sorted(seen(asked, [request])) == ["all", "named"]


def test_an_excluded_version_excludes_all_whatever_is_asked() -> None:
    policy = seeing("p", rule(["v1"]), excludeResourceRules=[rule(["v2"])])
    asked = engine(policy)
    for version in VERSIONS:
        assert seen(asked, questions(version, needed(asked))) == {}


def test_a_scale_is_the_same_in_every_version_and_asked_about_once() -> None:
    scale = GroupVersionKind("autoscaling", "v1", "Scale")
    scalable = definition()
    for version in scalable["spec"]["versions"]:
        version["subresources"] = {"scale": {}}
    asked = engine(seeing("p", rule(["v1"], resource="widgets/scale")), cluster=[scalable])
    request = replace(
        widget("v2", conversions=needed(asked, Snapshot([scalable]).kinds)),
        kind=scale,
        subresource="scale",
        object={"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "w"}},
    )
    assert request.conversions
    assert seen(asked, [request]) == {"p": ["v1 autoscaling/v1 v1"]}


def test_a_binding_matches_by_what_was_sent() -> None:
    policy = seeing("p", rule(["v1"]))
    binding = bound(policy, matchResources={"resourceRules": [rule(["v2"])], "matchPolicy": "Exact"})
    loaded = load_policies(manifests(policy, binding))
    asked = Engine(loaded, Snapshot([definition()]))
    assert seen(asked, questions("v2", needed(asked))) == {"p": ["v1 example.com/v1 v2"]}
    assert seen(asked, questions("v3", needed(asked))) == {}


def test_a_mutation_is_made_once() -> None:
    rules = {"resourceRules": [rule(["v1"])]}
    policy = mutating("m", "[JSONPatch{op: 'add', path: '/spec', value: {'a': object.apiVersion}}]")
    policy["spec"]["matchConstraints"] = rules
    asked = engine(policy)
    patches = [asked.review(each).patch for each in questions("v2", needed(asked))]
    assert [len(patch) for patch in patches] == [0, 1]


# --- which versions are needed


NEEDS: dict[str, tuple[Json, set[tuple[str, str]]]] = {
    "every version": (rule(["*"]), set()),
    "one of several": (rule(["v1"]), {("example.com", "v1")}),
    "one that nobody serves": (rule([OTHER]), set()),
    "the only version": (rule(["v1"], "apps", "deployments"), set()),
    "a version of Kubernetes'": (
        rule(["v1"], "autoscaling", "horizontalpodautoscalers"),
        {("autoscaling", "v1")},
    ),
    "its subresource": (
        rule(["v1"], "autoscaling", "horizontalpodautoscalers/status"),
        {("autoscaling", "v1")},
    ),
    "something else of the group": (rule(["v1"], "autoscaling", "nothing"), set()),
    "a group that nobody knows": (rule(["v1"], "unknown.example.com"), {("unknown.example.com", "v1")}),
    "every group": (rule(["v1"], "*", "*"), {("*", "v1")}),
}


@pytest.mark.parametrize(("named", "versions"), NEEDS.values(), ids=NEEDS)
def test_versions_are_needed_where_there_may_be_others(named: Json, versions: set[tuple[str, str]]) -> None:
    assert needed(engine(seeing("p", named))) == {GroupVersion(*each) for each in versions}


def test_one_group_needs_no_question_beside_that_for_every_group() -> None:
    asked = engine(seeing("p", rule(["v1", "v2"])), seeing("q", rule(["v1"], "*", "*")))
    assert needed(asked) == {GroupVersion("*", "v1"), GroupVersion("example.com", "v2")}


@pytest.mark.parametrize(
    "policy", [seeing("p", rule(["v1"]), match_policy="Exact"), seeing("unbound", rule(["v1"]))]
)
def test_policies_that_never_see_another_version_need_none(policy: Json) -> None:
    bindings = [] if policy["metadata"]["name"] == "unbound" else [bound(policy)]
    loaded = load_policies(manifests(policy, *bindings))
    assert versions_needed(loaded.validating, Snapshot([definition()]).kinds) == frozenset()
