from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.tenancy.deputies import HOME, bears_marks, marked_namespaces

TRACKED = "argocd.argoproj.io/tracking-id"
RELEASED = "meta.helm.sh/release-namespace"
FLUX = "kustomize.toolkit.fluxcd.io/namespace"


@pytest.mark.parametrize(
    ("metadata", "namespaces"),
    [
        ({}, []),
        ({"annotations": {TRACKED: "app:apps/Deployment:foo/web"}}, [HOME]),
        ({"annotations": {TRACKED: "foo_app:apps/Deployment:foo/web"}}, ["foo"]),
        ({"annotations": {TRACKED: "app:example.com/Thing:foo/a_b"}}, [HOME]),
        ({"annotations": {TRACKED: ""}}, [HOME]),
        ({"annotations": {TRACKED: 1}}, []),
        ({"labels": {FLUX: "foo"}}, ["foo"]),
        ({"labels": {"helm.toolkit.fluxcd.io/namespace": "foo"}}, ["foo"]),
        ({"labels": {"resourceset.fluxcd.controlplane.io/namespace": "foo"}}, ["foo"]),
        ({"labels": {FLUX: "flux-system"}, "annotations": {TRACKED: "foo_app:x"}}, ["flux-system", "foo"]),
        ({"labels": {"app.kubernetes.io/instance": "foo_app"}}, ["foo"]),
        ({"labels": {"example.com/app": "foo_app"}}, ["foo"]),
        ({"labels": {"app.kubernetes.io/instance": "app"}}, []),
        ({"labels": {"arch": "x86_64"}}, []),
        ({"annotations": {RELEASED: "foo"}}, ["foo"]),
        ({"annotations": {RELEASED: "cert-manager"}, "labels": {FLUX: "flux-system"}}, ["flux-system"]),
        ({"annotations": "none", "labels": ["none"]}, []),
        ({"labels": {FLUX: 1, "a": None}}, ["1"]),
    ],
    ids=str,
)
def test_marks_name_the_namespaces_of_who_had_it_deployed(
    metadata: dict[str, Any], namespaces: list[str]
) -> None:
    assert sorted(marked_namespaces({"metadata": metadata}, lambda name: name == "foo")) == namespaces


@pytest.mark.parametrize(
    "value", [{}, {"metadata": None}, {"metadata": {"labels": None, "annotations": None}}]
)
def test_what_has_no_metadata_bears_no_mark(value: dict[str, Any]) -> None:
    assert marked_namespaces(value, lambda _: True) == set()


def test_definitions_and_our_own_documents_tell_nothing_by_marks() -> None:
    assert not bears_marks(GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"))
    assert not bears_marks(GroupVersionKind("tenancy.gatekeeper-py.dev", "v1alpha1", "Waiver"))
    assert bears_marks(GroupVersionKind("rbac.authorization.k8s.io", "v1", "ClusterRole"))
    assert bears_marks(GroupVersionKind("example.com", "v1", "CustomResourceDefinition"))
