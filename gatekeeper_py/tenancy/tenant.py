"""What a tenant is: its namespaces, its people, what it may use and what it shares.

A `Tenancy` is read from documents (see `loading`) and never changes; who owns a namespace it answers itself,
from the namespace's name and, for claims by label, from the namespace's own record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from ipaddress import ip_network
from typing import Any, Literal

from gatekeeper_py.cel import EvaluationError
from gatekeeper_py.golang import quantities
from gatekeeper_py.golang.quantities import REMEMBERED
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.selector import Selector
from gatekeeper_py.policy.admission.decision import Enforcement
from gatekeeper_py.tenancy.control_plane import ControlPlane
from gatekeeper_py.tenancy.isolation import DEFAULT_HANDLERS, Level
from gatekeeper_py.tenancy.patterns import Globs, Hosts, glob_matches, host_matches, image_matches
from gatekeeper_py.tenancy.places import Surroundings
from gatekeeper_py.tenancy.virtual_nodes import NodeProfile, known_profiles
from gatekeeper_py.tenancy.waiver import Waiver

__all__ = [
    "GROUP",
    "LONGEST_NAME",
    "PLATFORM",
    "PLATFORM_NAMESPACES",
    "TENANT_LABEL",
    "UNCLAIMED_PREFIX",
    "Ceiling",
    "Choice",
    "Claim",
    "ContestedNamespace",
    "Grant",
    "KindGrant",
    "Limits",
    "Nodes",
    "Owner",
    "PodSecurity",
    "Reason",
    "Requirement",
    "Settings",
    "Standing",
    "Tenancy",
    "Tenant",
    "Unclaimed",
    "UnknownKinds",
]

GROUP = "tenancy.gatekeeper-py.dev"
TENANT_LABEL = f"{GROUP}/tenant"
"""The label by which workloads say whose they are; the whole prefix is reserved."""
UNCLAIMED_PREFIX = "unclaimed."
"""Before the name of an unclaimed namespace that happens to be called like a declared tenant."""

PLATFORM = "platform"
"""The tenant that is the platform itself."""
PLATFORM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")
"""Trusted even when no document says so: an engine that stops kube-system stops the cluster."""
PLATFORM_USERS = ("system:apiserver", "system:kube-controller-manager", "system:kube-scheduler")
"""The control plane, by the names Kubernetes gives it."""

TOPOLOGY_KEYS = (
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "zone",
    "region",
    "node",
)
"""The labels by which Kubernetes says where a node is (k8s.io/api/core/v1/well_known_labels.go), and the
words of its tutorials, which hardly any node has."""

API_SERVER = "https://kubernetes.default.svc"
"""How the issuer begins that kubeadm configures; the API server's audience is the issuer unless another is
stated (kubernetes/pkg/kubeapiserver/options/authentication.go, --api-audiences)."""

PodSecurity = Literal["baseline", "restricted"]
Requirement = Level | Literal["virtual-node"]
"""The least isolation of a tenant's pods; virtual nodes isolate by where a pod runs, not by its class."""
Unclaimed = Literal["own-tenant", "refuse", "ignore"]
UnknownKinds = Literal["scan", "warn", "refuse"]


class ContestedNamespace(EvaluationError):
    """It is in doubt whose a namespace is: two tenants claim it, or one that is not in force."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What may be chosen by name, and what is chosen when nothing is said."""

    allowed: tuple[str, ...] = ()
    """Exact names, or `*` for all."""
    default: str = ""

    def permits(self, name: str) -> bool:
        """Whether `name` is granted; a default is granted by being the default."""
        return name in self.allowed or "*" in self.allowed or (name == self.default and name != "")


@dataclass(frozen=True, slots=True)
class Claim:
    """Which namespaces a tenant says are its own."""

    names: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    selectors: tuple[Selector, ...] = ()

    def covers(self, namespace: str, labels: Labels) -> bool:
        """Whether a namespace is among them."""
        return (
            namespace in self.names
            or any(glob_matches(pattern, namespace) for pattern in self.patterns)
            or any(selector.matches(labels(namespace)) for selector in self.selectors)
        )


