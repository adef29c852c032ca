"""Objects sent in one version and judged in another: as the API server's own policies do, beside which ours stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tests.e2e.gatekeeper import Server, gatekeeper
from tests.e2e.harness import ADMIN, ControlPlane, Kubectl, wait_for

Json = dict[str, Any]

ADMISSION = "admissionregistration.k8s.io/v1"
SECONDS = 20
SCALERS = ("autoscaling", "horizontalpodautoscalers")
GAUGES = ("versions.example.com", "gauges")
NAMED: dict[str, tuple[tuple[str, str], list[str]]] = {
    "first-scalers": (SCALERS, ["v1"]),
    "second-scalers": (SCALERS, ["v2"]),
    "all-scalers": (SCALERS, ["*"]),
    "both-scalers": (SCALERS, ["v1", "v2"]),
    "first-gauges": (GAUGES, ["v1"]),
    "second-gauges": (GAUGES, ["v2"]),
    "all-gauges": (GAUGES, ["*"]),
}
"""Policies: what each is about, and the versions that it names."""

SEES = (
    "'sees ' + request.kind.version + ' ' + object.apiVersion + ' sent ' + request.requestKind.version"
    " + (has(object.spec.targetCPUUtilizationPercentage) ? ' percentage' : '')"
    " + (has(object.spec.metrics) ? ' metrics' : '')"
)

DEFINITION: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gauges.versions.example.com"},
    "spec": {
        "group": GAUGES[0],
        "scope": "Namespaced",
        "names": {"kind": "Gauge", "plural": "gauges"},
        "conversion": {"strategy": "None"},
        "versions": [
            {
                "name": name,
                "served": True,
                "storage": name == "v1",
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
            for name in ("v1", "v2")
        ],
    },
}


def policy(name: str) -> list[Json]:
    """One that warns of all that it sees, and says as what it sees it; with its binding."""
    (group, resource), versions = NAMED[name.removeprefix("native-")]
    rule = {
        "apiGroups": [group],
        "apiVersions": versions,
        "operations": ["CREATE", "UPDATE"],
        "resources": [resource],
    }
    return [
        {
            "apiVersion": ADMISSION,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": {"resourceRules": [rule]},
                "validations": [{"expression": "false", "messageExpression": SEES}],
            },
        },
        {
            "apiVersion": ADMISSION,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Warn"]},
        },
    ]


SCALED = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}, "maxReplicas": 3}
METRIC = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 5}},
}
SENT: dict[str, Json] = {
    "scaler v1": {**SCALED, "targetCPUUtilizationPercentage": 5},
    "scaler v2": {**SCALED, "metrics": [METRIC]},
    "gauge v1": {"metrics": 1},
    "gauge v2": {"targetCPUUtilizationPercentage": 1},
}


def sent(what: str) -> Json:
    kind, version = what.split()
    group, name = ("autoscaling", "HorizontalPodAutoscaler") if kind == "scaler" else (GAUGES[0], "Gauge")
    metadata = {"name": "sent", "namespace": "default"}
    return {"apiVersion": f"{group}/{version}", "kind": name, "metadata": metadata, "spec": SENT[what]}


STAMP: list[Json] = [
    {
        "apiVersion": ADMISSION,
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": "stamp"},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [SCALERS[0]],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": [SCALERS[1]],
                    }
                ]
            },
            "reinvocationPolicy": "Never",
            "mutations": [
                {
                    "patchType": "JSONPatch",
                    "jsonPatch": {
                        "expression": "[JSONPatch{op: 'add', path: '/metadata/labels', value: "
                        "{'seen': object.apiVersion.replace('/', '-') + '-' + "
                        "string(object.spec.maxReplicas)}}, "
                        "JSONPatch{op: 'replace', path: '/spec/maxReplicas', "
                        "value: object.spec.maxReplicas + 1}]"
                    },
                }
            ],
        },
    },
    {
        "apiVersion": ADMISSION,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": "stamp"},
        "spec": {"policyName": "stamp"},
    },
]


@pytest.fixture(scope="module")
def kubectl(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """Our policies in force, and beside them the API server's own of the same text."""
    folder, policies = tmp_path_factory.mktemp("versions"), tmp_path_factory.mktemp("policies")
    ours = [each for name in NAMED for each in policy(name)]
    (policies / "policies.json").write_bytes(b"\n".join(map(orjson.dumps, [*ours, *STAMP])))
    made = bare_plane.kubectl()
    made.apply(DEFINITION)
    made("wait", "--for=condition=Established", "crd/gauges.versions.example.com")
    made.apply(*(each for name in NAMED for each in policy(f"native-{name}")))
    server = Server(policies, folder, ["--kubeconfig", bare_plane.kubeconfig(ADMIN)])
    server.start()
    try:
        registration = ("install", "--url", server.url, "--ca", server.authority)
        made("apply", "-f", "-", stdin=gatekeeper(*registration, "--policies", policies))
        wait_for("both", lambda: all(said(create(made, "gauge v1"))), SECONDS)
        yield made
    finally:
        server.stop()


def create(kubectl: Kubectl, what: str) -> str:
    manifest = orjson.dumps(sent(what)).decode()
    done = kubectl.run("create", "--dry-run=server", "--validate=false", "-f", "-", stdin=manifest)
    return done.stderr + done.stdout


def said(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """What the API server's policies and ours say that they see, by policy; once each."""
    found = re.findall(r"AdmissionPolicy '([^']+)' with binding '[^']+': (sees [^\n]*)", text)
    names = [name for name, _ in found]
    assert len(set(names)) == len(names), f"judged twice: {text}"
    native = {name.removeprefix("native-"): what for name, what in found if name.startswith("native-")}
    return native, {name: what for name, what in found if not name.startswith("native-")}


@pytest.mark.parametrize("what", SENT)
def test_each_policy_sees_once_what_the_api_servers_own_sees(kubectl: Kubectl, what: str) -> None:
    native, ours = said(create(kubectl, what))
    kind, _ = what.split()
    assert sorted(native) == sorted(name for name in NAMED if kind in name)
    assert ours == native


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_mutation_of_another_version_is_made_once_and_converted_back(
    kubectl: Kubectl, version: str
) -> None:
    manifest = orjson.dumps(sent(f"scaler {version}")).decode()
    made: Json = orjson.loads(kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=manifest))
    assert made["apiVersion"] == f"autoscaling/{version}"
    assert made["metadata"]["labels"] == {"seen": "autoscaling-v1-3"}
    assert made["spec"]["maxReplicas"] == 4
