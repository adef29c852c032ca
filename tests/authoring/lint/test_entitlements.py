"""Grants that give nothing, or give to all, are told with their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import POLICY, found

HEAD = "apiVersion: tenancy.gatekeeper-py.dev/v1alpha1\n"
TENANT = f"{HEAD}kind: Tenant\nmetadata: {{name: NAME}}\nspec:\n  namespaces: {{names: [NAME]}}\n"
WAIVER = (
    f"{HEAD}kind: Waiver\nmetadata: {{name: w}}\n"
    'spec: {policies: [p], tenants: [foo], kinds: [KIND], reason: r, approvedBy: a, expires: "2027-01-31"}\n'
)

MISTAKES = {
    "a URL for a hostname": (
        '  hostnames: ["https://foo.example.com/"]',
        '6:15: GK702 error: "https://foo.example.com/" is no hostname, so it grants nothing. Write the DNS name alone',
    ),
    "a URL for a registry": (
        '  registries: ["https://ghcr.io/foo"]',
        '6:16: GK702 error: "https://ghcr.io/foo" is no registry, so it grants nothing. '
        "Write the host, and a path in it",
    ),
    "all hostnames": ('  hostnames: ["*"]', "6:15: GK703 warning: this grants all hostnames there are. Name them"),
    "all registries": ('  registries: ["*"]', "6:16: GK703 warning: this grants all registries there are. Name them"),
    "no label": (
        '  labels: {cost center: "1"}',
        '6:25: GK702 error: "cost center: 1" is no label, so no object can carry it: name part',
    ),
    "everybody": (
        '  owners: [{kind: Group, name: "system:authenticated"}]',
        "6:32: GK703 warning: everybody is in this group, so everybody owns the tenant. "
        "Name a group of the tenant's people",
    ),
    "itself": (
        "  sharing: [{to: [foo], kinds: [Service]}]",
        "6:18: GK702 error: this shares with nobody else. Name another tenant, or * for all",
    ),
    "a kind in the plural": (
        '  sharing: [{to: ["*"], kinds: [Services]}]',
        '6:33: GK704 error: no kind is called "Services". Did you mean Service?',
    ),
    "a kind without its group": (
        '  sharing: [{to: ["*"], kinds: [Xyzzy]}]',
        '6:33: GK704 error: no kind is called "Xyzzy". Write the kind, and the group of a custom one',
    ),
}  # fmt: skip


def told(folder: Path, tenant: str) -> list[str]:
    lines = found(folder, {"t.yaml": tenant})
    return [line.removeprefix("t.yaml:") for line in lines if "GK7" in line]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(mistake: str, tmp_path: Path) -> None:
    after, expected = MISTAKES[mistake]
    (line,) = told(tmp_path, TENANT.replace("NAME", "foo") + after + "\n")
    assert line.startswith(expected)


@pytest.mark.parametrize(
    "after",
    [
        '  hostnames: ["*.foo.example.com", foo.example.org]',
        '  registries: [registry.example.com:5000/foo, "ghcr.io/foo/*"]',
        '  labels: {example.com/cost-center: ""}',
        '  owners: [{kind: Group, name: "foo:admins"}]',
        '  sharing: [{to: ["*"], kinds: [Service, Deployment.apps, Gateway.gateway.networking.k8s.io]}]',
    ],
)
def test_what_may_be_right_is_not_told(after: str, tmp_path: Path) -> None:
    assert told(tmp_path, TENANT.replace("NAME", "foo") + after + "\n") == []


def test_namespaces_of_the_cluster_are_for_the_trusted(tmp_path: Path) -> None:
    tenant = TENANT.replace("{names: [NAME]}", "{names: [kube-system]}").replace("NAME", "foo")
    assert told(tmp_path, tenant) == [
        "5:24: GK703 warning: kube-system is a namespace of the cluster's own, and this tenant is not trusted. "
        "Leave it to a trusted tenant"
    ]
    assert told(tmp_path, tenant + "  trusted: true\n") == []


def test_a_claim_of_nothing(tmp_path: Path) -> None:
    tenant = TENANT.replace("{names: [NAME]}", "{names: []}").replace("NAME", "foo")
    assert told(tmp_path, tenant) == [
        "5:15: GK702 error: this claims no namespace. Name one, or ask for a label"
    ]


def test_a_hostname_within_another_tenants(tmp_path: Path) -> None:
    wide = TENANT.replace("NAME", "foo") + '  hostnames: ["*.example.com"]\n'
    narrow = TENANT.replace("NAME", "bar") + "  hostnames: [bar.example.com, example.org]\n"
    assert told(tmp_path, f"{wide}---\n{narrow}") == [
        '13:15: GK703 warning: "bar.example.com" is also among the hostnames of tenant foo: "*.example.com". '
        "Leave it to one of them"
    ]


@pytest.mark.parametrize(("kind", "codes"), [("Pods", ["GK704"]), ("Pod", []), ("Widget.example.com", [])])
def test_kinds_of_waivers(kind: str, codes: list[str], tmp_path: Path) -> None:
    files = {
        "p.yaml": POLICY,
        "t.yaml": TENANT.replace("NAME", "foo"),
        "w.yaml": WAIVER.replace("KIND", kind),
    }
    lines = found(tmp_path, files)
    assert [line.partition(": ")[2][:5] for line in lines if "GK7" in line] == codes
