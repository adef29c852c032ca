"""Where the policies in force come from: files alone, or files and a live cluster."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper_py.cluster.snapshot import NAMESPACE, Snapshot
from gatekeeper_py.engine import Engine, Phase, load_with_tenancy
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, read
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersion, Object
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.immutable import replace
from gatekeeper_py.policy.loading import load as loading
from gatekeeper_py.policy.loading.idle import idle, nothing_in, unserved
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.matching.versions import versions_needed
from gatekeeper_py.tenancy.ceiling import POD
from gatekeeper_py.tenancy.lookups import asks_about_tenants
from gatekeeper_py.tenancy.reading import declares_tenancy
from gatekeeper_py.tenancy.reads import read_by
from gatekeeper_py.tenancy.refusals import TENANCY_KINDS, living
from gatekeeper_py.tenancy.tenant import Ceiling
from gatekeeper_py.webhook.inventory import Inventory
from gatekeeper_py.webhook.promises import Book
from gatekeeper_py.webhook.revision import BadPolicies, Loaded, Webhook
from gatekeeper_py.webhook.watch import fingerprint

if TYPE_CHECKING:
    from gatekeeper_py.cluster.live import LiveCluster

__all__ = ["PHASES", "TENANCY_KINDS", "Demands", "FromCluster", "FromFiles", "Origin"]

PHASES: Mapping[Webhook, frozenset[Phase]] = {
    "mutate": frozenset({"mutate"}),
    "validate": frozenset({"validate"}),
}

STALE: Final = "{}. What needs it is refused, but for the platform"

SYNC_SECONDS: Final = 60
"""How long the cluster may take to be read for the first time."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What must be there to be served: an empty folder allows everything, and is seldom meant."""

    policies: bool = True
    tenants: bool = True
    """Tenancy documents, where a policy asks about tenants."""

    def check(self, folder: Path, policies: PolicySet, documents: Iterable[Manifest]) -> None:
        """Raise `BadPolicies` when something is missing."""
        if self.policies and not policies.validating and not policies.mutating:
            raise BadPolicies((f"{nothing_in(folder)}; --allow-no-policies would serve without",))
        if self.tenants and asks_about_tenants(policies) and not any(map(declares_tenancy, documents)):
            raise BadPolicies((f"{folder}: {NO_TENANCY}",))


NO_TENANCY = (
    "the policies ask about tenants, and there is no tenancy document. Add the TenancySettings, or a Tenant; "
    "--allow-no-tenants would serve without, and nothing would be a tenant's"
)


class Origin(Protocol):
    """Where policies and the picture of the cluster come from."""

    @property
    def watched(self) -> list[Path]:
        """Files and folders to watch."""

    def fingerprint(self) -> Hashable:
        """A fingerprint of what `load` reads."""

    def ages(self) -> Mapping[str, float]:
        """Seconds since each kind of the cluster that is watched was last known whole."""

    def notices(self) -> list[str]:
        """What of the cluster is not known as it is now, and why."""

    def load(self) -> Loaded:
        """What is there now; raises `BadPolicies`."""


class FromFiles:
    """Policies and the cluster as files."""

    def __init__(self, policies: Path, cluster: Path | None, demands: Demands = Demands()) -> None:
        self.policies = policies
        self.cluster = [] if cluster is None else [cluster]
        self.demands = demands

    @property
    def watched(self) -> list[Path]:
        """Files and folders to watch."""
        return [self.policies, *self.cluster]

    def fingerprint(self) -> Hashable:
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
        with _bad_policies():
            files = loading.read([self.policies])
            cluster = Snapshot.of(read(self.cluster))
            policies, tenancy = load_with_tenancy(files)
        self.demands.check(self.policies, policies, files)
        engine = Engine(policies, cluster)

        def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
            # These files do not change by what is admitted: nobody could tell what is left of a ceiling.
            asked = replace(request, promised=None)
            return engine.review(asked, PHASES[webhook], deadline=deadline)

        needed = _conversions(policies, cluster.kinds)
        return Loaded(
            review,
            _count(policies),
            engine.owner,
            policies=policies,
            inventory=Inventory.of(files, policies),
            tenancy=tenancy,
            view=lambda: cluster,
            warnings=partial(_idle(policies), cluster.kinds),
            conversions=lambda: needed,
        )


