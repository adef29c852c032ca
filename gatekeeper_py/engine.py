"""The one way in: what the policies in force say about one request.

Pure and synchronous; an `Engine` is immutable and may be shared by any number of threads.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem
from gatekeeper_py.objects.resource import GroupVersionResource, Object
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.admission.decision import Cause, Decision, Status
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import with_object
from gatekeeper_py.policy.dispatch import Changed, Denial, Review, Scope, mutate, validate
from gatekeeper_py.policy.evaluation.activation import Facts, NamespaceMissing
from gatekeeper_py.policy.loading.load import LoadError, PolicySet, load
from gatekeeper_py.policy.model import MutatingPolicy, ValidatingPolicy
from gatekeeper_py.policy.mutation.mutation import Broken
from gatekeeper_py.policy.mutation.patch import difference
from gatekeeper_py.policy.sharing.index import Candidates
from gatekeeper_py.tenancy.documents import is_tenancy_document, load_tenancy
from gatekeeper_py.tenancy.library import extension
from gatekeeper_py.tenancy.lookups import steered

__all__ = ["BOTH", "Engine", "Phase", "load_policies"]

Phase = Literal["mutate", "validate"]
"""What a webhook asks for: the changes, or the verdict on the changed object."""
BOTH: frozenset[Phase] = frozenset({"mutate", "validate"})

_Mutating: TypeAlias = Candidates[MutatingPolicy]
_Validating: TypeAlias = Candidates[ValidatingPolicy]

NO_MUTATING: _Mutating = Candidates(())
NO_VALIDATING: _Validating = Candidates(())
"""Of a phase that was not asked for."""

CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413}
"""HTTP status of a validation's reason (validating/policy_decision.go)."""

UNPROCESSABLE = 422
"""HTTP status of every other reason."""

MUTABLE = frozenset({"CREATE", "UPDATE"})
"""Operations whose object policies change. DELETE has none; the options of CONNECT are left alone."""


class Engine:
    """Policies over a view of the cluster."""

    def __init__(self, policies: PolicySet, cluster: ClusterView) -> None:
        self.policies = policies
        self.cluster = cluster

    @classmethod
    def load(cls, manifests: Iterable[Manifest], cluster: ClusterView) -> Engine:
        """From all manifests of a policies directory: policies, bindings, params and tenancy documents.

        Raise `LoadError` with everything that is wrong with them.
        """
        return cls(load_policies(manifests), cluster)

    def review(
        self,
        request: AdmissionRequest,
        phases: frozenset[Phase] = BOTH,
        *,
        deadline: float | None = None,
    ) -> Decision:
        """What becomes of a request: mutated first, then validated as the API server would show the result.

        `deadline` is the `time.monotonic()` at which an answer is of no more use; past it the review raises
        `DeadlineExceeded`. Nothing else is raised but for a bug.
        """
        mutating, validating = self._concerning(request, phases)
        if not mutating and not validating:
            return Decision(allowed=True, object=request.object)
        scope = Scope(request, self.cluster, self.policies.parameters, deadline)
        return _Review(self, scope).decide(mutating, validating)

    def _concerning(
        self, request: AdmissionRequest, phases: frozenset[Phase]
    ) -> tuple[_Mutating, _Validating]:
        mutates = "mutate" in phases and request.operation in MUTABLE
        return (
            self.policies.mutating.concerning(request) if mutates else NO_MUTATING,
            self.policies.validating.concerning(request) if "validate" in phases else NO_VALIDATING,
        )


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A load makes much that stays and little garbage: looking for it took up to a quarter of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@_collector_paused()
def load_policies(manifests: Iterable[Manifest]) -> PolicySet:
    """Policies with the words of tenancy; raise `LoadError` with the problems of both."""
    documents = tuple(manifests)
    problems: list[Problem] = []
    try:
        tenancy = load_tenancy(documents)
    except ManifestError as error:
        problems.extend(error.problems)
        tenancy = load_tenancy(())
    rest = (document for document in documents if not is_tenancy_document(document))
    try:
        policies = load(rest, extensions=(extension(tenancy),))
        problems.extend(steered(policies))
    except LoadError as error:
        problems.extend(error.problems)
    if problems:
        raise LoadError(sorted(problems))
    return policies


