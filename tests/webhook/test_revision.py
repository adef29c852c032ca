"""What is in force is swapped whole, and outlives a bad edit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.webhook.revision import BadPolicies, InForce, Loaded, Policies, Review, Webhook


def allow(_request: AdmissionRequest, _webhook: Webhook, _deadline: float) -> Decision:
    return Decision(allowed=True)


def deny(_request: AdmissionRequest, _webhook: Webhook, _deadline: float) -> Decision:
    return Decision(allowed=False)


def files(*states: tuple[Review, int] | Exception) -> Callable[[], Loaded]:
    """What each load in turn finds."""
    coming = iter(states)

    def load() -> Loaded:
        found = next(coming)
        if isinstance(found, Exception):
            raise found
        return Loaded(*found)

    return load


def shown(in_force: InForce | None) -> tuple[Review, int, int] | None:
    return (in_force.loaded.review, in_force.loaded.count, in_force.revision) if in_force else None


def test_nothing_is_in_force_before_the_first_load() -> None:
    policies = Policies(files())
    assert (policies.in_force, policies.problems) == (None, ())


def test_each_load_swaps_the_whole_set_and_counts_on() -> None:
    policies = Policies(files((allow, 2), (deny, 3)))
    first, second = policies.reload(), policies.reload()
    assert [shown(first), shown(second)] == [(allow, 2, 1), (deny, 3, 2)]
    assert policies.in_force is second


BAD = BadPolicies(("p.yaml:1:1: a", "p.yaml:2:1: b"))


@pytest.mark.parametrize(
    ("fault", "problems"),
    [
        (BAD, BAD.problems),
        (KeyError("x"), ("internal error while loading: KeyError: 'x'",)),
    ],
    ids=["a bad edit", "an error of ours"],
)
def test_a_load_that_fails_keeps_the_last_good_set_until_the_next(
    fault: Exception, problems: tuple[str, ...]
) -> None:
    policies = Policies(files(fault, (allow, 2), fault, (deny, 3)))
    for before, after in ((None, (allow, 2, 1)), ((allow, 2, 1), (deny, 3, 2))):
        with pytest.raises(BadPolicies) as raised:
            policies.reload()
        assert raised.value.problems == policies.problems == problems
        assert shown(policies.in_force) == before
        assert shown(policies.reload()) == after
        assert policies.problems == ()


def test_bad_policies_tell_a_problem_a_line() -> None:
    assert str(BAD) == "p.yaml:1:1: a\np.yaml:2:1: b"
