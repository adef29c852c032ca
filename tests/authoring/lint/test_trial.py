"""A field that may be absent is told where reading it is an error, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import CONDITION, POLICY, TRUE, found, linted

TOLD = {
    "in a validation": (
        TRUE,
        "object.spec.hostNetwork == false",
        '11:33: GK202 error: a Pod may have no "hostNetwork" here, and this is an error then. '
        "Ask has() before, or read .?hostNetwork with orValue()",
    ),
    "in a condition": (CONDITION, "object.metadata.labels.a == 'b'", '9:50: GK202 error: a Pod may have no "labels" here'),
    "deep in a list": (
        TRUE,
        "object.spec.containers.all(c, c.ports.size() < 3)",
        '11:53: GK202 error: a Pod may have no "ports" here',
    ),
    "by a key": (TRUE, "object.metadata.?labels.orValue({}).team != ''", '11:57: GK202 error: a Pod may have no "team" here'),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_an_absent_field_is_told(name: str, tmp_path: Path) -> None:
    before, after, expected = TOLD[name]
    told = [line for line in linted(tmp_path, before, after) if "GK802" not in line]
    assert told[0].removeprefix("p.yaml:").startswith(expected)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TRUE, "!has(object.spec.hostNetwork) || object.spec.hostNetwork == false"),
        (TRUE, "object.spec.?hostNetwork.orValue(false) == false"),
        (TRUE, "'hostNetwork' in object.spec ? !object.spec.hostNetwork : true"),
        (TRUE, "object.spec.containers.all(c, c.image != '') || object.spec.nodeName == 'a'"),
        (TRUE, "object.spec.restartPolicy != 'Never'"),
        (CONDITION, "has(object.metadata.labels) && object.metadata.labels.size() > 0"),
    ],
)
def test_a_field_that_is_asked_for_or_filled_in_is_not_told(before: str, after: str, tmp_path: Path) -> None:
    assert [line for line in linted(tmp_path, before, after) if "GK2" in line] == []


def test_what_a_condition_keeps_out_is_not_told(tmp_path: Path) -> None:
    condition = "has(object.spec.priority) && object.spec.priority > 1000"
    assert linted(tmp_path, CONDITION, condition) == []


FAILING = {
    "other types": (
        TRUE,
        "object.spec.containers.size() <= '5'.size() && object.metadata.name < 5",
        "GK204 error: this fails at the CREATE of a Pod: no such overload. "
        "Compare values of one type, and say what holds where there is none",
    ),
    "what is beyond a list": (
        TRUE,
        "object.spec.containers[1].name != ''",
        "GK204 error: this fails at the CREATE of a Pod: index out of bounds: 1",
    ),
    "a text that is none": (
        TRUE,
        "quantity('1GB').isGreaterThan(quantity('1')) || object.metadata.name == ''",
        "GK204 error: this fails at the CREATE of a Pod: quantities must match the regular expression",
    ),
    "the object of a removal": (
        "operations: [CREATE]",
        "operations: [CREATE, DELETE]",
        "GK204 error: object is null at a DELETE, so this is an error then. "
        "Ask object != null before, read oldObject, or leave DELETE out of the rules",
    ),
    "the old object of what is made": (
        TRUE,
        "oldObject.spec == object.spec",
        "GK204 error: oldObject is null at a CREATE, so this is an error then. "
        "Ask oldObject != null before, read object, or leave CREATE out of the rules",
    ),
    "the pod in which a command is run": (
        "operations: [CREATE], resources: [pods]",
        "operations: [CONNECT], resources: [pods/exec]",
        'GK202 error: a PodExecOptions may have no "spec" here, and this is an error then',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILING)
def test_what_fails_on_something_right_is_told(name: str, tmp_path: Path) -> None:
    before, after, expected = FAILING[name]
    told = linted(tmp_path, before, after)
    assert [line for line in told if line.partition(": ")[2].startswith(expected)]


def test_what_asks_for_the_object_before_is_not_told(tmp_path: Path) -> None:
    told = linted(tmp_path, TRUE, "oldObject == null || oldObject.spec == object.spec")
    assert not [line for line in told if "GK2" in line]


MUTATION = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: p}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}
  mutations:
    - patchType: JSONPatch
      jsonPatch: {expression: "[JSONPatch{op: 'add', path: '/metadata/labels/a', value: 'b'}]"}
    - patchType: ApplyConfiguration
      applyConfiguration: {expression: "Object{spec: Object.spec{hostNetwork: HOSTNETWORK}}"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: p}
spec: {policyName: p}
"""


