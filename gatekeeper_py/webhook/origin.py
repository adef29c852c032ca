"""Where the policies in force come from: files alone, or files and a live cluster."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, Phase, load_policies, tenants_of
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Source, read
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.loading import load as loading
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.tenancy.documents import API_VERSION
from gatekeeper_py.tenancy.lookups import looked_up
from gatekeeper_py.webhook.revision import BadPolicies, Loaded, Webhook
from gatekeeper_py.webhook.watch import fingerprint

if TYPE_CHECKING:
    from gatekeeper_py.cluster.live import LiveCluster

__all__ = ["TENANCY_KINDS", "FromCluster", "FromFiles", "Origin"]

PHASES: Mapping[Webhook, frozenset[Phase]] = {
    "mutate": frozenset({"mutate"}),
    "validate": frozenset({"validate"}),
}

SYNC_SECONDS: Final = 60
"""How long the cluster may take to be read for the first time."""

TENANCY_KINDS = tuple(GroupVersionKind.parse(API_VERSION, kind) for kind in ("Tenant", "TenancySettings"))
"""Documents that may also be objects in the cluster."""


class Origin(Protocol):
    """Where policies and the picture of the cluster come from."""

    @property
    def watched(self) -> list[Path]:
        """Files and folders to watch."""

    def look(self) -> Hashable:
        """A fingerprint of what `load` reads."""

    def ages(self) -> Mapping[str, float]:
        """Seconds since each kind of the cluster that is watched was last heard of."""

    def load(self) -> Loaded:
        """What is there now; raises `BadPolicies`."""


class FromFiles:
    """Policies and the cluster as files."""

    def __init__(self, policies: Path, cluster: Path | None) -> None:
        self.policies = policies
        self.cluster = [] if cluster is None else [cluster]

    @property
    def watched(self) -> list[Path]:
        """Files and folders to watch."""
        return [self.policies, *self.cluster]

    def look(self) -> Hashable:
        """The files."""
        return fingerprint(self.watched)

    def ages(self) -> Mapping[str, float]:
        """None: nothing is watched."""
        return {}

    def load(self) -> Loaded:
        """An engine over the files."""
        try:
            engine = Engine.load(loading.read([self.policies]), Snapshot.of(read(self.cluster)))
        except ManifestError as error:
            raise BadPolicies(tuple(map(str, error.problems))) from error

        def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
            return engine.review(request, PHASES[webhook], deadline=deadline)

        policies = engine.policies
        return Loaded(review, _count(policies), engine.owner, tenants=tenants_of(policies))


class FromCluster:
    """Policies as files, the cluster as it is from moment to moment."""

    def __init__(self, policies: Path, live: LiveCluster) -> None:
        self.policies = policies
        self.live = live

    @property
    def watched(self) -> list[Path]:
        """Files and folders to watch."""
        return [self.policies]

    def look(self) -> Hashable:
        """The files, and the Tenants of the cluster."""
        if not self.live.synced:
            return None
        tenants = (document.object["metadata"] for document in self._tenancy())
        return fingerprint(self.watched), tuple((m.get("uid"), m.get("resourceVersion")) for m in tenants)

    def ages(self) -> Mapping[str, float]:
        """Of every kind that decisions may ask about."""
        return {f"{kind.kind}.{kind.group}".rstrip("."): age for kind, age in self.live.ages.items()}

    def load(self) -> Loaded:
        """An engine over each picture of the cluster, once it has been read."""
        self._sync()
        try:
            policies = load_policies((*loading.read([self.policies]), *self._tenancy()))
        except ManifestError as error:
            raise BadPolicies(tuple(map(str, error.problems))) from error
        self.live.follow(looked_up(policies))
        self._sync()

        def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
            engine = Engine(policies, self.live.view, TENANCY_KINDS)
            return engine.review(request, PHASES[webhook], deadline=deadline)

        def owner(namespace: str) -> str:
            return Engine(policies, self.live.seen).owner(namespace)

        return Loaded(review, _count(policies), owner, self.live.knows, tenants_of(policies))

    def _sync(self) -> None:
        if not self.live.wait_until_synced(SYNC_SECONDS):
            raise BadPolicies(
                tuple(f"the cluster: {kind.kind}: {why}" for kind, why in self.live.problems.items())
            )

    def _tenancy(self) -> list[Manifest]:
        """Tenants and settings that are objects of the cluster, each named as a file would be."""
        found = (value for kind in TENANCY_KINDS for value in self.live.seen.list(kind))
        return [Manifest(value, Source(f"cluster/{value['kind']}/{_name(value)}")) for value in found]


def _count(policies: PolicySet) -> int:
    return len(policies.mutating) + len(policies.validating)


def _name(value: Mapping[str, object]) -> str:
    metadata = value.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, dict) else ""
