"""Reviews before the first one: they leave nothing behind but code, whatever the policies make of them."""

from __future__ import annotations

from collections import Counter

from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.tenancy.tenant import Claim, Tenancy, Tenant
from gatekeeper_py.webhook.rehearsal import TIMES, rehearse
from gatekeeper_py.webhook.revision import Loaded, Webhook
from tests.policy.support import CONFIG_MAP, POD, engine, request, validating

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment"}


def test_what_is_created_most_is_reviewed_at_both_doors_for_a_tenant_and_for_nobody() -> None:
    asked: Counter[tuple[str, str, str]] = Counter()

    def review(request: AdmissionRequest, webhook: Webhook, _deadline: float) -> Decision:
        asked[webhook, request.namespace, request.resource.resource] += 1
        return Decision(allowed=True)

    tenancy = Tenancy((Tenant("foo", claim=Claim(names=("foo-b", "foo-a"))), Tenant("bar")))
    rehearse(Loaded(review, 1, tenancy=tenancy))
    assert asked == {
        (door, namespace, resource): TIMES
        for door in ("mutate", "validate")
        for namespace in ("rehearsal", "foo-a")
        for resource in ("pods", "deployments")
    }


def test_policies_about_what_is_created_most_are_one_function_before_the_first_review() -> None:
    policies = engine(validating("p", validations=[{"expression": "true"}])).policies
    rehearse(Loaded(lambda *_: Decision(allowed=True), 1, policies=policies))
    for value, written in ((POD, True), (DEPLOYMENT, True), (CONFIG_MAP, False)):
        asked = request({**value, "metadata": {"name": "web", "namespace": "foo"}})
        found = policies.validating.concerning(asked).joined(asked, asked.object)
        assert (found is not None) is written


def test_an_error_of_ours_is_for_a_review_to_tell() -> None:
    def fails(*_: object) -> Decision:
        raise KeyError

    rehearse(Loaded(fails, 1))
