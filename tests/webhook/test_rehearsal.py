"""Reviews before the first one: they leave nothing behind, whatever the policies make of them."""

from __future__ import annotations

from collections import Counter

from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.tenancy.tenant import Claim, Tenancy, Tenant
from gatekeeper_py.webhook.rehearsal import TIMES, rehearse
from gatekeeper_py.webhook.revision import Loaded, Webhook


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


def test_an_error_of_ours_is_for_a_review_to_tell() -> None:
    def fails(*_: object) -> Decision:
        raise KeyError

    rehearse(Loaded(fails, 1))
