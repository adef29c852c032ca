"""Where mutations part ways: each of mutations.txt, by the API server and by us, over one custom resource.

One a line: what begins with `Object` is an ApplyConfiguration, all else a list of JSONPatch. The API server
refuses the policy, refuses the request in words, which must be ours, too, or changes the object as we do.
"""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Source
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user, with_object
from tests.e2e.conftest import namespace
from tests.e2e.harness import ControlPlane, wait_for
from tests.e2e.test_corners import REFUSED, SETTLED_SECONDS

Json = dict[str, Any]

MUTATIONS = (Path(__file__).parent / "mutations.txt").read_text(encoding="utf-8").splitlines()
POLICIES = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies"
BINDINGS = f"{POLICIES.removesuffix('ies')}ybindings"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GADGETS = "/apis/corners.example.com/v1/namespaces/default/gadgets"
WRITTEN = ("creationTimestamp", "generation", "managedFields", "uid")
"""What the API server adds to each object."""

OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
SPEC: Json = {
    "any": {"x-kubernetes-preserve-unknown-fields": True},
    "open": OPEN,
    "nullable": {"type": "string", "nullable": True},
    "default": {"type": "string", "default": "d"},
    "part": {"type": "object", "default": {}, "properties": {"x": {"type": "integer", "default": 5}}},
    "set": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
    "atomic": {"type": "array", "items": {"type": "string"}},
    "list": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k", "p"],
        "items": {
            "type": "object",
            "required": ["k"],
            "properties": {
                "k": {"type": "string"},
                "p": {"type": "integer", "default": 1},
                "v": {"type": "string"},
            },
        },
    },
    "texts": {"type": "object", "additionalProperties": {"type": "string"}},
    "whole": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "x-kubernetes-map-type": "atomic",
    },
    "int": {"type": "integer"},
    "number": {"type": "number"},
    "text": {"type": "string"},
}
SCHEMA = {"type": "object", "properties": {"spec": {"type": "object", "properties": SPEC}, "status": OPEN}}


def version(name: str, *, served: bool, storage: bool) -> Json:
    return {"name": name, "served": served, "storage": storage, "schema": {"openAPIV3Schema": SCHEMA}}


DEFINITION: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gadgets.corners.example.com"},
    "spec": {
        "group": "corners.example.com",
        "scope": "Namespaced",
        "names": {"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"},
        "versions": [
            version("v1", served=True, storage=True),
            version("v1beta1", served=True, storage=False),
            version("v1alpha1", served=False, storage=False),
        ],
    },
}
RULE = {
    "apiGroups": ["corners.example.com"],
    "apiVersions": ["v1"],
    "resources": ["gadgets"],
    "operations": ["CREATE"],
}


def name(number: int) -> str:
    return f"mutation-{number}"


def gadget(number: int) -> Json:
    spec = {
        "any": [1, "a"],
        "open": {"x": 1},
        "nullable": None,
        "set": ["b", "a"],
        "atomic": ["x"],
        "list": [{"k": "a", "p": 1, "v": "1"}, {"k": "b", "p": 2}],
        "texts": {"a": "1"},
        "whole": {"a": "1"},
        "int": 5,
        "number": 1.5,
        "text": "t",
    }
    return {
        "apiVersion": "corners.example.com/v1",
        "kind": "Gadget",
        "metadata": {"name": name(number), "namespace": "default", "labels": {"app": "web"}},
        "spec": spec,
    }


def policy(number: int, expression: str) -> Json:
    kind, field = ("JSONPatch", "jsonPatch")
    if expression.startswith("Object"):
        kind, field = ("ApplyConfiguration", "applyConfiguration")
    spec = {
        "matchConstraints": {"resourceRules": [RULE]},
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": kind, field: {"expression": expression}}],
    }
    return made("MutatingAdmissionPolicy", number, spec)


def binding(number: int) -> Json:
    """For the object of that name alone."""
    rule = {**RULE, "resourceNames": [name(number)]}
    spec = {"policyName": name(number), "matchResources": {"resourceRules": [rule]}}
    return made("MutatingAdmissionPolicyBinding", number, spec)


def made(kind: str, number: int, spec: Json) -> Json:
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind}
    return {**head, "metadata": {"name": name(number)}, "spec": spec}


def served(plane: ControlPlane) -> bool:
    try:
        return bool(plane.get(GADGETS))
    except urllib.error.HTTPError:
        return False


@pytest.fixture(scope="module")
def theirs(bare_plane: ControlPlane) -> Mapping[int, object]:
    """What the API server makes of each: `refused` at load, the words of an error, or the object."""
    bare_plane.send("POST", DEFINITIONS, DEFINITION)
    wait_for("the definition", lambda: served(bare_plane))
    answers: dict[int, object] = {}
    for number, expression in enumerate(MUTATIONS):
        bare_plane.send("POST", BINDINGS, binding(number))
        try:
            bare_plane.send("POST", POLICIES, policy(number, expression))
        except urllib.error.HTTPError as error:
            if error.code != REFUSED:
                raise
            answers[number] = "refused"
    time.sleep(SETTLED_SECONDS)
    return {number: answers.get(number) or created(bare_plane, number) for number in range(len(MUTATIONS))}


def created(plane: ControlPlane, number: int) -> object:
    try:
        answer = orjson.loads(plane.send("POST", f"{GADGETS}?dryRun=All", gadget(number)))
    except urllib.error.HTTPError as error:
        return orjson.loads(error.read())["message"]
    metadata = {key: value for key, value in answer["metadata"].items() if key not in WRITTEN}
    return {**answer, "metadata": metadata}


def ours(number: int, expression: str) -> object:
    documents = [Manifest(each, Source("mutation")) for each in (policy(number, expression), binding(number))]
    try:
        policies = load_policies(documents)
    except ManifestError:
        return "refused"
    view = Snapshot.of([Manifest(each, Source("cluster")) for each in (namespace("default"), DEFINITION)])
    user = make_user("admin", ("system:masters",))
    request = make_request(Manifest(gadget(number), Source("object")), view, Submission("CREATE", "", user))
    decision = Engine(policies, view).review(request)
    if decision.status is not None:
        return decision.status.message
    return with_object(request, decision.object, view).object


@pytest.mark.parametrize(("number", "expression"), list(enumerate(MUTATIONS)), ids=MUTATIONS)
def test_a_mutation_is_what_it_is_to_the_api_server(
    theirs: Mapping[int, object], number: int, expression: str
) -> None:
    assert ours(number, expression) == theirs[number]


def test_all_three_answers_are_among_them(theirs: Mapping[int, object]) -> None:
    answers = list(theirs.values())
    assert "refused" in answers
    assert any(isinstance(answer, dict) for answer in answers)
    assert any(isinstance(answer, str) and "denied request" in answer for answer in answers)
