"""The account of a request says of each policy what it did, or what left it out."""

from __future__ import annotations

from gatekeeper_py.authoring.account import Account, account_of
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source, read_text
from gatekeeper_py.policy.admission.submission import Submission, make_request
from gatekeeper_py.policy.loading.load import read
from tests.shipped import SHIPPED

KINDS = """
apiVersion: admissionregistration.k8s.io/v1
kind: {kind}AdmissionPolicy
metadata: {{name: {name}}}
spec:
  {extra}
  matchConstraints:
    {more}
    resourceRules: [{{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [{resource}]}}]
  {rule}
---
apiVersion: admissionregistration.k8s.io/v1
kind: {kind}AdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {bound}{actions}}}
---
"""
PASSES = "validations: [{expression: 'true'}]"


def policy(
    name: str,
    rule: str = PASSES,
    *,
    resource: str = "pods",
    extra: str = "",
    more: str = "",
    kind: str = "Validating",
) -> str:
    actions = ", validationActions: [Deny]" if kind == "Validating" else ""
    return KINDS.format(
        kind=kind,
        name=name,
        bound=name,
        rule=rule,
        resource=resource,
        extra=extra,
        more=more,
        actions=actions,
    )


POLICIES = "".join(
    [
        policy("other", resource="services"),
        policy("excluded", more="excludeResourceRules: [{apiGroups: [''], apiVersions: [v1], operations: ['*'], resources: [pods]}]"),
        policy("selected", more="objectSelector: {matchLabels: {a: b}}"),
        policy("conditional", "matchConditions: [{name: big, expression: \"object.spec.containers.size() > 9\"}]\n  " + PASSES),
        policy("passing"),
        policy("failing", "validations: [{expression: \"object.metadata.labels.team == 'b'\", message: take b}]"),
        policy("stamping", "mutations: [{patchType: JSONPatch, jsonPatch: {expression: \"[JSONPatch{op: 'add', path: '/metadata/labels', value: {'team': 'a'}}]\"}}]", kind="Mutating", extra="reinvocationPolicy: Never"),
        policy("idle", "mutations: [{patchType: JSONPatch, jsonPatch: {expression: \"object.kind == 'Pod' ? [] : [JSONPatch{op: 'remove', path: '/spec'}]\"}}]", kind="Mutating", extra="reinvocationPolicy: Never"),
        policy("unbound").partition("---\n")[0],
    ]
)  # fmt: skip
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"containers": [{"name": "web", "image": "nginx"}]},
}


def account(*names: str) -> Account:
    engine = Engine.load(read_text(POLICIES), Snapshot(()))
    request = make_request(Manifest(POD, Source("p.yaml")), engine.cluster, Submission())
    return account_of(engine, request, names)


def test_each_policy_is_told() -> None:
    told = {each.policy: (each.stage, each.why) for each in account().policies}
    assert told == {
        "idle": ("leaves", ""),
        "stamping": ("changes", ""),
        "conditional": ("unmatched", 'condition "big" is false'),
        "excluded": ("other", "its excludeResourceRules leave the request out"),
        "failing": ("fails", ""),
        "other": ("other", "its rules are about other resources or operations"),
        "passing": ("passes", ""),
        "selected": ("unmatched", "its namespaceSelector or objectSelector does not select it"),
        "unbound": ("unmatched", "it has no binding, so it is not in force"),
    }


def test_validation_comes_after_mutation() -> None:
    (failing,) = (each for each in account("failing").policies)
    (decided,) = failing.decided
    assert (decided.place, decided.reason.gave) == ("validations[0].expression", "false")
    assert [(each.text, each.gave) for each in decided.reason.reasons] == [
        ("object.metadata.labels.team", "'a'")
    ]
    assert [finding.message for finding in failing.findings] == ["take b"]


def test_the_verdict_is_of_all_policies_whichever_are_told() -> None:
    told = account("passing")
    assert [each.policy for each in told.policies] == ["passing"]
    assert not told.decision.allowed


def test_what_is_told_agrees_with_the_verdict_on_shipped_policies() -> None:
    engine = Engine.load(read(SHIPPED), Snapshot(()))
    for spec in ({"hostNetwork": True}, {}, {"runtimeClassName": "runc"}):
        body = {**POD, "metadata": {"name": "web", "namespace": "foo"}, "spec": {**POD["spec"], **spec}}  # type: ignore[dict-item]
        request = make_request(Manifest(body, Source("p.yaml")), engine.cluster, Submission())
        told = account_of(engine, request)
        failing = {
            each.policy
            for each in told.policies
            if any("Deny" in finding.actions for finding in each.findings)
        }
        assert failing == {each.policy for each in told.decision.findings if "Deny" in each.actions}
        assert told.decision.allowed == (not failing)
