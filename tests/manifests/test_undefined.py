"""Kinds of which no definition was read."""

from __future__ import annotations

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, read_text
from gatekeeper_py.manifests.undefined import Undefined, together, undefined
from gatekeeper_py.objects.resource import GroupVersionKind

WIDGET = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}"
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
"""


def manifests(*texts: str) -> tuple[Manifest, ...]:
    return read_text("---\n".join(f"{text}\n" for text in texts), "f.yaml")


def test_a_kind_is_told_once_where_it_is_met_first() -> None:
    (told,) = undefined(manifests(WIDGET, WIDGET, WIDGET), Snapshot())
    assert str(told) == (
        "f.yaml:1:1: no definition was read for example.com/v1 Widget (3 objects): its fields are not checked, "
        "and its defaults are not filled in. Give its CustomResourceDefinition with --cluster or -f"
    )


def test_each_version_and_kind_is_told() -> None:
    others = WIDGET.replace("v1", "v2"), WIDGET.replace("Widget", "Gadget")
    told = undefined(manifests(WIDGET, *others), Snapshot())
    assert [(each.kind.version, each.kind.kind, each.objects) for each in told] == [
        ("v1", "Widget", 1),
        ("v2", "Widget", 1),
        ("v1", "Gadget", 1),
    ]


def test_a_kind_with_a_definition_is_known_in_that_version_alone() -> None:
    view = Snapshot.of(manifests(DEFINITION))
    told = undefined(manifests(WIDGET, WIDGET.replace("v1", "v2")), view)
    assert [each.kind.version for each in told] == ["v2"]


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("v1", "Pod"), ("autoscaling/v1", "Scale"), ("networking.k8s.io/v1", "Nonsense"), ("apps/v9", "Pod")],
)
def test_of_groups_of_kubernetes_nothing_is_told(api_version: str, kind: str) -> None:
    written = f"{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: x}}}}"
    assert undefined(manifests(written), Snapshot()) == ()


def test_parts_of_a_whole_are_counted_together() -> None:
    kind = GroupVersionKind("example.com", "v1", "Widget")
    parts = (Undefined(kind, "a", 1, 1, 2), Undefined(kind, "b", 9, 1, 3))
    assert together(parts) == (Undefined(kind, "a", 1, 1, 5),)
