"""From the paths of a command line to an engine and manifests; what cannot be read is an `InputError`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.options import IGNORE, WARN
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_with_tenancy
from gatekeeper_py.manifests.fieldvalidation import validated
from gatekeeper_py.manifests.folder import files, is_stream
from gatekeeper_py.manifests.manifest import (
    STDIN,
    Manifest,
    ManifestError,
    Problem,
    Reading,
    read,
    read_all,
    read_all_text,
)
from gatekeeper_py.manifests.pieces import Piece, file_pieces, stream_pieces
from gatekeeper_py.manifests.undefined import Undefined, undefined
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.admission.admission_review import KIND as REVIEW
from gatekeeper_py.policy.admission.text import printable
from gatekeeper_py.policy.loading import load as loading
from gatekeeper_py.policy.loading.idle import idle, nothing_in
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.tenancy.lookups import asks_about_tenants
from gatekeeper_py.tenancy.reading import declares_tenancy
from gatekeeper_py.tenancy.tenant import Tenancy
from gatekeeper_py.tenancy.waivers import neglected

__all__ = [
    "NO_TENANT_ASKED",
    "STANDARD_INPUT",
    "Loaded",
    "access_to",
    "demand_tenants",
    "gather",
    "input_errors",
    "listed",
    "load_engine",
    "load_policies",
    "make_engine",
    "note",
    "nothing_in_file",
    "pieces_of",
    "read_cluster",
    "read_files",
    "read_policies",
    "sift",
    "warn",
]

if TYPE_CHECKING:
    from gatekeeper_py.installation.access import Access

STANDARD_INPUT = "-"


@contextmanager
def input_errors() -> Iterator[None]:
    """Turn problems of manifests into the command's error: `file:line:column: what. remedy`."""
    try:
        yield
    except ManifestError as error:
        raise InputError(str(error)) from error


def read_cluster(path: Path | None, existing: Sequence[Manifest] = ()) -> Snapshot:
    """What exists: as `--cluster` says, and these objects."""
    with input_errors():
        manifests = read([path]) if path is not None else ()
    if path is not None and not manifests:
        warn([f"{path}: holds no object, so nothing is known of the cluster"])
    return Snapshot.of((*manifests, *existing))


def access_to(kubeconfig: Path | None) -> Access:
    """The API server of a kubeconfig, or (None) of the environment."""
    from gatekeeper_py.cluster.live import ClusterError, configuration
    from gatekeeper_py.installation.access import Access

    try:
        return Access(configuration(kubeconfig))
    except ClusterError as error:
        raise InputError(str(error)) from error


def load_engine(policies: Path, cluster: Snapshot, *, allow_none: bool = False) -> Engine:
    """The engine for a folder of policies; see `make_engine`."""
    return make_engine(load_policies(policies), cluster, allow_none=allow_none)


