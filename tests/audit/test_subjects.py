"""Whose the subjects of bindings are."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.audit.subjects import Subject, Subjects, subjects_of
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.tenancy.documents import load_tenancy
from gatekeeper_py.tenancy.tenant import Tenancy

API = "tenancy.gatekeeper-py.dev/v1alpha1"
TENANTS = f"""\
apiVersion: {API}
kind: Tenant
metadata: {{name: foo}}
spec:
  namespaces: {{names: [foo]}}
  owners: [{{kind: User, name: alice}}, {{kind: Group, name: devs}}]
---
apiVersion: {API}
kind: Tenant
metadata: {{name: bar}}
spec:
  namespaces: {{selector: {{matchLabels: {{team: bar}}}}}}
  sharing: [{{to: [foo], kinds: [Namespace]}}]
---
apiVersion: {API}
kind: Tenant
metadata: {{name: gitops}}
spec: {{trusted: true, namespaces: {{names: [argocd]}}}}
---
apiVersion: {API}
kind: TenancySettings
metadata: {{name: settings}}
spec: {{platform: {{users: [root], groups: ["system:masters", admins]}}}}
"""
RBAC = "rbac.authorization.k8s.io"


def tenancy(unclaimed: str = "own-tenant") -> Tenancy:
    return load_tenancy(read_text(TENANTS.replace("{platform:", f"{{unclaimed: {unclaimed}, platform:")))


def binding(namespace: str, *subjects: dict[str, str], role: str = "view") -> dict[str, Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "b", "namespace": namespace},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": list(subjects),
    }


CLUSTER = Snapshot(
    [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b", "labels": {"team": "bar"}}},
        binding("foo", {"kind": "User", "name": "carol"}, {"kind": "User", "name": "root"}),
        binding("b", {"kind": "User", "name": "alice"}, {"kind": "Group", "name": "testers"}),
        binding("kube-system", {"kind": "User", "name": "dave"}),
    ]
)

WHOSE: dict[str, tuple[Subject, tuple[str, ...]]] = {
    "an owner": (Subject("User", "alice"), ("tenant", "foo")),
    "a group of owners": (Subject("Group", "devs"), ("tenant", "foo")),
    "a user called like the group": (Subject("User", "devs"), ("unknown",)),
    "a group called like the user": (Subject("Group", "alice"), ("unknown",)),
    "who is bound in a tenant's namespace": (Subject("User", "carol"), ("tenant", "foo")),
    "a group that is": (Subject("Group", "testers"), ("tenant", "bar")),
    "who is bound in the platform's": (Subject("User", "dave"), ("unknown",)),
    "an account": (Subject("ServiceAccount", "default", "foo"), ("tenant", "foo")),
    "an account of a namespace by its label": (Subject("ServiceAccount", "x", "b"), ("tenant", "bar")),
    "an account of a namespace of nobody": (Subject("ServiceAccount", "x", "stray"), ("tenant", "stray")),
    "an account of the platform": (Subject("ServiceAccount", "x", "kube-system"), ("platform",)),
    "an account that also writes as tenants": (Subject("ServiceAccount", "x", "argocd"), ("deputy",)),
    "the accounts of a namespace": (Subject("Group", "system:serviceaccounts:foo"), ("tenant", "foo")),
    "the accounts of kube-system": (Subject("Group", "system:serviceaccounts:kube-system"), ("platform",)),
    "all accounts": (Subject("Group", "system:serviceaccounts"), ("everybody",)),
    "all who log in": (Subject("Group", "system:authenticated"), ("everybody",)),
    "all who do not": (Subject("Group", "system:unauthenticated"), ("everybody",)),
    "nobody in particular": (Subject("User", "system:anonymous"), ("everybody",)),
    "a user of the platform": (Subject("User", "root"), ("platform",)),
    "a group of the platform": (Subject("Group", "admins"), ("platform",)),
    "administrators": (Subject("Group", "system:masters"), ("platform",)),
    "the control plane": (Subject("User", "system:kube-scheduler"), ("platform",)),
    "nodes": (Subject("Group", "system:nodes"), ("platform",)),
    "a stranger": (Subject("User", "mallory"), ("unknown",)),
}


@pytest.mark.parametrize("case", WHOSE)
def test_a_subject_is_somebodys(case: str) -> None:
    subject, (relation, *tenants) = WHOSE[case]
    found = Subjects(tenancy(), CLUSTER).whose(subject)
    assert (found.relation, sorted(found.tenants)) == (relation, tenants)


def test_an_account_of_what_no_rule_is_about_is_nobodys() -> None:
    found = Subjects(tenancy("ignore"), CLUSTER).whose(Subject("ServiceAccount", "x", "stray"))
    assert found.relation == "unknown"


def test_what_is_shared_with_all_of_them_is_their_own() -> None:
    subjects = Subjects(tenancy(), CLUSTER)
    foo, bar = subjects.owner("foo"), subjects.owner("b")
    assert foo is not None
    assert bar is not None
    alice, testers = subjects.whose(Subject("User", "alice")), subjects.whose(Subject("Group", "testers"))
    shared = [(whose.shares(foo), whose.shares(bar)) for whose in (alice, testers)]
    assert shared == [(True, True), (False, True)]
    assert not subjects.whose(Subject("Group", "system:authenticated")).shares(foo)
    assert not subjects.whose(Subject("User", "mallory")).shares(foo)


def test_an_account_may_be_written_in_several_ways() -> None:
    made = binding(
        "foo",
        {"kind": "ServiceAccount", "name": "a", "namespace": "bar"},
        {"kind": "ServiceAccount", "name": "a"},
        {"kind": "User", "name": "system:serviceaccount:bar:a"},
        {"kind": "User", "name": ""},
    )
    assert [str(each) for each in subjects_of(made)] == [
        'ServiceAccount "bar/a"',
        'ServiceAccount "foo/a"',
        'ServiceAccount "bar/a"',
    ]


@pytest.mark.parametrize("subjects", [None, "alice", [None, "alice", {}]], ids=repr)
def test_subjects_of_an_odd_shape_are_none(subjects: Any) -> None:
    assert list(subjects_of({**binding("foo"), "subjects": subjects})) == []
