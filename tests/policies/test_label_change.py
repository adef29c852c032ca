"""What becomes of workloads when the labels of their tenant change, as docs/tenants.md tells it."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.loading.load import read
from tests.policies.stories import CLUSTER, Object
from tests.shipped import SHIPPED

LABEL = "cost-center"
ALICE = "alice"
CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"
CONTAINER = {
    "name": "web",
    "image": "registry.example.com/foo/web:1",
    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}},
}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER]}}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "foo"},
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE},
}


@cache
def engine(*labels: tuple[str, str]) -> Engine:
    """Everything shipped, with these labels for the tenant foo."""
    return Engine(
        load_policies([_relabelled(m, dict(labels)) for m in read(SHIPPED)]), Snapshot.of(read([CLUSTER]))
    )


def _relabelled(manifest: Manifest, labels: dict[str, str]) -> Manifest:
    if (manifest.kind.kind, manifest.name) != ("Tenant", "foo"):
        return manifest
    return replace(
        manifest, object={**manifest.object, "spec": {**manifest.object["spec"], "labels": labels}}
    )


BEFORE, AFTER = engine((LABEL, "before")), engine((LABEL, "after"))


def submit(where: Engine, value: Object, old: Object | None = None, user: str = ALICE) -> Decision:
    submission = Submission("CREATE" if old is None else "UPDATE", user=make_user(user, ()))
    return where.review(make_request(Manifest(value, Source("test")), where.cluster, submission, old))


def admitted(decision: Decision) -> Object:
    assert decision.allowed, decision.status
    assert decision.object is not None
    return decision.object


def pod_of(deployment: Object) -> Object:
    """What a controller makes of a template."""
    template = copy.deepcopy(deployment["spec"]["template"])
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "u", "controller": True}
    metadata = {**template["metadata"], "name": "web-1-x", "namespace": "foo", "ownerReferences": [owner]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def changed(deployment: Object, labels: dict[str, Any], image: str = "") -> Object:
    """The deployment with other labels in its template; None takes one away."""
    made = copy.deepcopy(deployment)
    template = made["spec"]["template"]
    merged = {**template["metadata"]["labels"], **labels}
    template["metadata"]["labels"] = {key: value for key, value in merged.items() if value is not None}
    if image:
        template["spec"]["containers"][0]["image"] = image
    return made


@pytest.fixture
def deployment() -> Object:
    """A workload from before the change, stamped by the mutating policies."""
    made = admitted(submit(BEFORE, DEPLOYMENT))
    assert made["spec"]["template"]["metadata"]["labels"][LABEL] == "before"
    return made


def test_before_the_change_pods_of_the_template_are_admitted(deployment: Object) -> None:
    assert admitted(submit(BEFORE, pod_of(deployment), user=CONTROLLER))


def test_after_it_they_are_refused_with_the_remedy(deployment: Object) -> None:
    decision = submit(AFTER, pod_of(deployment), user=CONTROLLER)
    assert decision.status is not None
    assert (
        f'metadata.labels["{LABEL}"] is "before"; for tenant foo it is "after"; remove it'
        in decision.status.message
    )


def test_what_runs_may_be_updated_as_long_as_its_template_stays(deployment: Object) -> None:
    scaled = copy.deepcopy(deployment)
    scaled["metadata"]["annotations"] = {"note": "x"}
    assert admitted(submit(AFTER, scaled, deployment))
    pod = admitted(submit(BEFORE, pod_of(deployment), user=CONTROLLER))
    finalized = {**pod, "metadata": {**pod["metadata"], "annotations": {"note": "x"}}}
    assert admitted(submit(AFTER, finalized, pod))


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet"])
@pytest.mark.parametrize("user", [ALICE, "system:serviceaccount:kube-system:deployment-controller"])
def test_what_runs_can_be_scaled_so_that_a_rollout_can_end(kind: str, user: str) -> None:
    made = admitted(submit(BEFORE, {**DEPLOYMENT, "kind": kind}))
    scaled = {**made, "spec": {**made["spec"], "replicas": 0}}
    assert admitted(submit(AFTER, scaled, made, user))


def test_a_new_template_with_the_old_value_is_refused(deployment: Object) -> None:
    decision = submit(AFTER, changed(deployment, {}, "registry.example.com/foo/web:2"), deployment)
    assert decision.status is not None
    assert "tags-templates" in decision.status.message


def test_taking_the_label_away_from_the_template_gives_it_the_new_value(deployment: Object) -> None:
    made = admitted(submit(AFTER, changed(deployment, {LABEL: None}), deployment))
    assert made["spec"]["template"]["metadata"]["labels"][LABEL] == "after"
    assert admitted(submit(AFTER, pod_of(made), user=CONTROLLER))["metadata"]["labels"][LABEL] == "after"


@pytest.mark.parametrize("value", ["before", "somebody-elses"])
def test_no_template_can_be_given_another_value(deployment: Object, value: str) -> None:
    fresh = admitted(submit(AFTER, changed(deployment, {LABEL: None}), deployment))
    assert not submit(AFTER, changed(fresh, {LABEL: value}), fresh).allowed


def test_a_label_the_tenant_never_had_needs_no_relabelling(deployment: Object) -> None:
    more = engine((LABEL, "before"), ("team", "red"))
    pod = admitted(submit(more, pod_of(deployment), user=CONTROLLER))
    assert (pod["metadata"]["labels"][LABEL], pod["metadata"]["labels"]["team"]) == ("before", "red")


def test_a_label_the_tenant_no_longer_has_may_stay(deployment: Object) -> None:
    assert (
        admitted(submit(engine(), pod_of(deployment), user=CONTROLLER))["metadata"]["labels"][LABEL]
        == "before"
    )
