"""Fields and types of policies and bindings, refused in the API server's words and with their place."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.policy.loading.shape import KINDS, VERSIONS, shape_problems
from tests.policy.support import bound, manifests, mutating, validating

FULL: dict[str, Any] = {
    "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
    "matchConstraints": {
        "namespaceSelector": {"matchLabels": {"a": "b"}},
        "objectSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]},
        "resourceRules": [{"resourceNames": ["x"], "operations": ["*"], "scope": "*"}],
        "excludeResourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
        "matchPolicy": "Exact",
    },
    "variables": [{"name": "a", "expression": "1"}],
    "failurePolicy": "Fail",
    "matchConditions": [{"name": "a", "expression": "true"}],
}
VALIDATION = {"expression": "true", "message": "m", "reason": "Invalid", "messageExpression": "''"}
REFERENCE = {"name": "x", "namespace": "y", "parameterNotFoundAction": "Deny", "selector": {}}
MATCHES = FULL["matchConstraints"]
WHOLE = {
    "validating": validating(
        **FULL, validations=[VALIDATION], auditAnnotations=[{"key": "a", "valueExpression": "''"}]
    ),
    "mutating": mutating("p", "[]", **FULL),
    "validating binding": bound(validating(), paramRef=REFERENCE, matchResources=MATCHES),
    "mutating binding": bound(mutating(), paramRef=REFERENCE, matchResources=MATCHES),
    "a status": {**validating(), "status": {"observedGeneration": "anything"}},
    "null for anything": {**validating(variables=None, validations=[None]), "metadata": None},
    "metadata of a server": {
        **validating(),
        "metadata": {
            "name": "p",
            "generation": 1,
            "creationTimestamp": None,
            "labels": {"a": "b"},
            "managedFields": [{"x": 1}],
            "ownerReferences": [{"uid": "u", "controller": True}],
        },
    },
}


def problems(value: dict[str, Any]) -> list[str]:
    (manifest,) = manifests(value)
    return [problem.what for problem in shape_problems(manifest)]


@pytest.mark.parametrize("value", WHOLE.values(), ids=WHOLE)
def test_every_field_of_a_kind_is_known(value: dict[str, Any]) -> None:
    assert problems(value) == []


POLICY_SPEC = "ValidatingAdmissionPolicySpec.spec"
UNREADABLE: dict[str, tuple[dict[str, Any], str]] = {
    "a number for a string": (
        {"validations": [{"expression": 1}]},
        "number into Go struct field Validation.spec.validations.expression of type string",
    ),
    "truth for a string": (
        {"variables": [{"name": True}]},
        "bool into Go struct field Variable.spec.variables.name of type string",
    ),
    "a string for a list": (
        {"validations": "x"},
        f"string into Go struct field {POLICY_SPEC}.validations of type []v1.Validation",
    ),
    "a list for a mapping": (
        {"paramKind": []},
        f"array into Go struct field {POLICY_SPEC}.paramKind of type v1.ParamKind",
    ),
    "a mapping for a word": (
        {"failurePolicy": {}},
        f"object into Go struct field {POLICY_SPEC}.failurePolicy of type v1.FailurePolicyType",
    ),
    "an item of a list": (
        {"validations": [{}, 1.5]},
        f"number into Go struct field {POLICY_SPEC}.validations of type v1.Validation",
    ),
    "a value of a map": (
        {"matchConstraints": {"objectSelector": {"matchLabels": {"a": 1}}}},
        "number into Go struct field LabelSelector.spec.matchConstraints.objectSelector.matchLabels"
        " of type string",
    ),
    "a field of an embedded struct": (
        {"matchConstraints": {"resourceRules": [{"apiGroups": "x"}]}},
        "string into Go struct field NamedRuleWithOperations"
        ".spec.matchConstraints.resourceRules.RuleWithOperations.Rule.apiGroups of type []string",
    ),
}


def refusal(version: str = "v1", kind: str = "ValidatingAdmissionPolicy") -> str:
    return f'{kind} in version "{version}" cannot be handled as a {kind}: '


@pytest.mark.parametrize(("spec", "told"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_value_of_a_wrong_type_is_told_as_go_s_decoder_tells_it(spec: dict[str, Any], told: str) -> None:
    assert problems(validating(**spec)) == [f"{refusal()}json: cannot unmarshal {told}"]


@pytest.mark.parametrize("version", VERSIONS)
def test_types_have_the_version_of_the_document_but_for_those_of_metadata(version: str) -> None:
    value = validating(matchConstraints={"objectSelector": "x"}, paramKind="x")
    value["apiVersion"] = f"admissionregistration.k8s.io/{version}"
    wanted = [each.rpartition(" ")[2] for each in problems(value)]
    assert wanted == ["v1.LabelSelector", f"{version}.ParamKind"]
    assert all(each.startswith(refusal(version)) for each in problems(value))


SPECS: list[tuple[str, dict[str, Any], str]] = [
    ("MutatingAdmissionPolicy", {"failurePolicy": 1}, "{version}.FailurePolicyType"),
    ("MutatingAdmissionPolicy", {"matchConstraints": {"matchPolicy": 1}}, "{version}.MatchPolicyType"),
    ("MutatingAdmissionPolicy", {"mutations": [{"patchType": 1}]}, "{version}.PatchType"),
    ("MutatingAdmissionPolicy", {"mutations": [{"jsonPatch": 1}]}, "{version}.JSONPatch"),
    (
        "MutatingAdmissionPolicyBinding",
        {"paramRef": {"parameterNotFoundAction": 1}},
        "{version}.ParameterNotFoundActionType",
    ),
    ("MutatingAdmissionPolicyBinding", {"paramRef": 1}, "{version}.ParamRef"),
    (
        "MutatingAdmissionPolicy",
        {"matchConstraints": {"resourceRules": 1}},
        "[]{version}.NamedRuleWithOperations",
    ),
    (
        "MutatingAdmissionPolicy",
        {"matchConstraints": {"resourceRules": [{"operations": [1]}]}},
        "v1.OperationType",
    ),
    ("MutatingAdmissionPolicy", {"matchConstraints": {"resourceRules": [{"scope": 1}]}}, "v1.ScopeType"),
    ("MutatingAdmissionPolicy", {"reinvocationPolicy": 1}, "v1.ReinvocationPolicyType"),
]
"""As kube-apiserver 1.36.3 named them in v1beta1 and v1alpha1."""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("kind", "spec", "wanted"), SPECS, ids=[wanted for _, _, wanted in SPECS])
def test_older_versions_share_some_types_of_v1(
    version: str, kind: str, spec: dict[str, Any], wanted: str
) -> None:
    head = {"apiVersion": f"admissionregistration.k8s.io/{version}", "kind": kind, "metadata": {"name": "p"}}
    (told,) = problems({**head, "spec": spec})
    assert told.endswith(f" of type {wanted.format(version=version)}")


def test_a_time_of_a_wrong_form_is_told() -> None:
    (manifest,) = manifests({**validating(), "metadata": {"creationTimestamp": "now"}})
    (problem,) = shape_problems(manifest)
    assert problem.what.endswith('cannot parse "now" as "2006"')
    assert problem.remedy == "Write a time such as 2006-01-02T15:04:05Z"


@pytest.mark.parametrize(
    ("metadata", "wanted"),
    [
        ({"generation": "1"}, "int64"),
        ({"generation": True}, "int64"),
        ({"generation": 1.5}, "int64"),
        ({"uid": 1}, "types.UID"),
        ({"labels": []}, "map[string]string"),
        ({"ownerReferences": [{"controller": 1}]}, "bool"),
        ({"ownerReferences": {}}, "[]v1.OwnerReference"),
    ],
)
def test_metadata_has_types_too(metadata: dict[str, Any], wanted: str) -> None:
    (told,) = problems({**validating(), "metadata": metadata})
    assert told.endswith(f" of type {wanted}")


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    "field", ["validationActions", "reinvocationPolicy", "auditAnnotations", "policyName"]
)
def test_a_field_of_one_kind_is_unknown_to_the_others(kind: str, field: str) -> None:
    owners = {
        "validationActions": {"ValidatingAdmissionPolicyBinding"},
        "reinvocationPolicy": {"MutatingAdmissionPolicy"},
        "auditAnnotations": {"ValidatingAdmissionPolicy"},
        "policyName": {"ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicyBinding"},
    }
    value = {**validating(), "kind": kind, "spec": {field: None}}
    unknown = [f'{refusal(kind=kind)}strict decoding error: unknown field "spec.{field}"']
    assert problems(value) == ([] if kind in owners[field] else unknown)


def test_only_a_validating_policy_has_a_status() -> None:
    found = [
        bool(problems({**value, "status": {}})) for value in (validating(), mutating(), bound(mutating()))
    ]
    assert found == [False, True, True]


TEXT = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  validations:
  - expresion: "true"
  - expression: 1
  paramKind: {zzz: 1}
  matchConstraints:
    objectSelector:
      matchLabels: {a: b, c: 1}
"""


def test_every_problem_is_told_with_its_place_and_remedy() -> None:
    (manifest,) = read_text(TEXT, "p.yaml")
    found = [(each.line, each.column, each.remedy) for each in shape_problems(manifest)]
    assert found == [
        (6, 5, "Did you mean expression?"),
        (7, 17, "Write a string, in quotes"),
        (8, 15, "Known here: apiVersion, kind"),
        (11, 30, "Write a string, in quotes"),
    ]
