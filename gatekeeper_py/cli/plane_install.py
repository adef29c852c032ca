"""`gatekeeper install --control-plane`: has a tenant's own API server ask the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.sources import access_to, input_errors, listed
from gatekeeper_py.cluster.view import ClusterError
from gatekeeper_py.engine import load_with_tenancy
from gatekeeper_py.installation.kubeconfigs import Kubeconfigs
from gatekeeper_py.installation.plane_files import manifests, secret_rights
from gatekeeper_py.installation.plane_registrar import STATIC, register
from gatekeeper_py.manifests.dumping import dump_all
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION, Kinds
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.matching.versions import versions_needed
from gatekeeper_py.tenancy.control_plane import ControlPlane
from gatekeeper_py.tenancy.control_planes import inside, why_closed
from gatekeeper_py.tenancy.refusals import TENANCY_KINDS, document_of
from gatekeeper_py.tenancy.tenant import Tenancy
from gatekeeper_py.webhook.registration import Client, configurations, control_plane_site

__all__ = ["PlaneInstallation", "plane_installation"]


@dataclass(frozen=True, slots=True)
class PlaneInstallation:
    """One control plane, and the policies that it is to ask for."""

    document: ControlPlane
    policies: PolicySet
    tenancy: Tenancy
    kinds: Kinds

    def registration(self, client: Client, suffix: str = "") -> list[Object]:
        """Both configurations."""
        site = control_plane_site(self.document.name, self.document.platform_namespaces, suffix)
        there = inside(self.document, self.tenancy)
        needed = versions_needed((*self.policies.validating, *self.policies.mutating), self.kinds)
        return configurations(client, there, needed, self.policies, site)

    def print_rights(self) -> None:
        """What the engine needs at the host."""
        click.echo(dump_all(secret_rights(self.document)), nl=False)

    def print(self, client: Client) -> None:
        """For `kubectl apply` at the control plane."""
        click.echo(dump_all(self.registration(client)), nl=False)

    def write(self, client: Client, folder: Path, at: Path | None, login: tuple[Path, Path] | None) -> None:
        """As files that its API server reads (KEP-5793)."""
        shown = None if login is None else (_content(login[0]), _content(login[1]))
        where = at or folder.resolve()
        files = manifests(self.registration(client, STATIC), where, client.url, shown)
        try:
            for name, text in files.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o600)
                path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{error.filename or folder}: {error.strerror}") from error
        click.echo(FLAGS.format(where / "admission.yaml"))

    def apply(self, client: Client, kubeconfig: Path | None) -> None:
        """Through its API."""
        connect = Kubeconfigs(access_to(kubeconfig) if self.document.secret is not None else None)
        try:
            asyncio.run(register(connect(self.document), self.registration(client)))
        except ClusterError as error:
            raise InputError(f"control plane {self.document.name}: {error}") from error
        click.echo(f"registered: the API server of control plane {self.document.name} asks {client.url}")


def plane_installation(
    name: str, documents: tuple[Manifest, ...], kubeconfig: Path | None
) -> PlaneInstallation:
    """Of the documents of a folder, and of the host's; raises `InputError` unless it is in force."""
    living = [] if kubeconfig is None else list(map(document_of, listed(kubeconfig, TENANCY_KINDS)))
    with input_errors():
        policies, tenancy = load_with_tenancy(documents, living)
    found = next((each for each in tenancy.control_planes if each.name == name), None)
    if found is None:
        raise InputError(why_closed(tenancy, name) or NO_DOCUMENT.format(name))
    return PlaneInstallation(found, policies, tenancy, _kinds(documents))


def _kinds(documents: Iterable[Manifest]) -> Kinds:
    return Kinds.builtin().with_definitions(
        each.object for each in documents if each.kind == CUSTOM_RESOURCE_DEFINITION
    )


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error


# --- what users are told ---------------------------------------------------------------------------------

NO_DOCUMENT = "--control-plane {}: there is no ControlPlane of that name in --policies, nor in --kubeconfig"
FLAGS = """\
Start its API server with
  --feature-gates=ManifestBasedAdmissionControlConfig=true
  --admission-control-config-file={}
and say `registration: static` in its document."""
