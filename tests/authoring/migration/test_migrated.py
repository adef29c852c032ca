"""Policies of Kyverno and OPA Gatekeeper decide the same as native ones; what is not carried is left out and said."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from gatekeeper_py.authoring.layout.filelayout import laid_out
from gatekeeper_py.authoring.migration.migrated import translated
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source, read_text
from gatekeeper_py.policy.admission.request import Operation
from gatekeeper_py.policy.admission.submission import ADMINISTRATOR, Submission, make_request, make_user

RULES = """
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p, annotations: {policies.kyverno.io/severity: high}}
spec:
  validationFailureAction: Enforce
  background: true
  rules:
    - name: team
      match: {any: [{resources: {kinds: [Pod]}}]}
      exclude: {any: [{resources: {namespaces: ["infra-*"]}}, {subjects: [{kind: User, name: root}]}]}
      validate: {message: say whose it is, pattern: {metadata: {labels: {team: "?*"}}}}
"""
CEL = """
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata: {name: p}
spec:
  validationActions: [Deny]
  autogen: {podControllers: {controllers: [deployments, cronjobs]}}
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}]
  variables: [{name: labels, expression: "object.metadata.?labels.orValue({})"}]
  validations: [{message: say whose it is, expression: "'team' in variables.labels"}]
"""
TEMPLATE = """
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: labelled}
spec:
  crd:
    spec:
      names: {kind: Labelled}
      validation: {openAPIV3Schema: {type: object, properties: {labels: {type: array, items: {type: string}}}}}
  targets:
    - target: admission.k8s.gatekeeper.sh
      code:
        - engine: K8sNativeValidation
          source:
            variables: [{name: missing, expression: "variables.params.labels.filter(label, !(label in variables.anyObject.metadata.?labels.orValue({})))"}]
            validations: [{expression: variables.missing.size() == 0, messageExpression: "'say ' + variables.missing.join(', ')"}]
---
"""
CONSTRAINT = """
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Labelled
metadata: {name: team}
spec:
  match: {kinds: [{apiGroups: [""], kinds: [Pod, Namespace]}], excludedNamespaces: [infra-*]}
  parameters: {labels: [team]}
