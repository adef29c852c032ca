"""Whether policies are about requests: the rules of apiserver/pkg/admission/plugin/policy/matching."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object
from gatekeeper_py.objects.selector import Selector
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.matching.match import EXEMPT, Match, MatchError, exempt, match, may_concern
from gatekeeper_py.policy.model import MatchResources, Rule
from tests.objects.test_kinds import V1, V2, definition

POD = AdmissionRequest(
    uid="1",
    kind=GroupVersionKind("", "v1", "Pod"),
    resource=GroupVersionResource("", "v1", "pods"),
    operation="CREATE",
    name="p",
    namespace="x",
    object={"metadata": {"name": "p", "labels": {"app": "a"}}},
)
NAMESPACE = AdmissionRequest(
    uid="1",
    kind=GroupVersionKind("", "v1", "Namespace"),
    resource=GroupVersionResource("", "v1", "namespaces"),
    operation="CREATE",
    name="x",
    namespace="x",
    object={"metadata": {"name": "x", "labels": {"team": "new"}}},
)
NODE = AdmissionRequest(
    uid="1",
    kind=GroupVersionKind("", "v1", "Node"),
    resource=GroupVersionResource("", "v1", "nodes"),
    operation="UPDATE",
    name="n",
)


def rule(resources: str = "pods", **more: Any) -> Rule:
    given: dict[str, Any] = {
        "operations": ("*",),
        "groups": ("*",),
        "versions": ("*",),
        "resources": tuple(resources.split()),
    }
    return Rule(**(given | more))


def namespace(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


CLUSTER = Snapshot([namespace("x", team="old"), namespace("y")])


def matches(resources: MatchResources, request: AdmissionRequest, cluster: Snapshot = CLUSTER) -> bool:
    found = match(resources, request, cluster) is not None
    if resources.rules:
        assert may_concern(resources.rules, request) or not found
    return found


@pytest.mark.parametrize(
    ("pattern", "subresource", "expected"),
    [
        ("pods", "", True),
        ("pods", "status", False),
        ("pods/status", "status", True),
        ("pods/status", "", False),
        ("pods/*", "", True),
        ("pods/*", "exec", True),
        ("services/*", "", False),
        ("*", "", True),
        ("*", "status", False),
        ("*/status", "status", True),
        ("*/status", "", False),
        ("*/scale", "status", False),
        ("*/*", "", True),
        ("*/*", "exec", True),
        ("services pods", "", True),
    ],
)
def test_resources(pattern: str, subresource: str, expected: bool) -> None:
    request = replace(POD, subresource=subresource)
    assert matches(MatchResources((rule(pattern),)), request) is expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, True),
        ({"operations": ("CREATE", "UPDATE")}, True),
        ({"operations": ("UPDATE",)}, False),
        ({"groups": ("",)}, True),
        ({"groups": ("apps",)}, False),
        ({"versions": ("v1",)}, True),
        ({"versions": ("v2",)}, False),
        ({"names": ("p", "q")}, True),
        ({"names": ("q",)}, False),
        ({"scope": "Namespaced"}, True),
        ({"scope": "Cluster"}, False),
    ],
)
def test_rules_want_everything(more: dict[str, Any], expected: bool) -> None:
    assert matches(MatchResources((rule(**more),)), POD) is expected


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE", "DELETE", "CONNECT"])
def test_any_operation_is_connect_too(operation: Any) -> None:
    assert matches(MatchResources((rule(),)), replace(POD, operation=operation))


def test_a_name_the_server_will_make_matches_no_resource_name() -> None:
    generated = replace(POD, name="")
    assert not matches(MatchResources((rule(names=("p",)),)), generated)
    assert matches(MatchResources((rule(),)), generated)


@pytest.mark.parametrize(
    ("request_", "scope", "expected"),
    [
        (NAMESPACE, "Cluster", True),
        (NAMESPACE, "Namespaced", False),
        (NAMESPACE, "*", True),
        (NODE, "Cluster", True),
        (NODE, "Namespaced", False),
    ],
)
def test_a_namespace_belongs_to_the_cluster(request_: AdmissionRequest, scope: str, expected: bool) -> None:
    assert matches(MatchResources((rule("*", scope=scope),)), request_) is expected


def test_no_rules_are_everything() -> None:
    assert match(MatchResources(), POD, CLUSTER) == Match(POD.kind, POD.resource)


def test_excluded_rules_win() -> None:
    resources = MatchResources((rule("*"),), exclude_rules=(rule("pods", names=("p",)),))
    assert not matches(resources, POD)
    assert matches(resources, replace(POD, name="q"))
    assert not matches(MatchResources(exclude_rules=(rule(),)), POD)


# --- selectors ----------------------------------------------------------------------------------------


def labelled(**labels: str) -> Selector:
    return Selector.of({"matchLabels": labels})


WITHOUT_TEAM = Selector.of({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]})


@pytest.mark.parametrize(
    ("request_", "selector", "expected"),
    [
        (POD, labelled(team="old"), True),
        (POD, labelled(team="new"), False),
        (POD, WITHOUT_TEAM, False),
        (replace(POD, namespace="y"), WITHOUT_TEAM, True),
        # an object of the whole cluster is never left out
        (NODE, labelled(team="old"), True),
        # a Namespace is judged by its new labels when written, by its stored ones otherwise
        (NAMESPACE, labelled(team="new"), True),
        (NAMESPACE, labelled(team="old"), False),
        (replace(NAMESPACE, operation="UPDATE"), labelled(team="new"), True),
        (replace(NAMESPACE, operation="DELETE", object=None), labelled(team="old"), True),
        (replace(NAMESPACE, operation="UPDATE", subresource="status"), labelled(team="old"), True),
        (replace(NAMESPACE, operation="UPDATE", subresource="finalize"), labelled(team="new"), False),
    ],
)
def test_namespace_selector(request_: AdmissionRequest, selector: Selector, expected: bool) -> None:
    resources = MatchResources((rule("*/*"),), namespace_selector=selector)
    assert matches(resources, request_) is expected


def test_a_missing_namespace_is_an_error_of_what_matches_otherwise() -> None:
    request = replace(POD, namespace="gone")
    cluster = Snapshot(complete=True)
    selector = labelled(team="old")
    with pytest.raises(MatchError, match=r'^namespaces "gone" not found$'):
        match(MatchResources((rule(),), namespace_selector=selector), request, cluster)
    assert not matches(MatchResources((rule("nodes"),), namespace_selector=selector), request, cluster)
    excluded = MatchResources((rule(),), exclude_rules=(rule(),), namespace_selector=selector)
    assert not matches(excluded, request, cluster)
    unselected = MatchResources((rule(),), namespace_selector=selector, object_selector=labelled(app="z"))
    assert not matches(unselected, request, cluster)
    assert matches(MatchResources((rule(),)), request, cluster)


A, B = {"metadata": {"labels": {"app": "a"}}}, {"metadata": {"labels": {"app": "b"}}}
WITHOUT_APP = Selector.of({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]})


@pytest.mark.parametrize(
    ("more", "selector", "expected"),
    [
        ({"object": A}, labelled(app="a"), True),
        ({"object": B}, labelled(app="a"), False),
        ({"object": B, "old_object": A}, labelled(app="a"), True),
        ({"object": None, "old_object": A}, labelled(app="a"), True),
        ({"object": None}, WITHOUT_APP, False),
        ({"object": {"metadata": {}}}, WITHOUT_APP, True),
        ({"object": {"command": ["sh"]}, "operation": "CONNECT"}, WITHOUT_APP, False),
        ({"object": {"command": ["sh"]}, "operation": "CONNECT"}, Selector(), True),
    ],
)
def test_object_selector(more: dict[str, Any], selector: Selector, expected: bool) -> None:
    resources = MatchResources((rule("*/*"),), object_selector=selector)
    assert matches(resources, replace(POD, **more)) is expected


# --- equivalents --------------------------------------------------------------------------------------

SCALER = AdmissionRequest(
    uid="1",
    kind=GroupVersionKind("autoscaling", "v2", "HorizontalPodAutoscaler"),
    resource=GroupVersionResource("autoscaling", "v2", "horizontalpodautoscalers"),
    operation="CREATE",
    name="h",
    namespace="x",
    object={"metadata": {"name": "h"}},
)
FIRST = rule("horizontalpodautoscalers", groups=("autoscaling",), versions=("v1",))
SECOND = rule("horizontalpodautoscalers", groups=("autoscaling",), versions=("v2",))


def test_an_equivalent_version_matches_as_itself() -> None:
    found = match(MatchResources((FIRST,)), SCALER, CLUSTER)
    assert found == Match(SCALER.kind._replace(version="v1"), SCALER.resource._replace(version="v1"))


def test_the_version_as_sent_goes_first() -> None:
    found = match(MatchResources((FIRST, SECOND)), SCALER, CLUSTER)
    assert found == Match(SCALER.kind, SCALER.resource)


def test_exact_takes_no_equivalents() -> None:
    assert not matches(MatchResources((FIRST,), match_policy="Exact"), SCALER)


def test_excluding_a_version_excludes_its_equivalents() -> None:
    assert not matches(MatchResources((SECOND,), exclude_rules=(FIRST,)), SCALER)
    exact = MatchResources((SECOND,), exclude_rules=(FIRST,), match_policy="Exact")
    assert matches(exact, SCALER)


def test_names_hold_for_equivalents_too() -> None:
    assert not matches(MatchResources((replace(FIRST, names=("other",)),)), SCALER)


def test_events_are_one_in_two_groups() -> None:
    event = replace(
        POD, kind=GroupVersionKind("", "v1", "Event"), resource=GroupVersionResource("", "v1", "events")
    )
    resources = MatchResources((rule("events", groups=("events.k8s.io",)),))
    found = match(resources, event, CLUSTER)
    assert found is not None
    assert found.resource == GroupVersionResource("events.k8s.io", "v1", "events")
    assert may_concern(resources.rules, event)


def test_versions_of_custom_kinds_are_equivalent() -> None:
    widget = replace(
        POD,
        kind=GroupVersionKind("example.com", "v1", "Widget"),
        resource=GroupVersionResource("example.com", "v1", "widgets"),
        subresource="scale",
    )
    resources = MatchResources((rule("widgets/scale", versions=("v2",)),))
    found = match(resources, widget, Snapshot([definition(V1, V2)]))
    assert found == Match(
        GroupVersionKind("autoscaling", "v1", "Scale"), widget.resource._replace(version="v2")
    )


@pytest.mark.parametrize(("group", "resource"), sorted(EXEMPT))
def test_policies_and_reviews_are_exempt_with_their_subresources(group: str, resource: str) -> None:
    request = replace(POD, resource=GroupVersionResource(group, "v1", resource))
    assert exempt(request)
    assert exempt(replace(request, subresource="status"))


def test_webhook_configurations_are_not_exempt() -> None:
    resource = GroupVersionResource("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations")
    assert not exempt(replace(POD, resource=resource))
