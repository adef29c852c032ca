"""What a manifest says that no API server takes."""

from __future__ import annotations

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.fieldvalidation import validated
from gatekeeper_py.manifests.manifest import read_text

NAMED = "metadata: {name: a}"
POD = f"apiVersion: v1\nkind: Pod\n{NAMED}\n"
DEPLOYMENT = f"apiVersion: apps/v1\nkind: Deployment\n{NAMED}\n"
CONTAINERS = "containers: [{name: c, image: i}]"
TEMPLATE = f"template: {{spec: {{{CONTAINERS}}}}}"

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: machines.example.com}
spec:
  group: example.com
  names: {kind: Machine, plural: machines}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [size]
              properties:
                size: {type: integer, minimum: 1, maximum: 9}
                note: {type: string}
                disk: {type: object, properties: {class: {type: string}}}
"""
MACHINE = f"apiVersion: example.com/v1\nkind: Machine\n{NAMED}\n"


def problems(text: str) -> list[str]:
    (manifest,) = read_text(text, "f.yaml")
    view = Snapshot.of(read_text(DEFINITION))
    return [str(problem) for problem in validated(manifest, view)]


KINDS = [
    ("app/v1", "Deployment", "1:13", "apps/v1 Deployment"),
    ("extensions/v1beta1", "Ingress", "1:13", "networking.k8s.io/v1 Ingress"),
    ("extensions/v1beta1", "Deployment", "1:13", "apps/v1 Deployment"),
    ("v1", "Deployment", "1:13", "apps/v1 Deployment"),
    ("apps/v1beta2", "StatefulSet", "1:13", "apps/v1 StatefulSet"),
    ("batch/v1beta1", "CronJob", "1:13", "batch/v1 CronJob"),
    ("policy/v1beta1", "PodDisruptionBudget", "1:13", "policy/v1 PodDisruptionBudget"),
    ("network.k8s.io/v1", "NetworkPolicy", "1:13", "networking.k8s.io/v1 NetworkPolicy"),
    ("rbac.authorization.k8s/v1", "Role", "1:13", "rbac.authorization.k8s.io/v1 Role"),
    ("v1", "pod", "2:7", "v1 Pod"),
    ("v1", "Pods", "2:7", "v1 Pod"),
    ("v1", "configMap", "2:7", "v1 ConfigMap"),
    ("apps/v1", "Deploymnt", "2:7", "apps/v1 Deployment"),
]


@pytest.mark.parametrize(("version", "kind", "place", "meant"), KINDS)
def test_a_kind_that_does_not_exist_is_told_with_the_one_that_was_meant(
    version: str, kind: str, place: str, meant: str
) -> None:
    assert problems(f"apiVersion: {version}\nkind: {kind}\n{NAMED}\n") == [
        f"f.yaml:{place}: Kubernetes has no {version} {kind}. Did you mean {meant}?"
    ]


def test_a_kind_like_no_other_is_told_without_a_guess() -> None:
    assert problems(f"apiVersion: v1\nkind: Whatever\n{NAMED}\n") == [
        "f.yaml:2:7: Kubernetes has no v1 Whatever. Correct apiVersion and kind"
    ]


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("networking.istio.io/v1", "Gateway"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("networking.gke.io/v1", "HealthCheckPolicy"),
        ("projectcalico.org/v3", "NetworkPolicy"),
        ("traefik.io/v1alpha1", "Ingress"),
        ("snapshot.storage.k8s.io/v1", "VolumeSnapshot"),
    ],
)
def test_a_group_with_a_dot_may_be_that_of_a_custom_kind(version: str, kind: str) -> None:
    assert problems(f"apiVersion: {version}\nkind: {kind}\n{NAMED}\nspec: {{any: thing}}\n") == []


FIELDS = [
    (f"{POD}spec: {{{CONTAINERS}, hostnetwork: true}}", "4:43", "spec.hostnetwork is unknown. Did you mean hostNetwork?"),
    (f"{POD}spec: {{{CONTAINERS}, hostNetwrk: true}}", "4:43", "spec.hostNetwrk is unknown. Did you mean hostNetwork?"),
    (f"{POD}spec: {{{CONTAINERS}}}\nhostNetwork: true", "5:1",
     "hostNetwork stands in the wrong place. Did you mean spec.hostNetwork?"),
    (f"{POD}labels: {{a: b}}\nspec: {{{CONTAINERS}}}", "4:1", "labels stands in the wrong place. Did you mean metadata.labels?"),
    (f"{DEPLOYMENT}spec: {{{TEMPLATE}, runtimeClassName: kata}}", "4:63",
     "spec.runtimeClassName stands in the wrong place. Did you mean spec.template.spec.runtimeClassName?"),
    (f"{POD}spec: {{{CONTAINERS}, securityContext: {{privileged: true}}}}", "4:61",
     "spec.securityContext.privileged stands in the wrong place. "
     "Did you mean spec.containers[].securityContext.privileged?"),
    (f"{POD}spec: {{containers: [{{name: c, image: i, runtimeClassName: kata}}]}}", "4:41",
     "spec.containers[0].runtimeClassName stands in the wrong place. Did you mean spec.runtimeClassName?"),
    (f"{POD}spec: {{containers: [{{name: 1, image: i}}]}}", "4:28", "spec.containers[0].name must be a string, not 1"),
    (f"{DEPLOYMENT}spec: {{{TEMPLATE}, replicas: three}}", "4:73", "spec.replicas must be a whole number, not 'three'"),
    (f"{MACHINE}spec: {{size: 1, notes: x}}", "4:17", "spec.notes is unknown. Did you mean note?"),
    (f"{MACHINE}spec: {{size: 1, class: x}}", "4:17",
     "spec.class stands in the wrong place. Did you mean spec.disk.class?"),
    (f"{MACHINE}spec: {{size: 10}}", "4:14", "spec.size is 10. It must be between 1 and 9"),
    (f"{MACHINE}spec: {{note: x}}", "4:7", "spec lacks size. Add it"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "said"), FIELDS)
def test_a_field_that_does_not_exist_is_told_with_the_one_that_was_meant(
    text: str, place: str, said: str
) -> None:
    assert problems(text) == [f"f.yaml:{place}: {said}"]


def test_a_field_like_no_other_is_told_with_those_that_are_known() -> None:
    (said,) = problems(f"{POD}spec: {{{CONTAINERS}, zzz: 1}}")
    assert said.startswith("f.yaml:4:43: spec.zzz is unknown. Known are activeDeadlineSeconds, affinity, ")
    assert said.endswith(" more")


@pytest.mark.parametrize(
    ("kind", "body", "place", "field"),
    [
        ("v1\nkind: Pod", "spec: {}", "4:7", "spec.containers"),
        ("v1\nkind: Pod", "spec: {containers: []}", "4:20", "spec.containers"),
        ("v1\nkind: Pod", "", "1:1", "spec.containers"),
        ("apps/v1\nkind: Deployment", "spec: {template: {}}", "4:18", "spec.template.spec.containers"),
        ("apps/v1\nkind: DaemonSet", "spec: {}", "4:7", "spec.template.spec.containers"),
        ("v1\nkind: PodTemplate", "template: {spec: }", "4:18", "template.spec.containers"),
        ("batch/v1\nkind: CronJob", "spec: {jobTemplate: }", "4:21", "spec.jobTemplate.spec.template.spec.containers"),
    ],
)  # fmt: skip
def test_a_pod_without_a_container_is_told_once(kind: str, body: str, place: str, field: str) -> None:
    assert problems(f"apiVersion: {kind}\n{NAMED}\n{body}") == [
        f"f.yaml:{place}: {field} is empty. A pod has at least one container: add it"
    ]


@pytest.mark.parametrize(
    ("metadata", "place"), [("metadata: {}", "3:11"), ("", "1:1"), ("metadata: {name: ''}", "3:11")]
)
def test_an_object_without_a_name_is_told(metadata: str, place: str) -> None:
    assert problems(f"apiVersion: v1\nkind: ConfigMap\n{metadata}\n") == [
        f"f.yaml:{place}: the object has no name. Add metadata.name, or metadata.generateName"
    ]


DNS_NAME = "small letters, digits, '-' and '.', with a letter or digit at both ends, and no more than 253"
DNS_LABEL = "small letters, digits and '-', with a letter or digit at both ends, and no more than 63"
LONG = "a" * 64


@pytest.mark.parametrize(
    ("kind", "metadata", "place", "what"),
    [
        ("v1\nkind: Pod", "{name: ABC}", "3:18", f"name cannot be 'ABC'. Use {DNS_NAME}"),
        ("v1\nkind: ConfigMap", "{name: '${NAME}'}", "3:18", f"name cannot be '${{NAME}}'. Use {DNS_NAME}"),
        ("apps/v1\nkind: Deployment", "{name: a_b}", "3:18", f"name cannot be 'a_b'. Use {DNS_NAME}"),
        ("example.com/v1\nkind: Machine", "{name: -a}", "3:18", f"name cannot be '-a'. Use {DNS_NAME}"),
        ("v1\nkind: Pod", "{generateName: A-}", "3:26", f"generateName cannot be 'A-'. Use {DNS_NAME}"),
        ("v1\nkind: Service", "{name: a.b}", "3:18", f"name cannot be 'a.b'. Use {DNS_LABEL}"),
        ("v1\nkind: Namespace", f"{{name: {LONG}}}", "3:18", f"name cannot be '{LONG}'. Use {DNS_LABEL}"),
        ("v1\nkind: Secret", "{name: a, namespace: A}", "3:32", f"namespace cannot be 'A'. Use {DNS_LABEL}"),
    ],
)
def test_a_name_that_no_object_can_have_is_told(kind: str, metadata: str, place: str, what: str) -> None:
    told = problems(f"apiVersion: {kind}\nmetadata: {metadata}\n")
    assert f"f.yaml:{place}: metadata.{what}" in told


def test_a_secret_that_is_not_base64_is_told_and_not_shown() -> None:
    assert problems(f"apiVersion: v1\nkind: Secret\n{NAMED}\ndata: {{k: hunter2}}\n") == [
        "f.yaml:4:11: data.k is not base64. Encode it, or write it as text in stringData or data"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n",
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{generateName: {LONG * 4}}}\n",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: 'system:Node'}\n",
        "apiVersion: v1\nkind: Event\nmetadata: {name: A_b}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a.b-1}\n",
        "apiVersion: authorization.k8s.io/v1\nkind: SelfSubjectRulesReview\nspec: {namespace: foo}\n",
        f"{POD}spec: {{{CONTAINERS}, nodeName: }}\n",
        f"{MACHINE}spec: {{size: 1, note: }}\n",
    ],
    ids=[
        "a name is made",
        "and cut",
        "any part of a path",
        "an event",
        "a DNS name",
        "a question has none",
        "null",
        "null of a custom kind",
    ],
)
def test_what_an_api_server_takes_is_well(text: str) -> None:
    assert problems(text) == []
