"""Requests made of plain manifests are those an API server would make."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import ManifestError, read_text
from gatekeeper_py.policy.admission.request import AdmissionRequest, Operation
from gatekeeper_py.policy.admission.submission import (
    ADMINISTRATOR,
    Submission,
    make_request,
    make_user,
    named,
    with_object,
)

POD = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: c, image: nginx}]}}"


def request(text: str, cluster: str = "", old: str = "", **fields: Any) -> AdmissionRequest:
    snapshot = Snapshot.of(read_text(cluster) if cluster else ())
    (manifest,) = read_text(text)
    before = read_text(old)[0].object if old else None
    return make_request(manifest, snapshot, Submission(**fields), before)


def test_a_manifest_is_a_creation_by_an_administrator_in_the_default_namespace() -> None:
    made = request(POD)
    assert (made.operation, made.name, made.namespace, made.subresource) == ("CREATE", "web", "default", "")
    assert made.user == ADMINISTRATOR
    assert made.options == {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"}
    assert made.old_object is None


def test_it_gets_the_api_servers_defaults_unless_told_otherwise() -> None:
    assert (request(POD).object or {})["spec"]["restartPolicy"] == "Always"
    assert request(POD, defaults=False).object == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": [{"name": "c", "image": "nginx"}]},
    }


@pytest.mark.parametrize(
    ("text", "fields", "resource", "namespace", "operation"),
    [
        (POD, {"namespace": "foo"}, "pods", "foo", "CREATE"),
        ("{apiVersion: v1, kind: Namespace, metadata: {name: foo}}", {}, "namespaces", "foo", "CREATE"),
        ("{apiVersion: v1, kind: Node, metadata: {name: node}}", {"namespace": "foo"}, "nodes", "", "CREATE"),
        (POD, {"subresource": "status", "operation": "CREATE"}, "pods", "default", "CREATE"),
        ("{apiVersion: policy/v1, kind: Eviction, metadata: {name: web}}",
         {"subresource": "eviction"}, "pods", "default", "CREATE"),
        ("{apiVersion: v1, kind: PodExecOptions, metadata: {name: web}, command: [sh]}",
         {"subresource": "exec"}, "pods", "default", "CONNECT"),
        ("{apiVersion: v1, kind: Binding, metadata: {name: web}, target: {name: node}}",
         {"subresource": "binding"}, "pods", "default", "CREATE"),
        ("{apiVersion: a.example/v1, kind: Policy, metadata: {name: p}}", {}, "policies", "", "CREATE"),
        ("{apiVersion: a.example/v1, kind: Gas, metadata: {namespace: foo}}", {}, "gases", "foo", "CREATE"),
    ],
)  # fmt: skip
def test_it_goes_where_the_api_server_would_send_it(
    text: str, fields: dict[str, Any], resource: str, namespace: str, operation: str
) -> None:
    made = request(text, **fields)
    assert (made.resource.resource, made.namespace, made.operation) == (resource, namespace, operation)


SCALE = (
    "{apiVersion: autoscaling/v1, kind: Scale, metadata: {name: web, namespace: foo}, spec: {replicas: 3}}"
)


@pytest.mark.parametrize(
    ("cluster", "resource"),
    [
        ("", "deployments"),
        ("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web, namespace: foo}}", "statefulsets"),
    ],
)
def test_a_scale_is_that_of_the_object_of_its_name(cluster: str, resource: str) -> None:
    made = request(SCALE, cluster, SCALE, subresource="scale")
    assert (made.resource.resource, made.operation, made.kind.kind) == (resource, "UPDATE", "Scale")


@pytest.mark.parametrize("operation", ["UPDATE", "DELETE"])
def test_what_is_stored_keeps_what_the_api_server_wrote(operation: Operation) -> None:
    written = "name: web, uid: u, deletionTimestamp: '2026-01-01T00:00:00Z'"
    old = POD.replace("name: web", written)
    made = request(old if operation == "DELETE" else POD, old=old, operation=operation)
    metadata = (made.old_object or {})["metadata"]
    assert metadata["uid"] == "u"
    assert metadata["deletionTimestamp"] == "2026-01-01T00:00:00Z"


def test_deletion_has_only_an_old_object() -> None:
    made = request(POD, operation="DELETE")
    assert made.object is None
    assert (made.old_object or {})["spec"]["restartPolicy"] == "Always"


@pytest.mark.parametrize("given", [True, False], ids=["given", "in the cluster"])
def test_an_update_knows_what_it_replaces(given: bool) -> None:
    old = POD.replace("nginx", "redis").replace("name: web", "name: web, namespace: default")
    made = request(POD, "" if given else old, old if given else "", operation="UPDATE")
    assert (made.old_object or {})["spec"]["containers"][0]["image"] == "redis"
    assert (made.old_object or {})["spec"]["restartPolicy"] == "Always"


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        (POD, {"operation": "UPDATE"},
         "<stdin>:1:46: UPDATE of Pod web: nothing is known of the object it replaces. "
         "Give it with --old, or the cluster with --cluster"),
        (POD, {"subresource": "exec"},
         "<stdin>:1:24: no kind has a subresource exec that takes a Pod. "
         "Name a subresource of this kind, or send an AdmissionReview"),
        (POD.replace("name: web", "name: web, namespace: bar"), {"namespace": "foo"},
         "<stdin>:1:62: the object is in namespace bar, but --namespace is foo. Remove one of them"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_an_error_with_its_place(
    text: str, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ManifestError) as refused:
        request(text, **fields)
    assert str(refused.value) == message


def test_the_same_input_has_the_same_uid() -> None:
    assert request(POD).uid == request(POD).uid
    assert request(POD).uid != request(POD, namespace="foo").uid


@pytest.mark.parametrize(
    ("name", "groups", "expected"),
    [
        ("alice", (), ("system:authenticated",)),
        ("alice", ("a", "system:authenticated"), ("a", "system:authenticated")),
        ("system:anonymous", (), ("system:unauthenticated",)),
    ],
)
def test_users_are_in_the_group_of_everybody(
    name: str, groups: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert make_user(name, groups).groups == expected


def test_a_changed_object_gets_the_defaults_of_what_was_added() -> None:
    made = request(POD)
    assert with_object(made, made.object, Snapshot()) is made
    changed = {**(made.object or {})}
    changed["spec"] = {**changed["spec"], "initContainers": [{"name": "i", "image": "busybox"}]}
    later = with_object(made, changed, Snapshot())
    assert (later.object or {})["spec"]["initContainers"][0]["terminationMessagePolicy"] == "File"


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ("generateName: web-", "web-xxxxx"),
        ("generateName: " + "a" * 80, "a" * 58 + "xxxxx"),
        ("generateName: web-, name: web", "web"),
        ("labels: {}", ""),
    ],
)
def test_validation_sees_a_name_that_was_generated(metadata: str, name: str) -> None:
    given = request(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{{metadata}}}}}")
    seen = named(given)
    assert (seen.name, ((seen.object or {})["metadata"]).get("name", "")) == (name, name)
