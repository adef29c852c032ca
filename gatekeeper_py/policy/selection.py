"""Which bindings and params a policy is evaluated with for one request.

Follows apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.activation import Facts
from gatekeeper_py.policy.evaluation.invocation import Invocation
from gatekeeper_py.policy.immutable import immutable
from gatekeeper_py.policy.matching.match import Match, MatchError
from gatekeeper_py.policy.matching.parameters import ParameterError, Parameters, collect, require_served
from gatekeeper_py.policy.matching.versions import judges_here, matched
from gatekeeper_py.policy.model import Binding, MutatingPolicy, Policy, ValidatingPolicy
from gatekeeper_py.policy.sharing.candidate import Candidate

__all__ = ["Misconfiguration", "Review", "select"]

P = TypeVar("P", bound=ValidatingPolicy | MutatingPolicy)


@immutable(frozen=True, slots=True)
class Review:
    """One review by all policies of one kind."""

    request: AdmissionRequest
    """As policies match it: with the object as it is now."""
    facts: Facts
    """What expressions may know of the request."""
    parameters: Parameters
    deadline: float | None = None
    """`time.monotonic()` at which the request's time is over, in seconds; None for no such bound."""


@dataclass(frozen=True, slots=True)
class Misconfiguration:
    """A policy, or if `binding` is not empty that binding of it, that cannot be used for this request."""

    binding: str
    error: str

    @property
    def message(self) -> str:
        """The error as denials have it."""
        say = messages.unconfigured_binding if self.binding else messages.unconfigured_policy
        return say(self.error)


def select(candidate: Candidate[P], review: Review) -> Iterator[Invocation[P] | Misconfiguration]:
    """What to evaluate of one policy, in the order of its bindings; nothing when it does not match.

    Raise `NamespaceMissing` when something is to be evaluated and the request's namespace does not exist.
    """
    policy = candidate.policy
    try:
        found = _match(candidate, review)
    except (MatchError, ParameterError) as error:
        yield Misconfiguration("", str(error))
        return
    if found is None:
        return
    for binding in policy.bindings:
        try:
            params = _params(policy, binding, review)
        except (MatchError, ParameterError) as error:
            yield Misconfiguration(binding.name, str(error))
            continue
        if params:
            review.facts.require_namespace()
        for param in params:
            value = review.request.object
            yield Invocation(policy, binding, found, review.facts, value, param, review.deadline)


def _match(candidate: Candidate[P], review: Review) -> Match | None:
    """As what the policy matches the request, None when it does not."""
    if candidate.always_matches:
        return Match(review.request.kind, review.request.resource)
    policy, cluster = candidate.policy, review.facts.cluster
    found = matched(policy.match, review.request, cluster)
    if found is None or not judges_here(found, review.request, cluster):
        return None
    require_served(policy.param_kind, cluster, review.parameters)
    return found


def _params(policy: Policy, binding: Binding, review: Review) -> Sequence[Object | None]:
    """The params a binding gives its policy; none when the binding does not match the request."""
    request, cluster = review.request, review.facts.cluster
    if binding.match and matched(binding.match, request, cluster) is None:
        return ()
    return collect(policy.param_kind, binding.param_ref, request.namespace, cluster, review.parameters)
