"""What is known of custom kinds: each has a class with its reason, and the rules that it names exist."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from gatekeeper_py.engine import load_policies
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.policy.model import ValidatingPolicy
from gatekeeper_py.tenancy.catalogue import BUILT_IN_GROUPS, catalogue
from gatekeeper_py.tenancy.custom import ANY_KIND, custom_kind, known_kinds

POLICIES = Path(__file__).parents[2] / "policies"
ENTRIES = sorted(known_kinds())
CLUSTER_WIDE = frozenset(
    (
        "ClusterExternalSecret.external-secrets.io",
        "ClusterSecretStore.external-secrets.io",
        "GatewayClass.gateway.networking.k8s.io",
    )
)
"""Kinds of the catalogue of references that no tenant writes, for they are cluster-wide."""


@cache
def policies() -> dict[str, ValidatingPolicy]:
    return {policy.name: policy for policy in load_policies(read([POLICIES])).validating}


def name(entry: tuple[str, str]) -> str:
    return f"{entry[1]}.{entry[0]}"


@pytest.mark.parametrize("entry", ENTRIES, ids=name)
def test_an_entry_has_a_class_and_a_reason(entry: tuple[str, str]) -> None:
    known = known_kinds()[entry]
    assert known.judgement in ("ruled", "harmless", "powerful")
    assert len(known.reason) > 10
    assert not known.reason.endswith(".")


@pytest.mark.parametrize("entry", ENTRIES, ids=name)
def test_what_is_said_to_be_without_power_was_read(entry: tuple[str, str]) -> None:
    known = known_kinds()[entry]
    assert known.judgement == "powerful" or known.version.startswith("v")


@pytest.mark.parametrize(
    "entry", [each for each in ENTRIES if known_kinds()[each].judgement == "ruled"], ids=name
)
def test_the_rules_that_judge_a_kind_are_about_its_group(entry: tuple[str, str]) -> None:
    known = known_kinds()[entry]
    assert known.rules
    for rule in known.rules:
        groups = {group for each in policies()[rule].match.rules for group in each.groups}
        assert entry[0] in groups or "*" in groups


def test_only_ruled_kinds_name_rules() -> None:
    assert not [
        entry for entry in ENTRIES if known_kinds()[entry].judgement != "ruled" and known_kinds()[entry].rules
    ]


def test_no_built_in_group_is_a_custom_one() -> None:
    assert not [entry for entry in ENTRIES if entry[0] in BUILT_IN_GROUPS]
    assert custom_kind("apps", "Deployment").judgement == "built-in"


def test_a_kind_whose_references_are_catalogued_is_known() -> None:
    custom = {(group, kind) for group, kind in catalogue() if group not in BUILT_IN_GROUPS}
    unknown = {f"{kind}.{group}" for group, kind in custom if custom_kind(group, kind).judgement == "unknown"}
    assert unknown == CLUSTER_WIDE


@pytest.mark.parametrize(
    ("group", "kind", "judgement"),
    [
        ("helm.cattle.io", "HelmChart", "powerful"),
        ("apps.rancher.cattle.io", "Whatever", "powerful"),
        ("s3.services.k8s.aws", "Bucket", "powerful"),
        ("services.k8s.aws", "AdoptedResource", "powerful"),
        ("protection.crossplane.io", "Usage", "ruled"),
        ("protection.crossplane.io", "ClusterUsage", "powerful"),
        ("dns.gardener.cloud", "DNSEntry", "ruled"),
        ("core.gardener.cloud", "Shoot", "powerful"),
        ("kafka.strimzi.io", "Kafka", "harmless"),
        ("cattle.io", "Thing", "unknown"),
        ("example.com", "Widget", "unknown"),
        ("notservices.k8s.aws", "Bucket", "unknown"),
    ],
)
def test_the_closest_entry_holds(group: str, kind: str, judgement: str) -> None:
    assert custom_kind(group, kind).judgement == judgement


def test_there_are_enough_of_them() -> None:
    assert len(ENTRIES) > 700
    assert len({group for group, _ in ENTRIES}) > 350
    assert sum(kind == ANY_KIND for _, kind in ENTRIES) > 250
