"""What an audit finds in what exists."""

from __future__ import annotations

import json
from typing import Any

from gatekeeper_py.audit.reports import table
from gatekeeper_py.audit.scan import Audited, scan
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.policy.admission.changes import Change
from gatekeeper_py.tenancy.documents import load_tenancy

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE], resources: ["*"]}
  validations:
    - expression: "object.kind != 'Pod' || !has(object.spec.nodeName)"
      message: chooses its node
    - expression: "object.kind != 'Pod' || object.spec.?runtimeClassName.orValue('') == 'kata'"
      message: has no virtual machine
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: p}
spec: {policyName: p, validationActions: [Deny]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: m}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration: {expression: "Object{spec: Object.spec{runtimeClassName: 'kata'}}"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: m}
spec: {policyName: m}
---
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: acme}
spec:
  namespaces: {names: [foo]}
"""


def audit(*objects: dict[str, Any]) -> list[Audited]:
    documents = read_text(POLICY)
    existing = read_text("\n".join(map(json.dumps, objects)))
    engine = Engine.load(documents, Snapshot.of(existing))
    return list(scan(engine, load_tenancy(documents), existing))


def pod(status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "foo"},
        "spec": {"containers": [{"name": "c", "image": "i"}], **spec},
        "status": status or {},
    }


SCHEDULED = {"conditions": [{"type": "PodScheduled", "status": "True"}]}


def test_an_object_is_judged_as_it_is_though_mutation_would_put_it_right() -> None:
    (found,) = audit(pod())
    assert found.violates
    assert [finding.message for finding in found.findings] == ["has no virtual machine"]
    assert [change.field for change in found.changes] == ["spec.runtimeClassName"]


def test_a_node_that_the_scheduler_chose_is_no_violation() -> None:
    (placed,) = audit(pod(SCHEDULED, runtimeClassName="kata", nodeName="n1"))
    (chosen,) = audit(pod(runtimeClassName="kata", nodeName="n1"))
    assert not placed.violates
    assert [finding.message for finding in chosen.findings] == ["chooses its node"]


def test_objects_are_told_by_the_tenant_that_owns_their_namespace() -> None:
    elsewhere = pod() | {"metadata": {"name": "q", "namespace": "lonely"}}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
    assert [found.tenant for found in audit(pod(), elsewhere, node)] == ["acme", "lonely", "(cluster-wide)"]


def test_the_table_shows_nothing_that_a_terminal_would_obey() -> None:
    (found,) = audit(pod())
    hostile = Audited(
        found.manifest, found.request, "t\x1b[2J", (), (Change("metadata.labels[x]", None, "\u202evil\r"),)
    )
    text = table.report([hostile])
    assert "\\x1b[2J" in text
    assert "\\u202evil\\r" in text
    assert not set(text) & {"\x1b", "\r", "\u202e"}


def test_many_objects_of_one_kind_of_violation_are_counted() -> None:
    (found,) = audit(pod())
    assert "and 5 more" in table.report([found] * 25)