GOOD = "/spec/hostIPC', value: false"


@pytest.mark.parametrize(
    ("after", "network", "told"),
    [
        (
            "/metadata/labels/a', value: 'b'",
            "false",
            "10:5: GK204 error: this fails at the CREATE of a Pod: ",
        ),
        (GOOD, "'no'", "10:5: GK204 error: this fails at the CREATE of a Pod: "),
        (GOOD, "false", ""),
    ],
)
def test_a_mutation_that_cannot_be_applied_is_told(
    after: str, network: str, told: str, tmp_path: Path
) -> None:
    text = MUTATION.replace("HOSTNETWORK", network).replace("/metadata/labels/a', value: 'b'", after)
    lines = [line for line in found(tmp_path, {"p.yaml": text}) if "GK204" in line]
    assert bool(lines) == bool(told)
    assert all(told in line and "make what is absent first" in line for line in lines)


GUARD = "tenant != null && !tenant.trusted"
FULLER = {
    "behind the guard of a tenant": ("object.metadata.labels.team != ''", "labels"),
    "below what is asked for": ("has(object.metadata.labels) && object.metadata.labels.team == 'a'", "team"),
    "by a key below what is asked for": ("has(object.metadata.labels) && object.metadata.labels['team'] == 'a'", "team"),
    "beside what is asked for": (
        "object.spec.?volumes.orValue([]).all(v, !has(v.configMap) || v.secret.secretName != 'a')",
        "secret",
    ),
    "in a condition's shadow": ("has(object.spec.nodeName) && object.spec.schedulerName == object.spec.hostname", "hostname"),
}  # fmt: skip


@pytest.mark.parametrize("name", FULLER)
def test_a_field_of_a_fuller_object_is_told(name: str, tmp_path: Path) -> None:
    expression, field = FULLER[name]
    text = POLICY.replace(CONDITION, GUARD).replace(TRUE, expression)
    told = [line.partition(": ")[2] for line in found(tmp_path, {"p.yaml": text}) if "GK202" in line]
    assert f'GK202 error: a Pod may have no "{field}" here' in " ".join(told)


def test_what_is_asked_for_all_the_way_is_not_told(tmp_path: Path) -> None:
    text = "has(object.metadata.labels) && has(object.metadata.labels.team) && object.metadata.labels.team == 'a'"
    assert not [line for line in linted(tmp_path, TRUE, text) if "GK2" in line]


def test_a_message_without_a_value_is_told(tmp_path: Path) -> None:
    text = POLICY.replace(TRUE, "has(object.spec.nodeName)").replace(
        'message: "no"', "messageExpression: \"object.spec.nodeName + ' is no node'\""
    )
    assert [line.partition(": ")[2] for line in found(tmp_path, {"p.yaml": text}) if "GK508" in line] == [
        "GK508 error: at the CREATE of a Pod this has no value: no such key: nodeName. "
        "The refusal then quotes the expression: say what holds where there is none"
    ]


VALUES = {
    "object.spec.restartPolicy == 'always'": 'GK207 error: the field is never "always". Did you mean Always?',
    "object.spec.dnsPolicy in ['ClusterFirst', 'none']": 'GK207 error: the field is never "none". Did you mean None?',
    "object.spec.containers.all(c, c.?ports.orValue([]).all(p, p.?protocol.orValue('') != 'tcp'))": (
        'GK207 error: the field is never "tcp". Did you mean TCP?'
    ),
}


@pytest.mark.parametrize("expression", VALUES)
def test_a_value_that_a_field_never_has_is_told(expression: str, tmp_path: Path) -> None:
    assert [line.partition(": ")[2] for line in linted(tmp_path, TRUE, expression)] == [VALUES[expression]]


MESSAGES = {
    'message: "is {{ object.spec.nodeName }}"': (
        "this is told as it stands, with no value in it. "
        "Write a messageExpression in CEL: 'replicas is ' + string(object.spec.replicas)"
    ),
    "messageExpression: \"' '\"": "a refusal says nothing then, and quotes the expression instead. Say what to do",
    "messageExpression: \"'object.spec.nodeName'\"": (
        "this is the text itself, and not what stands there. Write string(object.spec.nodeName), and not between quotes"
    ),
}


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_that_says_nothing_is_told(message: str, tmp_path: Path) -> None:
    told = linted(tmp_path, 'message: "no"', message)
    assert [line.partition("GK509 error: ")[2] for line in told] == [MESSAGES[message]]
