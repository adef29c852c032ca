"""What a tenant writes is not kept once it is answered, however long and wherever it stands."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from gatekeeper_py.engine import foresee
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import Submission, make_request
from tests.policies.test_attack_matrix_2 import user
from tests.policies.test_attack_rows import engine

LENGTH = 60_000
TIMES = 10
WARM = 40
"""Reviews after which all code is made that is made when it is first needed."""
KEPT = LENGTH
"""Bytes that may stay: what is found out once, but not one of the texts."""


def pod(metadata: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    container = {"name": "a", "image": "registry.example.com/foo/web:1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "foo"} | (metadata or {}),
        "spec": {"containers": [container | spec]},
    }


def thing(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "foo"}
    return {"apiVersion": "ours.example.com/v1", "kind": "Thing", "metadata": metadata, "spec": spec}


PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "a label": lambda text: pod({"labels": {text: "a"}}),
    "a label's value": lambda text: pod({"labels": {"a": text}}),
    "an annotation": lambda text: pod({"annotations": {text: "a"}}),
    "an annotation's value": lambda text: pod({"annotations": {"a": text}}),
    "a finalizer": lambda text: pod({"finalizers": [text]}),
    "a name": lambda text: pod({"name": text}),
    "an image": lambda text: pod(image=text),
    "an environment": lambda text: pod(env=[{"name": text, "value": text}]),
    "a custom quantity": lambda text: thing(resources={"limits": {"memory": text}}),
    "a resource": lambda text: pod(resources={"limits": {text: "1"}}),
    "a custom field": lambda text: thing(**{text: "a"}),
    "a custom number": lambda text: thing(**{text: 1}),
    "a custom list": lambda text: thing(**{text: ["a"]}),
    "a custom object": lambda text: thing(**{text: {"a": "b", "replicas": 1}}),
    "a custom value": lambda text: thing(host=text, namespace=text, secretName=text, url=f"http://{text}"),
}


def asked(place: str, number: int) -> AdmissionRequest:
    value = PLACES[place](f"{number}{'a' * LENGTH}")
    return make_request(Manifest(value, Source("object")), engine().cluster, Submission(user=user("alice")))


def ask(place: str, number: int) -> None:
    engine().review(asked(place, number))


@pytest.mark.parametrize("place", PLACES)
def test_what_a_tenant_writes_is_not_kept(place: str) -> None:
    foresee(engine().policies, asked(place, 0))  # or a thread would, while we measure
    for number in range(WARM):
        ask(place, number)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(TIMES):
            ask(place, WARM + number)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < KEPT
