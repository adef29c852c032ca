"""The one way in: what the policies in force say about one request.

A review goes one way:

    extensions        what tenancy refuses whatever the policies say
    sharing.index     which policies name the request's resource and operation
    mutating          the object as the mutating policies leave it
    submission        that object as later admission sees it, with the defaults of what was added
    validating        the verdict of the validating policies on it
    verdict           the status and message of a refusal
    leniency          what is left of that where policies are not enforced
    patch             the difference between the object as sent and as admitted

`mutating` and `validating` each ask `sharing.shared` which policies still have something to say,
`selection` with which bindings and params, and evaluate those one by one (`mutation`, `evaluation`).

Pure and synchronous; an `Engine` is immutable and may be shared by any number of threads.
"""

from __future__ import annotations

import gc
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gatekeeper_py.cel import DeadlineExceeded
from gatekeeper_py.cluster.staleness import StaleView
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION, Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.admission.decision import Cause, Decision, Enforcement, Finding, Status
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import named, with_object
from gatekeeper_py.policy.evaluation.activation import Facts, NamespaceMissing
from gatekeeper_py.policy.leniency import lenient
from gatekeeper_py.policy.loading.load import LoadError, PolicySet, load
from gatekeeper_py.policy.model import MutatingPolicy, Policy, ValidatingPolicy
from gatekeeper_py.policy.mutating import mutate
from gatekeeper_py.policy.mutation.acceptance import check_metadata
from gatekeeper_py.policy.mutation.mutation import StatusError
from gatekeeper_py.policy.mutation.patch import difference
from gatekeeper_py.policy.selection import Review
from gatekeeper_py.policy.sharing.index import Candidates
from gatekeeper_py.policy.validating import validate
from gatekeeper_py.policy.verdict import NOTHING, Denial, Verdict, mutation_refused, validation_refused
from gatekeeper_py.tenancy.documents import is_tenancy_document, load_tenancy
from gatekeeper_py.tenancy.library import extension, read_ahead
from gatekeeper_py.tenancy.lookups import expressions, mistaken, steered
from gatekeeper_py.tenancy.mistakes import unknown_policies
from gatekeeper_py.tenancy.tenant import GROUP, Tenancy
from gatekeeper_py.tenancy.waivers import Waivers

__all__ = ["BOTH", "Engine", "Phase", "foresee", "load_policies", "load_with_tenancy", "prepare"]

Phase = Literal["mutate", "validate"]
"""What a webhook asks for: the changes, or the verdict on the changed object."""
BOTH: frozenset[Phase] = frozenset({"mutate", "validate"})

_Mutating: TypeAlias = Candidates[MutatingPolicy]
_Validating: TypeAlias = Candidates[ValidatingPolicy]

NO_MUTATING: _Mutating = Candidates(())
NO_VALIDATING: _Validating = Candidates(())
"""Of a phase that was not asked for."""

LEAVE_SECONDS = 0.25
"""Kept of a review's time where policies are not enforced, so that the leave to pass is not late itself."""

MUTABLE = frozenset({"CREATE", "UPDATE", "CONNECT"})
"""Operations whose object policies change: that of CONNECT is its options. DELETE has none."""


