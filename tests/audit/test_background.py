"""A background audit judges what changes, forgets what goes, and never takes for clean what it does not know."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.audit import background
from gatekeeper_py.audit.background import (
    A_SECOND,
    BATCH,
    LEAST_PASS_SECONDS,
    NEIGHBOURS_SECONDS,
    OVERDUE,
    Step,
)
from gatekeeper_py.audit.scan import Audited, Auditor
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.staleness import Stale
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from tests.audit.watched import POD, POLICY, SERVICE, Audit, named, pod, rules

WIDGET = GroupVersionKind("example.com", "v1", "Widget")
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets"},
        "versions": [{"name": "v1", "served": True, "storage": True}],
    },
}


PLANE = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: deep}
spec: {namespaces: {names: [deep]}, runtimeClasses: {isolation: vm, allowed: ["*"]}}
---
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: ops}
spec: {trusted: true, namespaces: {names: [kamaji]}}
---
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: ControlPlane
metadata: {name: one}
spec:
  tenant: deep
  kubeconfig: {file: /etc/one}
  pods: [{namespace: kamaji, selector: {matchLabels: {app: etcd}}}]
"""


@pytest.fixture
def audit() -> Audit:
    made = Audit()
    made.settle()
    return made


def test_an_object_is_judged_when_it_appears_changes_and_goes(audit: Audit) -> None:
    audit.cluster.put(pod("web", host=True))
    assert audit.settle() == ["web"]
    assert audit.wrong() == {"web": ["no-host"]}
    audit.cluster.put(pod("web"))
    assert audit.settle() == ["web"]
    assert audit.wrong() == {}
    audit.cluster.put(pod("web", host=True))
    audit.settle()
    audit.cluster.remove(pod("web"))
    gone = audit.background.step().gone
    assert [item.target.name for item in gone] == ["web"]
    assert audit.wrong() == {}


def test_however_often_an_object_changes_it_waits_once(audit: Audit) -> None:
    for number in range(50):
        audit.cluster.put(pod("web", metadata={"labels": {"n": str(number)}}))
    assert audit.settle() == ["web"]


def test_what_changes_goes_before_the_rest(audit: Audit) -> None:
    audit.cluster.put(*(pod(f"p{number}") for number in range(3 * BATCH)))
    audit.settle()
    audit.rules = rules(2)
    assert audit.background.step().looked_at == BATCH
    audit.cluster.put(pod("new", host=True))
    step = audit.background.step()
    assert step.judged[0].target.name == "new"
    assert step.looked_at == BATCH


def test_other_policies_are_a_pass_over_everything(audit: Audit) -> None:
    audit.cluster.put(pod("web", host=True))
    audit.settle()
    audit.rules = rules(2, POLICY.replace("hostNetwork", "hostPID"))
    assert sorted(audit.settle()) == ["foo", "web"]
    assert audit.wrong() == {}


def test_everything_is_judged_again_now_and_then(audit: Audit) -> None:
    audit.clock.time += 599
    assert audit.settle() == []
    audit.clock.time += 1
    assert audit.settle() == ["foo"]


def test_the_last_step_of_a_pass_says_so() -> None:
    audit = Audit()
    audit.cluster.put(*(pod(f"p{number}") for number in range(BATCH)))
    steps = [audit.background.step() for _ in range(3)]
    assert [step.finished_pass for step in steps] == [False, True, False]
    assert audit.background.last_pass is not None


def test_passes_are_remembered_and_no_more_than_so_many(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "MOST_PAST", 2)
    for number in range(3):
        audit.cluster.put(pod(f"p{number}", host=True))
        audit.clock.time += 600
        audit.settle()
    assert [each.violating for each in audit.background.outcome().earlier] == [2, 3]


def test_until_a_pass_is_over_nothing_is_clean() -> None:
    audit = Audit()
    assert audit.not_audited() == ["audit: not everything has been looked at yet"]
    audit.settle()
    assert audit.not_audited() == []


def test_without_policies_nothing_is_judged_and_that_is_said() -> None:
    audit = Audit(rules=None)
    audit.cluster.put(pod("web"))
    assert audit.background.step() == Step()
    assert audit.not_audited()[0] == "policies: none are in force, so nothing is judged"


def test_a_set_without_policies_is_never_clean(audit: Audit) -> None:
    audit.rules = rules(2, POLICY[POLICY.index("apiVersion: tenancy") :])
    audit.settle()
    assert audit.not_audited() == [
        "policies: none are in force, so only roles, control planes' pods and frames of namespaces are judged"
    ]


