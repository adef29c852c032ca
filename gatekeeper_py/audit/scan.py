"""What is wrong with objects: those that exist, and those that authors are about to submit.

What exists is judged as it is, as if its tenant created it now (`requester`); what mutation would change is
told beside it, as drift. What an author submits is judged as it would be admitted, mutation first: what
`review` admits is clean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from gatekeeper_py.audit.requester import Requester, asked_by_tenant, requester_of, tenant_user
from gatekeeper_py.audit.stored import as_sent
from gatekeeper_py.audit.target import Target
from gatekeeper_py.cluster.absence import Without
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.engine import Engine, Phase
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem
from gatekeeper_py.policy.admission.changes import Change, changes
from gatekeeper_py.policy.admission.decision import Decision, Enforcement, Finding
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import Submission, make_request, named, with_object
from gatekeeper_py.tenancy.context import Context
from gatekeeper_py.tenancy.tenant import ContestedNamespace, Tenancy
from gatekeeper_py.tenancy.virtual_nodes import NodeProfile

__all__ = ["CLUSTER_WIDE", "UNOWNED", "Audited", "Auditor", "scan", "tenant_of"]

CLUSTER_WIDE = "(cluster-wide)"
"""Stands for the tenant of objects outside any namespace."""

VALIDATE: frozenset[Phase] = frozenset({"validate"})
MUTATE: frozenset[Phase] = frozenset({"mutate"})

CONTESTED = "(contested)"
UNOWNED = "(none)"


@dataclass(frozen=True, slots=True)
class Audited:
    """One object and what is wrong with it."""

    target: Target
    tenant: str
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    """What mutating policies would change in what exists, were it created now."""
    error: str = ""
    """Why the object could not be judged: a denial that no validation gave."""
    enforcement: Enforcement = "enforce"
    """How far an object like it is held to what is found."""
    platform: str = ""
    """Why an object in a tenant's namespace is taken for the platform's own; empty when it is not."""
    reserved: tuple[Finding, ...] = ()
    """What of that is refused to tenants, and not to the platform."""
    concerns: tuple[str, ...] = ()
    """Other tenants that what is found is about: whom a binding gives something."""
    manifest: Manifest | None = field(default=None, compare=False)
    """The object as it was read, while it is judged: nothing that many are kept of."""

    @property
    def violates(self) -> bool:
        """Whether the object would be denied today."""
        return self.enforcement == "enforce" and self.is_amiss

    @property
    def is_amiss(self) -> bool:
        """Whether the object would be denied were policies enforced."""
        return bool(self.error) or any("Deny" in finding.actions for finding in self.findings)


@dataclass(frozen=True, slots=True)
class _Question:
    """An object, what is asked about it, and of whom."""

    manifest: Manifest
    request: AdmissionRequest
    before: Engine
    """As it was when the object was not there yet."""
    requester: Requester | None = None
    """Who is taken to have made what exists."""

    def mutate(self) -> Decision:
        """What the mutating policies make of it."""
        return self.before.judge(self.request, MUTATE)

    def validate(self) -> Decision:
        """What the validating policies say of it as it is."""
        return self.before.judge(self.request, VALIDATE)

    def admitted(self, mutated: Decision) -> _Question:
        """The same as validation asks it, of the object that mutation left."""
        seen = with_object(self.request, mutated.object, self.before.cluster)
        return replace(self, request=named(seen))


@dataclass(frozen=True, slots=True)
class Auditor:
    """Judges objects, each as if it were alone."""

    engine: Engine
    tenancy: Tenancy
    submission: Submission
    existing: bool = True
    """Objects are judged as they are; otherwise as they would be admitted."""
    as_tenant: bool = False
    """What would be admitted is asked for by the tenant of its namespace, not by the submission's user."""

    def judge(self, manifest: Manifest) -> Audited:
        """What is wrong with an object; raise `ManifestError` when it cannot be asked about."""
        (answer,) = self.judge_all((manifest,))
        if isinstance(answer, ManifestError):
            raise answer
        return answer

    def judge_all(self, manifests: Iterable[Manifest]) -> list[Audited | ManifestError]:
        """What is wrong with each object, or why it cannot be asked about.

        They go through each step together: a processor that takes one object after the other through every
        step finds the code of no step in its cache, and takes a fifth longer. Of many, their data are not.
        """
        asked = [self._question(manifest) for manifest in manifests]
        questions = [each for each in asked if isinstance(each, _Question)]
        answers = iter(self._existing(questions) if self.existing else self._submitted(questions))
        return [each if isinstance(each, ManifestError) else next(answers) for each in asked]

    def _question(self, manifest: Manifest) -> _Question | ManifestError:
        cluster = self.engine.cluster
        try:
            if not self.existing:
                request = make_request(manifest, cluster, self.submission)
                if self.as_tenant:
                    request = asked_by_tenant(request, self.tenancy, cluster)
                return _Question(manifest, request, _before(self.engine, request))
            sent = replace(manifest, object=as_sent(manifest.object, cluster))
            request = make_request(sent, cluster, self.submission)
        except ManifestError as error:
            return error
        requester = requester_of(Context(self.tenancy, cluster, request))
        request = replace(request, user=requester.user)
        return _Question(manifest, request, _before(self.engine, request), requester)

    def _existing(self, questions: Sequence[_Question]) -> Iterator[Audited]:
        validated = [each.validate() for each in questions]
        mutated = [each.mutate() for each in questions]
        return map(self._as_it_is, questions, validated, mutated)

    def _as_it_is(self, asked: _Question, validated: Decision, mutated: Decision) -> Audited:
        request, before = asked.request, asked.before
        platform = asked.requester.platform if asked.requester is not None else ""
        tenant = tenant_of(self.tenancy, self.engine.cluster, request)
        return Audited(
            Target.of(asked.manifest, request, request.object, self._profiles(tenant)),
            tenant,
            validated.findings,
            tuple(changes(request.object, mutated.object)) if mutated.allowed else (),
            _error(validated) or _error(mutated),
            before.enforcement(request),
            platform,
            self._refused_to_tenants(asked, validated) if platform else (),
            manifest=asked.manifest,
        )

    def _submitted(self, questions: Sequence[_Question]) -> Iterator[Audited]:
        mutated = [each.mutate() for each in questions]
        seen = [each.admitted(left) for each, left in zip(questions, mutated, strict=True)]
        validated = [
            each.validate() if left.allowed else left for each, left in zip(seen, mutated, strict=True)
        ]
        return map(self._as_admitted, questions, mutated, validated)

    def _as_admitted(self, asked: _Question, mutated: Decision, decision: Decision) -> Audited:
        request, enforcement = asked.request, asked.before.enforcement(asked.request)
        error = _error(decision)
        admitted = mutated.object if enforcement == "enforce" and not error else request.object
        tenant = tenant_of(self.tenancy, self.engine.cluster, request)
        target = Target.of(asked.manifest, request, admitted, self._profiles(tenant))
        said = decision.findings, (), error
        return Audited(target, tenant, *said, enforcement, manifest=asked.manifest)

    def _refused_to_tenants(self, asked: _Question, validated: Decision) -> tuple[Finding, ...]:
        """What is found beyond that if not the platform but the tenant had made the object."""
        context = Context(self.tenancy, self.engine.cluster, asked.request)
        tenant = context.tenant()
        if tenant is None:
            return ()
        request = replace(asked.request, user=tenant_user(context, tenant))
        return tuple(
            finding
            for finding in replace(asked, request=request).validate().findings
            if "Deny" in finding.actions and finding not in validated.findings
        )

    def _profiles(self, tenant: str) -> list[NodeProfile]:
        """Those of virtual nodes, that of a tenant first: several may share their labels."""
        found = self.tenancy.by_name.get(tenant)
        own = [found.nodes.profile] if found is not None and found.nodes.profile is not None else []
        return [*own, *self.tenancy.settings.virtual_nodes.values()]