@dataclass(frozen=True, slots=True)
class Owner:
    """A person, a group or a ServiceAccount that runs a tenant."""

    kind: Literal["User", "Group", "ServiceAccount"]
    name: str
    namespace: str = ""

    @property
    def username(self) -> str:
        """By which name the API server knows it; empty for a group."""
        if self.kind == "ServiceAccount":
            return f"system:serviceaccount:{self.namespace}:{self.name}"
        return self.name if self.kind == "User" else ""

    @property
    def group(self) -> str:
        """The group; empty for anyone else."""
        return self.name if self.kind == "Group" else ""


@dataclass(frozen=True, slots=True)
class Nodes:
    """Where a tenant's pods run."""

    selector: Mapping[str, str] = field(default_factory=dict)
    """Added to every pod; a tenant cannot choose another value."""
    tolerations: tuple[Mapping[str, Any], ...] = ()
    """Added to every pod."""
    profile: NodeProfile | None = None
    """Of the virtual nodes they are, if they are."""

    @property
    def every_selector(self) -> Mapping[str, str]:
        """What every pod selects: the labels of the profile, and the tenant's own."""
        return {**self.selector, **self.profile.selector} if self.profile else self.selector

    @property
    def every_toleration(self) -> tuple[Mapping[str, Any], ...]:
        """What every pod tolerates: the taints of the profile, and the tenant's own."""
        known = self.profile.tolerations if self.profile else ()
        return (*known, *(each for each in self.tolerations if each not in known))


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of what no ResourceQuota counts across namespaces; 0 is no limit."""

    namespaces: int = 0
    """Namespaces of the tenant."""
    load_balancers: int = 0
    """Services of type LoadBalancer, in one namespace."""
    snapshots: int = 0
    """VolumeSnapshots, in one namespace."""
    node_ports: int = 0
    """Ports of every node that Services take, in one namespace."""
    replicas: int = 0
    """Pods of one workload."""
    cpu: str = "0"
    """Processors of one container."""
    memory: str = "0"
    """Memory of one container."""
    huge_pages: str = "0"
    """Huge pages of one size, of one container."""
    object_size: str = "0"
    """Bytes of one object as JSON."""

    @property
    def bytes_of_an_object(self) -> int:
        """`object_size` as a number; 0 is no limit."""
        found = quantities.parse(self.object_size)
        return int(found[0]) if found is not None else 0

    def excess(self, resources: Iterable[object]) -> tuple[str, str, str] | None:
        """What the first of some ResourceRequirements asks too much of: its name, the amount, the bound."""
        for each in resources:
            for asked in (each.get("requests"), each.get("limits")) if isinstance(each, dict) else ():
                for name, amount in asked.items() if isinstance(asked, dict) else ():
                    most = self._most(name)
                    if most != "0" and _is_more(str(amount), most):
                        return name, str(amount), most
        return None

    def _most(self, resource: str) -> str:
        if resource == "cpu":
            return self.cpu
        if resource == "memory":
            return self.memory
        return self.huge_pages if resource.startswith("hugepages-") else "0"


@lru_cache(REMEMBERED)
def _is_more(asked: str, most: str) -> bool:
    """Whether a quantity is more than a bound; one that cannot be read is."""
    found, bound = quantities.parse(asked), quantities.parse(most)
    return found is None or bound is None or found[0] > bound[0]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How much all pods of a tenant may ask for together; 0 is no limit."""

    pods: int = 0
    cpu: str = "0"
    memory: str = "0"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a tenant lets others name."""

    to: tuple[str, ...]
    """Names of tenants, or `*` for all."""
    kinds: tuple[str, ...]
    """`Service`, `Gateway.gateway.networking.k8s.io`, or `*`."""
    names: tuple[str, ...] = ("*",)
    """Patterns of names."""
    namespaces: tuple[str, ...] = ("*",)
    """Patterns of the granting tenant's namespaces."""

    def covers(self, tenant: str, group: str, kind: str, namespace: str, name: str) -> bool:
        """Whether `tenant` may name this object."""
        return (
            (tenant in self.to or "*" in self.to)
            and ("*" in self.kinds or kind in self.kinds or f"{kind}.{group}" in self.kinds)
            and any(glob_matches(pattern, namespace) for pattern in self.namespaces)
            and any(glob_matches(pattern, name) for pattern in self.names)
        )


