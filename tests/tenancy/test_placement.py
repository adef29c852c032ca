"""Tenants rely on virtual nodes only as the settings bear it out."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gatekeeper_py.manifests.manifest import Manifest, Source, read_text
from gatekeeper_py.tenancy.documents import TenancyError, load_tenancy
from gatekeeper_py.tenancy.tenant import Choice, Tenancy

Json = dict[str, Any]

COUNTED: Json = {"virtualNodes": [{"name": "fargate", "isolation": "vm"}]}
VIRTUAL: Json = {
    "namespaces": {"names": ["foo"]},
    "runtimeClasses": {"isolation": "virtual-node"},
    "nodes": {"profile": "fargate"},
}
OWN: Json = {"name": "acme", "isolation": "vm", "selector": {"acme": "yes"}, "volumes": [], "lacks": []}


def document(kind: str, name: str, spec: Json) -> Json:
    api_version = "tenancy.gatekeeper-py.dev/v1alpha1"
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def guest(kind: str, name: str, spec: Json) -> Manifest:
    return Manifest(document(kind, name, spec), Source(f"cluster/{kind}/{name}"))


def load(*specs: Json, settings: Json | None = None, guests: tuple[Manifest, ...] = ()) -> Tenancy:
    documents = [document("Tenant", f"t{number}", spec) for number, spec in enumerate(specs)]
    if settings is not None:
        documents.append(document("TenancySettings", "settings", settings))
    text = "\n---\n".join(orjson.dumps(each).decode() for each in documents)
    return load_tenancy(read_text(text, "t.yaml"), guests)


def problem(*specs: Json, settings: Json | None = None) -> str:
    with pytest.raises(TenancyError) as caught:
        load(*specs, settings=settings)
    return str(caught.value)


def test_a_tenant_is_isolated_by_virtual_nodes_where_the_settings_count_them() -> None:
    found = load(VIRTUAL, settings=COUNTED).by_name["t0"]
    assert found.isolation == "virtual-node"
    assert found.nodes.every_selector == {"eks.amazonaws.com/compute-type": "fargate"}


@pytest.mark.parametrize(
    "settings",
    [
        None,
        {},
        {"virtualNodes": [{"name": "aci", "isolation": "vm"}]},
        {"virtualNodes": [{"name": "fargate", "isolation": "none"}]},
        {"virtualNodes": [{"name": "fargate", "scheduler": "mine"}]},
    ],
    ids=["no settings", "nothing said", "another profile", "said to be none", "isolation left out"],
)
def test_otherwise_it_is_refused_with_the_remedy(settings: Json | None) -> None:
    assert problem(VIRTUAL, settings=settings).endswith(
        "spec.runtimeClasses.isolation is virtual-node, and nobody says that virtual nodes of profile 'fargate' "
        "isolate. If each pod there is a virtual machine, add {name: fargate, isolation: vm} to virtualNodes of "
        "the TenancySettings"
    )


TENANTS = {
    "no profile": (
        VIRTUAL | {"nodes": {"selector": {"type": "virtual-kubelet"}}},
        "spec.runtimeClasses.isolation is virtual-node, so nodes.profile must say which virtual nodes. Add it",
    ),
    "unknown profile": (
        VIRTUAL | {"nodes": {"profile": "moon"}},
        "spec.nodes.profile is 'moon', which is no profile of virtual nodes. Name one of aci, aci-v2, fargate, "
        "virtual-kubelet, or add it to virtualNodes of the TenancySettings",
    ),
    "a class that nobody looks at": (
        VIRTUAL | {"runtimeClasses": {"isolation": "vm"}},
        "spec.nodes.profile is 'fargate', whose nodes know no runtime class, so no pod there would have isolation "
        "vm. Set runtimeClasses.isolation to virtual-node or none",
    ),
    "a default class": (
        VIRTUAL | {"runtimeClasses": {"isolation": "virtual-node", "default": "kata"}},
        "spec.runtimeClasses.default is 'kata', and nodes of profile 'fargate' know no runtime class. Remove it",
    ),
    "other nodes": (
        VIRTUAL
        | {"nodes": {"profile": "fargate", "selector": {"eks.amazonaws.com/compute-type": "ec2", "a": "b"}}},
        "spec.nodes.selector has eks.amazonaws.com/compute-type=ec2, and nodes of profile 'fargate' have "
        "eks.amazonaws.com/compute-type=fargate. Remove it",
    ),
}


@pytest.mark.parametrize(("spec", "told"), TENANTS.values(), ids=TENANTS)
def test_what_contradicts_its_virtual_nodes_is_told(spec: Json, told: str) -> None:
    assert problem(spec, settings=COUNTED).partition(": ")[2] == told


SETTINGS = {
    "twice": (
        {"virtualNodes": [OWN, OWN]},
        "spec.virtualNodes[1].name is 'acme' a second time. Keep one",
    ),
    "half a profile": (
        {"virtualNodes": [{"name": "acme", "isolation": "vm", "volumes": []}]},
        "spec.virtualNodes[0] is a profile of its own, 'acme', and lacks selector and lacks. "
        "Add them, an empty list for none",
    ),
    "a feature that nobody knows": (
        {"virtualNodes": [{**OWN, "lacks": ["shell"]}]},
        "spec.virtualNodes[0].lacks[0] is 'shell'",
    ),
    "every node there is": (
        {"virtualNodes": [{**OWN, "nodeNames": ["*"]}]},
        "spec.virtualNodes[0].nodeNames[0]",
    ),
    "no labels": ({"virtualNodes": [{**OWN, "selector": {}}]}, "spec.virtualNodes[0].selector"),
    "defaults that nobody counts": (
        {"defaults": {"runtimeClasses": {"isolation": "virtual-node"}, "nodes": {"profile": "aci"}}},
        "spec.defaults.runtimeClasses.isolation is virtual-node, and nobody says that virtual nodes of profile "
        "'aci' isolate",
    ),
}


@pytest.mark.parametrize(("settings", "told"), SETTINGS.values(), ids=SETTINGS)
def test_what_is_wrong_with_profiles_is_told(settings: Json, told: str) -> None:
    assert problem(settings=settings).partition(": ")[2].startswith(told)


def test_a_profile_of_the_settings_is_as_good_as_one_that_ships() -> None:
    spec = VIRTUAL | {"nodes": {"profile": "acme", "tolerations": [{"key": "a", "operator": "Exists"}]}}
    found = load(spec, settings={"virtualNodes": [OWN]}).by_name["t0"]
    assert found.nodes.every_selector == {"acme": "yes"}
    assert found.nodes.every_toleration == ({"key": "a", "operator": "Exists"},)


def test_the_classes_of_the_defaults_are_not_for_nodes_that_know_none() -> None:
    defaults = {"runtimeClasses": {"default": "kata", "allowed": ["kata"]}}
    plain = {"namespaces": {"names": ["bar"]}}
    found = load(VIRTUAL, plain, settings=COUNTED | {"defaults": defaults})
    assert found.by_name["t0"].runtime_classes == Choice()
    assert found.by_name["t1"].runtime_classes == Choice(("kata",), "kata")


def test_a_tenant_may_be_on_virtual_nodes_without_counting_as_isolated() -> None:
    assert load(VIRTUAL | {"runtimeClasses": {"isolation": "none"}}).by_name["t0"].nodes.profile is not None


def test_a_trusted_tenant_is_asked_for_nothing() -> None:
    assert load(VIRTUAL | {"trusted": True}).by_name["t0"].trusted


def test_a_tenant_of_the_cluster_that_nobody_counts_is_not_in_force() -> None:
    found = load(settings={}, guests=(guest("Tenant", "foo", VIRTUAL),))
    assert found.standings["Tenant/foo"].reason == "Invalid"
    assert "add {name: fargate, isolation: vm} to virtualNodes" in found.standings["Tenant/foo"].faults[0]


def test_settings_of_the_cluster_count_virtual_nodes_too() -> None:
    guests = (guest("TenancySettings", "settings", COUNTED), guest("Tenant", "foo", VIRTUAL))
    assert load(guests=guests).standings["Tenant/foo"].reason == "InForce"


def test_what_sends_pods_to_virtual_nodes_is_the_default_scheduler_of_their_tenant() -> None:
    spec = VIRTUAL | {"schedulers": {"allowed": ["batch"]}}
    found = load(spec, settings=COUNTED).by_name["t0"]
    assert found.usable_schedulers == Choice(
        ("batch", "default-scheduler", "fargate-scheduler"), "fargate-scheduler"
    )
    assert found.schedulers == Choice(("batch",), "default-scheduler")
