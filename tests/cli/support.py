"""A small set of policies, and the command line run in this process."""

from __future__ import annotations

from pathlib import Path

import click.testing
from click.testing import CliRunner

from gatekeeper_py.cli import gatekeeper

POLICIES = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: stamp}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}
  matchConditions:
    - {name: unstamped, expression: "!has(object.metadata.labels)"}
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: '[JSONPatch{op: "add", path: "/metadata/labels", value: {"team": request.namespace}}]'
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: stamp}
spec: {policyName: stamp}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: no-host
  annotations: {policy.example/severity: high}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: ["*"], resources: [pods, pods/ephemeralcontainers]}
  validations:
    - expression: "object == null || !object.spec.?hostNetwork.orValue(false)"
      message: spec.hostNetwork is true; remove it
      reason: Forbidden
    - expression: "oldObject == null || object != null || oldObject.metadata.name != 'keep'"
      message: keep is kept
    - expression: "oldObject == null || object == null || request.userInfo.username == 'alice'"
      messageExpression: "'only alice updates: ' + request.userInfo.username + ' ' + request.userInfo.groups.join()"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-host}
spec: {policyName: no-host, validationActions: [Deny]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: pinned}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  validations:
    - expression: "object.spec.containers.all(c, c.image.contains(':'))"
      message: pin the image
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: pinned}
spec: {policyName: pinned, validationActions: [Warn]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: closed-namespaces}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {closed: "true"}}
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}
  validations:
    - {expression: "false", message: this namespace is closed}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: closed-namespaces}
spec: {policyName: closed-namespaces, validationActions: [Deny]}
"""

GOOD = (
    "{apiVersion: v1, kind: Pod, metadata: {name: good}, spec: {containers: [{name: c, image: 'nginx:1'}]}}\n"
)
HOST = GOOD.replace("good", "host").replace("spec: {", "spec: {hostNetwork: true, ")
UNPINNED = GOOD.replace("good", "unpinned").replace("nginx:1", "nginx")


def write(folder: Path, **files: str) -> Path:
    """Files in a folder, `name` as `name.yaml`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def run(*arguments: str | Path, stdin: str | bytes = "") -> click.testing.Result:
    """One command; a traceback would fail the test."""
    result = CliRunner().invoke(gatekeeper, [str(argument) for argument in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
