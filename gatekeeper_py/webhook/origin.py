"""Where the policies in force come from: files alone, or files and a live cluster."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper_py.cluster.snapshot import NAMESPACE, Snapshot
from gatekeeper_py.engine import Engine, Phase, load_policies, tenants_of
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Source, read
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersion, GroupVersionKind
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.loading import load as loading
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.matching.versions import versions_needed
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

STALE: Final = "{}. What needs it is refused, but for the platform"

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
        """Seconds since each kind of the cluster that is watched was last known whole."""

    def notices(self) -> list[str]:
        """What of the cluster is not known as it is now, and why."""

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

    def notices(self) -> list[str]:
        """None: files are as they are."""
        return []

    def load(self) -> Loaded:
        """An engine over the files."""
        try:
            cluster = Snapshot.of(read(self.cluster))
            engine = Engine.load(loading.read([self.policies]), cluster)
        except ManifestError as error:
            raise BadPolicies(tuple(map(str, error.problems))) from error

        def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
            return engine.review(request, PHASES[webhook], deadline=deadline)

        policies = engine.policies
        needed = _conversions(policies, cluster.kinds)
        tenants = tenants_of(policies)
        return Loaded(review, _count(policies), engine.owner, tenants=tenants, conversions=lambda: needed)


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
        """Of every kind that decisions may ask about, the oldest of its versions."""
        ages: dict[str, float] = {}
        for kind, age in self.live.ages.items():
            name = f"{kind.kind}.{kind.group}".rstrip(".")
            ages[name] = max(age, ages.get(name, 0.0))
        return ages

    def notices(self) -> list[str]:
        """The kinds that decisions cannot look up."""
        return [STALE.format(stale) for stale in self.live.stale.values()]

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

        return Loaded(
            review,
            _count(policies),
            owner,
            self._knows,
            self.live.inquire,
            tenants_of(policies),
            lambda: _conversions(policies, self.live.seen.kinds),
        )

    def _knows(self, namespace: str) -> bool:
        return self.live.seen.get(NAMESPACE, "", namespace) is not None

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


def _conversions(policies: PolicySet, kinds: Kinds) -> frozenset[GroupVersion]:
    return versions_needed((*policies.validating, *policies.mutating), kinds)


def _name(value: Mapping[str, object]) -> str:
    metadata = value.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, dict) else ""
