"""A policy on which the tests of editors write."""

from __future__ import annotations

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: pinned}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  matchConditions:
    - {name: of-a-tenant, expression: tenant != null}
  variables:
    - name: containers
      expression: object.spec.containers + object.spec.?initContainers.orValue([])
    - name: most
      expression: size(variables.containers)
  validations:
    - expression: EXPRESSION
      message: pin images
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: pinned}
spec: {policyName: pinned, validationActions: [Deny]}
"""

GOOD = POLICY.replace(
    "EXPRESSION", "variables.most > 0 && variables.containers.all(c, c.image.contains('@'))"
)
SUITE = """\
policies: [pinned.yaml]
tenants: [example]
cases:
  - name: a tag is refused
    object: {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: foo}, spec: {containers: [{name: a, image: b}]}}
    expect: deny
"""
