"""Each mistake is told with its code, its place and what to do; what is right is not told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gatekeeper_py.authoring.lint.codes import CODES
from gatekeeper_py.authoring.lint.linting import lint
from gatekeeper_py.authoring.lint.rules import UNASKED
from gatekeeper_py.policy.matching.match import EXEMPT
from gatekeeper_py.webhook.registration import exemptions

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  matchConditions:
    - {name: named, expression: "object.metadata.name != ''"}
  validations:
    - {expression: "!object.spec.?hostNetwork.orValue(false)", message: "no"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: p}
spec: {policyName: p, validationActions: [Deny]}
"""
SUITE = """\
tenants: [example]
cases:
  - name: a pod
    object: {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: foo}, spec: {containers: [{name: a, image: a}]}}
    expect: allow
"""
TENANT = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec: {namespaces: {names: [foo]}, sharing: [{to: [NOBODY], kinds: [Service]}]}
"""
TRUE = "!object.spec.?hostNetwork.orValue(false)"
CONDITION = "object.metadata.name != ''"


def found(folder: Path, files: Mapping[str, str]) -> list[str]:
    for name, text in files.items():
        (folder / name).write_text(text)
    return [str(finding).removeprefix(f"{folder}/") for finding in lint([folder])]


def linted(folder: Path, before: str, after: str) -> list[str]:
    """What is told of the good policy with one thing changed."""
    assert before in POLICY
    return found(folder, {"p.yaml": POLICY.replace(before, after), "p_test.yaml": SUITE})


def test_what_is_right_is_not_told(tmp_path: Path) -> None:
    assert linted(tmp_path, "named", "named") == []


def test_what_is_never_asked_about_is_what_the_registration_keeps_out() -> None:
    kept_out = {
        (part.group, resource)
        for each in exemptions()
        if not (each.users or each.prefixes or each.groups)
        for part in each.what
        if not (part.operations or part.namespace or part.names)
        for resource in part.resources
    }
    assert EXEMPT | kept_out == UNASKED


@pytest.mark.parametrize("groups", ['[""]', "[events.k8s.io]", '["*"]', '["", events.k8s.io]'])
def test_a_rule_that_names_what_nobody_asks_about_is_told(tmp_path: Path, groups: str) -> None:
    rule = f"{{apiGroups: {groups}, apiVersions: [v1], operations: [CREATE], resources: [events]}}"
    text = POLICY.replace(
        '{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}', rule
    )
    told = found(tmp_path, {"p.yaml": text, "p_test.yaml": SUITE})
    assert [each.partition("GK")[2][:3] for each in told if "GK105" in each] == ["105"]


@pytest.mark.parametrize("resources", ['["*"]', '["*/*"]', "[pods/*]"])
def test_a_rule_about_everything_names_nothing_that_nobody_asks_about(tmp_path: Path, resources: str) -> None:
    assert not [each for each in linted(tmp_path, "[pods]", resources) if "GK105" in each]


UNKNOWN = "no kind that the policy matches has a field"
MISTAKES: dict[str, tuple[str, str, str]] = {
    "an expression that does not compile": ("''\"", '"', "9:57: GK001"),
    "a wrong binding": ("policyName: p", "policyName: q", "p.yaml:16:20: GK001"),
    "a resource in the singular": (
        "[pods]",
        "[pod]",
        '7:80: GK103 error: "pod" selects nothing that is served. Did you mean pods?',
    ),
    "a kind for a resource": (
        "[pods]",
        "[Pod]",
        '7:80: GK103 error: "Pod" selects nothing that is served. Did you mean pods?',
    ),
    "a wrong version": (
        "[v1]",
        "[v2]",
        '7:80: GK103 error: "pods" selects nothing that is served. It is served in v1',
    ),
    "a wrong group": (
        '[""]',
        "[app]",
        '7:22: GK103 error: "app" selects nothing that is served. Did you mean apps?',
    ),
    "an operation that nothing sends": (
        "[CREATE]",
        "[CREATE, CONNECT]",
        "7:67: GK104 error: nothing sends CONNECT to the resources of this rule",
    ),
    "a resource nobody asks about": (
        "[pods]",
        "[pods, events]",
        "7:86: GK105 warning: in a cluster the engine is never asked about events",
    ),
    "a misspelt field": (
        "?hostNetwork",
        "?hostNetwrk",
        f'11:35: GK201 error: {UNKNOWN} "hostNetwrk" here. Did you mean hostNetwork?',
    ),
    "a misspelt field in has": (
        TRUE,
        "!has(object.spec.hostNet)",
        f'11:38: GK201 error: {UNKNOWN} "hostNet" here',
    ),
    "a misspelt field of an item": (
        TRUE,
        "object.spec.containers.all(c, c.imag != '')",
        f'11:53: GK201 error: {UNKNOWN} "imag" here. Did you mean image?',
    ),
    "a field of another kind": (
        TRUE,
        "object.spec.template.spec.hostNetwork == true",
        f'11:33: GK201 error: {UNKNOWN} "template" here',
    ),
    "a field of the metadata": (
        CONDITION,
        "object.metadata.nam != ''",
        f'9:50: GK201 error: {UNKNOWN} "nam" here. Did you mean name?',
    ),
    "a look-up of a resource": (
        TRUE,
        "cluster.list('v1', 'Services', '') == []",
        '11:21: GK001 error: policy p looks up kind "Services" of "v1", which does not exist. '
        "Did you mean 'v1', 'Service'?",
    ),
    "a look-up in a wrong group": (
        TRUE,
        "cluster.list('app/v1', 'Deployment', '') == []",
        '11:21: GK001 error: policy p looks up kind "Deployment" of "app/v1", which does not exist. '
        "Did you mean 'apps/v1', 'Deployment'?",
    ),
    "a look-up of nothing like it": (
        TRUE,
        "cluster.list('v1', 'Flower', '') == []",
        '11:21: GK301 error: kind "Flower" of "v1" does not exist, so this finds nothing. '
        "Correct it, or add its CustomResourceDefinition",
    ),
    "a look-up of Secrets": (
        TRUE,
        "cluster.list('v1', 'Secret', '') == []",
        "11:21: GK302 error: Secrets are never read",
    ),
    "a tenant that may be null": (
        TRUE,
        "tenant.name != ''",
        "11:21: GK401 warning: this reads a field of tenant, which is null",
    ),
    "no message": (', message: "no"', "", "11:7: GK501 warning: a refusal would quote the expression"),
    "a condition that always holds": (
        CONDITION,
        "1 < 2",
        "9:34: GK502 warning: this condition is always true",
    ),
    "a condition that never holds": (
        CONDITION,
        "false",
        "9:34: GK502 warning: this condition is always false",
    ),
    "a text for a boolean": (
        TRUE,
        "object.spec.?hostNetwork.orValue('false') == 'false'",
        "11:54: GK205 error: the field is of type boolean, and this is another. Write a value of that type",
    ),
    "a number for a text": (
        TRUE,
        "object.spec.containers.all(c, c.image != 5)",
        "11:62: GK205 error: the field is of type string, and this is another",
    ),
    "an amount as text": (
        TRUE,
        "object.spec.containers.all(c, c.?resources.?limits[?'memory'].orValue('0') <= '1Gi')",
        '11:51: GK206 error: texts are compared letter by letter: "9" is more than "10", and "1Gi" less '
        'than "500Mi". Compare by quantity(a).compareTo(quantity(b)), or by int()',
    ),
    "a variable that nothing reads": (
        "matchConstraints:",
        "variables: [{name: a, expression: object.kind}]\n  matchConstraints:",
        '5:22: GK506 warning: nothing reads the variable "a". Read it where it was meant, or remove it',
    ),
    "unlike one or unlike another": (
        TRUE,
        "object.metadata.name != 'a' || object.metadata.name != 'b'",
        "11:21: GK505 error: this is true whatever is compared. Compare with something else; "
        "of several unlike values all are asked by &&, one of several by ||",
    ),
    "like one and like another": (
        CONDITION,
        "object.metadata.name == 'a' && object.kind == 'Pod' && object.metadata.name == 'b'",
        "9:34: GK505 error: this is false whatever is compared",
    ),
    "compared with itself": (
        TRUE,
        "object.metadata.name == object.metadata.name",
        "11:21: GK505 error: this is true whatever is compared",
    ),
    "params that the policy does not take": (
        "policyName: p",
        "policyName: p, paramRef: {name: a, parameterNotFoundAction: Deny}",
        '16:33: GK108 error: policy "p" has no paramKind, so it reads no params. Add paramKind, or remove this',
    ),
    "a misspelt kind of params": (
        "matchConstraints:",
        "paramKind: {apiVersion: v1, kind: ConfigMaps}\n  matchConstraints:",
        "5:37: GK108 error: no kind \"ConfigMaps\" is served in \"v1\". Did you mean 'v1', 'ConfigMap'?",
    ),
    "a misspelt subresource": (
        "[pods]",
        "[pods/ephemeralcontainer]",
        '7:80: GK103 error: "pods/ephemeralcontainer" selects nothing that is served. '
        "Did you mean pods/ephemeralcontainers?",
    ),
    "a subresource of another": (
        "[pods]",
        "[pods/scale]",
        '7:80: GK103 error: "pods/scale" selects nothing that is served. Its subresources are attach, binding',
    ),
    "a validation that is always true": (TRUE, "true", "11:21: GK503 error: this validation is always true"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(mistake: str, tmp_path: Path) -> None:
    before, after, expected = MISTAKES[mistake]
    told = linted(tmp_path, before, after)
    assert expected.removeprefix("p.yaml:") in told[0].removeprefix("p.yaml:")


GUARDED = {
    "by a condition": (CONDITION, "tenant != null && tenant.name != ''"),
    "in the expression": (TRUE, "tenant == null || tenant.name != ''"),
    "a field that every kind has not, but one has": (
        "resources: [pods]",
        "resources: [pods, services]",
    ),
    "a custom group": ('[""]', '["", example.com]'),
    "a word that refuses all": (TRUE, "false"),
    "a marker of absence": (TRUE, "!object.?metadata.labels.orValue({}).exists(k, k == 'a')"),
}


@pytest.mark.parametrize("case", GUARDED)
def test_what_may_be_right_is_not_told(case: str, tmp_path: Path) -> None:
    assert linted(tmp_path, *GUARDED[case]) == []


PARAM = """\
apiVersion: example.com/v1
kind: Limits
metadata: {name: limits, namespace: foo}
most: 3
"""
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: limits.example.com}
spec:
  group: example.com
  names: {kind: Limits, plural: limits}
  scope: Namespaced
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {most: {type: integer}}}}}
"""


