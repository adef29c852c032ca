"""A binding is judged by what it grants to whom, with the way and the remedy."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.audit.privileges import RBAC_KINDS, Privileges
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.audit.target import Target
from gatekeeper_py.cluster.authorization import ROLE_BINDING
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.policy.admission.submission import Submission, make_request
from gatekeeper_py.tenancy.documents import load_tenancy
from tests.audit.test_subjects import RBAC, binding, tenancy

Json = dict[str, Any]

ALICE, ACCOUNT = (
    {"kind": "User", "name": "alice"},
    {"kind": "ServiceAccount", "name": "op", "namespace": "foo"},
)
EVERYBODY = {"kind": "Group", "name": "system:authenticated"}
MALLORY, ROOT = {"kind": "User", "name": "mallory"}, {"kind": "User", "name": "root"}


def everywhere(*subjects: Json, role: str = "r") -> Json:
    made = {**binding("", *subjects, role=role), "kind": "ClusterRoleBinding"}
    return {**made, "metadata": {"name": "c"}}


def role(*rules: Json, name: str = "r", **more: Any) -> Json:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": list(rules),
        **more,
    }


SECRETS = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}
TOKENS = {"verbs": ["create"], "apiGroups": [""], "resources": ["serviceaccounts/token"]}
ALL = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b", "labels": {"team": "bar"}}}


def judged(
    value: Json, *others: Json, unread: Any = (), unclaimed: str = "own-tenant"
) -> list[Audited | Problem]:
    cluster = Snapshot((NAMESPACE, *others, value))
    manifest = Manifest(value, Source("rbac.yaml", 3, 1))
    request = make_request(manifest, cluster, Submission("CREATE"))
    item = Audited(Target.of(manifest, request, None), "foo", (), (), manifest=manifest)
    return list(Privileges(tenancy(unclaimed), cluster, frozenset(unread)).judge([item]))


def findings(value: Json, *others: Json, **more: Any) -> list[tuple[str, str, str]]:
    """Power, action and severity."""
    (item,) = judged(value, *others, **more)
    assert isinstance(item, Audited)
    return [(each.policy, *each.actions, each.metadata["severity"]) for each in item.findings]  # type: ignore[misc]


def test_a_finding_says_who_may_do_what_where_by_which_way_and_what_to_do() -> None:
    (item,) = judged(everywhere(ALICE), role({"verbs": ["get"]}, {**SECRETS, "resourceNames": ["db"]}))
    assert isinstance(item, Audited)
    (finding,) = item.findings
    assert finding.message == (
        'User "alice" of tenant \'foo\' may read Secrets everywhere, by ClusterRoleBinding "c" -> '
        'ClusterRole "r" -> rules[1] (verbs ["get"]; apiGroups [""]; resources ["secrets"]; '
        'resourceNames ["db"]); bind the role in the tenant\'s own namespaces, by RoleBindings'
    )
    assert finding.binding == "r"
    assert finding.metadata == {
        "severity": "critical",
        "category": "rbac",
        "remedy": "bind the role in the tenant's own namespaces, by RoleBindings",
    }
    assert item.concerns == ("foo",)


GRADES: dict[str, tuple[Json, tuple[Json, ...], list[tuple[str, str, str]]]] = {
    "everywhere": (everywhere(ALICE), (role(SECRETS),), [("rbac-secrets", "Deny", "critical")]),
    "in its own namespace": (binding("foo", ALICE, role="r"), (role(SECRETS),), []),
    "in a namespace of another": (
        binding("other", ALICE, role="r"),
        (role(SECRETS),),
        [("rbac-secrets", "Deny", "critical")],
    ),
    "in one that another shares": (binding("b", ALICE, role="r"), (role(SECRETS),), []),
    "in the platform's": (
        binding("kube-system", ACCOUNT, role="r"),
        (role(SECRETS),),
        [("rbac-secrets", "Deny", "critical")],
    ),
    "by everybody": (
        binding("foo", EVERYBODY, role="r"),
        (role(SECRETS),),
        [("rbac-secrets", "Deny", "critical")],
    ),
    "by the platform": (everywhere(ROOT), (role(ALL),), []),
    "by a stranger": (everywhere(MALLORY), (role(SECRETS),), [("rbac-secrets", "Warn", "critical")]),
    "everything everywhere": (everywhere(ALICE), (role(ALL),), [("rbac-everything", "Deny", "critical")]),
    "everything in its own": (
        binding("foo", ALICE, role="r"),
        (role(ALL),),
        [("rbac-everything", "Audit", "low")],
    ),
    "tokens in its own": (
        binding("foo", ALICE, role="r"),
        (role(TOKENS),),
        [("rbac-tokens", "Audit", "low")],
    ),
    "nothing": (everywhere(ALICE), (role(),), []),
    "a role that is not there": (everywhere(ALICE), (), []),
}


@pytest.mark.parametrize("case", GRADES)
def test_how_bad_it_is_depends_on_who_and_where(case: str) -> None:
    value, others, expected = GRADES[case]
    assert findings(value, *others) == expected


def test_to_become_an_account_is_as_bad_as_what_that_may_do() -> None:
    powerful = everywhere(ACCOUNT, role="s")
    (item,) = judged(binding("foo", ALICE, role="r"), role(TOKENS), role(SECRETS, name="s"), powerful)
    assert isinstance(item, Audited)
    (finding,) = item.findings
    assert (finding.actions, finding.metadata["severity"]) == (("Deny",), "high")
    assert finding.message.startswith(
        'User "alice" of tenant \'foo\' may mint tokens of ServiceAccounts in namespace "foo", where '
        'ServiceAccount "foo/op" may do what no tenant should, by RoleBinding "b" -> '
    )


OWN = {
    "what it may do is in its own namespace": binding("foo", ACCOUNT, role="s"),
    "what it may do is shared": binding("b", ACCOUNT, role="s"),
    "it may do nothing of note": everywhere(ACCOUNT, role="nothing"),
    "it is in another namespace": everywhere({**ACCOUNT, "namespace": "b"}, role="s"),
}


@pytest.mark.parametrize("case", OWN)
def test_to_become_an_account_that_reaches_no_further_is_harmless(case: str) -> None:
    other = {**OWN[case], "metadata": {**OWN[case]["metadata"], "name": "other"}}
    roles = role(TOKENS), role(SECRETS, name="s"), role(name="nothing")
    assert findings(binding("foo", ALICE, role="r"), *roles, other) == [("rbac-tokens", "Audit", "low")]


def test_a_stranger_has_two_remedies() -> None:
    (item,) = judged(everywhere(MALLORY), role(SECRETS))
    assert isinstance(item, Audited)
    message = item.findings[0].message
    assert message.startswith('User "mallory", of whom nobody says whose, may read Secrets everywhere, by ')
    assert message.endswith(
        "; bind the role in the tenant's own namespaces, by RoleBindings; or say in TenancySettings that it is "
        "the platform's, or in a Tenant whose it is"
    )


ARGO = {"kind": "ServiceAccount", "name": "controller", "namespace": "argocd"}
WEBHOOKS = {
    "verbs": ["create"],
    "apiGroups": ["admissionregistration.k8s.io"],
    "resources": ["validatingadmissionpolicies"],
}
UNASKED = [("rbac-unasked", "Warn", "high")]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (ALL, UNASKED),
        (WEBHOOKS, UNASKED),
        ({**WEBHOOKS, "verbs": ["*"], "resources": ["*"]}, UNASKED),
        ({**WEBHOOKS, "verbs": ["get", "update", "patch"]}, []),
        ({**ALL, "apiGroups": ["", "apps"]}, []),
        (SECRETS, []),
    ],
    ids=str,
)
def test_who_writes_for_tenants_is_told_what_nobody_is_asked_about(
    rule: Json, found: list[tuple[str, str, str]]
) -> None:
    assert findings(everywhere(ARGO), role(rule)) == found


def test_in_a_namespace_who_writes_for_tenants_makes_none() -> None:
    assert findings(binding("foo", ARGO, role="r"), role(ALL)) == []


def test_who_writes_for_tenants_is_told_beside_others() -> None:
    assert findings(everywhere(ARGO, ALICE), role(ALL)) == [*UNASKED, ("rbac-everything", "Deny", "critical")]


def test_what_nobody_is_asked_about_is_said_with_the_way_and_the_remedy() -> None:
    (item,) = judged(everywhere(ARGO), role(WEBHOOKS))
    assert isinstance(item, Audited)
    assert item.findings[0].message == (
        'ServiceAccount "argocd/controller", which also writes for tenants, may make webhooks and admission policies '
        'for whoever has it deploy them, about which nobody is asked, by ClusterRoleBinding "c" -> '
        'ClusterRole "r" -> rules[0] (verbs ["create"]; apiGroups ["admissionregistration.k8s.io"]; '
        'resources ["validatingadmissionpolicies"]); take admissionregistration.k8s.io out of its role, or keep its '
        "kinds out of what tenants may have deployed (clusterResourceWhitelist of AppProjects)"
    )
    assert item.concerns == ()


def test_subjects_are_told_by_tenant_and_many_are_counted() -> None:
    accounts = [{**ACCOUNT, "name": f"a{number}"} for number in range(5)]
    (item,) = judged(everywhere(*accounts, {**ACCOUNT, "namespace": "b"}, ROOT), role(SECRETS))
    assert isinstance(item, Audited)
    assert [each.message.partition(" may ")[0] for each in item.findings] == [
        'ServiceAccount "foo/a0", ServiceAccount "foo/a1", ServiceAccount "foo/a2" and 2 more of tenant \'foo\'',
        "ServiceAccount \"b/op\" of tenant 'bar'",
    ]
    assert item.concerns == ("foo", "bar")


def test_an_aggregated_role_grants_what_its_parts_do() -> None:
    whole = role(name="r", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"into": "r"}}]})
    part = {**role(SECRETS, name="part"), "metadata": {"name": "part", "labels": {"into": "r"}}}
    (item,) = judged(everywhere(ALICE), whole, part)
    assert isinstance(item, Audited)
    assert 'ClusterRole "r" -> ClusterRole "part" (aggregated) -> rules[0]' in item.findings[0].message


def test_the_built_in_roles_are_known_where_files_do_not_hold_them() -> None:
    found = findings(binding("foo", ALICE, role="edit"), unread=RBAC_KINDS)
    assert found == [("rbac-impersonate", "Audit", "low"), ("rbac-tokens", "Audit", "low")]


def test_a_role_that_was_not_read_is_not_audited() -> None:
    item, problem = judged(everywhere(ALICE, role="gone"), unread=RBAC_KINDS)
    assert isinstance(item, Audited)
    assert item.findings == ()
    assert str(problem) == (
        "rbac.yaml:3:1: ClusterRoleBinding 'c' names ClusterRole 'gone', which was not read: what it grants is "
        "not audited. Give the role with --cluster, or the right to list it"
    )


def test_a_role_that_does_not_exist_grants_nothing() -> None:
    (item,) = judged(everywhere(ALICE, role="gone"), unread=[ROLE_BINDING])
    assert isinstance(item, Audited)


def test_what_is_nobodys_is_outside_all_rules() -> None:
    value = binding("stray", MALLORY, role="r")
    assert findings(value, role(SECRETS), unclaimed="ignore") == []


def test_a_binding_of_a_file_is_in_the_namespace_it_goes_to() -> None:
    value = binding("", {"kind": "User", "name": "alice"}, role="r")
    del value["metadata"]["namespace"]
    (item,) = judged(value, role(SECRETS))
    assert isinstance(item, Audited)
    assert "in namespace \"default\" of tenant 'default'" in item.findings[0].message


def test_where_no_tenant_is_declared_nobody_is_one() -> None:
    value = everywhere(ALICE)
    cluster = Snapshot((role(SECRETS), value))
    manifest = Manifest(value, Source("rbac.yaml", 3, 1))
    request = make_request(manifest, cluster, Submission("CREATE"))
    item = Audited(Target.of(manifest, request, None), "", (), (), manifest=manifest)
    assert list(Privileges(load_tenancy(()), cluster).judge([item])) == [item]


def test_other_objects_and_problems_pass() -> None:
    problem = Problem("a.yaml", 1, 1, "cannot be read")
    assert list(Privileges(tenancy(), Snapshot()).judge([problem])) == [problem]
    (item,) = judged(role(ALL))
    assert isinstance(item, Audited)
    assert item.findings == ()
