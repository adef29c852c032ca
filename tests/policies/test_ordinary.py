"""Ordinary work is never held up: it is admitted, and changed in nothing but runtime class and tags."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.authoring.suite import missing
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.loading.load import PolicySet, read
from tests.policies.stories import STORIES, Story, Told, policies
from tests.shipped import SHIPPED

LEAST = 60
"""How many stories there must at least be."""
QUIET = ("static-site", "web-app-with-ingress")
"""Stories of workloads kept so well that not even a warning comes."""
TENANT_LABEL = "tenancy.gatekeeper-py.dev/tenant"
LABELS = {TENANT_LABEL: "foo", "cost-center": "foo"}
MARKED = {**LABELS, "tenancy.gatekeeper-py.dev/made-by-tenant": "true"}
"""On quotas and limit ranges of the tenant's own."""
TEMPLATE = r"(?:/template|/spec/template|/spec/jobTemplate/spec/template)"
CLASS = re.compile(rf"(?:{TEMPLATE})?/spec/runtimeClassName")
TAGS = re.compile(rf"(?:{TEMPLATE})?/metadata(?:/labels(?:/(?P<key>[^/]+))?)?")

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"creationTimestamp": None, "labels": {"app": "web"}, "name": "web"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "strategy": {},
        "template": {
            "metadata": {"creationTimestamp": None, "labels": {"app": "web"}},
            "spec": {"containers": [{"image": "nginx", "name": "nginx", "resources": {}}]},
        },
    },
    "status": {},
}
"""What `kubectl create deployment web --image=nginx` sends."""
PLAIN_TENANT = {
    "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
    "kind": "Tenant",
    "metadata": {"name": "plain"},
    "spec": {"namespaces": {"names": ["plain"]}, "owners": [{"kind": "User", "name": "alice"}]},
}


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_ordinary_work_is_admitted(path: Path) -> None:
    assert [told.refusal for told in Story(path).play() if told.refusal] == []


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_nothing_is_changed_but_class_and_tags(path: Path) -> None:
    changes = [(told.what, change) for told in Story(path).play() for change in told.decision.patch]
    assert [change for change in changes if not _expected(change[1])] == []


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_what_a_controller_copies_stays_a_copy(path: Path) -> None:
    """Controllers of ReplicaSets compare templates; one that differs is not theirs, and they make another."""
    copies = [told for told in Story(path).play() if _is_copy(told.decision.object or {})]
    assert [told.what for told in copies if _touches_spec(told)] == []


def test_there_are_stories_enough() -> None:
    assert len(STORIES) >= LEAST


@pytest.mark.parametrize("path", [path for path in STORIES if path.stem in QUIET], ids=lambda path: path.stem)
def test_well_kept_work_draws_no_warning(path: Path) -> None:
    assert [told.decision.warnings for told in Story(path).play() if told.decision.warnings] == []


@pytest.mark.parametrize(
    ("namespace", "labels"),
    [
        ("foo", LABELS),
        ("plain", {TENANT_LABEL: "plain"}),
        ("unclaimed", {TENANT_LABEL: "unclaimed"}),
    ],
)
def test_create_deployment_simply_works(namespace: str, labels: dict[str, str]) -> None:
    """For a tenant with a default class, for one with none of its own, and where nobody is tenant."""
    decision = _create(namespace, load_policies([*read(SHIPPED), Manifest(PLAIN_TENANT, Source("plain"))]))
    assert decision.allowed, decision.status
    spec = {"template": {"metadata": {"labels": labels}, "spec": {"runtimeClassName": "kata"}}}
    assert not list(missing(decision.object, {"metadata": {"labels": labels}, "spec": spec}))


def test_create_deployment_in_a_namespace_of_the_platform_is_left_alone() -> None:
    decision = _create("kube-system", policies(), user="kubernetes-admin")
    assert decision.allowed
    assert decision.patch == ()


def _create(namespace: str, shipped: PolicySet, user: str = "alice") -> Decision:
    cluster = Story(STORIES[0]).cluster
    groups = ("system:masters",) if user == "kubernetes-admin" else ()
    submission = Submission(user=make_user(user, groups), namespace=namespace)
    request = make_request(Manifest(DEPLOYMENT, Source("web")), cluster, submission)
    return Engine(shipped, cluster).review(request)


def _is_copy(value: dict[str, Any]) -> bool:
    return value.get("kind") == "ReplicaSet" and "ownerReferences" in value["metadata"]


def _touches_spec(told: Told) -> bool:
    return any(operation["path"].startswith("/spec") for operation in told.decision.patch)


def _expected(operation: dict[str, Any]) -> bool:
    """Whether one operation of a patch adds the tenant's class or some of its labels, and nothing else."""
    path, value = operation["path"], operation.get("value")
    if operation["op"] != "add":
        return False
    if CLASS.fullmatch(path):
        return bool(value == "kata")
    found = TAGS.fullmatch(path)
    if found is None:
        return False
    if found["key"]:
        return bool(MARKED.get(found["key"].replace("~1", "/")) == value)
    return value in (
        (LABELS, MARKED) if path.endswith("/labels") else ({"labels": LABELS}, {"labels": MARKED})
    )
