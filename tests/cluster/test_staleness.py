"""What is stale cannot be looked up in any way; what is not, can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatekeeper_py.cel.library.authorizer import AccessReview, Subject
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.staleness import Guarded, Stale, StaleView
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource

Json = dict[str, Any]

CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
HPA_1 = GroupVersionKind("autoscaling", "v1", "HorizontalPodAutoscaler")
HPA_2 = GroupVersionKind("autoscaling", "v2", "HorizontalPodAutoscaler")
ROLE_BINDING = GroupVersionKind("rbac.authorization.k8s.io", "v1", "RoleBinding")
WIDGET = GroupVersionKind("example.com", "v1", "Widget")
WIDGETS = GroupVersionResource("example.com", "v1", "widgets")
HPAS = GroupVersionResource("autoscaling", "v1", "horizontalpodautoscalers")

DEFINITION: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets"},
        "versions": [{"name": name, "served": True} for name in ("v1", "v2")],
    },
}
HELD: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "foo"}}


def guarded(*kinds: GroupVersionKind) -> ClusterView:
    return Guarded(Snapshot([DEFINITION, HELD]), {kind: Stale(kind, 47.4, "forbidden") for kind in kinds})


def may_read(user: str, *groups: str) -> Callable[[ClusterView], object]:
    review = AccessReview(Subject(user, groups), "get", resource="pods", namespace="foo")
    return lambda cluster: cluster.authorize(review)


LOOKS: dict[str, tuple[GroupVersionKind, Callable[[ClusterView], object]]] = {
    "get": (CONFIG_MAP, lambda cluster: cluster.get(CONFIG_MAP, "foo", "c")),
    "get what is not there": (CONFIG_MAP, lambda cluster: cluster.get(CONFIG_MAP, "foo", "d")),
    "list": (CONFIG_MAP, lambda cluster: cluster.list(CONFIG_MAP)),
    "list a namespace": (CONFIG_MAP, lambda cluster: cluster.list(CONFIG_MAP, "foo")),
    "another version": (HPA_1, lambda cluster: cluster.get(HPA_2, "foo", "h")),
    "roles": (ROLE_BINDING, may_read("alice")),
    "a custom kind": (CUSTOM_RESOURCE_DEFINITION, lambda cluster: cluster.served(WIDGET)),
    "a custom resource": (CUSTOM_RESOURCE_DEFINITION, lambda cluster: cluster.resource(WIDGETS)),
    "a custom resource's versions": (
        CUSTOM_RESOURCE_DEFINITION,
        lambda cluster: cluster.equivalents(WIDGETS),
    ),
}
looks = pytest.mark.parametrize(("kind", "look"), LOOKS.values(), ids=LOOKS)


@looks
def test_a_stale_kind_has_no_answer(kind: GroupVersionKind, look: Callable[[ClusterView], object]) -> None:
    with pytest.raises(StaleView) as caught:
        look(guarded(kind))
    assert caught.value.stale.kind == kind


@looks
def test_other_kinds_answer_as_ever(kind: GroupVersionKind, look: Callable[[ClusterView], object]) -> None:
    other = GroupVersionKind("", "v1", "Secret")
    assert look(guarded(other)) == look(Snapshot([DEFINITION, HELD], complete=True))


NEEDED_BY_NONE: dict[str, Callable[[ClusterView], object]] = {
    "a kind of Kubernetes": lambda cluster: cluster.served(HPA_1),
    "a resource of Kubernetes": lambda cluster: cluster.resource(HPAS),
    "its versions": lambda cluster: cluster.equivalents(HPAS),
    "who may do everything": may_read("admin", "system:masters"),
}


@pytest.mark.parametrize("look", NEEDED_BY_NONE.values(), ids=NEEDED_BY_NONE)
def test_what_needs_no_look_up_is_known_always(look: Callable[[ClusterView], object]) -> None:
    assert look(guarded(CUSTOM_RESOURCE_DEFINITION, ROLE_BINDING)) == look(Snapshot())


def test_it_is_said_in_words() -> None:
    assert str(Stale(CONFIG_MAP, 47.4, "forbidden")) == "ConfigMap (v1) was last known 47 s ago: forbidden"
    assert str(Stale(WIDGET, None, "not listed yet")) == (
        "Widget (example.com/v1) has not been read yet: not listed yet"
    )


def test_a_look_up_without_an_answer_is_told_even_if_it_is_caught() -> None:
    told: list[Stale] = []
    stale = Stale(CONFIG_MAP, 47.4, "forbidden")
    view = Guarded(Snapshot([HELD]), {CONFIG_MAP: stale}, told.append)
    with pytest.raises(StaleView):
        view.get(CONFIG_MAP, "foo", "c")
    view.list(HPA_2)
    assert told == [stale]
