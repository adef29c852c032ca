"""The kinds that policies look up are known before any request comes."""

from __future__ import annotations

from gatekeeper_py.cluster.manifest import read_text
from gatekeeper_py.cluster.resource import GroupVersionKind
from gatekeeper_py.engine import load_policies
from gatekeeper_py.tenancy.lookups import looked_up

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  variables:
    - {name: pods, expression: "cluster.list('v1', 'Pod', request.namespace)"}
  validations:
    - expression: "[1].all(x, cluster.get('apps/v1', 'Deployment', 'a', 'b').hasValue())"
      messageExpression: "cluster.get('node.k8s.io/v1', 'RuntimeClass', '', 'kata').hasValue() ? 'a' : 'b'"
    - expression: "[1, 2].size() > 0"
"""


def test_kinds_are_collected_from_every_expression_and_the_params() -> None:
    assert looked_up(load_policies(read_text(POLICY))) == {
        GroupVersionKind("", "v1", "ConfigMap"),
        GroupVersionKind("", "v1", "Pod"),
        GroupVersionKind("apps", "v1", "Deployment"),
        GroupVersionKind("node.k8s.io", "v1", "RuntimeClass"),
    }
