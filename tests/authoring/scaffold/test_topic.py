"""Resources are found by the names that kubectl takes, and their specimens are what an API server takes."""

from __future__ import annotations

import pytest

from gatekeeper_py.authoring.scaffold.topic import find_target
from gatekeeper_py.authoring.specimens import kinds_with_specimens
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.fieldvalidation import validated
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind


@pytest.mark.parametrize(
    ("word", "api_version", "kind"),
    [
        ("pods", "v1", "Pod"),
        ("events", "v1", "Event"),
        ("events.events.k8s.io", "events.k8s.io/v1", "Event"),
        ("deployments.apps", "apps/v1", "Deployment"),
        ("deployments.v1.apps", "apps/v1", "Deployment"),
        ("horizontalpodautoscalers", "autoscaling/v2", "HorizontalPodAutoscaler"),
        ("Ingress", "networking.k8s.io/v1", "Ingress"),
    ],
)
def test_a_resource_is_found(word: str, api_version: str, kind: str) -> None:
    found = find_target(word, {}).served.kind
    assert (found.api_version, found.kind) == (api_version, kind)


@pytest.mark.parametrize("kind", list(kinds_with_specimens()), ids=lambda kind: kind.kind)
def test_a_specimen_is_complete(kind: GroupVersionKind) -> None:
    served = Kinds.builtin().served(kind)
    assert served is not None
    resource = f"{served.resource.resource}.{kind.version}.{kind.group}".rstrip(".")
    target = find_target(resource, {})
    assert target.served.kind == kind
    assert target.specimen
    assert validated(Manifest(target.object("foo"), Source("x")), Snapshot()) == ()
