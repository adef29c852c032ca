"""Policies directories: what they may hold, what is refused, and the words of the refusal."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from gatekeeper_py.manifests.manifest import Manifest, read_text
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.loading.load import LoadError, PolicySet, is_test, load, read

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: NAME}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations: [{expression: "true"}]
---
"""
BINDING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: NAME-binding}
spec: {policyName: NAME, validationActions: [Deny]}
---
"""
MUTATION = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: NAME}
spec:
  reinvocationPolicy: IfNeeded
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration: {expression: "Object{}"}
---
"""
MUTATION_BINDING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: NAME-binding}
spec: {policyName: NAME}
---
"""
WITH_PARAMS = POLICY.replace("spec:\n", "spec:\n  paramKind: {apiVersion: example.com/v1, kind: Limit}\n")
LIMIT = "apiVersion: example.com/v1\nkind: Limit\nmetadata: {name: NAME}\n---\n"


def named(template: str, name: str) -> str:
    return template.replace("NAME", name)


def manifests(*texts: str) -> list[Manifest]:
    return [
        manifest
        for number, text in enumerate(texts)
        for manifest in read_text(textwrap.dedent(text), f"{number}.yaml")
    ]


def problems(*texts: str) -> list[str]:
    with pytest.raises(LoadError) as error:
        load(manifests(*texts))
    return [str(problem) for problem in error.value.problems]


def names(policies: PolicySet) -> list[str]:
    return [policy.name for policy in policies.validating]


def test_policies_are_sorted_by_name_with_their_bindings() -> None:
    second = named(BINDING, "b").replace("b-binding", "a-binding")
    policies = load(manifests(named(POLICY, "b"), named(BINDING, "b"), named(POLICY, "a"), second))
    assert names(policies) == ["a", "b"]
    assert [binding.name for binding in policies.validating[1].bindings] == ["a-binding", "b-binding"]
    assert policies.validating[0].bindings == ()


def test_mutating_and_validating_policies_may_share_a_name() -> None:
    texts = [named(template, "a") for template in (POLICY, BINDING, MUTATION, MUTATION_BINDING)]
    policies = load(manifests(*texts))
    assert len(policies.validating) == len(policies.mutating) == 1
    (policy,) = policies.mutating
    assert policy.reinvocation_policy == "IfNeeded"
    assert [binding.name for binding in policy.bindings] == ["a-binding"]


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_every_version_is_read(version: str) -> None:
    text = named(POLICY + MUTATION, "a").replace("k8s.io/v1", f"k8s.io/{version}")
    policies = load(manifests(text))
    assert len(policies.validating) == len(policies.mutating) == 1


def test_defaults_are_the_api_servers() -> None:
    (policy,) = load(manifests(named(POLICY, "a"))).validating
    assert policy.failure_policy == "Fail"
    assert policy.match.match_policy == "Equivalent"
    assert policy.match.namespace_selector.empty
    assert policy.match.object_selector.empty
    assert policy.match.rules[0].scope == "*"
    assert policy.param_kind is None


def test_params_come_along() -> None:
    policies = load(manifests(named(WITH_PARAMS, "a"), named(LIMIT, "l")))
    (policy,) = policies.validating
    kind = GroupVersionKind("example.com", "v1", "Limit")
    assert policy.param_kind == kind
    assert policies.parameters.identify({"apiVersion": "example.com/v1", "kind": "Limit"}) == (kind, ("", ""))


def test_nothing_is_a_set_too() -> None:
    assert names(load([])) == []


def test_unknown_kinds_are_refused_unless_somebody_knows_them() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
    assert problems(text) == [
        '0.yaml:2:7: kind "ConfigMap" of "v1" is no policy, no binding and no policy\'s paramKind. '
        "Correct it, or keep it outside of the policies"
    ]
    config_map = GroupVersionKind("", "v1", "ConfigMap")
    assert names(load(manifests(text), known=config_map.__eq__)) == []


def test_definitions_of_kinds_may_stand_there() -> None:
    definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {}\n"
    assert names(load(manifests(definition))) == []


def test_unknown_versions_are_refused() -> None:
    assert problems(named(POLICY, "a").replace("k8s.io/v1", "k8s.io/v2")) == [
        '0.yaml:1:13: no matches for kind "ValidatingAdmissionPolicy" in version '
        '"admissionregistration.k8s.io/v2". Write admissionregistration.k8s.io/v1'
    ]


def test_two_documents_with_one_name_are_refused() -> None:
    found = problems(
        *(named(text, "a") for text in (WITH_PARAMS, POLICY, BINDING, BINDING)), *[named(LIMIT, "l")] * 2
    )
    assert found == [
        '1.yaml:3:18: ValidatingAdmissionPolicy "a" stands here for the second time, first in 0.yaml:1. '
        "Rename or remove one of them",
        '3.yaml:3:18: ValidatingAdmissionPolicyBinding "a-binding" stands here for the second time, '
        "first in 2.yaml:1. Rename or remove one of them",
        '5.yaml:3:18: Limit "l" stands here for the second time, first in 4.yaml:1. '
        "Rename or remove one of them",
    ]


def test_a_binding_without_its_policy_is_refused() -> None:
    assert problems(named(BINDING, "nothing"), named(MUTATION_BINDING, "other")) == [
        '0.yaml:4:20: binding "nothing-binding" names ValidatingAdmissionPolicy "nothing", which is not '
        "here. Add the policy, or remove the binding",
        '1.yaml:4:20: binding "other-binding" names MutatingAdmissionPolicy "other", which is not here. '
        "Add the policy, or remove the binding",
    ]


def test_a_misspelt_policy_name_is_corrected() -> None:
    text = named(POLICY, "require-owner") + named(BINDING, "require-owners")
    assert problems(text) == [
        '0.yaml:12:20: binding "require-owners-binding" names ValidatingAdmissionPolicy '
        '"require-owners", which is not here. Did you mean require-owner?'
    ]


def test_a_binding_of_a_bad_policy_is_not_blamed() -> None:
    (problem,) = problems(named(POLICY, "a").replace('"true"', '"tru"'), named(BINDING, "a"))
    assert problem.startswith("0.yaml:7:")


def test_everything_wrong_is_told_in_the_order_of_the_files() -> None:
    bad = """\
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicy
        metadata: {name: bad}
        spec:
          failurePolicy: Perhaps
          matchConstraints:
            resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [READ], resources: [pods]}]
          validations:
            - expression: |
                object.metadata.name == 'a' &&
                  nope == 2
              reason: Unauthorized
        """
    invalid = 'ValidatingAdmissionPolicy.admissionregistration.k8s.io "bad" is invalid: spec.'
    found = problems(bad, "apiVersion: v1\nkind: Secret\n")
    assert [problem.partition(": ")[0] for problem in found] == [
        "0.yaml:1:1",
        "0.yaml:5:18",
        "0.yaml:7:71",
        "0.yaml:11:11",
        "0.yaml:12:15",
        "1.yaml:2:7",
    ]
    assert found[0].startswith(f"0.yaml:1:1: {invalid.removesuffix('spec.')}[spec.failurePolicy: Unsupported")
    assert found[1] == (
        f'0.yaml:5:18: {invalid}failurePolicy: Unsupported value: "Perhaps": '
        'supported values: "Fail", "Ignore". Write one of these'
    )
    assert found[3] == (
        f"0.yaml:11:11: {invalid}validations[0].expression: Invalid value: "
        "\"object.metadata.name == 'a' &&\\n  nope == 2\\n\": compilation failed: "
        "ERROR: <input>:2:3: undeclared reference to 'nope' (in container '')\n"
        " |   nope == 2\n | ..^\n"
        "Check the name; it is no word of Kubernetes' CEL"
    )


@pytest.mark.parametrize(
    ("expression", "begins"),
    [
        ("'nope'", "nope'"),
        ('"  nope"', 'nope"'),
        (">-\n      object.x == 1 &&\n      nope", "nope"),
        ("|\n\n      nope", "nope"),
        ('"object.x ==\\n nope"', 'nope"'),
        ("object.x == 1 &&\n      nope", "nope"),
        ('"object.x =="', '"'),
        ("object.x", "object.x"),
    ],
)
def test_an_expression_is_found_where_it_is_written(expression: str, begins: str) -> None:
    written = f"validations:\n  - expression: {expression}"
    text = named(POLICY, "a").replace('validations: [{expression: "true"}]', written)
    (problem,) = problems(text)
    line, column = map(int, problem.split(":")[1:3])
    assert text.split("\n")[line - 1][column - 1 :] == begins


def test_a_condition_is_found_though_it_is_trimmed() -> None:
    condition = "  matchConditions:\n    - name: a\n      expression: |\n\n        1 +\n          nope\n"
    text = named(POLICY, "a").replace("---\n", condition)
    (problem,) = problems(text)
    assert problem.startswith("0.yaml:13:11: ")
    assert 'Invalid value: "1 +\\n  nope": compilation failed' in problem


@pytest.mark.parametrize(
    ("name", "test"),
    [("a_test.yaml", True), ("a_TEST.yml", True), ("test.yaml", False), ("a_test.json", False)],
)
def test_which_files_hold_tests(name: str, test: bool) -> None:
    assert is_test(Path("policies") / name) is test


def test_tests_beside_policies_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.yaml").write_text(named(POLICY, "a"))
    (tmp_path / "sub" / "a_test.yaml").write_text("cases: []\n")
    found = read([tmp_path])
    assert names(load(found)) == ["a"]
    test = read_text("apiVersion: v1\nkind: Anything\n", "policies/a_test.yaml")
    assert names(load([*found, *test])) == ["a"]
