"""A sheet on which the tests of the playground write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gatekeeper_py.authoring.playground.sheet import Sheet
from gatekeeper_py.authoring.tenancies import named_tenancy
from gatekeeper_py.manifests.dumping import dump_all

MUTATION = """\
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: isolated}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  matchConditions:
    - {name: of-a-tenant, expression: tenant != null}
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          [JSONPatch{op: "add", path: "/spec/runtimeClassName", value: tenant.runtimeClasses.default}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: isolated}
spec: {policyName: isolated}
"""
VALIDATION = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: pinned}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}
  validations:
    - expression: object.spec.containers.all(c, c.image.contains('@'))
      message: pin the images
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: pinned}
spec: {policyName: pinned, validationActions: [Deny]}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: foo}
spec:
  containers:
    - {name: web, image: nginx@sha256:0}
"""
TENANTS = dump_all(manifest.object for manifest in named_tenancy("example", Path()))
SHEET = Sheet(policy=VALIDATION + MUTATION, manifest=POD, tenants=TENANTS)
DENIED = replace(SHEET, manifest=POD.replace("@sha256:0", ""))
