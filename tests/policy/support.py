"""Small policies, clusters and requests for tests."""

from __future__ import annotations

import json
from typing import Any

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, read_text
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.policy.evaluation.compilation import Compiler, Environments, ExpressionKind
from gatekeeper_py.policy.model import Expression

Json = dict[str, Any]

GROUP = "admissionregistration.k8s.io/v1"
EVERYTHING = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}

CONFIG_MAP: Json = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "x", "namespace": "cases"},
    "data": {"a": "1"},
}
POD: Json = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "x", "namespace": "cases"},
    "spec": {"containers": [{"name": "a", "image": "x"}]},
}
ALICE = UserInfo("alice", groups=("devs", "system:authenticated"))


def validating(name: str = "p", **spec: Any) -> Json:
    """A ValidatingAdmissionPolicy about everything."""
    return _policy("ValidatingAdmissionPolicy", name, spec)


def mutating(name: str = "p", *mutations: str, kind: str = "JSONPatch", **spec: Any) -> Json:
    """A MutatingAdmissionPolicy about everything; `mutations` are expressions."""
    field = "jsonPatch" if kind == "JSONPatch" else "applyConfiguration"
    made = [{"patchType": kind, field: {"expression": text}} for text in mutations]
    return _policy(
        "MutatingAdmissionPolicy", name, {"mutations": made, "reinvocationPolicy": "Never", **spec}
    )


def _policy(kind: str, name: str, spec: Json) -> Json:
    spec = {"matchConstraints": {"resourceRules": [EVERYTHING]}, **spec}
    return {"apiVersion": GROUP, "kind": kind, "metadata": {"name": name}, "spec": spec}


def bound(policy: Json, name: str = "", **spec: Any) -> Json:
    """A binding of a policy; a validating one denies."""
    kind, policy_name = f"{policy['kind']}Binding", policy["metadata"]["name"]
    actions = {"validationActions": ["Deny"]} if policy["kind"].startswith("Validating") else {}
    spec = {"policyName": policy_name, **actions, **spec}
    return {"apiVersion": GROUP, "kind": kind, "metadata": {"name": name or f"{policy_name}-b"}, "spec": spec}


def manifests(*objects: Json) -> tuple[Manifest, ...]:
    """Objects as read from one file."""
    return read_text("\n".join(map(json.dumps, objects)), "test.json") if objects else ()


def engine(*objects: Json, cluster: tuple[Json, ...] = (), bind: bool = True) -> Engine:
    """An engine over policies; those without a binding among `objects` get one."""
    names = {each["spec"]["policyName"] for each in objects if each["kind"].endswith("Binding")}
    policies = [each for each in objects if each["kind"].endswith("Policy")]
    missing = [bound(each) for each in policies if bind and each["metadata"]["name"] not in names]
    return Engine.load(manifests(*objects, *missing), Snapshot(cluster))


def request(value: Json | None = None, **fields: Any) -> AdmissionRequest:
    """A request to create an object, unless `fields` say otherwise."""
    shown = value or fields.get("old_object") or CONFIG_MAP
    kind = GroupVersionKind.parse(shown["apiVersion"], shown["kind"])
    served = Kinds.builtin().served(kind)
    assert served is not None
    metadata = shown.get("metadata", {})
    made: dict[str, Any] = {
        "uid": "u",
        "kind": kind,
        "resource": served.resource,
        "operation": "CREATE",
        "name": metadata.get("name", ""),
        "namespace": metadata.get("namespace", ""),
        "user": ALICE,
        "object": value,
    }
    return AdmissionRequest(**{**made, **fields})


def expression(
    text: str, kind: ExpressionKind = ExpressionKind.VALIDATION, *, params: bool = False
) -> Expression:
    """A compiled expression of a policy without variables."""
    return Compiler(Environments(), params=params).compile(kind, text)