"""
POD_SPEC = {"containers": [{"name": "web", "image": "nginx"}]}
TEMPLATED = {
    "template": {"metadata": {"labels": {"app": "web"}}, "spec": POD_SPEC},
    "selector": {"matchLabels": {"app": "web"}},
}


def manifest(kind: str, labels: dict[str, str], namespace: str = "foo") -> dict[str, Any]:
    metadata = {"name": "web", **({"namespace": namespace} if kind != "Namespace" else {})}
    if kind == "Deployment":
        labels = {"app": "web", **labels}
        template = {"metadata": {"labels": labels}, "spec": POD_SPEC}
        spec: Any = {"template": template, "selector": {"matchLabels": {"app": "web"}}}
        return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}
    if kind == "CronJob":
        template = {"metadata": {"labels": labels}, "spec": {**POD_SPEC, "restartPolicy": "Never"}}
        spec = {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": template}}}
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": spec}
    body = {"apiVersion": "v1", "kind": kind, "metadata": {**metadata, "labels": labels}}
    return {**body, "spec": POD_SPEC} if kind == "Pod" else body


def verdict(
    text: str,
    body: dict[str, Any],
    user: str = "",
    operation: Operation = "CREATE",
    old: dict[str, Any] | None = None,
) -> str:
    made = translated(read_text(text))
    assert made.left_out == ()
    manifests = [each for file in made.files.values() for each in read_text(file)]
    definitions = [each.object for each in manifests if each.kind.kind == "CustomResourceDefinition"]
    engine = Engine.load(manifests, Snapshot(definitions))
    submission = Submission(operation, user=make_user(user, ()) if user else ADMINISTRATOR)
    request = make_request(Manifest(body, Source("x")), engine.cluster, submission, old=old)
    decision = engine.review(request)
    findings = [finding for finding in decision.findings if not finding.error]
    assert len(findings) == len(decision.findings)
    return "deny" if not decision.allowed else findings[0].actions[0] if findings else "allow"


MARKED, BARE = {"team": "a"}, {"app": "web"}


@pytest.mark.parametrize("text", [RULES, CEL], ids=["pattern", "cel"])
@pytest.mark.parametrize("kind", ["Pod", "Deployment", "CronJob"])
def test_kyverno_judges_pods_and_their_templates(text: str, kind: str) -> None:
    assert verdict(text, manifest(kind, BARE)) == "deny"
    assert verdict(text, manifest(kind, MARKED)) == "allow"


def test_what_kyverno_excludes_is_excluded() -> None:
    assert verdict(RULES, manifest("Pod", BARE, "infra-dns")) == "allow"
    assert verdict(RULES, manifest("Pod", BARE), "root") == "allow"
    assert verdict(RULES, manifest("Pod", BARE), "alice") == "deny"


def test_an_action_is_kept() -> None:
    assert verdict(RULES.replace("Enforce", "Audit"), manifest("Pod", BARE)) == "Audit"
    assert (
        verdict(RULES.replace("validate: {", "validate: {failureAction: Audit, "), manifest("Pod", BARE))
        == "Audit"
    )
    assert verdict(CEL.replace("[Deny]", "[Warn]"), manifest("Pod", BARE)) == "Warn"


def test_autogen_goes_as_far_as_the_annotation_says() -> None:
    text = RULES.replace(
        "severity: high", "severity: high, pod-policies.kyverno.io/autogen-controllers: Deployment"
    )
    assert verdict(text, manifest("Deployment", BARE)) == "deny"
    assert verdict(text, manifest("CronJob", BARE)) == "allow"
    none = RULES.replace(
        "severity: high", "severity: high, pod-policies.kyverno.io/autogen-controllers: none"
    )
    assert verdict(none, manifest("Deployment", BARE)) == "allow"


@pytest.mark.parametrize(("more", "expected"), [("", "allow"), ("allowExistingViolations: false, ", "deny")])
def test_what_was_unlike_a_pattern_before_may_go_on(more: str, expected: str) -> None:
    text = RULES.replace("validate: {", f"validate: {{{more}")
    (policies,) = translated(read_text(text)).files.values()
    engine = Engine.load(read_text(policies), Snapshot(()))
    before, after = manifest("Pod", BARE), manifest("Pod", {"app": "db"})
    request = make_request(Manifest(after, Source("x")), engine.cluster, Submission("UPDATE"), old=before)
    assert engine.review(request).allowed is (expected == "allow")


def test_only_what_was_refused_when_it_was_made_may_go_on() -> None:
    """Kyverno asks of the old object whether the rule would have refused its creation."""
    before, after = manifest("Pod", BARE), manifest("Pod", {"app": "db"})
    created = RULES.replace("kinds: [Pod]", "kinds: [Pod], operations: [UPDATE]")
    assert verdict(created, after, operation="UPDATE", old=before) == "deny"
    observed = RULES.replace("Enforce", "Audit")
    assert verdict(observed, after, operation="UPDATE", old=before) == "Audit"
    labelled = RULES.replace("kinds: [Pod]", "kinds: [Pod], selector: {matchLabels: {app: db}}")
    assert verdict(labelled, after, operation="UPDATE", old=before) == "deny"
    assert verdict(labelled, after, operation="UPDATE", old=after) == "allow"


def test_labels_are_those_of_the_object_as_it_becomes() -> None:
    text = RULES.replace("kinds: [Pod]", "kinds: [Pod], selector: {matchLabels: {app: web}}")
    freed = manifest("Pod", {"app": "db"})
    assert verdict(text, freed, operation="UPDATE", old=manifest("Pod", MARKED)) == "allow"


def test_a_rule_of_cel_is_asked_about_deletion() -> None:
    body = manifest("Pod", BARE)
    text = RULES.replace(PATTERN, "cel: {expressions: [{expression: \"request.operation != 'DELETE'\"}]}")
    assert verdict(text, body) == "allow"
    assert verdict(text, body, operation="DELETE", old=body) == "deny"
    spared = {**body, "metadata": {**body["metadata"], "namespace": "infra-dns"}}
    assert verdict(text, spared, operation="DELETE", old=spared) == "allow"
    named = text.replace("kinds: [Pod]", "kinds: [Pod], operations: [CREATE]")
    assert verdict(named, body, operation="DELETE", old=body) == "allow"


def test_a_name_is_generated_where_there_is_none() -> None:
    text = RULES.replace("kinds: [Pod]", "kinds: [Pod], names: [web-*]")
    body = manifest("Pod", BARE)
    body["metadata"] = {"generateName": "web-", "namespace": "foo"}
    assert verdict(text, body) == "deny"
    assert verdict(text, {**body, "metadata": {**body["metadata"], "generateName": "db-"}}) == "allow"


def test_what_the_webhook_is_not_asked_is_not_judged() -> None:
    asked = "  webhookConfiguration: {matchConditions: [{name: a, expression: \"request.userInfo.username != 'robot'\"}]}\n"
    text = RULES.replace("  background: true\n", asked)
    assert verdict(text, manifest("Pod", BARE), "alice") == "deny"
    assert verdict(text, manifest("Pod", BARE), "robot") == "allow"


def test_users_may_have_wildcards() -> None:
    text = RULES.replace("name: root", "name: 'ro*'")
    assert verdict(text, manifest("Pod", BARE), "robot") == "allow"
    assert verdict(text, manifest("Pod", BARE), "alice") == "deny"
    account = "{kind: ServiceAccount, namespace: 'ci-*', name: builder}"
    text = RULES.replace("{kind: User, name: root}", account)
    assert verdict(text, manifest("Pod", BARE), "system:serviceaccount:ci-1:builder") == "allow"
    assert verdict(text, manifest("Pod", BARE), "system:serviceaccount:prod:builder") == "deny"
    matched = RULES.replace(
        "{resources: {kinds: [Pod]}}", "{resources: {kinds: [Pod]}, subjects: [{kind: User, name: alice}]}"
    )
    assert verdict(matched, manifest("Pod", BARE), "alice") == "deny"
    assert verdict(matched, manifest("Pod", BARE), "bob") == "allow"


def test_all_controllers_in_the_annotation_of_older_releases() -> None:
    annotation = "severity: high, pod-policies.kyverno.io/autogen-controllers: all"
    assert verdict(RULES.replace("severity: high", annotation), manifest("CronJob", BARE)) == "deny"


def test_a_policy_of_a_namespace_holds_there() -> None:
    text = RULES.replace("kind: ClusterPolicy", "kind: Policy").replace(
        "{name: p,", "{name: p, namespace: foo,"
    )
    assert verdict(text, manifest("Pod", BARE)) == "deny"
    assert verdict(text, manifest("Pod", BARE, "bar")) == "allow"


def test_a_rule_of_cel_is_carried_with_its_conditions() -> None:
    cel = "validate: {cel: {expressions: [{expression: \"has(object.metadata.labels) && 'team' in object.metadata.labels\"}]}}"
    text = RULES.replace(
        'validate: {message: say whose it is, pattern: {metadata: {labels: {team: "?*"}}}}', cel
    )
    assert verdict(text, manifest("Deployment", BARE)) == "deny"
    conditional = (
        text
        + "      celPreconditions: [{name: named, expression: \"object.metadata.labels.app != 'web'\"}]\n"
    )
    assert verdict(conditional, manifest("Deployment", BARE)) == "allow"


def test_one_of_several_patterns_is_enough() -> None:
    several = 'anyPattern: [{metadata: {labels: {team: "?*"}}}, {metadata: {labels: {owner: "?*"}}}]'
    text = RULES.replace('pattern: {metadata: {labels: {team: "?*"}}}', several)
    assert [verdict(text, manifest("Pod", each)) for each in ({"owner": "a"}, MARKED, BARE)] == [
        "allow",
        "allow",
        "deny",
    ]


def test_several_matches_are_several_policies() -> None:
    several = "[{resources: {kinds: [v1/ConfigMap], names: [web-*]}}, {resources: {kinds: [Service], operations: [UPDATE]}}]"
    made = translated(read_text(RULES.replace("[{resources: {kinds: [Pod]}}]", several)))
    kinds = [each for file in made.files.values() for each in yaml.safe_load_all(file) if "rules" not in each]
    policies = [each for each in kinds if each["kind"] == "ValidatingAdmissionPolicy"]
    assert [each["metadata"]["name"] for each in policies] == ["p-team-1", "p-team-2"]
    assert policies[1]["spec"]["matchConstraints"]["resourceRules"][0]["operations"] == ["UPDATE"]


def test_a_constraint_judges_what_it_matches() -> None:
    text = TEMPLATE + CONSTRAINT
    assert verdict(text, manifest("Pod", BARE)) == "deny"
    assert verdict(text, manifest("Pod", MARKED)) == "allow"
    assert verdict(text, manifest("Pod", BARE, "infra-dns")) == "allow"
    assert verdict(text, manifest("Namespace", BARE)) == "deny"
    assert verdict(text, manifest("Deployment", BARE)) == "allow"


@pytest.mark.parametrize(
    ("before", "after", "body", "expected"),
    [
        ("excludedNamespaces: [infra-*]", "namespaces: [foo]", manifest("Pod", BARE), "deny"),
        ("excludedNamespaces: [infra-*]", "namespaces: [bar, ba-*]", manifest("Pod", BARE), "allow"),
        ("excludedNamespaces: [infra-*]", "name: we*", manifest("Pod", BARE), "deny"),
        ("excludedNamespaces: [infra-*]", "name: db", manifest("Pod", BARE), "allow"),
        ("excludedNamespaces: [infra-*]", "labelSelector: {matchLabels: {app: db}}", manifest("Pod", BARE), "allow"),
        ("excludedNamespaces: [infra-*]", "scope: Cluster", manifest("Pod", BARE), "allow"),
        ("kinds: [{apiGroups: [\"\"], kinds: [Pod, Namespace]}]", "kinds: [{apiGroups: ['*'], kinds: ['*']}]", manifest("Deployment", BARE), "deny"),
        ("  match:", "  enforcementAction: warn\n  match:", manifest("Pod", BARE), "Warn"),
        ("  match:", "  enforcementAction: dryrun\n  match:", manifest("Pod", BARE), "Audit"),
    ],
)  # fmt: skip
def test_a_constraints_filters_are_kept(before: str, after: str, body: dict[str, Any], expected: str) -> None:
    assert before in CONSTRAINT
    assert verdict(TEMPLATE + CONSTRAINT.replace(before, after), body) == expected


PATTERN = 'pattern: {metadata: {labels: {team: "?*"}}}'
LEFT_OUT = {
    "a mutation": (RULES, "validate: {message: say whose it is, " + PATTERN + "}", "mutate: {a: b}", "mutate has no like here"),
    "an anchor for mutation": (RULES, PATTERN, "pattern: {+(metadata): {a: b}}", "+(metadata), which is for mutation"),
    "a denial by conditions": (RULES, PATTERN, "deny: {conditions: {}, a: b}", "deny has no like here"),
    "preconditions": (RULES, "      match:", "      preconditions: {all: [{key: a}]}\n      match:", "preconditions has no like here"),
    "a context": (RULES, "      match:", "      context: [{name: a}]\n      match:", "context has no like here"),
    "roles": (RULES, "{resources: {kinds: [Pod]}}", "{resources: {kinds: [Pod]}, clusterRoles: [a]}", "clusterRoles has no like here"),
    "an exclusion by roles": (RULES, "{subjects: [{kind: User, name: root}]}", "{clusterRoles: [a]}", "clusterRoles has no like here"),
    "an exclusion of nothing": (RULES, '{resources: {namespaces: ["infra-*"]}}', "{}", "an exclusion of nothing that is known"),
    "a subject of another kind": (RULES, "kind: User", "kind: Robot", "a subject of kind Robot"),
    "every subresource": (RULES, "kinds: [Pod]", 'kinds: ["*/*"]', 'kinds that are named "*/*"'),
    "a kind that is none": (RULES, "kinds: [Pod]", "kinds: [pods]", 'kinds that are named "pods"'),
    "pods and their controllers": (RULES, "{resources: {kinds: [Pod]}}", "{resources: {kinds: [Pod]}}, {resources: {kinds: [Deployment]}}", "pods and controllers of pods in one rule"),
    "a pattern for what is deleted": (RULES, "kinds: [Pod]", "kinds: [Pod], operations: [DELETE]", "a pattern for what is deleted"),
    "a subresource": (RULES, "kinds: [Pod]", "kinds: [v1/Pod/exec]", 'kinds that are named "v1/Pod/exec"'),
    "filters that must all match": (RULES, "match: {any: [{resources: {kinds: [Pod]}}]}", "match: {all: [{resources: {kinds: [Pod]}}, {resources: {kinds: [Pod]}}]}", "several filters that must all match"),
    "overrides by namespace": (RULES, "  background: true", "  validationFailureActionOverrides: [{action: Audit}]", "validationFailureActionOverrides has no like here"),
    "the first rule alone": (RULES, "  background: true", "  applyRules: One", "applyRules: One lets the first rule that matches decide"),
    "reports alone": (RULES, "  background: true", "  admission: false", "a policy that is for reports alone"),
    "words of Kyverno": (CEL, "'team' in variables.labels", "resource.Get('v1', 'pods', 'a', 'b') != null", "it does not load here: "),
    "another evaluation": (CEL, "  validationActions", "  evaluation: {mode: JSON}\n  validationActions", "an evaluation of what is no request to an API server"),
    "unknown controllers": (CEL, "[deployments, cronjobs]", "[widgets]", "controllers widgets"),
    "other fields": (CEL, "  validationActions", "  images: [{name: a}]\n  validationActions", "images has no like here"),
    "Rego": (TEMPLATE + CONSTRAINT, "engine: K8sNativeValidation", "engine: Rego", "a template in Rego"),
    "another action": (TEMPLATE + CONSTRAINT, "  match:", "  enforcementAction: refuse\n  match:", "the enforcementAction refuse"),
    "actions elsewhere": (TEMPLATE + CONSTRAINT, "  match:", "  enforcementAction: scoped\n  scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: audit.gatekeeper.sh}]}]\n  match:", "a constraint that is for reports alone"),
    "what Gatekeeper does not read": (TEMPLATE + CONSTRAINT, "variables: [", "matchConditions: [{name: a, expression: 'true'}]\n            variables: [", "matchConditions has no like here"),
    "expanded objects": (TEMPLATE + CONSTRAINT, "excludedNamespaces: [infra-*]", "source: Generated", "constraints on what is only expanded"),
    "another filter": (TEMPLATE + CONSTRAINT, "excludedNamespaces: [infra-*]", "images: [a]", "images has no like here"),
    "a kind in another group": (TEMPLATE + CONSTRAINT, 'apiGroups: [""]', "apiGroups: [apps]", 'no kind "Pod" in the groups beside it'),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_has_no_like_here_is_left_out_and_said(name: str) -> None:
    text, before, after, what = LEFT_OUT[name]
    assert before in text
    made = translated(read_text(text.replace(before, after, 1)))
    assert made.files == {}
    (problem,) = made.left_out
    assert problem.what.startswith(what)
    assert "left out" in problem.remedy
    assert problem.line > 1


def test_what_is_left_out_stands_in_the_file_of_the_rest() -> None:
    more = RULES + "    - {name: changes, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {a: b}}\n"
    made = translated(read_text(more))
    assert len(made.left_out) == 1
    text = made.files["p.yaml"].replace("\n# ", " ")
    assert (
        "Not carried: mutate has no like here. The rule is left out: write it by hand, or nothing enforces it."
        in text
    )


def test_what_changes_nothing_of_the_verdict_is_said_too() -> None:
    (told,) = translated(
        read_text(RULES.replace("  background", "  failurePolicy: Ignore\n  background"))
    ).otherwise
    assert told.what.startswith("failurePolicy: Ignore is about Kyverno's webhook")
    (told,) = translated(read_text(RULES.replace("say whose it is", "'{{ request.name }}'"))).otherwise
    assert told.what == "a variable in a message is shown as it is written"
    (told,) = translated(read_text(CONSTRAINT)).otherwise
    assert told.what == "the template of Labelled is not here, so nothing enforces the constraint"
    (told,) = translated(read_text(TEMPLATE.removesuffix("---\n"))).otherwise
    assert told.what == "no constraint uses the template"
    (told,) = translated(read_text("{apiVersion: v1, kind: Pod, metadata: {name: a}}")).otherwise
    assert told.what == "Pod is nothing that is imported"


@pytest.mark.parametrize("text", [RULES, CEL, TEMPLATE + CONSTRAINT])
def test_files_are_laid_out(text: str) -> None:
    for file in translated(read_text(text)).files.values():
        assert laid_out(file) == file


MISSHAPEN = """\
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: bad}
spec: {rules: [web]}
---
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata: {name: worse}
spec: {validations: web}
---
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: worst}
spec: web
"""


def test_one_misshapen_manifest_hides_no_other() -> None:
    found = translated(read_text(MISSHAPEN, "f.yaml"))
    assert [str(problem) for problem in found.left_out] == [
        f"f.yaml:{line}:7: it is no {kind} by its fields. The policy is left out: write it by hand, or nothing enforces it"
        for line, kind in ((4, "ClusterPolicy"), (9, "ValidatingPolicy"), (14, "ConstraintTemplate"))
    ]
    assert found.files == {}
