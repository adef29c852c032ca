"""What an audit finds in what exists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports import table
from gatekeeper_py.audit.scan import Audited, scan
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.policy.admission.changes import Change
from gatekeeper_py.policy.admission.submission import Submission
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


def audit(*objects: dict[str, Any], existing: bool = True) -> list[Audited]:
    documents = read_text(POLICY)
    read = read_text("\n".join(map(json.dumps, objects)))
    engine = Engine.load(documents, Snapshot.of(read))
    found = scan(engine, load_tenancy(documents), read, Submission("CREATE"), existing=existing)
    return [item for item in found if isinstance(item, Audited)]


def pod(status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "foo"},
        "spec": {"containers": [{"name": "c", "image": "i"}], **spec},
        "status": status or {},
    }


def test_what_an_author_submits_is_judged_as_it_would_be_admitted() -> None:
    (found,) = audit(pod(), existing=False)
    assert (found.violates, found.findings, found.changes) == (False, (), ())


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


COUNTED = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: two}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}
  validations:
    - expression: "cluster.list('v1', 'ConfigMap', request.namespace).size() < 2"
      message: two are enough
    - expression: "!cluster.get('v1', 'ConfigMap', request.namespace, request.name).hasValue()"
      message: is there already
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: two}
spec: {policyName: two, validationActions: [Deny]}
"""


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize(("count", "violating"), [(1, 0), (2, 0), (3, 3)])
def test_an_object_does_not_count_against_itself(count: int, violating: int, *, existing: bool) -> None:
    documents = read_text(COUNTED)
    maps = read_text(
        "\n---\n".join(
            f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{n}, namespace: foo}}}}"
            for n in range(count)
        )
    )
    engine = Engine.load(documents, Snapshot.of(maps))
    found = scan(engine, load_tenancy(documents), maps, Submission("CREATE"), existing=existing)
    assert sum(isinstance(item, Audited) and item.violates for item in found) == violating


def test_an_object_that_cannot_be_asked_about_costs_only_itself() -> None:
    documents = read_text(POLICY)
    bad = read_text(json.dumps(pod() | {"spec": {"containers": 1}}), "bad.json")
    engine = Engine.load(documents, Snapshot())
    found = list(scan(engine, load_tenancy(documents), (*bad, *bad), Submission("CREATE")))
    assert [str(item) for item in found] == [
        "bad.json:1:107: spec.containers must be a list, not 1. Write it as the kind's reference says"
    ] * 2


def test_the_table_shows_nothing_that_a_terminal_would_obey() -> None:
    (found,) = audit(pod())
    hostile = Audited(found.target, "t\x1b[2J", (), (Change("metadata.labels[x]", None, "\u202evil\r"),))
    text = table.report(Outcome((hostile,)))
    assert "\\x1b[2J" in text
    assert "\\u202evil\\r" in text
    assert not set(text) & {"\x1b", "\r", "\u202e"}


def test_many_objects_of_one_kind_of_violation_are_counted() -> None:
    (found,) = audit(pod())
    assert "and 5 more" in table.report(Outcome((found,) * 25))


NOT_THE_PLATFORM = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: q}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE], resources: ["*"]}
  matchConditions:
    - {name: not-the-platform, expression: "!requester.platform"}
  validations:
    - expression: "false"
      message: not for tenants
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: q}
spec: {policyName: q, validationActions: [Deny]}
---
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: acme}
spec:
  namespaces: {names: [foo]}
"""


def test_what_exists_is_refused_as_its_tenant_would_be_and_the_platforms_own_is_told_beside_it() -> None:
    documents = read_text(NOT_THE_PLATFORM)
    meta = "namespace: foo, labels: {tenancy.gatekeeper-py.dev/protected: 'true'}"
    objects = read_text(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs, namespace: foo}}\n---\n"
        f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: ours, {meta}}}}}\n---\n"
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: system, namespace: kube-system}}"
    )
    engine = Engine.load(documents, Snapshot.of(objects))
    found = [
        item
        for item in scan(engine, load_tenancy(documents), objects, Submission("CREATE"))
        if isinstance(item, Audited)
    ]
    assert [(item.target.name, item.violates) for item in found] == [
        ("theirs", True),
        ("ours", False),
        ("system", False),
    ]
    outcome = Outcome(tuple(found))
    assert [(each.level, each.name, each.message) for each in outcome.results] == [
        ("deny", "theirs", "not for tenants"),
        (
            "platform",
            "ours",
            "a tenant would be denied this: not for tenants "
            "(it bears the platform's mark, or hangs below what bears it)",
        ),
    ]
    assert outcome.fails()
    assert not Outcome(tuple(found[1:])).fails("low")