@dataclass(frozen=True, slots=True)
class KindGrant:
    """Custom kinds that a tenant may use though no rule holds them in its boundary."""

    group: str
    """In which `*` stands for any characters."""
    kinds: tuple[str, ...]
    """Exact names, or `*` for all of the group."""

    def covers(self, group: str, kind: str) -> bool:
        """Whether a kind is one of them."""
        return glob_matches(self.group, group) and ("*" in self.kinds or kind in self.kinds)


@dataclass(frozen=True)
class Tenant:
    """One tenant. Everything not granted here is refused."""

    name: str
    trusted: bool = False
    """A part of the platform: nothing is forced on it."""
    writes_as_platform: bool = False
    """Of a trusted tenant: what its accounts write into others' namespaces is judged as the platform's."""
    cluster_wide: tuple[KindGrant, ...] = ()
    """Of a trusted tenant that writes as others: what its accounts write cluster-wide as the platform."""
    copies_marks: bool = False
    """Of a trusted tenant: marks of GitOps controllers on what its accounts write are copies."""
    claimed: bool = True
    """Declared by a document; false for a namespace that nobody claims."""
    refused: bool = False
    """Nothing may be made here: the namespace belongs to nobody and the settings say so."""
    enforcement: Enforcement = "enforce"
    """Its own where its document states one, that of the settings otherwise."""
    claim: Claim = Claim()
    owners: tuple[Owner, ...] = ()
    isolation: Requirement = "vm"
    runtime_classes: Choice = Choice()
    storage_classes: Choice = Choice()
    ingress_classes: Choice = Choice()
    gateway_classes: Choice = Choice()
    priority_classes: Choice = Choice()
    snapshot_classes: Choice = Choice()
    volume_attributes_classes: Choice = Choice()
    device_classes: Choice = Choice()
    load_balancer_classes: Choice = Choice()
    schedulers: Choice = Choice(default="default-scheduler")
    extended_resources: tuple[str, ...] = ()
    """Patterns of extended resources pods may ask for."""
    csi_drivers: tuple[str, ...] = ()
    """CSI drivers pods may use in line."""
    hostnames: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    """Patterns of cloud identities its ServiceAccounts may carry."""
    external_ips: tuple[str, ...] = ()
    """CIDRs of addresses its Services may claim."""
    cluster_issuers: tuple[str, ...] = ()
    """Cluster-wide issuers, secret stores and other cluster-wide helpers it may name, as `Kind/name`."""
    custom_resources: tuple[KindGrant, ...] = ()
    """Custom kinds that nobody may use without a grant, which it may."""
    nodes: Nodes = Nodes()
    pod_security: PodSecurity = "baseline"
    require_limits: bool = False
    limits: Limits = Limits()
    ceiling: Ceiling = Ceiling()
    labels: Mapping[str, str] = field(default_factory=dict)
    sharing: tuple[Grant, ...] = ()
    annotations: tuple[str, ...] = ()
    """Annotations by which shared controllers take orders, besides the ordinary ones."""
    hostless_routes: bool = False
    """Whether it may serve every host that nobody else does."""
    nameservers: tuple[str, ...] = ()
    """CIDRs of the DNS servers its pods may ask; any when empty."""
    populators: tuple[str, ...] = ()
    """What may fill its volumes besides claims and snapshots, as `Kind.group`."""
    role_rules: tuple[str, ...] = ()
    """Verbs and subresources its Roles may hold beyond the ordinary."""
    token_audiences: tuple[str, ...] = ()
    """Patterns of audiences that tokens of its ServiceAccounts may be for, besides the API server's own."""
    topology_keys: tuple[str, ...] = TOPOLOGY_KEYS
    """Labels of nodes by which its pods may be kept together, apart or spread."""
    node_ports: tuple[str, ...] = ()
    """Ports of the nodes its Services may choose, as `30080` or `30000-30099`."""
    open_traffic: tuple[str, ...] = ()
    """Directions, `ingress` and `egress`, in which it may open what the platform has closed."""
    manual_selectors: bool = False
    """Whether its Jobs may choose their pods by selectors of their own."""
    quota: Mapping[str, str] = field(default_factory=dict)
    """What the ResourceQuota of its frame holds besides, or in place of, what every frame does."""
    silenced_warnings: tuple[str, ...] = ()
    """Names of policies whose warnings its people are not told."""
    synced_by: tuple[str, ...] = ()
    """Names of its control planes from which a syncer brings objects down."""
    source: str = ""
    """Where its document stands; empty when no document declares it."""

    @property
    def usable_schedulers(self) -> Choice:
        """Its schedulers, and the one that sends pods to its virtual nodes, which is the default then."""
        own, needed = self.schedulers, self.nodes.profile.scheduler if self.nodes.profile else ""
        if not needed:
            return own
        return Choice((*own.allowed, own.default, needed), needed)

    @cached_property
    def workload_labels(self) -> Mapping[str, str]:
        """The labels of its workloads, the one that names it included."""
        return {**self.labels, TENANT_LABEL: self.name}

    def allows_image(self, reference: str) -> bool:
        """Whether an image comes from a registry of the tenant's."""
        return any(image_matches(registry, reference) for registry in self.registries)

    def owns_hostname(self, host: str) -> bool:
        """Whether a DNS name, wildcard or not, lies within the tenant's."""
        return any(host_matches(pattern, host) for pattern in self.hostnames)

    def permits_kind(self, group: str, kind: str) -> bool:
        """Whether it was granted a custom kind that needs a grant."""
        return any(grant.covers(group, kind) for grant in self.custom_resources)

    def permits_audience(self, audience: str) -> bool:
        """Whether tokens of its ServiceAccounts may be for an audience that is not the API server."""
        return any(glob_matches(pattern, audience) for pattern in self.token_audiences)

    def shares_itself_with(self, tenant: str) -> bool:
        """Whether another tenant's people may act in its namespaces, as far as RBAC lets them."""
        return any(
            ("Namespace" in grant.kinds or "*" in grant.kinds) and (tenant in grant.to or "*" in grant.to)
            for grant in self.sharing
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for the cluster and every tenant."""

    enforcement: Enforcement = "enforce"
    """Of tenants that state none, of unclaimed namespaces and of what is cluster-wide."""
    unclaimed: Unclaimed = "own-tenant"
    handlers: Mapping[str, Level] = field(default_factory=lambda: dict(DEFAULT_HANDLERS))
    """Runtime handlers and how well each isolates; a handler not named isolates nothing."""
    platform_users: tuple[str, ...] = PLATFORM_USERS
    platform_groups: tuple[str, ...] = ("system:masters",)
    reserved_prefixes: tuple[str, ...] = ("kube-",)
    """Names of namespaces that only the platform makes."""
    protected_cidrs: tuple[str, ...] = ()
    """Addresses of pods, Services and nodes: nobody's policy may open a way to them by address."""
    cluster_domain: str = "cluster.local"
    unknown_kinds: UnknownKinds = "scan"
    """What becomes of custom kinds that the catalogue does not know."""
    virtual_nodes: Mapping[str, NodeProfile] = field(default_factory=lambda: dict(known_profiles()))
    """Profiles of virtual nodes, by name."""

    @property
    def server_audiences(self) -> tuple[str, ...]:
        """For whom a token is that names nobody: the API server, as kubeadm and most others call it."""
        return ("", f"{API_SERVER}.{self.cluster_domain}", API_SERVER, "kubernetes.default.svc", "kubernetes")


Reason = Literal["InForce", "Conflict", "Invalid", "NameTaken", "PlatformNamespace", "Expired"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a document that is an object of the cluster is in force."""

    reason: Reason
    faults: tuple[str, ...] = ()
    """`what is wrong; how to put it right`, in the order found."""
    generation: int = 0
    """Of the object that was looked at."""

    @property
    def ready(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.reason == "InForce"

    @property
    def rejected(self) -> bool:
        """Whether nothing of it is in force; of two that conflict all is but what they both claim."""
        return self.reason not in ("InForce", "Conflict")


Labels = Callable[[str], Mapping[str, str]]
"""The labels of a namespace's record, by its name; empty when there is no record."""


@dataclass(frozen=True)
class Tenancy:
    """All tenants and the settings: who owns which namespace."""

    tenants: tuple[Tenant, ...] = ()
    settings: Settings = Settings()
    template: Tenant = Tenant(name="", claimed=False)
    """What an unclaimed namespace may use."""
    guests: tuple[Tenant, ...] = ()
    """Those of `tenants` that are objects of the cluster."""
    rejected: tuple[Tenant, ...] = ()
    """Objects of the cluster that are not in force: what they claim is closed, if nobody else claims it."""
    contested: frozenset[str] = frozenset()
    """The names of tenants that claim what another claims, too."""
    standings: Mapping[str, Standing] = field(default_factory=dict)
    """Of the documents that are objects of the cluster, by `Tenant/foo`."""
    documents: tuple[Manifest, ...] = ()
    """The documents that are files."""
    waivers: tuple[Waiver, ...] = ()
    """What is waived, and what was until its day came."""
    control_planes: tuple[ControlPlane, ...] = ()
    """The API servers of tenants' own that are in force."""
    landlord: Tenant | None = None
    """Within a tenant's own control plane: the tenant whose every namespace is that nobody else claims."""
    host: Tenancy | None = None
    """Within a tenant's own control plane: who owns what at the host."""

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with objects of the cluster."""
        return tuple(
            f"cluster/{name}: {fault}"
            for name, standing in self.standings.items()
            for fault in standing.faults
        )

    @cached_property
    def declared(self) -> frozenset[str]:
        """The names of all tenants that a document declares, in force or not."""
        return frozenset(tenant.name for tenant in (*self.tenants, *self.rejected))

    @cached_property
    def has_ceilings(self) -> bool:
        """Whether some tenant's pods are bounded together."""
        return any(each.ceiling != Ceiling() for each in (*self.tenants, self.template))

    @cached_property
    def syncers(self) -> Mapping[str, ControlPlane]:
        """The control planes by the users that bring their objects down."""
        return {user: plane for plane in self.control_planes for user in plane.syncers}

    @property
    def in_doubt(self) -> bool:
        """Whether some namespace is closed for what documents say."""
        return bool(self.contested or self.rejected)

    @cached_property
    def enforcements(self) -> frozenset[Enforcement]:
        """Those in use."""
        return frozenset({self.settings.enforcement, *(tenant.enforcement for tenant in self.tenants)})

    @property
    def everywhere(self) -> Enforcement | None:
        """The enforcement of every request; None where it depends on whose it is."""
        return self.settings.enforcement if len(self.enforcements) == 1 else None

    @cached_property
    def hosts(self) -> Hosts[Tenant]:
        """The tenants by their hostnames."""
        return Hosts((pattern, tenant) for tenant in self.tenants for pattern in tenant.hostnames)

    @cached_property
    def by_name(self) -> Mapping[str, Tenant]:
        """Declared tenants by name."""
        return {tenant.name: tenant for tenant in self.tenants}

    @cached_property
    def surroundings(self) -> Surroundings:
        """What is inside the cluster, by the settings."""
        return Surroundings(tuple(ip_network(text) for text in self.settings.protected_cidrs))

    @cached_property
    def _by_namespace(self) -> Mapping[str, Tenant]:
        return {name: tenant for tenant in self.tenants for name in tenant.claim.names}

    @cached_property
    def _by_pattern(self) -> Globs[Tenant]:
        return Globs((pattern, tenant) for tenant in self.tenants for pattern in tenant.claim.patterns)

    @cached_property
    def _by_selector(self) -> tuple[tuple[Selector, Tenant], ...]:
        return tuple((selector, tenant) for tenant in self.tenants for selector in tenant.claim.selectors)

    @cached_property
    def _by_user(self) -> Mapping[str, list[str]]:
        return _grouped((owner.username, tenant.name) for tenant, owner in self._owners)

    @cached_property
    def _by_group(self) -> Mapping[str, list[str]]:
        return _grouped((owner.group, tenant.name) for tenant, owner in self._owners)

    @property
    def _owners(self) -> Iterator[tuple[Tenant, Owner]]:
        for tenant in (*self.tenants, *self.rejected):
            yield from ((tenant, owner) for owner in tenant.owners)

    def owned_by(self, username: str, groups: Iterable[str]) -> list[str]:
        """The names of the declared tenants that a user is an owner of, in alphabetical order."""
        names = set(self._by_user.get(username, ()))
        for group in groups:
            names.update(self._by_group.get(group, ()))
        return sorted(names)

    @cached_property
    def _implicit(self) -> dict[str, Tenant]:
        return {}

    def owner(self, namespace: str, labels: Labels) -> Tenant | None:
        """The tenant that owns a namespace; None only when the settings ignore unclaimed namespaces.

        A claim by name beats a claim by label: a name cannot be changed. Raises `ContestedNamespace`
        when two tenants claim it, or one that is not in force.
        """
        return self.claimant(namespace, labels) or self._unclaimed(namespace, labels)

    def claimant(self, namespace: str, labels: Labels) -> Tenant | None:
        """The declared tenant that claims a namespace, if any; raises `ContestedNamespace` when two do."""
        tenant = self._by_namespace.get(namespace) or next(self._by_pattern.fitting(namespace), None)
        if tenant is None:
            return self._by_labels(namespace, labels(namespace)) if self._by_selector else None
        if tenant.name in self.contested and not _is_platforms(tenant, namespace):
            self._demand_one(namespace)
        return tenant

    def _demand_one(self, namespace: str) -> None:
        """Raise when two tenants claim a namespace by its name."""
        named = (tenant for tenant in self.tenants if namespace in tenant.claim.names)
        claimants = dict.fromkeys(t.name for t in (*named, *self._by_pattern.fitting(namespace)))
        if len(claimants) > 1:
            told = " and ".join(f"{name!r} ({self.by_name[name].source})" for name in sorted(claimants))
            raise ContestedNamespace(
                f"namespace {namespace!r} is closed: the tenants {told} both claim it; {REMEDY}"
            )

    def _by_labels(self, namespace: str, labels: Mapping[str, str]) -> Tenant | None:
        claims = {tenant.name: tenant for selector, tenant in self._by_selector if selector.matches(labels)}
        if len(claims) > 1:
            names = " and ".join(sorted(claims))
            raise ContestedNamespace(
                f"namespace {namespace!r} is claimed by the tenants {names} through its labels; "
                "change its labels or their selectors so that one is left"
            )
        return next(iter(claims.values()), None)

    def _unclaimed(self, namespace: str, labels: Labels) -> Tenant | None:
        if self.landlord is not None:
            return self.landlord
        if self.rejected:
            self._demand_no_claim(namespace, labels)
        if self.settings.unclaimed == "ignore":
            return None
        tenant = self._implicit.get(namespace)
        if tenant is None:
            tenant = _own_tenant(self, namespace)
            if len(self._implicit) < MAXIMUM_REMEMBERED and len(namespace) <= LONGEST_NAME:
                self._implicit[namespace] = tenant
        return tenant

    def _demand_no_claim(self, namespace: str, labels: Labels) -> None:
        """Raise when a tenant that is not in force claims a namespace."""
        for tenant in self.rejected:
            if tenant.claim.covers(namespace, labels):
                why = "; ".join(self.standings[f"Tenant/{tenant.name}"].faults)
                raise ContestedNamespace(
                    f"namespace {namespace!r} is closed: the tenant {tenant.name!r} ({tenant.source}), "
                    f"which claims it, is not in force: {why}"
                )


REMEDY = "leave it to one of them"


def _is_platforms(tenant: Tenant, namespace: str) -> bool:
    """Whether this is a namespace that no dispute closes."""
    return tenant.trusted and namespace in PLATFORM_NAMESPACES


MAXIMUM_REMEMBERED = 10_000
"""Unclaimed namespaces whose tenants are kept; names come from requests, so memory needs a bound."""
LONGEST_NAME = 63
"""Characters a namespace's name may have; references name others, which are not worth keeping."""


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    """Names by key; an empty key is none."""
    grouped: dict[str, list[str]] = {}
    for key, name in pairs:
        if key:
            grouped.setdefault(key, []).append(name)
    return grouped


def _own_tenant(tenancy: Tenancy, namespace: str) -> Tenant:
    name = UNCLAIMED_PREFIX + namespace if namespace in tenancy.declared else namespace
    fields = {key: getattr(tenancy.template, key) for key in tenancy.template.__dataclass_fields__}
    fields |= {
        "name": name,
        "claimed": False,
        "claim": Claim(names=(namespace,)),
        "refused": tenancy.settings.unclaimed == "refuse",
    }
    return Tenant(**fields)
