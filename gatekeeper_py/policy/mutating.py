"""What all MutatingAdmissionPolicies make of one request's object, in the order of their names.

Follows apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.evaluation.conditions import ConditionError, applies
from gatekeeper_py.policy.evaluation.invocation import Invocation
from gatekeeper_py.policy.immutable import immutable, replace
from gatekeeper_py.policy.model import MutatingPolicy
from gatekeeper_py.policy.mutation.mutation import MutationResult, run_mutations
from gatekeeper_py.policy.selection import Misconfiguration, Review, select
from gatekeeper_py.policy.sharing.candidate import Candidate
from gatekeeper_py.policy.sharing.index import Candidates
from gatekeeper_py.policy.sharing.shared import Shared
from gatekeeper_py.policy.verdict import Denial, Verdict, refusal

__all__ = ["mutate"]

_Invocation: TypeAlias = Invocation[MutatingPolicy]

_Key: TypeAlias = tuple[str, str, str, str]
"""What tells an invocation from others: policy, binding, and the namespace and name of the param."""

NO_KEYS: frozenset[_Key] = frozenset()


@immutable(frozen=True, slots=True)
class _Round:
    """What came of one pass over all policies."""

    value: Object | None
    """The object as the round leaves it."""
    verdict: Verdict
    shared: Shared[MutatingPolicy]
    """The expressions over that object."""
    again: frozenset[_Key] = NO_KEYS
    """The invocations to run once more."""


def mutate(candidates: Candidates[MutatingPolicy], review: Review) -> tuple[Object | None, Verdict]:
    """Run every policy that matches, then once more those that ask for it (IfNeeded) if any went through.

    Give the object as the policies leave it, with their verdict. Raise `NamespaceMissing`, or `StatusError`
    when the request must fail whatever the policies' failurePolicy.
    """
    first = _run(candidates, review, Shared(candidates, review.facts, review.request.object, review.deadline))
    if not first.again or first.verdict.denials or _is_settled(candidates, first.shared):
        return first.value, first.verdict
    changed = replace(review, request=replace(review.request, object=first.value))
    second = _run(candidates, changed, first.shared, first.again)
    return second.value, Verdict.merged((first.verdict, second.verdict))


def _is_settled(candidates: Candidates[MutatingPolicy], shared: Shared[MutatingPolicy]) -> bool:
    """Whether it is certain that none would change the object once more, nor say anything of it."""
    prospects = map(shared.prospect, candidates)
    return all(prospect is not None and prospect.idle for prospect in prospects)


def _run(
    candidates: Candidates[MutatingPolicy],
    review: Review,
    shared: Shared[MutatingPolicy],
    only: frozenset[_Key] | None = None,
) -> _Round:
    """One round over all policies, or over `only` some invocations of them."""
    value = review.request.object
    matched, verdicts = _matched(candidates, shared, review)
    again: set[_Key] = set()
    patched = False
    for candidate, invocations in matched:
        prospect = shared.prospect(candidate)
        if prospect is not None and prospect.idle:
            if prospect.applies:
                patched |= bool(candidate.policy.mutations)
                again.update(_keys(candidate.policy))
            continue
        if prospect is None and shared.applies(candidate) is False:
            continue
        for found in select(candidate, review) if invocations is None else invocations:
            assert not isinstance(found, Misconfiguration)  # what could be is matched before
            invocation = found.over(value)
            result = _result(invocation, candidate, shared, only)
            if result is None:
                continue
            for error in result.errors:
                verdicts.append(_refusal(invocation.policy, invocation.binding.name, error, "Invalid"))
            patched |= result.patched
            if invocation.policy.reinvocation_policy == "IfNeeded":
                again.add(_key(invocation))
            if result.value is not value:
                value = result.value
                shared = shared.over(value)
    return _Round(value, Verdict.merged(verdicts), shared, frozenset(again) if patched else NO_KEYS)


_Matched: TypeAlias = tuple[Candidate[MutatingPolicy], list[_Invocation] | None]


def _matched(
    candidates: Candidates[MutatingPolicy], shared: Shared[MutatingPolicy], review: Review
) -> tuple[list[_Matched], list[Verdict]]:
    """What to evaluate, and the verdicts on what cannot be. Matching is over before anything changes.

    Of a policy whose matching cannot fail, None: it is matched, by the same request, when it turns out that
    its conditions hold.
    """
    matched: list[_Matched] = []
    verdicts: list[Verdict] = []
    for candidate in candidates:
        if shared.covers(candidate):
            matched.append((candidate, None))
            continue
        invocations = []
        for found in select(candidate, review):
            if isinstance(found, Misconfiguration):
                verdicts.append(_refusal(candidate.policy, found.binding, found.message))
            else:
                invocations.append(found)
        matched.append((candidate, invocations))
    return matched, verdicts


def _result(
    invocation: _Invocation,
    candidate: Candidate[MutatingPolicy],
    shared: Shared[MutatingPolicy],
    only: frozenset[_Key] | None,
) -> MutationResult | None:
    """What a policy makes of the object as it is now; None when it does not run."""
    prospect = shared.prospect(candidate)
    known = shared.applies(candidate) if prospect is None else prospect.applies
    try:
        if not (applies(invocation) if known is None else known):
            return None
    except ConditionError as error:
        return MutationResult(invocation.value, (str(error),))
    if only is not None and _key(invocation) not in only:
        return None
    return run_mutations(invocation, () if prospect is None else prospect.patches)


def _keys(policy: MutatingPolicy) -> Iterator[_Key]:
    """The invocations to run once more of a policy without params."""
    if policy.reinvocation_policy == "IfNeeded":
        yield from ((policy.name, binding.name, "", "") for binding in policy.bindings)


def _key(invocation: _Invocation) -> _Key:
    metadata = (invocation.params or {}).get("metadata") or {}
    param = str(metadata.get("namespace", "")), str(metadata.get("name", ""))
    return invocation.policy.name, invocation.binding.name, *param


def _refusal(policy: MutatingPolicy, binding: str, message: str, reason: str = "") -> Verdict:
    denial = Denial(messages.mutation_denied(policy.name, binding, message), reason)
    return refusal(policy, binding, message, denial)
