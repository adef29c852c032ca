"""Workloads from before the policies: they can be scaled down, paused and mended; their pods are refused."""

from __future__ import annotations

import copy

import pytest

from gatekeeper_py.policy.admission.decision import Decision
from tests.policies.stories import Object
from tests.policies.test_label_change import BEFORE, CONTROLLER, DEPLOYMENT, admitted, pod_of, submit

OFFENCES: dict[str, Object] = {
    "host-access-host-namespaces": {"hostNetwork": True},
    "host-access-host-path": {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]},
    "isolation-node-name": {"nodeName": "worker-1"},
    "isolation-runtime-class": {"runtimeClassName": "runc"},
    "isolation-scheduler": {"schedulerName": "mine"},
    "isolation-tolerations": {"tolerations": [{"operator": "Exists"}]},
    "references-priority-classes": {"priorityClassName": "system-node-critical"},
}
"""What a template may hold that no tenant may have, by the policy that refuses it."""

KINDS = {"Deployment": "replicas", "ReplicaSet": "replicas", "StatefulSet": "replicas", "Job": "parallelism"}
"""Kinds that keep running, with the field that stops them."""


def workload(kind: str, offence: Object) -> Object:
    made: Object = copy.deepcopy(DEPLOYMENT)
    made["kind"], made["apiVersion"] = kind, "batch/v1" if kind == "Job" else "apps/v1"
    made["spec"]["template"]["spec"] |= offence
    if kind == "Job":
        made["spec"] |= {"parallelism": 2, "manualSelector": True}
        del made["spec"]["replicas"]
        made["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    return made


def with_spec(value: Object, **fields: object) -> Object:
    return {**value, "spec": {**value["spec"], **fields}}


def refused_by(decision: Decision, policy: str) -> bool:
    return not decision.allowed and any(
        found.policy == policy and "Deny" in found.actions for found in decision.findings
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("policy", OFFENCES)
def test_a_workload_from_before_is_scaled_down_by_its_controller(policy: str, kind: str) -> None:
    old = workload(kind, OFFENCES[policy])
    admitted(submit(BEFORE, with_spec(old, **{KINDS[kind]: 0}), old, user=CONTROLLER))


@pytest.mark.parametrize("policy", OFFENCES)
def test_a_cron_job_from_before_is_suspended(policy: str) -> None:
    template = workload("Job", OFFENCES[policy])["spec"]["template"]
    metadata = {"name": "nightly", "namespace": "foo"}
    spec = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}}
    old = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec}
    admitted(submit(BEFORE, with_spec(old, suspend=True), old))


@pytest.mark.parametrize(
    "claim", [{"storageClassName": "theirs"}, {"volumeName": "of-bar"}], ids=["class", "volume"]
)
def test_claim_templates_from_before_do_not_hold_up_a_stateful_set(claim: Object) -> None:
    old = workload("StatefulSet", {})
    size = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]}
    template = {"metadata": {"name": "data"}, "spec": claim | size}
    old = with_spec(old, volumeClaimTemplates=[template])
    admitted(submit(BEFORE, with_spec(old, replicas=0), old, user=CONTROLLER))
    assert not submit(BEFORE, old).allowed
    assert not submit(BEFORE, old, with_spec(old, volumeClaimTemplates=[])).allowed


@pytest.mark.parametrize("policy", OFFENCES)
def test_a_template_that_changes_is_judged_whole(policy: str) -> None:
    old = workload("Deployment", OFFENCES[policy])
    new = copy.deepcopy(old)
    new["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/foo/web:2"
    assert refused_by(submit(BEFORE, new, old), policy)


@pytest.mark.parametrize("policy", OFFENCES)
def test_a_workload_that_gets_its_template_only_now_is_judged(policy: str) -> None:
    new = workload("Deployment", OFFENCES[policy])
    new["kind"], new["apiVersion"] = "ReplicationController", "v1"
    new["spec"]["selector"] = {"app": "web"}
    old = {**new, "spec": {"replicas": 1, "selector": {"app": "web"}}}
    assert refused_by(submit(BEFORE, new, old), policy)


@pytest.mark.parametrize("policy", OFFENCES)
def test_a_pod_of_a_template_from_before_is_refused(policy: str) -> None:
    pod = pod_of(workload("Deployment", OFFENCES[policy]))
    assert refused_by(submit(BEFORE, pod, user=CONTROLLER), policy)
