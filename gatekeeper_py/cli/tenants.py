"""`gatekeeper tenants`: what belongs to tenants beside what they are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from gatekeeper_py.cli.choosing import demand_known
from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.options import cluster_option, kubeconfig_option, one_cluster, policies_option
from gatekeeper_py.cli.sources import input_errors, listed, read_cluster, read_policies, warn
from gatekeeper_py.cluster.snapshot import NAMESPACE, Snapshot
from gatekeeper_py.manifests.dumping import dump_all
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.tenancy.documents import load_tenancy
from gatekeeper_py.tenancy.frame import ADMIN, frame, homes
from gatekeeper_py.tenancy.reading import is_tenancy_document
from gatekeeper_py.tenancy.refusals import TENANCY_KINDS
from gatekeeper_py.tenancy.tenant import Tenancy, Tenant

__all__ = ["command"]

LABELLED = (
    "the tenant {!r} claims namespaces by patterns or labels alone, and none of them is known: "
    "--cluster or --kubeconfig would show those that exist"
)
UNWALLED = (
    "the tenant {!r} is on virtual nodes ({}) where NetworkPolicies hold nothing; "
    "close its network at the provider"
)
OBSERVED = "the tenant {!r} is not enforced: its frame has no NetworkPolicy, ResourceQuota or LimitRange yet"


@click.group("tenants")
def command() -> None:
    """What belongs to tenants."""


@command.command("render")
@policies_option
@cluster_option
@kubeconfig_option
@click.option(
    "--tenant", "names", multiple=True, metavar="NAME", help="Render only this tenant. May be repeated."
)
@click.option(
    "--owner-role",
    default=ADMIN,
    show_default=True,
    metavar="CLUSTERROLE",
    help="The ClusterRole that owners get in each namespace.",
)
def render(
    policies: Path, cluster: Path | None, kubeconfig: Path | None, names: tuple[str, ...], owner_role: str
) -> None:
    """Print the frame of every Tenant: its namespaces, and what belongs into each.

    That is the level of Pod Security, a RoleBinding for the owners, NetworkPolicies (nothing but DNS and the
    tenant's own namespaces), a ResourceQuota and a LimitRange. Keep it in Git, or pipe it to `kubectl apply
    -f -`: it deletes nothing, and twice is the same as once. Namespaces that a Tenant claims by name are
    printed; of those that it claims by patterns or labels the ones that exist (--cluster, --kubeconfig).

    Exit code 0: printed, 2: bad input, or there is nothing to print.
    """
    one_cluster(cluster, kubeconfig)
    view, living = _view(cluster, kubeconfig)
    with input_errors():
        tenancy = load_tenancy(read_policies(policies), living)
    warn(tenancy.problems)
    tenants = _wanted(tenancy, names)
    found = homes(tenancy, view.list(NAMESPACE))
    warn(_said(tenants, found))
    documents = [each for tenant in tenants for each in _framed(tenant, found[tenant.name], owner_role)]
    if not documents:
        raise InputError("there is no namespace to render a frame for")
    click.echo(dump_all(documents), nl=False)


def _view(cluster: Path | None, kubeconfig: Path | None) -> tuple[Snapshot, Sequence[Manifest]]:
    """The namespaces that are known, and tenancy documents that are objects of the cluster."""
    if kubeconfig is None:
        return read_cluster(cluster), ()
    objects = listed(kubeconfig, (NAMESPACE, *TENANCY_KINDS))
    manifests = [Manifest(value, Source("cluster")) for value in objects]
    return Snapshot(objects), list(filter(is_tenancy_document, manifests))


def _wanted(tenancy: Tenancy, names: Sequence[str]) -> list[Tenant]:
    """The tenants to render, by name; trusted ones are the platform, which frames itself."""
    tenants = {tenant.name: tenant for tenant in tenancy.tenants if not tenant.trusted}
    demand_known("--tenant", names, tenants, "tenant to render")
    return [tenants[name] for name in sorted(names or tenants)]


def _said(tenants: Sequence[Tenant], found: Mapping[str, Sequence[Object]]) -> Iterator[str]:
    """What of a frame is missing, and why."""
    for tenant in tenants:
        if not found[tenant.name]:
            yield LABELLED.format(tenant.name)
        elif tenant.enforcement != "enforce":
            yield OBSERVED.format(tenant.name)
        profile = tenant.nodes.profile
        if profile is not None and "networkPolicies" in profile.lacks:
            yield UNWALLED.format(tenant.name, profile.name)


def _framed(tenant: Tenant, namespaces: Sequence[Object], role: str) -> Iterator[Object]:
    names = [namespace["metadata"]["name"] for namespace in namespaces]
    for namespace in namespaces:
        yield from frame(tenant, namespace, names, role)
