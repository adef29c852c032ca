"""The drafted folder loads, observes, and says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper_py.drafting.draft import Draft, draft
from gatekeeper_py.drafting.shipped import spec_of
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.tenancy.documents import load_tenancy
from gatekeeper_py.tenancy.tenant import Tenancy
from tests.drafting.support import (
    Json,
    account,
    bound,
    cluster_role,
    daemon_set,
    namespace,
    of,
    rule,
    runtime_class,
    webhook,
)

CLUSTER = (
    *map(namespace, ("kube-system", "default", "cert-manager", "monitoring", "web")),
    namespace("oil-dev", **{"capsule.clastix.io/tenant": "oil"}),
    runtime_class("kata", "kata-qemu"),
    webhook("ValidatingWebhookConfiguration", "cert-manager-webhook", "cert-manager"),
    daemon_set("node-exporter", "monitoring", hostNetwork=True),
    cluster_role("evil\nspec: {}", rule("*", "*")),
    bound("evil\nspec: {}", account("a", "monitoring")),
    bound("cluster-admin", {"kind": "Group", "name": "kubeadm:cluster-admins"}),
    of("v1", "PersistentVolumeClaim", "data", "web", spec={"storageClassName": "fast"}),
)


def tenancy(made: Draft) -> Tenancy:
    documents = [text for name, text in made.files.items() if "kind: Tena" in text]
    return load_tenancy(manifest for text in documents for manifest in read_text(text))


def spec(made: Draft, name: str) -> Any:
    return yaml.safe_load(made.files[f"tenants/{name}.yaml"])["spec"]


def test_it_observes_everywhere_and_knows_whose_each_namespace_is() -> None:
    made = draft(CLUSTER, {})
    found = tenancy(made)
    assert found.everywhere == "observe"
    labels = {"oil-dev": {"capsule.clastix.io/tenant": "oil"}}
    owners = {
        name: found.owner(name, lambda name: labels.get(name, {}))
        for name in ("kube-system", "cert-manager", "monitoring", "web", "oil-dev", "default")
    }
    assert {name: (owner.name, owner.trusted) for name, owner in owners.items() if owner} == {
        "kube-system": ("platform", True),
        "cert-manager": ("addons", True),
        "monitoring": ("addons", True),
        "web": ("web", False),
        "oil-dev": ("oil", False),
        "default": ("default", False),
    }
    assert (made.trusted, made.tenants) == (3, 3)


def test_every_namespace_of_the_platform_stands_below_its_reasons() -> None:
    lines = [line.strip() for line in draft(CLUSTER, {}).files["tenants/addons.yaml"].splitlines()]
    at = lines.index("- monitoring")
    assert lines[at - 2 : at] == [
        "# ServiceAccount a has ClusterRole evil spec: {} in all namespaces (evil spec: {}-binding)",
        "# DaemonSet node-exporter is on every node with hostNetwork",
    ]


def test_the_platform_is_the_shipped_one_with_more_of_its_names() -> None:
    shipped = spec_of("tenants/platform.yaml")
    found = spec(draft([*CLUSTER, namespace("kube-flannel")], {}), "platform")
    names = [*shipped["namespaces"]["names"], "kube-flannel"]
    assert found == {**shipped, "namespaces": {"names": names}}


def test_where_nothing_serves_all_there_are_no_addons() -> None:
    assert "tenants/addons.yaml" not in draft([namespace("web")], {}).files


def test_settings_say_which_classes_isolate_and_who_the_platform_is() -> None:
    made = draft(CLUSTER, {})
    found = spec(made, "settings")
    assert found["enforcement"] == "observe"
    assert found["defaults"]["runtimeClasses"] == {"default": "kata", "allowed": ["kata"], "isolation": "vm"}
    assert found["platform"] == {"groups": ["system:masters", "kubeadm:cluster-admins"]}
    assert (
        "# RuntimeClass kata: handler kata-qemu gives isolation vm\n" in made.files["tenants/settings.yaml"]
    )


def test_what_could_not_be_read_stands_in_the_draft() -> None:
    problems = {GroupVersionKind("", "v1", "Pod"): "pods is forbidden:\nUser x"}
    text = draft(CLUSTER, problems).files["tenants/settings.yaml"]
    assert "# Not looked at: v1 Pod: pods is forbidden: User x\n" in text


def test_a_tenant_is_granted_what_it_uses() -> None:
    assert spec(draft(CLUSTER, {}), "web") == {
        "namespaces": {"names": ["web"]},
        "storageClasses": {"allowed": ["fast"]},
    }


@pytest.mark.parametrize("objects", [(), CLUSTER], ids=["an empty cluster", "a cluster"])
def test_the_folder_holds_every_policy(objects: tuple[Json, ...]) -> None:
    made = draft(objects, {})
    assert made.policies == sum(text.count("AdmissionPolicy\n") for text in made.files.values()) > 100
    assert tenancy(made).everywhere == "observe"
    assert not any(Path(name).is_absolute() or ".." in name for name in made.files)
