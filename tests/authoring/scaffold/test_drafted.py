"""What each template writes passes lint and its own suite, whose cases see every part of the policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper_py.authoring.entry import entries
from gatekeeper_py.authoring.layout.filelayout import laid_out
from gatekeeper_py.authoring.runner import run
from gatekeeper_py.authoring.scaffold.blueprint import TEMPLATES, Blueprint, Template
from gatekeeper_py.authoring.scaffold.drafted import drafted, faults
from gatekeeper_py.authoring.scaffold.location import locate
from gatekeeper_py.authoring.scaffold.refusal import CannotDraft
from gatekeeper_py.authoring.scaffold.topic import find_target
from gatekeeper_py.authoring.suite import read_suite
from tests.policies.mutants import try_all

WIDGET = yaml.safe_load(
    """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {kind: Widget, plural: widgets, singular: widget}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
)
DEFINITIONS = {"Widget": WIDGET}
TEAM = "metadata.labels[example.com/team]"
WIDE = ["namespaces", "clusterroles", "storageclasses"]


def blueprint(
    template: Template, resources: Sequence[str], field: str = "", values: Sequence[str] = (), **rest: Any
) -> Blueprint:
    targets = tuple(find_target(word, DEFINITIONS) for word in resources)
    location = locate(field, [each.schema for each in targets]) if field else None
    given = tuple(location.value(each) for each in values) if location else ()
    return Blueprint("new", template, targets, location, given, **rest)


WORKLOADS = [
    "pods",
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "jobs",
    "cronjobs",
    "podtemplates",
]
BLUEPRINTS: dict[str, Blueprint] = {
    "validating: a label of everything": blueprint("validating", [*WORKLOADS, "services", "secrets"], TEAM),
    "validating: a label of what is cluster-wide": blueprint("validating", WIDE, TEAM),
    "validating: values of a field in a list": blueprint(
        "validating", ["pods"], "spec.containers[].imagePullPolicy", ["Always", "Never"]
    ),
    "validating: a field in a list of several kinds": blueprint(
        "validating", ["pods", "ingresses"], "metadata.ownerReferences[].kind", ["ReplicaSet"]
    ),
    "validating: a list of texts": blueprint(
        "validating", ["pods"], "metadata.finalizers[]", ["example.com/a"]
    ),
    "validating: a bool that may be absent": blueprint(
        "validating", ["pods"], "spec.hostNetwork", ["false"], may_be_absent=True
    ),
    "validating: privileges of containers": blueprint(
        "validating",
        ["pods"],
        "spec.containers[].securityContext.privileged",
        ["false"],
        may_be_absent=True,
    ),
    "validating: privileges of containers that must be given up": blueprint(
        "validating",
        WORKLOADS[1:4],
        "spec.template.spec.containers[].securityContext.allowPrivilegeEscalation",
        ["false"],
    ),
    "validating: a number with a default": blueprint(
        "validating", ["deployments"], "spec.replicas", ["2", "3"]
    ),
    "validating: a field of templates": blueprint(
        "validating", ["deployments", "jobs"], "spec.template.spec.priorityClassName", ["it's low"]
    ),
    "validating: a field of a custom kind": blueprint("validating", ["widgets"], "spec.color", ["blue"]),
    "mutating: a label": blueprint("mutating", ["services", "configmaps", "namespaces"], TEAM, ["sre"]),
    "mutating: a field": blueprint("mutating", ["pods"], "spec.priorityClassName", ["low"]),
    "mutating: a bool in a template": blueprint(
        "mutating",
        ["deployments", "statefulsets"],
        "spec.template.spec.automountServiceAccountToken",
        ["false"],
    ),
    "param: a label": blueprint("param", ["pods", "services"], TEAM, ["sre", "web"], may_be_absent=True),
    "param: a field in a list": blueprint("param", ["pods"], "spec.containers[].image", ["nginx"]),
    "tenant: a label": blueprint("tenant", [*WORKLOADS, "widgets"], TEAM),
    "reference: all that are known": blueprint("reference", ["services", "rolebindings", "widgets"]),
    "look-up: services": blueprint("look-up", ["services"], limit=3),
    "look-up: custom objects": blueprint("look-up", ["widgets"]),
}


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_what_is_written_is_right_and_its_suite_sees_all_of_it(name: str, tmp_path: Path) -> None:
    for file, text in drafted(BLUEPRINTS[name], DEFINITIONS).files.items():
        (tmp_path / file).write_text(text)
    assert faults(tmp_path / "new_test.yaml") == []
    policy = (tmp_path / "new.yaml").read_text()
    assert laid_out(policy) == policy
    (tried,) = try_all([tmp_path / "new_test.yaml"], ())
    assert tried.faults == ()
    assert len(tried.mutants) > 3
    assert tried.survivors == ()


def test_every_template_is_tried() -> None:
    assert {name.partition(":")[0] for name in BLUEPRINTS} == set(TEMPLATES)