class Engine:
    """Policies over a view of the cluster."""

    def __init__(
        self, policies: PolicySet, cluster: ClusterView, basis: Iterable[GroupVersionKind] = ()
    ) -> None:
        self.policies = policies
        self.cluster = cluster
        self.basis = tuple(basis)
        """Kinds of the cluster from whose objects the policies themselves were made."""

    @classmethod
    def load(
        cls,
        manifests: Iterable[Manifest],
        cluster: ClusterView,
        living: Iterable[Manifest] = (),
        *,
        whole: bool = True,
    ) -> Engine:
        """From all manifests of a policies directory: policies, bindings, params and tenancy documents.

        `living` are tenancy documents that are objects of a cluster. Raise `LoadError` with everything that
        is wrong with the manifests. Of what is not `whole`, as the policies of one suite, documents may name
        policies that are elsewhere.
        """
        return cls(load_policies(manifests, living, whole=whole), cluster)

    def review(
        self,
        request: AdmissionRequest,
        phases: frozenset[Phase] = BOTH,
        *,
        deadline: float | None = None,
    ) -> Decision:
        """What becomes of a request: mutated first, then validated as the API server would show the result.

        Where policies are not enforced, it is admitted as it is, and what was decided is kept beside.
        `deadline` is the `time.monotonic()` at which an answer is of no more use; past it the review raises
        `DeadlineExceeded`. Nothing else is raised but for a bug, and neither where policies are not enforced.
        """
        for each in self.policies.extensions:
            if each.everywhere != "enforce":
                return self._held(request, phases, deadline)
        return self.judge(request, phases, deadline=deadline)

    def judge(
        self,
        request: AdmissionRequest,
        phases: frozenset[Phase] = BOTH,
        *,
        deadline: float | None = None,
    ) -> Decision:
        """What would become of a request were every one enforced. Raises as `review` does.

        What looks up a part of the cluster that is not known as it is now is refused, whatever the policies'
        failurePolicy; the platform goes on by what was known last.
        """
        try:
            return self._judged(request, phases, deadline)
        except StaleView as error:
            if not self._trusts(request):
                return _denied(request, Status(503, "ServiceUnavailable", messages.unknown_now(error)))
            return Engine(self.policies, error.last)._judged(request, phases, deadline)

    def _judged(
        self, request: AdmissionRequest, phases: frozenset[Phase], deadline: float | None
    ) -> Decision:
        """What the policies say, and what holds whatever they say."""
        for each in self.policies.extensions:
            if said := each.refusal(request, self.cluster):
                return _refused(request, said)
        decision = self._decided(request, phases, deadline)
        if decision.allowed and "validate" in phases:
            for each in self.policies.extensions:
                if said := each.objection(request, self.cluster):
                    return _refused(request, said)
        return decision

    def _decided(
        self, request: AdmissionRequest, phases: frozenset[Phase], deadline: float | None
    ) -> Decision:
        """What the policies say."""
        mutating, validating = self._concerning(request, phases)
        if not mutating and not validating:
            return Decision(allowed=True, object=request.object)
        for kind in self.basis:
            self.cluster.list(kind)
        return _Review(self, request, deadline).decide(mutating, validating)

    def enforcement(self, request: AdmissionRequest) -> Enforcement:
        """How far a request is held to the policies; wholly where the view is too old to tell.

        Documents of tenancy always are: they say who is not.
        """
        if request.kind.group == GROUP:
            return "enforce"
        try:
            for each in self.policies.extensions:
                if each.everywhere != "enforce":
                    return each.everywhere or each.enforcement(request, self.cluster)
        except StaleView:
            pass
        return "enforce"

    def _held(self, request: AdmissionRequest, phases: frozenset[Phase], deadline: float | None) -> Decision:
        """What becomes of a request where not every one is enforced."""
        enforcement = self.enforcement(request)
        if enforcement == "enforce":
            return self.judge(request, phases, deadline=deadline)
        return lenient(self._withheld(request, phases, deadline), enforcement, request.object)

    def _withheld(
        self, request: AdmissionRequest, phases: frozenset[Phase], deadline: float | None
    ) -> Decision:
        """What is decided where it is not enforced; no fault of ours stands in a request's way.

        A validating webhook is shown the object that the mutating one has left alone: what counts is the
        object as that one would have changed it.
        """
        if deadline is not None:
            deadline -= LEAVE_SECONDS
        try:
            if "mutate" in phases:
                return self.judge(request, phases, deadline=deadline)
            mutated = self.judge(request, frozenset({"mutate"}), deadline=deadline)
            if not mutated.allowed:
                return Decision(allowed=True, object=request.object)  # its own webhook says so
            changed = with_object(request, mutated.object, self.cluster) if mutated.patch else request
            return self.judge(changed, phases, deadline=deadline)
        except DeadlineExceeded:
            return _denied(request, Status(504, "Timeout", "the policies came to no decision in time"))
        except Exception as error:  # whatever it is: policies that are not enforced refuse nothing
            frame = traceback.extract_tb(error.__traceback__)[-1]
            message = f"internal error: {type(error).__name__} at {frame.filename}:{frame.lineno}"
            return _denied(request, Status(500, "InternalError", message))

    def owner(self, namespace: str) -> str:
        """The name of the tenant whose a namespace is; empty when it is nobody's, or unknown."""
        for each in self.policies.extensions:
            if found := each.owner(namespace, self.cluster):
                return found
        return ""

    def _trusts(self, request: AdmissionRequest) -> bool:
        """Whether the platform asks, or it is about what is the platform's, as far as that is known."""
        try:
            return any(each.trusts(request, self.cluster) for each in self.policies.extensions)
        except StaleView:
            return False

    def _concerning(
        self, request: AdmissionRequest, phases: frozenset[Phase]
    ) -> tuple[_Mutating, _Validating]:
        mutates = "mutate" in phases and request.operation in MUTABLE
        return (
            self.policies.mutating.concerning(request) if mutates else NO_MUTATING,
            self.policies.validating.concerning(request) if "validate" in phases else NO_VALIDATING,
        )


def prepare(policies: PolicySet) -> None:
    """Generate the code of all expressions, so that no review has to when it evaluates one first."""
    every: tuple[Policy, ...] = (*policies.validating, *policies.mutating)
    for policy in every:
        for expression in expressions(policy):
            expression.program.prepare()


