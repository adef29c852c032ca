"""Where implementations of CEL part ways: each expression of corners.txt, by the API server and by us.

One a line, over a ConfigMap whose data is `re: a` and `pattern: \\C`. The API server refuses the policy, or it evaluates it: it
allows, or denies in words, which must be ours, too.
"""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Source
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from tests.e2e.conftest import namespace
from tests.e2e.harness import ControlPlane

Json = dict[str, Any]

EXPRESSIONS = (Path(__file__).parent / "corners.txt").read_text(encoding="utf-8").splitlines()
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = f"{POLICIES.removesuffix('ies')}ybindings"
SETTLED_SECONDS = 10
"""After which the API server has compiled all of them and put them in force. Measured: 3 to 5 s."""
REFUSED = 422
DENIED = "denied request: "


class Answer(NamedTuple):
    """`refused` at load, `allowed`, or `denied` and in which words."""

    verdict: str
    words: str = ""


def policy(number: int, expression: str) -> Json:
    configmaps = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": f"corner-{number}"},
        "spec": {
            "matchConstraints": {"resourceRules": [{**configmaps, "operations": ["CREATE"]}]},
            "validations": [{"expression": expression, "message": "no"}],
        },
    }


def binding(number: int) -> Json:
    selector = {"matchLabels": {"kubernetes.io/metadata.name": place(number)}}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": f"corner-{number}"},
        "spec": {
            "policyName": f"corner-{number}",
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": selector},
        },
    }


def place(number: int) -> str:
    """The namespace in which one expression alone holds."""
    return f"corner-{number}"


def config_map(number: int) -> Json:
    metadata = {"name": "corner", "namespace": place(number)}
    data = {"re": "a", "pattern": "\\C"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


@pytest.fixture(scope="module")
def theirs(bare_plane: ControlPlane) -> Mapping[int, Answer]:
    """What the API server says to each."""
    refused: dict[int, Answer] = {}
    for number, expression in enumerate(EXPRESSIONS):
        bare_plane.send("POST", "/api/v1/namespaces", namespace(place(number)))
        bare_plane.send("POST", BINDINGS, binding(number))
        try:
            bare_plane.send("POST", POLICIES, policy(number, expression))
        except urllib.error.HTTPError as error:
            if error.code != REFUSED:
                raise
            refused[number] = Answer("refused")
    time.sleep(SETTLED_SECONDS)
    return {number: refused.get(number) or created(bare_plane, number) for number in range(len(EXPRESSIONS))}


def created(plane: ControlPlane, number: int) -> Answer:
    try:
        plane.send("POST", f"/api/v1/namespaces/{place(number)}/configmaps?dryRun=All", config_map(number))
    except urllib.error.HTTPError as error:
        return Answer("denied", orjson.loads(error.read())["message"].partition(DENIED)[2])
    return Answer("allowed")


def ours(number: int, expression: str) -> Answer:
    documents = [Manifest(each, Source("corner")) for each in (policy(number, expression), binding(number))]
    try:
        policies = load_policies(documents)
    except ManifestError:
        return Answer("refused")
    view = Snapshot.of([Manifest(namespace(place(number)), Source("namespace"))])
    submitted = Manifest(config_map(number), Source("object"))
    user = make_user("admin", ("system:masters",))
    decision = Engine(policies, view).review(make_request(submitted, view, Submission("CREATE", "", user)))
    words = "; ".join(finding.message for finding in decision.findings)
    return Answer("allowed") if decision.allowed else Answer("denied", words)


@pytest.mark.parametrize(("number", "expression"), list(enumerate(EXPRESSIONS)), ids=EXPRESSIONS)
def test_an_expression_is_what_it_is_to_the_api_server(
    theirs: Mapping[int, Answer], number: int, expression: str
) -> None:
    assert ours(number, expression) == theirs[number]


def test_all_three_answers_are_among_them(theirs: Mapping[int, Answer]) -> None:
    assert {answer.verdict for answer in theirs.values()} == {"refused", "allowed", "denied"}
