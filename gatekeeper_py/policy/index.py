"""Policies found by what a request is about, so that a request pays only for what can match it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar, overload

from gatekeeper_py.policy.matching import exempt, may_concern
from gatekeeper_py.policy.model import MutatingPolicy, ValidatingPolicy
from gatekeeper_py.policy.request import AdmissionRequest

__all__ = ["PolicyIndex"]

P = TypeVar("P", bound=ValidatingPolicy | MutatingPolicy)

_Key = tuple[str, str, str, str]

MAX_KEYS = 4096
"""Answers remembered: more than a cluster has resources and operations; others are made anew."""


class PolicyIndex(Sequence[P], Generic[P]):
    """Policies of one kind, sorted by name; those without bindings are never in force."""

    def __init__(self, policies: Iterable[P] = ()) -> None:
        self._policies: tuple[P, ...] = tuple(sorted(policies, key=lambda policy: policy.name))
        self._bound = tuple(policy for policy in self._policies if policy.bindings)
        self._answers: dict[_Key, tuple[P, ...]] = {}

    def concerning(self, request: AdmissionRequest) -> tuple[P, ...]:
        """The policies whose rules name the request's resource and operation, by name."""
        resource = request.resource
        key = (resource.group, resource.resource, request.subresource, request.operation)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._concerning(request)
            if len(self._answers) < MAX_KEYS:
                self._answers[key] = answer
        return answer

    def _concerning(self, request: AdmissionRequest) -> tuple[P, ...]:
        if exempt(request):
            return ()
        return tuple(policy for policy in self._bound if may_concern(policy.match.rules, request))

    def __len__(self) -> int:
        return len(self._policies)

    def __iter__(self) -> Iterator[P]:
        return iter(self._policies)

    @overload
    def __getitem__(self, index: int) -> P: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[P, ...]: ...

    def __getitem__(self, index: int | slice) -> P | tuple[P, ...]:
        return self._policies[index]
