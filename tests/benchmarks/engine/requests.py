"""What is reviewed: ordinary objects of the tenant foo, with the API server's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.resource import GroupVersionResource, Object
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user

__all__ = ["requests_to", "unmatched"]

CONTAINER = """
      - name: {name}
        image: registry.example.com/foo/{name}:1
        ports: [{{containerPort: 8080}}]
        env: [{{name: PASSWORD, valueFrom: {{secretKeyRef: {{name: web, key: password}}}}}}]
        volumeMounts: [{{name: settings, mountPath: /etc/web}}]
        resources: {{requests: {{cpu: '1', memory: 1Gi}}, limits: {{memory: 1Gi}}}}
        livenessProbe: {{httpGet: {{path: /, port: 8080}}}}
        securityContext:
          runAsNonRoot: true
          allowPrivilegeEscalation: false
          capabilities: {{drop: [ALL]}}
          seccompProfile: {{type: RuntimeDefault}}"""

SPEC = "containers:" + "".join(CONTAINER.format(name=name) for name in ("web", "proxy", "logs"))

MANIFESTS = {
    "Pod": f"""
apiVersion: v1
kind: Pod
metadata: {{name: web, namespace: foo, labels: {{app: web}}}}
spec:
      volumes: [{{name: settings, configMap: {{name: web}}}}]
      {SPEC}
""",
    "Deployment": f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: foo, labels: {{app: web}}}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      volumes: [{{name: settings, configMap: {{name: web}}}}]
      {SPEC}
""",
    "ConfigMap": """
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: foo}
data: {key: value}
""",
    "Lease": """
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: web, namespace: foo}
spec: {holderIdentity: web}
""",
}


def requests_to(cluster: ClusterView) -> Mapping[str, AdmissionRequest]:
    """A tenant's CREATE of each, and the UPDATE of a status as a controller writes it."""
    alice = Submission(user=make_user("alice", ("foo-developers",)))
    made = {
        f"CREATE {kind}": make_request(read_text(text)[0], cluster, alice) for kind, text in MANIFESTS.items()
    }
    pod = made["CREATE Pod"]
    assert pod.object is not None
    running: Object = {**pod.object, "status": {**pod.object["status"], "phase": "Running"}}
    made["UPDATE Pod"] = replace(pod, operation="UPDATE", object=running, old_object=pod.object)
    return made


def unmatched(request: AdmissionRequest) -> AdmissionRequest:
    """A request that no policy is about: a review of access."""
    review = GroupVersionResource("authorization.k8s.io", "v1", "subjectaccessreviews")
    return replace(request, resource=review)
