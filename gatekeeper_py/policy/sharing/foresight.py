"""What mutating policies would make of an object, told by one function before any of them is run.

Most policies change nothing of most objects: they do not apply, or their patches are empty. That is found as
validation is (`joining`): match conditions, variables and patches of all policies, each once. Policies whose
patches are not empty are run one by one, with the patches that the function has found; where an object has
been changed, the function is asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from gatekeeper_py.cel import CostExceeded, Found, JointRule, Kind, Known
from gatekeeper_py.policy.model import Expression, MutatingPolicy
from gatekeeper_py.policy.sharing.candidate import Candidate
from gatekeeper_py.policy.sharing.certainty import surely_read
from gatekeeper_py.policy.sharing.joining import Allowance, Drafts, Function, joint_function

__all__ = ["Foreseen", "Foresight", "Prospect", "foresee_mutations"]

_Candidate: TypeAlias = Candidate[MutatingPolicy]

RULES = 2
"""Of each policy: one that is not met when a patch has operations, and one when the policy applies."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is certain of one policy and one value of the object."""

    applies: bool
    patches: tuple[object, ...] = ()
    """What its mutations give over that value, the first ones; none where that is not known."""
    idle: bool = True
    """Whether it leaves the object as it is: it does not apply, or no patch has an operation."""


ABSENT, IDLE = Prospect(applies=False), Prospect(applies=True)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is certain of all policies and one value of the object."""

    members: Mapping[_Candidate, int]
    found: Found

    def of(self, candidate: _Candidate) -> Prospect | None:
        """What is certain of a policy; None when nothing is."""
        at = self.members.get(candidate)
        if at is None:
            return None
        if at + 1 not in self.found:
            return ABSENT
        if at not in self.found:
            return IDLE
        patches = self.found[at]
        if patches is None:
            return None
        return Prospect(applies=True, patches=tuple(patches.values()), idle=False)


@dataclass(frozen=True, slots=True)
class Foresight:
    """Policies as one function."""

    members: Mapping[_Candidate, int]
    """Where the rules of each begin."""
    limit: int
    """Units the function may spend, so that none of the members could have exhausted a budget of its own."""
    function: Function

    def over(self, activation: Mapping[str, object], deadline: float | None) -> Foreseen | None:
        """What the policies would make of an object; None when that would cost too much to say."""
        budget = Allowance(self.limit, deadline)
        budget.check_deadline()
        try:
            return Foreseen(self.members, self.function(activation, budget))
        except CostExceeded:
            return None


def foresee_mutations(candidates: Iterable[_Candidate], known: Known) -> Foresight | None:
    """The policies as one function for requests of which the `known` values hold; None when none can be."""
    drafts = _Drafts()
    for candidate in candidates:
        if _is_plain(candidate):
            drafts.take(candidate)
    if not drafts.members:
        return None
    try:
        function = joint_function(drafts.rules, known)
    except RecursionError:
        return None
    return Foresight({each: at * RULES for at, each in enumerate(drafts.members)}, drafts.limit, function)


def _is_plain(candidate: _Candidate) -> bool:
    """Whether its conditions alone tell whether it applies, and its mutations are lists of operations."""
    policy = candidate.policy
    return (
        candidate.always_matches
        and not any(each.match or each.param_ref for each in policy.bindings)
        and all(
            each.patch_type == "JSONPatch" and each.expression.program.checked.result.kind is Kind.LIST
            for each in policy.mutations
        )
    )


class _Drafts(Drafts[MutatingPolicy]):
    """The rules of mutating policies."""

    def rules_of(self, candidate: _Candidate) -> tuple[JointRule, ...]:
        """Two: see `RULES`."""
        applies, policy = self.applies(candidate), candidate.policy
        variables = [self.part(each, policy.declared) for each in _surely_read(policy)]
        patches = tuple([self.part(each.expression, policy.declared) for each in policy.mutations])
        needed = (*variables, *patches)
        shown = tuple((str(at), part) for at, part in enumerate(patches))
        return replace(applies, needed=needed, tests=(), empty=patches, shown=shown), applies


def _surely_read(policy: MutatingPolicy) -> list[Expression]:
    """The variables that are read whatever the data say, each after those that it reads itself."""
    names = {name for mutation in policy.mutations for name in surely_read(mutation.expression)}
    found = []
    for variable in reversed(policy.variables):
        if variable.name in names:
            names |= surely_read(variable.expression)
            found.append(variable.expression)
    return found[::-1]
