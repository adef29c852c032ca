"""What `kubectl apply -k webhooks/` applies, beside what `gatekeeper install` does."""

from __future__ import annotations

import yaml

from gatekeeper_py.installation import kustomization
from gatekeeper_py.installation.contents import Installation
from tests.installation.shipped import (
    FILES,
    LOADED,
    POLICIES,
    WEBHOOKS,
    documents,
    named,
)


def test_kubectl_applies_what_the_command_prints() -> None:
    base = yaml.safe_load((WEBHOOKS / "kustomization.yaml").read_text())["resources"]
    applied = [document for name in base for document in documents(WEBHOOKS / name)]
    printed = Installation(LOADED).objects()
    assert sorted(applied, key=named) == sorted(printed, key=named)


def test_every_file_of_the_kustomization_is_as_it_is_made() -> None:
    made = kustomization.webhooks(LOADED)
    for name, (head, objects) in made.items():
        assert documents(WEBHOOKS / name) == objects, name
        assert (WEBHOOKS / name).read_text().startswith(head), name
    listed = yaml.safe_load((WEBHOOKS / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted(["crds.yaml", *made])
    assert sorted(listed) == sorted(p.name for p in WEBHOOKS.glob("*.yaml") if p.name != "kustomization.yaml")


def test_the_component_of_the_shipped_policies_is_as_it_is_made() -> None:
    head, component = kustomization.policies(FILES)
    text = (POLICIES / "kustomization.yaml").read_text()
    assert text.startswith(head)
    assert yaml.safe_load(text) == component
