"""How every resource is judged, and what is said when nothing judges it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from gatekeeper_py.audit.survey import Surveyed, survey
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import load_policies
from gatekeeper_py.manifests.manifest import Manifest, read_text
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.tenancy.documents import load_tenancy

POLICIES = Path(__file__).parents[2] / "policies"
SHOP = """
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: shop}
spec:
  namespaces: {names: [shop]}
  customResources: [{group: helm.cattle.io, kinds: ["*"]}]
"""
REFUSING = """
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: TenancySettings
metadata: {name: settings}
spec: {unknownKinds: refuse}
"""
DEFINITIONS = [
    ("cert-manager.io", "Certificate", "certificates", "Namespaced"),
    ("cert-manager.io", "ClusterIssuer", "clusterissuers", "Cluster"),
    ("helm.cattle.io", "HelmChart", "helmcharts", "Namespaced"),
    ("postgresql.cnpg.io", "Cluster", "clusters", "Namespaced"),
    ("example.com", "Widget", "widgets", "Namespaced"),
]


def definition(group: str, kind: str, plural: str, scope: str) -> dict[str, object]:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object"}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural},
            "versions": [version, {**version, "name": "v2", "storage": False}],
        },
    }


def never(group: str, resource: str) -> str:
    return "chatter" if (group, resource) == ("", "events") else ""


@cache
def shipped() -> tuple[Manifest, ...]:
    return tuple(read([POLICIES]))


def surveyed(documents: str = SHOP, *, without: str = "") -> dict[str, Surveyed]:
    manifests = [each for each in shipped() if each.name != without or not without]
    kept = [
        each
        for each in manifests
        if "unknownKinds" not in documents or each.object["kind"] != "TenancySettings"
    ]
    loaded = (*kept, *read_text(documents, "t.yaml"))
    kinds = Snapshot([definition(*each) for each in DEFINITIONS]).kinds
    found = survey(kinds, load_policies(loaded), load_tenancy(loaded), never)
    return {f"{each.served.kind.kind}.{each.served.kind.group}": each for each in found}


@pytest.mark.parametrize(
    ("kind", "coverage", "reason"),
    [
        ("Certificate.cert-manager.io", "ruled", "its references are understood"),
        ("ClusterIssuer.cert-manager.io", "cluster-wide", "holds for the whole cluster; no tenant writes it"),
        ("HelmChart.helm.cattle.io", "powerful", "installs a chart as the cluster's administrator"),
        ("Cluster.postgresql.cnpg.io", "harmless", "a database in pods of the namespace, and what is in it"),
        ("Widget.example.com", "scanned", "no rule reads it; it is scanned"),
        ("Pod.", "ruled", "Kubernetes' own, every field of which the policies know"),
        ("Node.", "cluster-wide", "holds for the whole cluster; no tenant writes it"),
        ("Event.", "never sent", "chatter"),
        (
            "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
            "never sent",
            "the API server asks nobody about what says who asks what",
        ),
    ],
)
def test_each_sort_of_kind_is_told(kind: str, coverage: str, reason: str) -> None:
    found = surveyed()[kind]
    assert (found.coverage, found.reason) == (coverage, reason)


@pytest.mark.parametrize(
    ("kind", "policies"),
    [
        ("Certificate.cert-manager.io", {"references-cert-manager", "references-other-tenants"}),
        ("HelmChart.helm.cattle.io", {"references-powerful-kinds"}),
        ("Widget.example.com", {"references-other-tenants", "references-borrowed-places"}),
        ("ClusterIssuer.cert-manager.io", {"references-cluster-wide-objects"}),
    ],
)
def test_the_policies_that_judge_it_are_named(kind: str, policies: set[str]) -> None:
    assert policies <= set(surveyed()[kind].policies)


def test_versions_are_one_resource() -> None:
    assert surveyed()["Widget.example.com"].versions == ("v1", "v2")


def test_it_says_which_version_was_read_and_who_was_granted_it() -> None:
    assert surveyed()["Certificate.cert-manager.io"].read == "v1"
    assert surveyed()["HelmChart.helm.cattle.io"].granted == ("shop",)


def test_settings_that_refuse_unknown_kinds_cover_them() -> None:
    assert surveyed(REFUSING)["Widget.example.com"].coverage == "refused"


@pytest.mark.parametrize(
    ("without", "kind", "reason"),
    [
        (
            "references-cert-manager",
            "Certificate.cert-manager.io",
            "the policy references-cert-manager, which reads it, is not loaded",
        ),
        (
            "references-powerful-kinds",
            "HelmChart.helm.cattle.io",
            "installs a chart as the cluster's administrator; but no policy that is loaded asks for customKind",
        ),
        (
            "references-cluster-wide-objects",
            "ClusterIssuer.cert-manager.io",
            "holds for the whole cluster; no tenant writes it; but no policy that is loaded asks for requester.claimed",
        ),
    ],
)
def test_what_nothing_judges_is_open(without: str, kind: str, reason: str) -> None:
    found = _without(without)[kind]
    assert (found.coverage, found.reason) == ("open", reason)


def _without(policy: str) -> dict[str, Surveyed]:
    unknown_too = "references-unknown-kinds" if policy == "references-powerful-kinds" else policy
    manifests = [each for each in shipped() if not each.name.startswith((policy, unknown_too))]
    kinds = Snapshot([definition(*each) for each in DEFINITIONS]).kinds
    found = survey(kinds, load_policies(manifests), load_tenancy(manifests), never)
    return {f"{each.served.kind.kind}.{each.served.kind.group}": each for each in found}


def test_without_policies_everything_is_open_but_what_is_never_sent() -> None:
    kinds = Snapshot([definition(*each) for each in DEFINITIONS]).kinds
    found = survey(kinds, load_policies(()), load_tenancy(()), never)
    assert {each.coverage for each in found} == {"open", "never sent"}
