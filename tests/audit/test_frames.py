"""A namespace lacks what is not there by any name, and nothing that is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from gatekeeper_py.audit.frames import FRAME_KINDS, Frames
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, Source, read_text
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.admission.submission import Submission, make_request
from gatekeeper_py.tenancy.documents import load_tenancy
from gatekeeper_py.tenancy.frame import LEVEL_LABEL, frame
from gatekeeper_py.tenancy.tenant import Tenancy

TENANT = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec: {namespaces: {names: [foo]}, owners: [{kind: User, name: alice}], podSecurity: LEVEL, enforcement: HOW}
"""


def tenancy(level: str = "baseline", enforcement: str = "enforce") -> Tenancy:
    return load_tenancy(read_text(TENANT.replace("LEVEL", level).replace("HOW", enforcement)))


def framed(found: Tenancy) -> list[Object]:
    return list(frame(found.by_name["foo"], {"metadata": {"name": "foo"}}, ["foo"]))


def judged(
    found: Tenancy, objects: Iterable[Object], unread: Iterable[GroupVersionKind] = ()
) -> list[Audited | Problem]:
    cluster = Snapshot(objects)
    items = [
        Audited(manifest, make_request(manifest, cluster, Submission("CREATE")), "foo", (), ())
        for manifest in (Manifest(each, Source("cluster")) for each in objects)
    ]
    return list(Frames(found, cluster, frozenset(unread)).judge(items))


def lacking(objects: Iterable[Object], found: Tenancy | None = None) -> str:
    """What is said of the namespace."""
    said = [
        finding.message
        for item in judged(found or tenancy(), list(objects))
        if isinstance(item, Audited)
        for finding in item.findings
    ]
    return said[0].removeprefix("the tenant's namespace lacks ").partition(";")[0] if said else ""


ALL = framed(tenancy())
NAMESPACE, BINDING, DENY, DNS, INSIDE, QUOTA, RANGE = ALL


def test_what_is_rendered_lacks_nothing() -> None:
    assert lacking(ALL) == ""


def test_a_namespace_without_anything_lacks_everything() -> None:
    bare = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "foo"}}
    (item,) = judged(tenancy(), [bare])
    assert isinstance(item, Audited)
    (finding,) = item.findings
    assert finding.message == (
        "the tenant's namespace lacks the label pod-security.kubernetes.io/enforce: baseline, a RoleBinding of its "
        "owners, a NetworkPolicy that denies ingress by default, a NetworkPolicy that denies egress by default, a "
        "ResourceQuota of the platform, a LimitRange of the platform; apply what `gatekeeper tenants render` prints"
    )
    assert (finding.policy, finding.actions, finding.metadata["severity"]) == (
        "tenant-frame",
        ("Warn",),
        "medium",
    )


def policy(**spec: Any) -> Object:
    return {**DENY, "spec": {"podSelector": {}, **spec}}


def labelled(value: Object, **labels: str) -> Object:
    return {
        **value,
        "metadata": {**value["metadata"], "labels": {k.replace("__", "/"): v for k, v in labels.items()}},
    }


OWN = {"tenancy.gatekeeper-py.dev/made-by-tenant": "true"}
INGRESS, EGRESS = (f"a NetworkPolicy that denies {each} by default" for each in ("ingress", "egress"))
BOTH = f"{INGRESS}, {EGRESS}"
LABEL = f"the label {LEVEL_LABEL}: baseline"
REST = [NAMESPACE, BINDING, QUOTA, RANGE]