def test_what_else_stands_in_its_way_is_told(audit: Audit) -> None:
    audit.background.troubles = lambda: [Problem("policies", 0, 0, "a bad edit")]
    assert audit.not_audited() == ["policies: a bad edit"]


def test_a_pass_that_does_not_come_is_told_until_one_is_over(audit: Audit) -> None:
    audit.cluster.put(*(pod(f"p{number}") for number in range(2 * BATCH)))
    audit.settle()
    audit.clock.time += OVERDUE * 600
    assert audit.not_audited() == []
    audit.clock.time += 1
    audit.background.step()
    (said,) = audit.not_audited()
    assert re.fullmatch(
        rf"audit: not everything has been looked at since 20\d\d-[-\d]*T[:\d]*Z, and {BATCH + 1} objects wait",
        said,
    )
    audit.settle()
    assert audit.not_audited() == []


def test_a_short_interval_does_not_make_a_pass_late() -> None:
    audit = Audit()
    audit.background.every = 1
    audit.settle()
    audit.clock.time += OVERDUE * LEAST_PASS_SECONDS
    assert audit.not_audited() == []


def etcd(runtime_class: str = "") -> dict[str, Any]:
    made = pod("etcd", namespace="kamaji", metadata={"labels": {"app": "etcd"}})
    chosen = {"runtimeClassName": runtime_class} if runtime_class else {}
    return {**made, "spec": {**made["spec"], **chosen}}


def test_pods_of_a_tenants_control_plane_are_judged_where_nothing_is_forced_on_them(audit: Audit) -> None:
    audit.rules = rules(2, f"{POLICY}---\n{PLANE}")
    audit.cluster.put(named("Namespace", "kamaji"), etcd(), class_of("k"))
    audit.settle()
    assert audit.wrong() == {"etcd": ["control-plane-isolation"]}
    audit.cluster.put(etcd("k"))
    audit.settle()
    assert (audit.wrong(), audit.not_audited()) == ({}, [])


def test_such_a_pod_is_not_audited_while_its_class_is_unknown(audit: Audit) -> None:
    audit.rules = rules(2, f"{POLICY}---\n{PLANE}")
    unlisted(audit, GroupVersionKind("node.k8s.io", "v1", "RuntimeClass"))
    audit.cluster.put(named("Namespace", "kamaji"), etcd("k"))
    audit.settle()
    assert audit.wrong() == {}
    assert audit.background.ledger.unjudged() == {POD: 1}


def test_a_namespace_that_changes_has_all_in_it_judged_again(audit: Audit) -> None:
    audit.cluster.put(pod("web"), named("Namespace", "bar"), pod("other", namespace="bar"))
    audit.settle()
    audit.cluster.put(named("Namespace", "foo", metadata={"labels": {"a": "b"}}))
    assert sorted(audit.settle()) == ["foo", "web"]


def test_neighbours_are_judged_again_when_it_is_quiet(audit: Audit) -> None:
    audit.cluster.put(named("ConfigMap", "web", "foo"))
    audit.settle()
    assert audit.wrong() == {"web": ["has-a-service"]}
    audit.cluster.put(named("Service", "web", "foo", spec={}))
    assert audit.settle() == ["web"]
    assert audit.wrong() == {"web": ["has-a-service"]}
    audit.clock.time += NEIGHBOURS_SECONDS + 1
    assert sorted(audit.settle()) == ["foo", "web", "web"]
    assert audit.wrong() == {}


def test_what_is_in_one_namespace_concerns_no_other(audit: Audit) -> None:
    audit.cluster.put(named("Namespace", "bar"), pod("other", namespace="bar"))
    audit.settle()
    audit.clock.time += NEIGHBOURS_SECONDS + 1
    audit.settle()
    for port in (80, 81):
        audit.cluster.put(named("Service", "web", "foo", spec={"ports": [{"port": port}]}))
        audit.settle()
    audit.clock.time += LEAST_PASS_SECONDS
    assert sorted(audit.settle()) == ["foo", "web"]


def test_a_large_namespace_waits_longer(audit: Audit) -> None:
    audit.cluster.put(*(pod(f"p{number}") for number in range(2 * A_SECOND)))
    audit.settle()
    audit.clock.time += NEIGHBOURS_SECONDS
    assert audit.settle() == []
    audit.clock.time += 2 + 1 / A_SECOND
    assert len(audit.settle()) == 2 * A_SECOND + 1


