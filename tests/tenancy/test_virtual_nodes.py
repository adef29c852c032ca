"""How virtual nodes are known, and what the profiles that ship say of them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper_py.tenancy.virtual_nodes import (
    FEATURES,
    VOLUMES,
    NodeProfile,
    known_profiles,
    profiles_of,
)

DATA: dict[str, dict[str, Any]] = yaml.safe_load(
    files("gatekeeper_py.tenancy").joinpath("virtual_nodes.yaml").read_text(encoding="utf-8")
)
FARGATE = known_profiles()["fargate"]
LABELS = {"eks.amazonaws.com/compute-type": "fargate", "kubernetes.io/os": "linux"}


def test_the_kinds_that_ship() -> None:
    assert list(known_profiles()) == ["virtual-kubelet", "fargate", "aci", "aci-v2"]


@pytest.mark.parametrize("name", DATA)
def test_a_profile_that_ships_uses_the_words_there_are(name: str) -> None:
    profile = known_profiles()[name]
    assert set(profile.lacks) <= set(FEATURES)
    assert set(profile.volumes) <= set(VOLUMES)
    assert profile.selector
    assert all("key" in toleration for toleration in profile.tolerations)


@pytest.mark.parametrize("name", DATA)
def test_every_fact_says_where_it_is_from(name: str) -> None:
    entry = DATA[name]
    text = files("gatekeeper_py.tenancy").joinpath("virtual_nodes.yaml").read_text(encoding="utf-8")
    section = text[text.index(f"\n{name}:\n") :].partition("\n\n")[0]
    named = {line.rpartition("# source: ")[2] for line in section.splitlines() if "# source: " in line}
    assert set(entry["lacks"].values()) | named == set(entry["sources"])


@pytest.mark.parametrize("profile", known_profiles().values(), ids=known_profiles())
def test_no_profile_isolates_before_somebody_says_so(profile: NodeProfile) -> None:
    assert profile.isolation == "none"


@pytest.mark.parametrize(
    ("name", "labels", "held"),
    [
        ("fargate-ip-192-168-13-23.eu-central-1.compute.internal", LABELS, True),
        ("any", LABELS, True),
        ("fargate-ip-192-168-13-23.eu-central-1.compute.internal", {}, True),
        ("ip-192-168-13-23", {}, False),
        ("fargate-lookalike", {"kubernetes.io/os": "linux"}, False),
        ("fargate-lookalike", LABELS | {"eks.amazonaws.com/compute-type": "ec2"}, False),
    ],
)
def test_a_node_is_told_by_its_labels_and_before_they_are_known_by_its_name(
    name: str, labels: dict[str, str], held: bool
) -> None:
    assert FARGATE.holds(name, labels) is held


def test_no_profile_holds_no_node() -> None:
    assert not NodeProfile("").holds("n1", {"a": "b"})
    assert not NodeProfile("").holds("n1", {})


def test_settings_change_what_they_name_and_leave_the_rest() -> None:
    found = profiles_of([{"name": "fargate", "isolation": "vm", "lacks": ["exec"]}])
    assert found["fargate"].isolation == "vm"
    assert found["fargate"].lacks == ("exec",)
    assert found["fargate"].selector == FARGATE.selector
    assert found["aci"] == known_profiles()["aci"]


def test_settings_add_a_profile() -> None:
    stated = {
        "name": "acme",
        "selector": {"acme": "yes"},
        "tolerations": [{"key": "acme", "operator": "Exists"}],
        "nodeNames": ["acme-*"],
        "scheduler": "acme",
        "volumes": ["csi"],
        "csiDrivers": ["csi.acme"],
        "extendedResources": ["acme/gpu"],
        "lacks": ["attach"],
    }
    assert profiles_of([stated])["acme"] == NodeProfile(
        "acme",
        selector={"acme": "yes"},
        tolerations=({"key": "acme", "operator": "Exists"},),
        node_names=("acme-*",),
        scheduler="acme",
        volumes=("csi",),
        csi_drivers=("csi.acme",),
        extended_resources=("acme/gpu",),
        lacks=("attach",),
    )
    assert profiles_of([stated])["acme"].taints == {"acme"}


def test_the_page_says_the_same_of_every_profile() -> None:
    page = (Path(__file__).parents[2] / "docs" / "virtual-nodes.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    stated = {row[0].strip("`"): row for row in rows if row[0].strip("`") in FEATURES}
    assert list(stated) == list(FEATURES)
    for feature, row in stated.items():
        lacking = [profile.name for profile in known_profiles().values() if feature in profile.lacks]
        cells = [cell.strip("| ") for cell in row[2:]] + [""] * len(known_profiles())
        told = [name for name, cell in zip(known_profiles(), cells, strict=False) if cell == "no"]
        assert (row[1], told) == (FEATURES[feature], lacking)
