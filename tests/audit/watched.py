"""A cluster that is watched, as far as a background audit sees it; and a clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gatekeeper_py.audit.background import Background, Rules
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.staleness import Stale
from gatekeeper_py.engine import load_with_tenancy
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.projection import Projection
from gatekeeper_py.objects.resource import GroupVersionKind, Object

POD = GroupVersionKind("", "v1", "Pod")
SERVICE = GroupVersionKind("", "v1", "Service")
NAMESPACE = GroupVersionKind("", "v1", "Namespace")

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-host, annotations: {policy.example/severity: high}}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  validations: [{expression: "!object.spec.?hostNetwork.orValue(false)", message: uses the host}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-host}
spec: {policyName: no-host, validationActions: [Deny]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: has-a-service}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}
  validations:
    - expression: 'cluster.get("v1", "Service", object.metadata.namespace, object.metadata.name).hasValue()'
      message: there is no such Service
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: has-a-service}
spec: {policyName: has-a-service, validationActions: [Deny]}
---
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: TenancySettings
metadata: {name: settings}
spec: {}
---
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec: {namespaces: {names: [foo]}}
"""


def rules(revision: int = 1, text: str = POLICY) -> Rules:
    policies, tenancy = load_with_tenancy(read_text(text))
    return Rules(revision, policies, tenancy)


def named(kind: str, name: str, namespace: str = "", **fields: Any) -> Object:
    where = {"namespace": namespace} if namespace else {}
    metadata = {"name": name, **where, "uid": f"u-{name}", **fields.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}


def pod(name: str, *, host: bool = False, namespace: str = "foo", **fields: Any) -> Object:
    spec = {"hostNetwork": host, "containers": [{"name": "c", "image": "i"}]}
    return named("Pod", name, namespace, spec=spec, **fields)


@dataclass
class Cluster:
    """Implements `background.Cluster`."""

    seen: Snapshot = field(default_factory=lambda: Snapshot((named("Namespace", "foo"),), complete=True))
    stale: dict[GroupVersionKind, Stale] = field(default_factory=dict)
    followed: set[GroupVersionKind] = field(default_factory=set)

    def follow(self, kinds: Mapping[GroupVersionKind, Projection], *, awaited: bool) -> list[Any]:
        assert not awaited
        self.followed |= kinds.keys()
        return []

    def unfollow(self, kinds: Iterable[GroupVersionKind]) -> None:
        self.followed -= set(kinds)

    def put(self, *objects: Object) -> None:
        for each in objects:
            self.seen = self.seen.with_object(each)

    def remove(self, *objects: Object) -> None:
        for each in objects:
            self.seen = self.seen.without_object(each)


@dataclass
class Clock:
    time: float = 1000.0

    def __call__(self) -> float:
        return self.time


@dataclass
class Audit:
    """A background audit of a cluster that a test changes."""

    cluster: Cluster = field(default_factory=Cluster)
    clock: Clock = field(default_factory=Clock)
    rules: Rules | None = field(default_factory=rules)
    background: Background = field(init=False)
    judged: list[str] = field(default_factory=list)
    """Names, in the order in which objects were judged since they were looked at last."""

    def __post_init__(self) -> None:
        self.background = Background(self.cluster, lambda: self.rules, 600, self.clock)

    def settle(self) -> list[str]:
        """Step until nothing waits; what was judged."""
        self.judged = []
        while True:
            step = self.background.step()
            self.judged += (item.target.name for item in step.judged)
            if not step.looked_at:
                return self.judged

    def wrong(self) -> dict[str, list[str]]:
        """What is wrong, by name of the object."""
        found = self.background.outcome().audited
        return {
            item.target.name: [
                *(each.policy for each in item.findings),
                *([item.error] if item.error else []),
            ]
            for item in found
            if item.is_amiss
        }

    def not_audited(self) -> list[str]:
        return [str(each) for each in self.background.outcome().not_audited]