def test_a_state_that_changes_concerns_nobody_else(audit: Audit) -> None:
    audit.cluster.put(pod("web"), named("Node", "n"))
    audit.settle()
    audit.clock.time += LEAST_PASS_SECONDS
    audit.settle()
    audit.cluster.put(pod("web", status={"phase": "Running"}), named("Node", "n", status={"x": 1}))
    assert sorted(audit.settle()) == ["n", "web"]
    audit.clock.time += LEAST_PASS_SECONDS
    assert audit.settle() == []


def test_something_cluster_wide_is_a_pass_but_not_too_often(audit: Audit) -> None:
    audit.clock.time += LEAST_PASS_SECONDS
    audit.cluster.put(class_of("v"))
    assert sorted(audit.settle()) == ["foo", "v"]
    audit.cluster.put(class_of("w"))
    assert audit.settle() == ["w"]
    audit.clock.time += LEAST_PASS_SECONDS
    assert sorted(audit.settle()) == ["foo", "v", "w"]


def class_of(name: str) -> dict[str, Any]:
    return {**named("RuntimeClass", name), "apiVersion": "node.k8s.io/v1", "handler": "kata"}


def test_what_nobody_looks_up_concerns_nobody_else(audit: Audit) -> None:
    audit.clock.time += LEAST_PASS_SECONDS
    audit.cluster.put(named("Node", "n"))
    assert audit.settle() == ["n"]


def test_custom_kinds_are_followed_as_they_come_and_go(audit: Audit) -> None:
    audit.cluster.put(DEFINITION)
    audit.settle()
    assert WIDGET in audit.cluster.followed
    audit.cluster.put({**named("Widget", "one", "foo"), "apiVersion": "example.com/v1"})
    assert audit.settle() == ["one"]
    audit.cluster.remove(DEFINITION)
    audit.settle()
    assert WIDGET not in audit.cluster.followed
    assert "one" not in {item.target.name for item in audit.background.outcome().audited}


def test_neither_chatter_nor_reports_are_followed(audit: Audit) -> None:
    report = {"group": "wgpolicyk8s.io", "names": {"kind": "PolicyReport", "plural": "policyreports"}}
    spec = {**DEFINITION["spec"], **report}  # type: ignore[dict-item]
    audit.cluster.put({**DEFINITION, "spec": spec})
    audit.settle()
    kinds = {kind.kind for kind in audit.cluster.followed}
    assert {"Pod", "Secret", "Namespace"} <= kinds
    assert not kinds & {"Event", "Lease", "ComponentStatus", "PolicyReport"}


# --- what is not known


def unlisted(audit: Audit, kind: GroupVersionKind) -> None:
    audit.cluster.stale[kind] = Stale(kind, None, "may not be listed")


def test_a_kind_that_may_not_be_listed_is_not_audited(audit: Audit) -> None:
    unlisted(audit, SERVICE)
    audit.settle()
    assert audit.not_audited() == ["v1 Service: may not be listed"]


def test_a_kind_that_is_stale_says_since_when_in_the_same_words(audit: Audit) -> None:
    audit.cluster.put(pod("web", host=True))
    audit.settle()
    audit.cluster.stale[POD] = Stale(POD, 40.0, "it is silent")
    (said,) = audit.not_audited()
    assert re.fullmatch(
        r"v1 Pod: was last known at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ, and what was found then is told: it is silent",
        said,
    )
    audit.cluster.stale[POD] = Stale(POD, 40.4, "it is silent")
    assert audit.not_audited() == [said]
    assert audit.wrong() == {"web": ["no-host"]}


def aggregated(group: str, version: str, **spec: Any) -> Object:
    service = named("APIService", f"{version}.{group}", spec={"group": group, "version": version, **spec})
    return {**service, "apiVersion": "apiregistration.k8s.io/v1"}


def test_a_group_that_another_server_serves_is_not_audited_while_it_does(audit: Audit) -> None:
    """OpenShift's kinds, say: no definition lists them. Metrics are none to audit, and some it serves itself."""
    elsewhere = {"service": {"name": "api", "namespace": "system"}}
    routes = aggregated("route.openshift.io", "v1", **elsewhere)
    audit.cluster.put(routes, aggregated("metrics.k8s.io", "v1beta1", **elsewhere), aggregated("apps", "v1"))
    audit.settle()
    assert audit.not_audited() == [
        "route.openshift.io/v1: an aggregated API server serves it, and which kinds it has is not known here"
    ]
    audit.cluster.remove(routes)
    audit.settle()
    assert audit.not_audited() == []


