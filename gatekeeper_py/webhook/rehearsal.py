"""Reviews that nobody asked, decided before workers are forked, so that they have little to write to.

Python counts references in the objects themselves, and rewrites the code of functions while they are first
run. Whatever has been run before the fork is as it will stay, and so stays shared. The same holds for the
functions into which policies are put together for what is asked often: to write one touches all that its
policies are made of, 34 MiB for a pod, which a worker that wrote it would have for itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import orjson

from gatekeeper_py.engine import foresee
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.webhook.answer import attempt, parse
from gatekeeper_py.webhook.revision import Loaded, Webhook

__all__ = ["rehearse"]

TIMES: Final = 12
"""Python rewrites a function when it has been run eight times (`Python/specialize.c`)."""

SECONDS: Final = 1.0
"""How long a rehearsal may take; a fifth of that is usual."""

DOORS: Final[tuple[Webhook, ...]] = ("mutate", "validate")

CONTAINER: Final = {
    "name": "main",
    "image": "registry.example/main:1",
    "env": [{"name": "A", "value": "b"}],
    "ports": [{"containerPort": 8080}],
    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
}
POD: Final = {
    "serviceAccountName": "default",
    "containers": [CONTAINER],
    "volumes": [{"name": "scratch", "emptyDir": {}}],
}
LABELS: Final = {"app": "rehearsal"}
TEMPLATE: Final = {"metadata": {"labels": LABELS}, "spec": POD}
OBJECTS: Final = (
    ("", "v1", "Pod", "pods", {"spec": POD}),
    (
        *("apps", "v1", "Deployment", "deployments"),
        {"spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": TEMPLATE}},
    ),
)
"""What is created most, and looked at most closely."""


def rehearse(loaded: Loaded) -> None:
    """Decide some reviews, and forget the answers: to decide changes nothing."""
    namespaces = ["rehearsal", *_of_a_tenant(loaded)]
    bodies = [_review(namespace, *each) for namespace in namespaces for each in OBJECTS]
    _write_functions(loaded, bodies)
    end = time.monotonic() + SECONDS
    for _ in range(TIMES):
        for body in bodies:
            for door in DOORS:
                if time.monotonic() > end:
                    return
                with suppress(Exception):
                    attempt(loaded.review, door, _request(body), end)


def _write_functions(loaded: Loaded, bodies: list[bytes]) -> None:
    if loaded.policies is not None:
        for body in bodies:
            foresee(loaded.policies, _request(body))


def _request(body: bytes) -> AdmissionRequest:
    return parse(body, frozenset())


def _of_a_tenant(loaded: Loaded) -> Iterator[str]:
    """A namespace that is somebody's."""
    names = sorted(name for tenant in loaded.tenancy.tenants for name in tenant.claim.names)
    yield from names[:1]


def _review(
    namespace: str, group: str, version: str, kind: str, resource: str, fields: dict[str, Any]
) -> bytes:
    metadata = {"name": "rehearsal", "namespace": namespace, "labels": LABELS}
    value = {"apiVersion": f"{group}/{version}".lstrip("/"), "kind": kind, "metadata": metadata, **fields}
    request = {
        "uid": "rehearsal",
        "kind": {"group": group, "version": version, "kind": kind},
        "resource": {"group": group, "version": version, "resource": resource},
        "name": "rehearsal",
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": "rehearsal", "groups": ["system:authenticated"]},
        "object": value,
        "oldObject": None,
        "dryRun": False,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
    }
    return orjson.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