@pytest.mark.parametrize(("field", "told"), [("most", []), ("mots", ["GK201"])])
def test_fields_of_params_are_known_by_their_definition(field: str, told: list[str], tmp_path: Path) -> None:
    text = POLICY.replace(
        "spec:\n  match", "spec:\n  paramKind: {apiVersion: example.com/v1, kind: Limits}\n  match"
    )
    text = text.replace(TRUE, f"object.spec.containers.size() <= params.{field}").replace(
        "policyName: p,", "policyName: p, paramRef: {name: limits, parameterNotFoundAction: Deny},"
    )
    lines = found(tmp_path, {"p.yaml": text, "d.yaml": DEFINITION, "param.yaml": PARAM, "p_test.yaml": SUITE})
    assert [line.partition(": ")[2][:5] for line in lines if "GK2" in line] == told
    assert all('the params have no field "mots" here. Did you mean most?' in line for line in lines)


def test_fields_of_custom_kinds_are_known_by_their_definition(tmp_path: Path) -> None:
    text = POLICY.replace('[""]', "[example.com]").replace("[pods]", "[limits]")
    lines = found(
        tmp_path, {"p.yaml": text.replace(TRUE, "object.?mots.orValue(0) < 4"), "d.yaml": DEFINITION}
    )
    assert any(
        'GK201 error: no kind that the policy matches has a field "mots" here' in line for line in lines
    )