class FromCluster:
    """Policies as files, the cluster as it is from moment to moment."""

    def __init__(self, policies: Path, live: LiveCluster, demands: Demands = Demands()) -> None:
        self.policies = policies
        self.live = live
        self.demands = demands
        self._book = Book(live.max_age)

    @property
    def watched(self) -> list[Path]:
        """Files and folders to watch."""
        return [self.policies]

    def fingerprint(self) -> Hashable:
        """The files, and the Tenants of the cluster."""
        return fingerprint(self.watched), self._versions()

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
        with _bad_policies():
            files = loading.read([self.policies])
        return self._build(files)

    def _build(self, files: tuple[Manifest, ...]) -> Loaded:
        """The files over the tenants of the cluster as they are now."""
        documents, versions = self._documents(), self._versions()
        with _bad_policies():
            policies, tenancy = load_with_tenancy(files, documents)
        self.demands.check(self.policies, policies, (*files, *documents))
        new = self.live.follow(read_by(policies, ceilings=tenancy.has_ceilings))
        try:
            self._sync()
        except BadPolicies:
            self.live.unfollow(new)
            raise

        def decide(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
            engine = Engine(policies, self.live.view, TENANCY_KINDS)
            return engine.review(request, PHASES[webhook], deadline=deadline)

        def look(namespace: str, name: str) -> Object | None:
            return self.live.seen.get(POD, namespace, name)

        def owner(namespace: str) -> str:
            return Engine(policies, self.live.seen).owner(namespace)

        def bounded(namespace: str) -> bool:
            return tenancy.by_name.get(owner(namespace), tenancy.template).ceiling != Ceiling()

        review = self._book.keeping(decide, look, bounded) if tenancy.has_ceilings else decide
        return Loaded(
            review,
            _count(policies),
            owner,
            self._knows,
            self.live.inquire,
            lambda: _conversions(policies, self.live.seen.kinds),
            self._picture,
            policies,
            Inventory.of(files, policies, documents),
            tenancy,
            view=lambda: self.live.view,
            warnings=partial(self._warnings, _idle(policies, complete=True)),
            renew=lambda: None if self._versions() == versions else self._build(files),
        )

    def _picture(self) -> tuple[object, ...]:
        """What is seen, and whether all of it may be looked up."""
        seen = self.live.seen
        return seen, self.live.view is seen

    def _knows(self, namespace: str) -> bool:
        return self.live.seen.get(NAMESPACE, "", namespace) is not None

    def _versions(self) -> tuple[tuple[object, object], ...]:
        return tuple(map(_version, self._documents()))

    def _warnings(self, find: Callable[[Kinds], tuple[str, ...]]) -> tuple[str, ...]:
        """What does nothing in the cluster as it is now; nothing is known while a kind is not read yet."""
        return find(self.live.seen.kinds) if self.live.synced else ()

    def _sync(self) -> None:
        if not self.live.wait_until_synced(SYNC_SECONDS):
            raise BadPolicies(
                tuple(f"the cluster: {kind.kind}: {why}" for kind, why in self.live.problems.items())
            )

    def _documents(self) -> tuple[Manifest, ...]:
        """Tenants and settings that are objects of the cluster."""
        return living(self.live.seen)


@contextmanager
def _bad_policies() -> Iterator[None]:
    try:
        yield
    except ManifestError as error:
        raise BadPolicies(tuple(map(str, error.problems))) from error


def _idle(policies: PolicySet, *, complete: bool = False) -> Callable[[Kinds], tuple[str, ...]]:
    """Finds what of the policies does nothing where these kinds are served, and remembers its last answer.

    They may be all there are (`complete`), or some of them.
    """

    @lru_cache(maxsize=1)
    def find(kinds: Kinds) -> tuple[str, ...]:
        names = unserved(policies, kinds) if complete else ()
        told = (f"the cluster serves nothing that these policies are about: {', '.join(names)}",)
        return (*map(str, idle(policies, kinds)), *(told if names else ()))

    return find


def _count(policies: PolicySet) -> int:
    return len(policies.mutating) + len(policies.validating)


def _conversions(policies: PolicySet, kinds: Kinds) -> frozenset[GroupVersion]:
    return versions_needed((*policies.validating, *policies.mutating), kinds)


def _version(document: Manifest) -> tuple[object, object]:
    """Which object it is, in which version of its spec: the server's own writing of status counts not."""
    metadata = document.object["metadata"]
    return metadata.get("uid"), metadata.get("generation") or metadata.get("resourceVersion")