def read_policies(policies: Path) -> tuple[Manifest, ...]:
    """What a folder of policies holds."""
    with input_errors():
        return loading.read([policies])


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a folder of policies means."""

    folder: Path
    documents: tuple[Manifest, ...]
    """Those of the folder, and the tenancy documents of the cluster."""
    policies: PolicySet
    tenancy: Tenancy


def load_policies(folder: Path, living: Sequence[Manifest] = ()) -> Loaded:
    """A folder of policies; `living` are tenancy documents of a cluster."""
    documents = read_policies(folder)
    with input_errors():
        return Loaded(folder, (*documents, *living), *load_with_tenancy(documents, living))


def make_engine(loaded: Loaded, cluster: Snapshot, *, allow_none: bool = False) -> Engine:
    """The engine for what a folder holds; there must be policies, unless none are allowed.

    What does nothing is said on stderr.
    """
    policies, tenancy = loaded.policies, loaded.tenancy
    if not policies.validating and not policies.mutating and not allow_none:
        raise InputError(f"{nothing_in(loaded.folder)}; --allow-no-policies would go on without")
    if asks_about_tenants(policies) and not any(map(declares_tenancy, loaded.documents)):
        warn([f"{loaded.folder}: {NO_TENANCY}"])
    warn(idle(policies, cluster.kinds))
    warn((*tenancy.problems, *neglected(tenancy, datetime.now(UTC))))
    return Engine(policies, cluster)


def demand_tenants(loaded: Loaded) -> Tenancy:
    """The tenancy as whose tenants is asked: without one, that would be asking as the platform."""
    if not any(map(declares_tenancy, loaded.documents)):
        raise InputError(f"--as-tenant: {loaded.folder} holds no tenancy document, so nothing is a tenant's")
    return loaded.tenancy


NO_TENANT_ASKED = (
    "--as-tenant: nothing is in a tenant's namespace, and all was asked as a cluster administrator"
)

NO_TENANCY = "the policies ask about tenants, and there is no tenancy document: nothing is a tenant's"


def warn(problems: Iterable[object]) -> None:
    """Say on stderr what is no error."""
    for problem in problems:
        click.echo(printable(f"warning: {problem}"), err=True)


def note(unread: Iterable[Undefined]) -> None:
    """Say on stderr of which custom kinds nothing is known."""
    for each in unread:
        click.echo(printable(f"note: {each}"), err=True)


def listed(kubeconfig: Path, kinds: Iterable[GroupVersionKind], whose: str = "") -> list[Object]:
    """All objects of these kinds in a live cluster; `InputError` unless all may be listed."""
    from gatekeeper_py.cluster.live import ClusterError, configuration, list_cluster

    try:
        listing = list_cluster(configuration(kubeconfig), kinds)
    except ClusterError as error:
        raise InputError(str(error)) from error
    if listing.problems:
        told = (f"{whose}{kind.api_version} {kind.kind}: {why}" for kind, why in listing.problems.items())
        raise InputError("\n".join(told))
    return listing.objects


def read_files(files: Iterable[str], *, allow_none: bool = False) -> tuple[Manifest, ...]:
    """The manifests of all `-f`, in order; `InputError` with every problem, as `gather` finds them."""
    with input_errors():
        return gather(files, allow_none=allow_none).demanded()


def gather(files: Iterable[str], *, allow_none: bool = False) -> Reading:
    """What all `-f` hold, in order; each must hold something unless nothing is allowed.

    What cannot be read costs only itself. What had better be written otherwise is said on stderr.
    """
    manifests: list[Manifest] = []
    problems: list[Problem] = []
    for file in files:
        found = _read(file)
        manifests += found.manifests
        problems += found.problems
        if not any(found) and not allow_none:
            problems.append(nothing_in_file(file))
    warn(dict.fromkeys(problem for manifest in manifests for problem in manifest.warnings))
    return Reading(tuple(manifests), tuple(problems))


def pieces_of(file: str, problems: list[Problem]) -> Iterator[Piece]:
    """What one `-f` holds, piece by piece; what cannot be read costs only itself, and is a problem."""
    if file == STANDARD_INPUT:
        yield from stream_pieces(STDIN, sys.stdin.buffer)
    elif is_stream(file):
        with open(file, "rb") as stream:
            yield from stream_pieces(file, stream)
    else:
        yield from _pieces_of_files(file, problems)


def _pieces_of_files(path: str, problems: list[Problem]) -> Iterator[Piece]:
    try:
        found = list(files(path))
    except ManifestError as error:
        problems += error.problems
        return
    for file in found:
        try:
            yield from file_pieces(file)
        except ManifestError as error:
            problems += error.problems


def nothing_in_file(file: str) -> Problem:
    """That one `-f` holds nothing."""
    return Problem(SHOWN.get(file, file), 0, 0, f"holds no object; {ALLOW_NO_OBJECTS}")


SHOWN = {STANDARD_INPUT: STDIN}
ALLOW_NO_OBJECTS = "--allow-no-objects would go on without"


def _read(file: str) -> Reading:
    """A file, a folder, or a stream: standard input, or what a shell puts in the place of a file."""
    if file == STANDARD_INPUT:
        return read_all_text(sys.stdin.buffer.read())
    if is_stream(file):
        return read_all_text(Path(file).read_bytes(), file)
    return read_all([file])


def sift(manifests: Sequence[Manifest], cluster: Snapshot, validate: str) -> Reading:
    """The manifests that may be submitted, as `--validate` asks; what only warns is said on stderr.

    So are custom kinds of which no definition was read.

    An AdmissionReview was made by an API server, which has read its object before.
    """
    view = _with_definitions(cluster, manifests)
    written = [each for each in manifests if each.kind.kind != REVIEW]
    note(undefined(written, view))
    if validate == IGNORE:
        return Reading(tuple(manifests))
    wrong = [(each, () if each.kind.kind == REVIEW else validated(each, view)) for each in manifests]
    problems = tuple(problem for _, found in wrong for problem in found)
    if validate == WARN:
        warn(problems)
        return Reading(tuple(manifests))
    return Reading(tuple(manifest for manifest, found in wrong if not found), problems)


def _with_definitions(cluster: Snapshot, manifests: Iterable[Manifest]) -> Snapshot:
    """The cluster with the custom kinds that are submitted too, wherever they stand."""
    for manifest in manifests:
        if manifest.kind == CUSTOM_RESOURCE_DEFINITION:
            cluster = cluster.with_object(manifest.object)
    return cluster