CASES: dict[str, tuple[list[Object], str]] = {
    "no binding": ([NAMESPACE, DENY, QUOTA, RANGE], "a RoleBinding of its owners"),
    "a binding of somebody else": (
        [{**BINDING, "subjects": [{"kind": "User", "name": "bob"}]}, NAMESPACE, DENY, QUOTA, RANGE],
        "a RoleBinding of its owners",
    ),
    "no quota": ([NAMESPACE, BINDING, DENY, RANGE], "a ResourceQuota of the platform"),
    "a quota of the tenant's own": (
        [{**QUOTA, "metadata": {**QUOTA["metadata"], "labels": OWN}}, NAMESPACE, BINDING, DENY, RANGE],
        "a ResourceQuota of the platform",
    ),
    "no limit range": ([NAMESPACE, BINDING, DENY, QUOTA], "a LimitRange of the platform"),
    "no policy": (REST, BOTH),
    "a policy of another name": ([*REST, {**DENY, "metadata": {"name": "x", "namespace": "foo"}}], ""),
    "a policy of another namespace": ([*REST, {**DENY, "metadata": {"name": "x", "namespace": "bar"}}], BOTH),
    "a policy about some pods": (
        [*REST, policy(podSelector={"matchLabels": {"a": "b"}}, policyTypes=["Ingress", "Egress"])],
        BOTH,
    ),
    "one direction": ([*REST, policy(policyTypes=["Ingress"])], EGRESS),
    "no types, and so ingress": ([*REST, policy()], EGRESS),
    "no types, and egress": ([*REST, policy(egress=[{"to": [{"podSelector": {}}]}])], ""),
    "a rule that lets everything through": (
        [*REST, policy(policyTypes=["Ingress", "Egress"], egress=[{}])],
        EGRESS,
    ),
    "a rule for some": (
        [*REST, policy(policyTypes=["Ingress", "Egress"], ingress=[{"from": [{"podSelector": {}}]}])],
        "",
    ),
    "a policy without a spec": ([*REST, {**DENY, "spec": None}], BOTH),
    "no level": ([labelled(NAMESPACE), BINDING, DENY, QUOTA, RANGE], LABEL),
    "a lower level": (
        [{**NAMESPACE, "metadata": {"name": "foo", "labels": {LEVEL_LABEL: "privileged"}}}, *ALL[1:]],
        LABEL,
    ),
    "a higher level": (
        [{**NAMESPACE, "metadata": {"name": "foo", "labels": {LEVEL_LABEL: "restricted"}}}, *ALL[1:]],
        "",
    ),
    "an unknown level": (
        [{**NAMESPACE, "metadata": {"name": "foo", "labels": {LEVEL_LABEL: "high"}}}, *ALL[1:]],
        LABEL,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_there_counts_whatever_its_name(case: str) -> None:
    objects, expected = CASES[case]
    assert lacking(objects) == expected


BARE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "foo"}}
EXEMPT: dict[str, tuple[Object, Tenancy]] = {
    "of the platform": ({**BARE, "metadata": {"name": "kube-system"}}, tenancy()),
    "of nobody": ({**BARE, "metadata": {"name": "stray"}}, tenancy()),
    "of a tenant that is observed": (BARE, tenancy(enforcement="observe")),
    "that goes away": (
        {**BARE, "metadata": {"name": "foo", "deletionTimestamp": "2026-01-01T00:00:00Z"}},
        tenancy(),
    ),
}


@pytest.mark.parametrize("case", EXEMPT)
def test_some_namespaces_need_no_frame(case: str) -> None:
    namespace, found = EXEMPT[case]
    assert lacking([namespace], found) == ""


def test_what_was_not_read_is_not_missing_but_not_audited() -> None:
    item, *problems = judged(tenancy(), [NAMESPACE], FRAME_KINDS)
    assert isinstance(item, Audited)
    assert item.findings == ()
    assert [str(each) for each in problems][1] == (
        "networking.k8s.io/v1 NetworkPolicy: no NetworkPolicy was read: whether tenants' namespaces have theirs is "
        "not audited. Give them with --cluster, or the right to list them"
    )
    assert len(problems) == len(FRAME_KINDS)


def test_without_a_tenants_namespace_nothing_is_looked_for() -> None:
    assert len(judged(tenancy(), [QUOTA], FRAME_KINDS)) == 1