def test_what_hangs_on_an_unknown_kind_is_not_audited_until_it_is_known(audit: Audit) -> None:
    unlisted(audit, SERVICE)
    audit.cluster.put(named("ConfigMap", "web", "foo"), named("ConfigMap", "api", "foo"))
    audit.settle()
    assert audit.wrong() == {}
    assert audit.not_audited() == [
        "v1 Service: may not be listed",
        "v1 Service: 2 objects could not be judged as the cluster is now, for they hang on it",
    ]
    assert SERVICE not in audit.background.ledger.kinds()
    audit.cluster.stale.clear()
    audit.cluster.put(named("Service", "api", "foo", spec={}))
    audit.settle()
    assert audit.not_audited() == []
    assert audit.wrong() == {"web": ["has-a-service"]}


def test_what_was_found_before_is_told_while_it_cannot_be_judged(audit: Audit) -> None:
    audit.cluster.put(named("ConfigMap", "web", "foo"))
    audit.settle()
    unlisted(audit, SERVICE)
    audit.rules = rules(2)
    audit.settle()
    assert audit.wrong() == {"web": ["has-a-service"]}
    assert len(audit.not_audited()) == 2


def test_an_object_waits_for_its_namespace_to_be_seen(audit: Audit) -> None:
    audit.cluster.put(pod("early", namespace="bar", host=True))
    audit.settle()
    assert audit.wrong() == {}
    assert audit.not_audited() == [
        "v1 Namespace: 1 objects could not be judged as the cluster is now, for they hang on it"
    ]
    audit.cluster.put(named("Namespace", "bar"))
    audit.settle()
    assert (audit.wrong(), audit.not_audited()) == ({"early": ["no-host"]}, [])


def test_what_a_namespace_lacks_is_told_as_soon_as_that_is_known(audit: Audit) -> None:
    unlisted(audit, GroupVersionKind("networking.k8s.io", "v1", "NetworkPolicy"))
    audit.rules = rules(2)
    audit.settle()
    assert len(audit.not_audited()) == 2
    audit.cluster.stale.clear()
    assert audit.settle() == ["foo"]
    assert audit.not_audited() == []


def test_an_object_that_we_fail_at_is_not_audited_and_others_are(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Auditor.judge

    def fail(auditor: Auditor, manifest: Manifest) -> Audited:
        if manifest.name == "odd":
            raise RuntimeError("of ours")
        return judge(auditor, manifest)

    monkeypatch.setattr(Auditor, "judge", fail)
    audit.cluster.put(pod("odd"), pod("web", host=True))
    audit.settle()
    assert audit.wrong() == {"web": ["no-host"]}
    (said,) = audit.not_audited()
    assert re.fullmatch(r"Pod foo/odd: internal error: RuntimeError at .*:\d+\. Please file an issue", said)
    assert audit.background.errors == 1


def test_roles_that_may_not_be_listed_leave_bindings_not_audited(audit: Audit) -> None:
    group = "rbac.authorization.k8s.io"
    unlisted(audit, GroupVersionKind(group, "v1", "Role"))
    binding = {
        **named("RoleBinding", "b", "foo"),
        "apiVersion": f"{group}/v1",
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "r"},
        "subjects": [{"kind": "User", "name": "u"}],
    }
    audit.cluster.put(binding)
    audit.settle()
    assert any("could not be judged" in each for each in audit.not_audited())


def test_a_snapshot_listed_anew_with_the_same_objects_judges_nothing(audit: Audit) -> None:
    web = pod("web")
    audit.cluster.put(web)
    audit.settle()
    audit.cluster.seen = audit.cluster.seen.with_kind(POD, [web])
    assert audit.settle() == []
    assert isinstance(audit.cluster.seen, Snapshot)


def test_classes_say_how_well_they_isolate(audit: Audit) -> None:
    made = class_of("k")
    audit.cluster.put(made, replace_name(made, "fake"))
    assert audit.background.outcome().isolation == {"k": "vm", "fake": "none"}
    assert replace(audit.background.outcome(), isolation={}).isolation_of("k") == "none"


def replace_name(value: dict[str, object], name: str) -> dict[str, object]:
    return {**value, "metadata": {"name": name}, "handler": "kata-of-mine"}