def test_a_policy_without_binding_or_suite(tmp_path: Path) -> None:
    told = found(tmp_path, {"p.yaml": POLICY.partition("---\n")[0]})
    assert [line.partition(": ")[2][:5] for line in told] == ["GK601", "GK101"]


def test_a_binding_apart_from_its_policy(tmp_path: Path) -> None:
    rule = '{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [services]}'
    told = linted(
        tmp_path, "validationActions", f"matchResources: {{resourceRules: [{rule}]}}, validationActions"
    )
    assert 'GK102 error: binding "p" selects nothing that policy "p" is about' in told[0]


def test_words_of_ours_in_a_portable_policy(tmp_path: Path) -> None:
    (tmp_path / "p_test.yaml").write_text(SUITE)
    marked = POLICY.replace("{name: p}", '{name: p, labels: {policy.gatekeeper-py.dev/portable: "true"}}', 1)
    assert found(tmp_path, {"p.yaml": marked}) == []
    told = found(tmp_path, {"p.yaml": marked.replace(CONDITION, "tenant != null")})
    assert told == [
        'p.yaml:9:34: GK402 error: the policy is marked portable, and Kubernetes does not know "tenant". '
        "Say it without, or remove the label policy.gatekeeper-py.dev/portable"
    ]


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("baz", ['t.yaml:4:52: GK701 warning: no Tenant is called "baz". Did you mean bar?']),
        ("bar", []),
        ('"*"', []),
    ],
)
def test_sharing_with_nobody(to: str, told: list[str], tmp_path: Path) -> None:
    bar = TENANT.replace("foo", "bar").replace("NOBODY", "foo")
    assert found(tmp_path, {"t.yaml": f"{TENANT.replace('NOBODY', to)}---\n{bar}"}) == told


