"""`gatekeeper audit --control-plane`: what exists at a tenant's own API server, by what holds there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from gatekeeper_py.audit.intake import Intake, take_objects
from gatekeeper_py.audit.spool import Spool, SpooledCluster
from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.sources import access_to, listed, load_policies, make_engine, read_cluster
from gatekeeper_py.cluster.bounds import FOREIGN
from gatekeeper_py.cluster.overlay import Overlay
from gatekeeper_py.cluster.snapshot import NAMESPACE, Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.tenancy.control_plane import ControlPlane
from gatekeeper_py.tenancy.control_planes import inside, why_closed
from gatekeeper_py.tenancy.library import extension
from gatekeeper_py.tenancy.refusals import TENANCY_KINDS, document_of
from gatekeeper_py.tenancy.tenant import GROUP, Tenancy

__all__ = ["Plane", "plane_of"]

RUNTIME_CLASS: Final = GroupVersionKind("node.k8s.io", "v1", "RuntimeClass")
HOST_KINDS: Final = (NAMESPACE, RUNTIME_CLASS, *TENANCY_KINDS)
"""What of the host holds in a control plane."""

BOUNDS: Final = replace(FOREIGN, share=1.0, together=1.0, total=2 << 30)
"""As for one that is followed; nobody else waits for this process, and what is read lies on disk."""

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Plane:
    """A control plane, and what holds there."""

    document: ControlPlane
    engine: Engine
    """The host's."""
    tenancy: Tenancy
    """The host's."""
    host: Snapshot
    kubeconfig: Path | None
    """The host's."""

    @property
    def there(self) -> Tenancy:
        """Whose is what there."""
        return inside(self.document, self.tenancy)

    def take(self, intake: Intake, spool: Spool, advance: Advance) -> Snapshot:
        """Put all that exists there into a spool; raises `InputError` when it does not answer."""
        from gatekeeper_py.cluster.live import ClusterError, walk_cluster
        from gatekeeper_py.installation.kubeconfigs import Kubeconfigs

        where = f"control plane {self.document.name}"

        def keep(objects: Sequence[Object]) -> None:
            good = [each for each in objects if _is_object(each)]
            take_objects(intake, spool, good, where)
            if len(good) < len(objects):
                intake.problems.append(Problem(where, 0, 0, NAMELESS.format(len(objects) - len(good))))
            advance(len(objects))

        host = access_to(self.kubeconfig) if self.document.secret is not None else None
        try:
            unlisted = walk_cluster(Kubeconfigs(host)(self.document), keep, bounds=BOUNDS)
        except ClusterError as error:
            raise InputError(f"{where}: {error}") from error
        intake.problems += _unlisted(where, unlisted)
        if not intake.objects and not unlisted:
            intake.problems.append(Problem(where, 0, 0, "it shows no object"))
        return Snapshot.of(intake.kept, complete=not unlisted)

    def judge(self, snapshot: Snapshot, spool: Spool) -> Engine:
        """What judges there."""
        policies = replace(self.engine.policies, extensions=(extension(self.there),))
        view = Overlay(SpooledCluster(snapshot, spool), self.host, GROUP)
        return Engine(policies, view, TENANCY_KINDS)


def plane_of(
    name: str, policies: Path, cluster: Path | None, kubeconfig: Path | None, *, allow_none: bool
) -> Plane:
    """By documents of files, and of the host; raises `InputError` unless it is in force."""
    if cluster is None and kubeconfig is None:
        raise InputError(NO_HOST)
    if kubeconfig is None:
        host, living = read_cluster(cluster), list[Manifest]()
    else:
        host, living = _host(kubeconfig)
    loaded = load_policies(policies, living)
    engine, tenancy = make_engine(loaded, host, allow_none=allow_none), loaded.tenancy
    found = next((each for each in tenancy.control_planes if each.name == name), None)
    if found is None:
        raise InputError(f"control plane {name}: {why_closed(tenancy, name) or NO_DOCUMENT}")
    return Plane(found, engine, tenancy, host, kubeconfig)


def _host(kubeconfig: Path) -> tuple[Snapshot, list[Manifest]]:
    """What of the host counts, all of it: without, nobody could tell what holds."""
    objects = listed(kubeconfig, HOST_KINDS, "the host's ")
    return Snapshot(objects, complete=True), list(map(document_of, filter(_is_document, objects)))


def _is_document(value: Object) -> bool:
    return str(value.get("apiVersion", "")).startswith(f"{GROUP}/")


def _is_object(value: Mapping[str, Any]) -> bool:
    """Whether it has a name: a tenant's API server may list what it likes."""
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return False
    return isinstance(metadata.get("namespace", ""), str)


def _unlisted(where: str, unlisted: Mapping[GroupVersionKind, str]) -> Iterator[Problem]:
    for kind, why in unlisted.items():
        yield Problem(where, 0, 0, f"{kind.api_version} {kind.kind}: {why}")


# --- what users are told ---------------------------------------------------------------------------------

NO_HOST: Final = (
    "--control-plane needs the host: name --kubeconfig, or --cluster with its Namespaces and RuntimeClasses"
)
NO_DOCUMENT: Final = "there is no ControlPlane of that name in --policies, nor in --kubeconfig"
NAMELESS: Final = "{} objects without a name"