@dataclass(frozen=True, slots=True)
class _Review:
    """One review that some policy may have a say in."""

    engine: Engine
    scope: Scope

    def decide(self, mutating: _Mutating, validating: _Validating) -> Decision:
        request = self.scope.request
        try:
            mutation = self._mutated(mutating) if mutating else Changed(request.object)
            if mutation.denials:
                return self._mutation_refused(mutation)
            review = self._validated(validating, mutation.value) if validating else Review()
        except NamespaceMissing as error:
            missing = Status(404, "NotFound", str(error), name=request.namespace, kind="namespaces")
            return Decision(allowed=False, status=missing, object=request.object)
        except Broken as error:
            return Decision(allowed=False, status=_broken(error), object=request.object)
        return self._reviewed(review, mutation.value)

    def _mutated(self, mutating: _Mutating) -> Changed:
        request = self.scope.request
        return mutate(mutating, self.scope, self._facts(request), request.object)

    def _validated(self, validating: _Validating, value: Object | None) -> Review:
        request, cluster = self.scope.request, self.engine.cluster
        seen = request if value is request.object else with_object(request, value, cluster)
        return validate(validating, replace(self.scope, request=seen), self._facts(seen), seen.object)

    def _facts(self, request: AdmissionRequest) -> Facts:
        return Facts(request, self.engine.cluster, self.engine.policies.extensions)

    def _mutation_refused(self, mutation: Changed) -> Decision:
        reason = mutation.denials[0].reason or "Forbidden"
        said = "\n".join(dict.fromkeys(denial.message for denial in mutation.denials))
        return Decision(
            allowed=False,
            status=self._status(403, reason, said, mutation.denials),
            object=self.scope.request.object,
            findings=tuple(mutation.findings),
        )

    def _reviewed(self, review: Review, value: Object | None) -> Decision:
        before = self.scope.request.object
        allowed = not review.denials
        patch = difference(before, value) if before is not None and value is not None else ()
        return Decision(
            allowed=allowed,
            status=None if allowed else self._validation_refused(review.denials),
            warnings=tuple(dict.fromkeys(review.warnings)),
            audit_annotations=review.annotations,
            patch=patch,
            object=value,
            findings=tuple(review.findings),
        )

    def _validation_refused(self, denials: Sequence[Denial]) -> Status:
        """The first denial gives reason and code; the message has a line for each."""
        reason = denials[0].reason or "Invalid"
        resource, name = self._resource, _name(self.scope.request)
        lines = (
            messages.forbidden(resource.resource, resource.group, name, denial.message) for denial in denials
        )
        said = "\n".join(dict.fromkeys(lines))
        return self._status(CODES.get(reason, UNPROCESSABLE), reason, said, denials)

    def _status(self, code: int, reason: str, message: str, denials: Sequence[Denial]) -> Status:
        resource = self._resource
        causes = tuple(Cause(said) for said in dict.fromkeys(denial.message for denial in denials))
        name = _name(self.scope.request)
        return Status(code, reason, message, name, resource.group, resource.resource, causes)

    @property
    def _resource(self) -> GroupVersionResource:
        """What the client asked for, whatever the API server converted it to."""
        return self.scope.request.request_resource or self.scope.request.resource


def _broken(error: Broken) -> Status:
    causes = (Cause(error.cause),) if error.cause else ()
    return Status(error.code, error.reason, str(error), causes=causes)


def _name(request: AdmissionRequest) -> str:
    """How denials name the object (admission/errors.go)."""
    if request.name:
        return request.name
    metadata = (request.object or {}).get("metadata") or {}
    return str(metadata.get("name") or metadata.get("generateName") or "Unknown")