def test_the_comment_block_says_what_it_stops(tmp_path: Path) -> None:
    made = drafted(blueprint("look-up", ["services"], stops="using up addresses"), {})
    (tmp_path / "new.yaml").write_text(made.files["new.yaml"])
    (entry,) = entries(tmp_path)
    assert entry.summary == "Refuses more than 10 services in a namespace of a tenant."
    assert entry.parts == {
        "Resource": "services (CREATE)",
        "Limit": "10 in a namespace",
        "Stops": "using up addresses",
    }


def test_faults_of_a_suite_are_told(tmp_path: Path) -> None:
    for file, text in drafted(blueprint("look-up", ["services"]), {}).files.items():
        (tmp_path / file).write_text(text.replace("expect: deny", "expect: allow"))
    suite = tmp_path / "new_test.yaml"
    assert faults(suite)[0].startswith("one more than there may be is refused: expected allow, got deny: ")
    assert len(run(read_suite(suite))) == 3


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "a policy without a name": (lambda: Blueprint("No Name", "tenant", ()), "'No Name' names no policy. Write small letters, digits and dashes"),
    "nothing matched": (lambda: Blueprint("a", "tenant", ()), "name a resource that the policy is about"),
    "an unknown resource": (lambda: find_target("pod", {}), 'nothing serves a resource "pod". Did you mean pods?'),
    "tenants of what has no namespace": (
        lambda: blueprint("tenant", ["namespaces"], TEAM),
        "namespaces are in no namespace, so they are no tenant's. Take another resource, or the template validating",
    ),
    "a field that is no field": (
        lambda: blueprint("validating", ["pods"], "spec.hostNetwrk"),
        'spec.hostNetwrk: not every kind has "hostNetwrk" there. Did you mean hostNetwork?',
    ),
    "a field that one kind lacks": (
        lambda: blueprint("validating", ["pods", "services"], "spec.hostNetwork"),
        'spec.hostNetwork: not every kind has "hostNetwork" there. Name one that all of them have',
    ),
    "a list without brackets": (
        lambda: blueprint("validating", ["pods"], "spec.containers.image"),
        'spec.containers.image: not every kind has "image" there. Name one that all of them have',
    ),
    "two lists": (
        lambda: blueprint("validating", ["pods"], "spec.containers[].ports[].hostPort"),
        "spec.containers[].ports[].hostPort goes through two lists. Name a field in one, and write the rest by hand",
    ),
    "no single value": (
        lambda: blueprint("validating", ["pods"], "spec"),
        "spec is no single value. Name a field in it, with [] behind a list",
    ),
    "no path": (lambda: blueprint("validating", ["pods"], "spec["), "'spec[' is no path. Write one like spec.containers[].image"),
    "a value of the wrong type": (
        lambda: blueprint("validating", ["pods"], "spec.hostNetwork", ["no"]),
        "spec.hostNetwork is no 'no'. Give true or false",
    ),
    "a rule that refuses nothing": (
        lambda: drafted(blueprint("validating", ["pods"], TEAM, may_be_absent=True), {}),
        "what may be absent and may be anything is never refused. Name a --value",
    ),
    "both truths": (
        lambda: drafted(blueprint("validating", ["pods"], "spec.hostNetwork", ["true", "false"]), {}),
        "true and false are all there is, so nothing would be refused. Name one --value",
    ),
    "what is never absent": (
        lambda: drafted(blueprint("validating", ["pods"], "spec.restartPolicy"), {}),
        "the API server fills in spec.restartPolicy, so it is never absent. Name a --value",
    ),
    "a default of a default": (
        lambda: drafted(blueprint("mutating", ["pods"], "spec.restartPolicy", ["Never"]), {}),
        "the API server fills in spec.restartPolicy of every Pod, so it is never absent. Name another --field",
    ),
    "filling in a list": (
        lambda: drafted(blueprint("mutating", ["pods"], "spec.containers[].image", ["a"]), {}),
        "spec.containers[].image is in a list. Name a field that each object has once",
    ),
    "filling in nothing": (
        lambda: drafted(blueprint("mutating", ["pods"], TEAM), {}),
        "name the value that is filled in with one --value",
    ),
    "a param of numbers": (
        lambda: drafted(blueprint("param", ["deployments"], "spec.replicas", ["1"]), {}),
        "spec.replicas is no text. Take the template validating",
    ),
    "a param of nothing": (
        lambda: drafted(blueprint("param", ["pods"], TEAM), {}),
        "name each value that the ConfigMap allows at first with --value",
    ),
    "a number for a tenant": (
        lambda: drafted(blueprint("tenant", ["deployments"], "spec.replicas"), {}),
        "spec.replicas is no single text, so it names no tenant. Name another --field",
    ),
    "references of what names nothing": (
        lambda: drafted(blueprint("reference", ["configmaps"]), {}),
        "no example of what a ConfigMap names in other namespaces is known. Take rolebindings, services, or a custom "
        "resource with --crd",
    ),
    "counting two": (
        lambda: drafted(blueprint("look-up", ["pods", "services"]), {}),
        "the template look-up counts one resource. Name one --resource",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_drafted_is_told(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(CannotDraft) as raised:
        make()
    assert str(raised.value) == message
