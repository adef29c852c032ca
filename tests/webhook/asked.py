"""Whether the API server would ask about a request, by the rules and match conditions of a registration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from gatekeeper_py.cel import DYN, Budget, Program, kubernetes_environment
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.activation import describe
from gatekeeper_py.policy.matching.match import Match, match
from gatekeeper_py.policy.model import MatchResources, Rule

__all__ = ["holds", "is_asked"]

ENVIRONMENT = kubernetes_environment().extend(variables={"request": DYN, "object": DYN, "oldObject": DYN})
NOTHING = Snapshot.of(())


@cache
def compiled(text: str) -> Program:
    """A match condition as the API server compiles it: it knows no tenants."""
    return ENVIRONMENT.compile(text)


def holds(expression: str, request: AdmissionRequest) -> bool:
    """What a match condition says of a request; an error refuses the request, and is one here."""
    sent = Match(request.kind, request.request_resource or request.resource)
    activation = {
        "request": describe(request, sent),
        "object": request.object,
        "oldObject": request.old_object,
    }
    return bool(compiled(expression).evaluate(activation, Budget(10**6)))


def is_asked(
    rules: Iterable[Mapping[str, Any]], conditions: Iterable[Mapping[str, Any]], request: AdmissionRequest
) -> bool:
    """Whether a webhook with these rules and conditions is called."""
    wanted = tuple(
        Rule(
            tuple(rule["operations"]),
            tuple(rule["apiGroups"]),
            tuple(rule["apiVersions"]),
            tuple(rule["resources"]),
            rule["scope"],
        )
        for rule in rules
    )
    if not wanted or match(MatchResources(wanted), request, NOTHING) is None:
        return False
    return all(holds(condition["expression"], request) for condition in conditions)