def foresee(policies: PolicySet, request: AdmissionRequest) -> None:
    """Write now the functions for requests like this one, as if many had been asked already."""
    policies.mutating.concerning(request).foresee()
    policies.validating.concerning(request).join()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A load makes much that stays and little garbage; searching for it took up to a quarter of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def load_policies(
    manifests: Iterable[Manifest], living: Iterable[Manifest] = (), *, whole: bool = True
) -> PolicySet:
    """The policies alone of what `load_with_tenancy` reads."""
    return load_with_tenancy(manifests, living, whole=whole)[0]


@_collector_paused()
def load_with_tenancy(
    manifests: Iterable[Manifest], living: Iterable[Manifest] = (), *, whole: bool = True
) -> tuple[PolicySet, Tenancy]:
    """The policies, which may use tenancy's functions, and the tenancy; `LoadError` has the problems of both.

    `living` are tenancy documents that are objects of a cluster; one that is wrong costs only itself.
    """
    documents, guests = tuple(manifests), tuple(living)
    problems: list[Problem] = []
    try:
        tenancy = load_tenancy(documents, guests)
    except ManifestError as error:
        problems.extend(error.problems)
        tenancy = load_tenancy(())
    rest = (document for document in documents if not is_tenancy_document(document))
    try:
        policies = load(rest, extensions=(extension(tenancy),))
        read_ahead(policies, tenancy)
        problems.extend(steered(policies))
        definitions = [each.object for each in documents if each.kind == CUSTOM_RESOURCE_DEFINITION]
        problems.extend(mistaken(policies, Kinds.builtin().with_definitions(definitions)))
        if whole and not problems:
            problems.extend(unknown_policies(documents, policies.names))
        if not problems:
            waivers = Waivers.of(policies, documents, guests, whole=whole)
            problems.extend(waivers.problems)
    except LoadError as error:
        problems.extend(error.problems)
    if problems:
        raise LoadError(sorted(problems))
    return waivers.over_policies(policies, tenancy), waivers.over_tenancy(tenancy)


@dataclass(frozen=True, slots=True)
class _Review:
    """One review in which some policy may have a say."""

    engine: Engine
    request: AdmissionRequest
    deadline: float | None

    def decide(self, mutating: _Mutating, validating: _Validating) -> Decision:
        """Mutate the object, then validate what the mutating policies left."""
        request = self.request
        try:
            value, mutation = self._mutated(mutating)
            if mutation.denials:
                return _denied(request, mutation_refused(request, mutation.denials), mutation.findings)
            validation = self._validated(validating, value)
        except NamespaceMissing as error:
            return _denied(request, Status(404, "NotFound", str(error), request.namespace, "", "namespaces"))
        except StatusError as error:
            causes = (Cause(error.cause),) if error.cause else ()
            return _denied(request, Status(error.code, error.reason, str(error), causes=causes))
        return _decision(request, value, validation)

    def _mutated(self, mutating: _Mutating) -> tuple[Object | None, Verdict]:
        if not mutating:
            return self.request.object, NOTHING
        value, verdict = mutate(mutating, self._review(self.request))
        if not verdict.denials:
            check_metadata(self.request, value)
        return value, verdict

    def _validated(self, validating: _Validating, value: Object | None) -> Verdict:
        if not validating:
            return NOTHING
        request = self.request
        seen = request if value is request.object else with_object(request, value, self.engine.cluster)
        return validate(validating, self._review(named(seen)))

    def _review(self, request: AdmissionRequest) -> Review:
        policies = self.engine.policies
        facts = Facts(request, self.engine.cluster, policies.extensions)
        return Review(request, facts, policies.parameters, self.deadline)


def _denied(request: AdmissionRequest, status: Status, findings: tuple[Finding, ...] = ()) -> Decision:
    """A denial before any validation: the object stays as it was sent."""
    return Decision(allowed=False, status=status, object=request.object, findings=findings)


def _refused(request: AdmissionRequest, said: str) -> Decision:
    """A denial that no policy gives."""
    denials = [Denial(line, "Forbidden") for line in said.splitlines()]
    return _denied(request, validation_refused(request, denials), ())


def _decision(request: AdmissionRequest, value: Object | None, validation: Verdict) -> Decision:
    before = request.object
    allowed = not validation.denials
    return Decision(
        allowed=allowed,
        status=None if allowed else validation_refused(request, validation.denials),
        warnings=tuple(dict.fromkeys(validation.warnings)),
        audit_annotations=validation.annotations,
        patch=difference(before, value) if before is not None and value is not None else (),
        object=value,
        findings=validation.findings,
    )