def scan(
    engine: Engine,
    tenancy: Tenancy,
    manifests: Iterable[Manifest],
    submission: Submission,
    *,
    existing: bool = True,
) -> Iterator[Audited | Problem]:
    """Each object in its order, or why it cannot be asked about; `existing` ones are judged as they are."""
    auditor = Auditor(engine, tenancy, submission, existing)
    for manifest in manifests:
        try:
            yield auditor.judge(manifest)
        except ManifestError as error:
            yield from error.problems


def _before(engine: Engine, request: AdmissionRequest) -> Engine:
    """The engine as it was when the object was not there yet: what counts objects does not count it."""
    return Engine(engine.policies, Without(engine.cluster, request.resource, request.namespace, request.name))


def _error(decision: Decision) -> str:
    """The message of a denial that no finding explains."""
    if decision.allowed or decision.status is None or any("Deny" in f.actions for f in decision.findings):
        return ""
    return decision.status.message


def tenant_of(tenancy: Tenancy, cluster: ClusterView, request: AdmissionRequest) -> str:
    """The name of the tenant that an object belongs to, or in brackets why there is none."""
    try:
        owner = Context(tenancy, cluster, request).tenant()
    except ContestedNamespace:
        return CONTESTED
    if owner is not None:
        return owner.name
    return UNOWNED if request.namespace else CLUSTER_WIDE
