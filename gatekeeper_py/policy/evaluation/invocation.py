"""One policy applied to one object with one of its params: a PolicyInvocation of Kubernetes' dispatchers.

(apiserver/pkg/admission/plugin/policy/generic)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from gatekeeper_py.cel import Budget
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.evaluation.activation import Facts, Names
from gatekeeper_py.policy.evaluation.variables import Variables
from gatekeeper_py.policy.matching.match import Match
from gatekeeper_py.policy.model import Binding, Policy

__all__ = ["Activation", "Invocation"]

P_co = TypeVar("P_co", bound=Policy, covariant=True)

Activation: TypeAlias = Callable[[Match, Object | None, Object | None], Names]
"""One of the methods of `Facts` that give names their values."""


class Invocation(NamedTuple, Generic[P_co]):
    """A policy that matches the request, with one binding and one of the binding's params."""

    policy: P_co
    binding: Binding
    match: Match
    facts: Facts
    value: Object | None
    """The object as it is now: mutating policies may have changed the request's."""
    params: Object | None
    deadline: float | None
    """`time.monotonic()` at which the request's time is over, in seconds."""
    variables: Mapping[str, object] | None = None
    """Values that variables of the policy are known to have. None: not even whether it applies is known;
    otherwise its match conditions hold."""

    def over(self, value: Object | None) -> Invocation[P_co]:
        """The same over another value of the object."""
        return self if value is self.value else self._replace(value=value)

    def activation(self, names: Activation, budget: Budget) -> Mapping[str, object]:
        """The names that expressions of one pass may use, with a fresh `variables`, paid from the budget."""
        activation = names(self.match, self.value, self.params)
        known = self.variables or {}
        activation["variables"] = Variables(self.policy.declared, activation, budget, known)
        return activation
