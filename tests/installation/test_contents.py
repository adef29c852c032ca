"""What an installation holds, in which order, and what it may not do to a cluster."""

from __future__ import annotations

import pytest
import yaml

from gatekeeper_py.installation.contents import Installation, registration
from tests.installation.shipped import (
    FILES,
    LOADED,
    MANIFESTS,
    named,
    of_kind,
)


def test_the_policies_that_config_maps_bring_are_all_and_the_same() -> None:
    made = of_kind(Installation(LOADED, FILES).objects(), "ConfigMap")
    texts = [
        text for each in made if "policies" in each["metadata"]["name"] for text in each["data"].values()
    ]
    brought = [document for text in texts for document in yaml.safe_load_all(text) if document]
    assert sorted(map(named, brought)) == sorted(named(manifest.object) for manifest in MANIFESTS)


def test_what_something_needs_comes_before_it_and_no_webhook_comes_at_all() -> None:
    objects = Installation(LOADED, FILES).objects()
    kinds = [each["kind"] for each in objects]
    assert kinds[-1] == "Deployment"
    assert kinds.index("Namespace") < min(
        index for index, each in enumerate(objects) if each["metadata"].get("namespace")
    )
    assert all("webhooks" not in each for each in objects)
    assert [each["kind"] for each in registration()] == [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ]


def test_a_server_outside_needs_rights_and_registration_but_nothing_that_runs() -> None:
    kinds = {each["kind"] for each in Installation(LOADED, inside=False).objects()}
    assert {"ClusterRole", "Secret", "Lease", "ValidatingWebhookConfiguration"} <= kinds
    assert kinds.isdisjoint({"Deployment", "Service", "PodDisruptionBudget", "ResourceQuota"})


@pytest.mark.parametrize("kind", ["Secret", "Lease"])
def test_what_the_engine_writes_is_applied_without_content(kind: str) -> None:
    (found,) = of_kind(Installation(LOADED).objects(), kind)
    assert set(found) == {"apiVersion", "kind", "metadata"}