@pytest.mark.parametrize(
    ("tenant", "told"),
    [
        ("fooo", ['w.yaml:4:33: GK701 warning: no Tenant is called "fooo". Did you mean foo?']),
        ("zzz", ['w.yaml:4:33: GK701 warning: no Tenant is called "zzz". Write the name of a Tenant']),
        ("foo", []),
    ],
)
def test_a_waiver_for_nobody(tenant: str, told: list[str], tmp_path: Path) -> None:
    waiver = (
        "apiVersion: tenancy.gatekeeper-py.dev/v1alpha1\nkind: Waiver\nmetadata: {name: w}\n"
        f'spec: {{policies: [p], tenants: [{tenant}], reason: r, approvedBy: a, expires: "2027-01-31"}}\n'
    )
    files = {
        "p.yaml": POLICY,
        "t.yaml": TENANT.replace("NOBODY", '"*"'),
        "w.yaml": waiver,
        "p_test.yaml": SUITE,
    }
    assert found(tmp_path, files) == told


def test_suites_are_linted(tmp_path: Path) -> None:
    unused = "objects: {none: {}}\n" + SUITE
    assert found(tmp_path, {"p.yaml": POLICY, "p_test.yaml": unused}) == [
        "p_test.yaml:1:17: GK602 warning: no case uses object 'none'. Remove it"
    ]
    other = SUITE.replace("image: a}", "imag: a}")
    assert found(tmp_path, {"p_test.yaml": other}) == [
        "p_test.yaml:4:108: GK603 error: spec.containers[0].imag is unknown. Did you mean image?"
    ]
    assert found(tmp_path, {"p_test.yaml": SUITE.replace("    expect: allow\n", "")}) == [
        "p_test.yaml:3:5: GK002 error: cases[0] lacks expect. Add it"
    ]


def test_one_bad_file_hides_no_other(tmp_path: Path) -> None:
    second = POLICY.replace("name: p", "name: second").replace("policyName: p", "policyName: second")
    files = {
        "bad.yaml": "a: [",
        "p.yaml": POLICY.replace(CONDITION, "nothing == 1"),
        "second.yaml": second.replace(', message: "no"', ""),
    }
    codes = [line.partition(": ")[2][:5] for line in found(tmp_path, files)]
    assert codes == ["GK001", "GK001", "GK601", "GK501"]


def test_a_suite_that_cannot_be_read_stands_for_its_policy_whatever_its_folder_is_called(
    tmp_path: Path,
) -> None:
    (folder := tmp_path / "of_test.d").mkdir()
    told = found(folder, {"p.yaml": POLICY, "p_test.yaml": "a: ["})
    assert [line.partition(": ")[2][:5] for line in told] == ["GK002"]


def test_a_policy_in_two_files(tmp_path: Path) -> None:
    told = "\n".join(found(tmp_path, {"a.yaml": POLICY, "b.yaml": POLICY}))
    assert 'b.yaml:3:18: GK001 error: ValidatingAdmissionPolicy "p" stands here for the second time' in told


def test_the_shipped_policies_are_clean() -> None:
    assert lint([Path(__file__).parents[3] / "policies"]) == []


def test_every_code_is_explained() -> None:
    text = (Path(__file__).parents[3] / "docs" / "lint.md").read_text()
    headings = [line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")]
    assert headings == [f"{code} {each.name}" for code, each in CODES.items()]
    for code, each in CODES.items():
        section = text.partition(f"### {code} {each.name}\n")[2].partition("\n### ")[0]
        assert section.startswith(f"\n*{each.severity}*"), code
        assert "Mend:" in section, code
