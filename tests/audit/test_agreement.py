"""One truth: review, audit, explain and the webhook say the same of every object of the examples."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonpatch
import orjson
import pytest

from examples.demo import CLUSTER, POLICIES, Example, examples
from gatekeeper_py.audit.scan import Audited, Auditor, scan
from gatekeeper_py.authoring.trace import NotEvaluated, explain_policy
from gatekeeper_py.cli.review import review
from gatekeeper_py.cluster.absence import Without
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import BOTH, Engine
from gatekeeper_py.manifests.manifest import Manifest, Source, read
from gatekeeper_py.policy.admission.admission_review import render_request
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user, with_object
from gatekeeper_py.policy.loading import load as loading
from gatekeeper_py.tenancy.documents import load_tenancy
from gatekeeper_py.webhook.answer import decide, parse
from gatekeeper_py.webhook.revision import Webhook
from tests.shared import corpus, needs_shared

ANSWER_SECONDS = 60


@cache
def engine() -> Engine:
    return Engine.load(loading.read([POLICIES]), Snapshot.of(read([CLUSTER])))


def submitted() -> Iterator[tuple[str, Manifest, Submission]]:
    for example in examples():
        for manifest in read([example.path]):
            yield (
                f"{example.path.parts[-3]}/{manifest.kind.kind}/{manifest.name}",
                manifest,
                submission_of(example),
            )


def submission_of(example: Example) -> Submission:
    user = make_user(example.user, (f"team-{example.path.parts[-3]}",))
    return Submission(example.operation, example.subresource, user)


CASES = {name: (manifest, submission) for name, manifest, submission in submitted()}


def by_review(manifest: Manifest, submission: Submission) -> tuple[bool, set[str]]:
    cluster = engine().cluster
    assert isinstance(cluster, Snapshot)
    (reviewed,), problems = review(engine(), cluster, [manifest], submission)
    assert problems == []
    return reviewed.decision.allowed, denying(reviewed.decision)


def by_audit(manifest: Manifest, submission: Submission) -> tuple[bool, set[str]]:
    tenancy = load_tenancy(loading.read([POLICIES]))
    (found,) = scan(engine(), tenancy, [manifest], submission, existing=False)
    assert isinstance(found, Audited)
    return not found.violates, {each.policy for each in found.findings if "Deny" in each.actions}


def by_webhook(manifest: Manifest, submission: Submission) -> tuple[bool, set[str]]:
    request = make_request(manifest, engine().cluster, submission)
    mutated = asked("mutate", request)
    if not mutated["allowed"]:
        return False, set()
    patch = orjson.loads(base64.b64decode(mutated.get("patch", "W10=")))
    changed = jsonpatch.apply_patch(request.object, patch)
    validated = asked("validate", with_object(request, changed, engine().cluster))
    causes = validated.get("status", {}).get("details", {}).get("causes", [])
    named = {policy.name for policy in engine().policies.validating}
    said = " ".join(cause["message"] for cause in causes)
    return validated["allowed"], {name for name in named if f"'{name}'" in said}


def asked(webhook: Webhook, request: AdmissionRequest) -> dict[str, Any]:
    started = time.monotonic()
    body = orjson.dumps(render_request(request))

    def answer(asked: AdmissionRequest, phase: Webhook, deadline: float) -> Decision:
        return engine().review(asked, frozenset({phase}), deadline=deadline)

    answered = decide(answer, webhook, parse(body), started, started + ANSWER_SECONDS)
    response: dict[str, Any] = orjson.loads(answered.body)["response"]
    return response


def denying(decision: Decision) -> set[str]:
    return {finding.policy for finding in decision.findings if "Deny" in finding.actions}


@pytest.mark.parametrize("case", CASES)
def test_review_audit_and_the_webhook_agree(case: str) -> None:
    manifest, submission = CASES[case]
    said = by_review(manifest, submission)
    assert by_audit(manifest, submission) == said
    assert by_webhook(manifest, submission) == said


@pytest.mark.parametrize("case", CASES)
def test_review_and_audit_agree_on_what_a_tenant_submits(case: str) -> None:
    manifest, _ = CASES[case]
    submission, tenancy, cluster = Submission(), load_tenancy(loading.read([POLICIES])), engine().cluster
    assert isinstance(cluster, Snapshot)
    (reviewed,), _ = review(engine(), cluster, [manifest], submission, (), tenancy)
    auditor = Auditor(engine(), tenancy, submission, existing=False, as_tenant=True)
    found = auditor.judge(manifest)
    assert found.target.asked_as == reviewed.request.user.username
    assert {each.policy for each in found.findings if "Deny" in each.actions} == denying(reviewed.decision)
    assert found.violates != reviewed.decision.allowed


@pytest.mark.parametrize("case", CASES)
def test_explain_shows_why_a_policy_refuses_and_why_it_does_not(case: str) -> None:
    manifest, submission = CASES[case]
    request = make_request(manifest, engine().cluster, submission)
    decision = engine().review(request, BOTH)
    seen = with_object(request, engine().review(request, frozenset({"mutate"})).object, engine().cluster)
    found = {finding.policy for finding in decision.findings}
    for policy in engine().policies.validating:
        try:
            explained = explain_policy(engine(), policy, seen)
        except NotEvaluated:
            assert policy.name not in found
            continue
        given = {
            (each.place, str(outcome.value)) for each in explained for outcome in each.explanation.outcomes
        }
        passed = all(value == "True" for place, value in given if place.startswith("matchConditions"))
        refused = any(value == "False" for place, value in given if place.endswith(".expression"))
        assert (passed and refused) == (policy.name in found), policy.name


MANY = tuple(Manifest(body, Source(item["id"])) for item in corpus("benign")[::8] for body in item["objects"])
"""Every eighth item: all of them take seconds."""


@pytest.mark.parametrize("manifests", [
    pytest.param(tuple(manifest for manifest, _ in CASES.values()), id="examples"),
    pytest.param(MANY, id="benign", marks=needs_shared),
])  # fmt: skip
def test_what_is_found_of_many_together_is_what_the_engine_says_of_each(
    manifests: tuple[Manifest, ...],
) -> None:
    """The engine is asked of one after the other; an audit takes all of them through each step together."""
    submission = Submission("CREATE", user=make_user("alice", ("team-foo",)), namespace="")
    auditor = Auditor(engine(), load_tenancy(loading.read([POLICIES])), submission, existing=False)
    found = [each for each in auditor.judge_all(manifests) if isinstance(each, Audited)]
    assert len(found) == len(manifests)
    for manifest, each in zip(manifests, found, strict=True):
        request = make_request(manifest, engine().cluster, submission)
        view = Without(engine().cluster, request.resource, request.namespace, request.name)
        decision = Engine(engine().policies, view).judge(request)
        assert each.findings == decision.findings
        assert each.violates == (not decision.allowed)
