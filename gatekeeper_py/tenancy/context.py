"""What tenancy knows while one request is judged: the request's namespace, the tenants and the cluster."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from ipaddress import ip_network
from itertools import islice
from typing import Any

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.selector import Requirement, Selector, SelectorError, labels_of
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.policy.immutable import immutable
from gatekeeper_py.tenancy.addresses import address_of, canonical
from gatekeeper_py.tenancy.budgets import holding_budgets
from gatekeeper_py.tenancy.catalogue import BUILT_IN_GROUPS
from gatekeeper_py.tenancy.counts import counts
from gatekeeper_py.tenancy.deputies import HOME, bears_marks, marked_namespaces
from gatekeeper_py.tenancy.forms import (
    ANYWHERE,
    DESTINATION,
    JOINED,
    MAX_REFERENCES,
    OWNED,
    PODS,
    QUALIFIED,
    SITE,
    Unreadable,
    only_values,
)
from gatekeeper_py.tenancy.marks import marks
from gatekeeper_py.tenancy.places import Surroundings, is_public, place_of
from gatekeeper_py.tenancy.protection import Protection
from gatekeeper_py.tenancy.reach import reached, reaching
from gatekeeper_py.tenancy.references import references
from gatekeeper_py.tenancy.tenant import (
    GROUP,
    LONGEST_NAME,
    TENANT_LABEL,
    ContestedNamespace,
    Tenancy,
    Tenant,
)

__all__ = ["NAMESPACE", "RUNTIME_CLASS", "Context"]

NAMESPACE = GroupVersionKind("", "v1", "Namespace")
SERVICE = GroupVersionKind("", "v1", "Service")
RUNTIME_CLASS = GroupVersionKind("node.k8s.io", "v1", "RuntimeClass")
SERVICE_ACCOUNT = "system:serviceaccount:"
NODE, NODES = "system:node:", "system:nodes"
"""How kubelets are called, and their group (plugin/pkg/auth/authorizer/node)."""

ACCOUNTS = frozenset({"status", "finalize", "eviction"})
"""Subresources by which nothing new comes into a namespace."""
CONTROLLER_MANAGER = "system:kube-controller-manager"
COPYISTS = frozenset(
    (
        CONTROLLER_MANAGER,
        *(
            f"{SERVICE_ACCOUNT}kube-system:{name}-controller"
            for name in (
                *("cronjob", "daemon-set", "deployment", "ephemeral-volume", "job"),
                *("replicaset", "replication", "resource-claim", "statefulset"),
            )
        ),
    )
)
"""Who in the control plane makes objects from templates: as itself, or with an account a controller."""
MADE_FROM_TEMPLATES = frozenset(
    (
        ("", "Pod"),
        ("", "PersistentVolumeClaim"),
        ("apps", "ControllerRevision"),
        ("apps", "ReplicaSet"),
        ("batch", "Job"),
        ("resource.k8s.io", "ResourceClaim"),
    )
)
"""What the control plane's controllers copy from templates. All else that they write they work out."""
RBAC = "rbac.authorization.k8s.io"
PEOPLE = ("User", "Group")
"""What a RoleBinding names besides ServiceAccounts; a Tenant says whose they are (`owners`)."""
BEHIND_GATES = frozenset(
    (
        ("certificates.k8s.io", "PodCertificateRequest"),
        ("coordination.k8s.io", "LeaseCandidate"),
        ("scheduling.k8s.io", "PodGroup"),
        ("scheduling.k8s.io", "Workload"),
    )
)
"""Kinds in namespaces that Kubernetes 1.36 serves behind feature gates (KEP-4317, KEP-4355, KEP-4671)."""
KEPT_SUBRESOURCES = frozenset(("status", "finalize", "approval", "binding", "eviction", "token"))
"""Through these no object of a tenant's choice is written: whoever is trusted does its own work there."""


@immutable(frozen=True, slots=True)
class Context:
    """Answers about one request. Raises `ContestedNamespace` where a namespace has two owners."""

    tenancy: Tenancy
    cluster: ClusterView
    request: AdmissionRequest
    _owners: dict[str, Tenant | None] = field(default_factory=dict)
    _references: dict[bool, list[Object]] = field(default_factory=dict)
    _marks: dict[int, list[Object]] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    """Of the namespaces that exist, once something has asked."""

    @property
    def namespace(self) -> str:
        """The request's namespace; empty for cluster-wide objects.

        A Namespace is its own, but the API server does not say so when it has made up the name: it took the
        request's namespace from the name before there was one (apiserver/pkg/endpoints/handlers/create.go).
        """
        if self.request.kind == NAMESPACE:
            return self.request.namespace or self.request.name
        return self.request.namespace

    def tenant(self) -> Tenant | None:
        """The owner of the request's namespace, by its stored record, never by what the request says."""
        if not self.namespace:
            return None
        if self.request.kind == NAMESPACE and self.request.old_object is not None:
            return self.owner_with(self.namespace, labels_of(self.request.old_object))
        return self.owner(self.namespace)

    def owner(self, namespace: str) -> Tenant | None:
        """The owner of a namespace."""
        if namespace in self._owners:
            return self._owners[namespace]
        return self._undisputed(lambda: self._owner(namespace))

    def owner_with(self, namespace: str, labels: Mapping[str, Any]) -> Tenant | None:
        """The owner a namespace would have if these were its labels."""
        return self._undisputed(lambda: self.tenancy.owner(namespace, lambda _name: labels))

    def _owner(self, namespace: str) -> Tenant | None:
        if namespace not in self._owners:
            self._owners[namespace] = self.tenancy.owner(namespace, self._labels)
        return self._owners[namespace]

    def _undisputed(self, find: Callable[[], Tenant | None]) -> Tenant | None:
        """What is found; while the platform mends a disputed namespace, it is nobody's."""
        try:
            return find()
        except ContestedNamespace:
            if self.mends:
                return None
            raise

    @property
    def mends(self) -> bool:
        """Whether the request may go on in a namespace whose owner is in doubt, as nothing new comes of it.

        The platform mends the namespace, and the cluster keeps account of what runs there, and clears it up.
        """
        request = self.request
        if request.operation != "DELETE" and not _keeps_account(request):
            return False
        if NODES in request.user.groups and request.user.username.startswith(NODE):
            return True
        try:
            return self.is_trusted(request.user)
        except ContestedNamespace:
            return False

    def _labels(self, namespace: str) -> Mapping[str, str]:
        return labels_of(self.cluster.get(NAMESPACE, "", namespace))

    def owns(self, tenant: Tenant, namespace: str) -> bool:
        """Whether a namespace is a tenant's."""
        owner = self.owner(namespace)
        return owner is not None and owner.name == tenant.name

    def permits(self, tenant: Tenant, reference: Mapping[str, Any]) -> bool:
        """Whether a tenant may name this: its own, what is granted, what has no namespace."""
        namespace = reference["namespace"]
        if reference["group"] == RBAC and reference["kind"] in PEOPLE:
            return tenant.trusted or self._may_bind(tenant, reference["kind"], reference["name"])
        if tenant.trusted or not namespace:
            return True
        by_pods = reference.get("how") == PODS
        if ANYWHERE in namespace:
            of_its_own = namespace in tenant.claim.patterns
            return by_pods or of_its_own or _stays_inside(tenant, reference.get("selector"))
        try:
            owner = self._named_owner(namespace)
        except ContestedNamespace:
            return False
        if owner is None or (by_pods and (owner.trusted or not owner.claimed)):
            return by_pods  # what no tenant claims the platform offers, as far as network policies let pods
        # An unclaimed namespace may be called like a tenant that is gone, or to come: no grant is for it.
        known_as = tenant.name if tenant.claimed else ""
        return owner.name == tenant.name or any(
            grant.covers(known_as, reference["group"], reference["kind"], namespace, reference["name"])
            for grant in owner.sharing
        )

    def _named_owner(self, namespace: str) -> Tenant | None:
        """The owner of a namespace that an object names.

        What a tenant's own control plane lacks, the name may come down to: then it is the host's namespace.
        """
        host = self.tenancy.host
        if host is not None and self.cluster.get(NAMESPACE, "", namespace) is None:
            found = host.claimant(namespace, lambda _name: {})
            if found is not None:
                return found
        return self.owner(namespace)

    def _may_bind(self, tenant: Tenant, kind: str, name: str) -> bool:
        """Whether a tenant may give rights to a user or a group: its own, and whoever runs no tenant."""
        is_user, settings = kind == "User", self.tenancy.settings
        owners = self.tenancy.owned_by(name if is_user else "", () if is_user else (name,))
        if tenant.name in owners:
            return True
        if name in (settings.platform_users if is_user else settings.platform_groups):
            return False
        in_force = [self.tenancy.by_name[owner] for owner in owners if owner in self.tenancy.by_name]
        sharing = [grant for owner in in_force for grant in owner.sharing]
        known_as = tenant.name if tenant.claimed else ""
        return not owners or any(grant.covers(known_as, RBAC, kind, "", name) for grant in sharing)

    @property
    def surroundings(self) -> Surroundings:
        """What is inside the cluster, by the settings and by the address at which it serves its own API.

        The Service `kubernetes` leads to the API server (kubernetes/pkg/controlplane/instance.go makes it).
        What a tenant's own pods may reach, network policies say; they are judged by the settings alone.
        """
        around = self.tenancy.surroundings
        server = self.cluster.get(SERVICE, "default", "kubernetes") or {}
        spec = server.get("spec")
        addresses = spec.get("clusterIPs") if isinstance(spec, dict) else None
        texts = [text for text in addresses if isinstance(text, str)] if isinstance(addresses, list) else []
        found = tuple(ip_network(address) for text in texts if (address := address_of(text)) is not None)
        return Surroundings((*around.protected, *found)) if found else around

    def may_call(self, tenant: Tenant, host: str) -> bool:
        """Whether a tenant may have a controller call a host: a Service it may name, or a place outside."""
        around = self.tenancy.surroundings
        name = canonical(host)
        before, _, last = name.rpartition(".")
        namespace = place_of(host, around).namespace
        if not namespace and before and self._is_known(last):
            namespace = last  # the search path of pods makes it a Service
        if namespace:
            service = name.partition(f".{namespace}")[0].rpartition(".")[2]
            reference = {"kind": "Service", "group": "", "namespace": namespace, "name": service}
            return self.permits(tenant, reference)
        return is_public(host, self.tenancy.settings.cluster_domain, around)

    def references(self, value: Object) -> list[Object]:
        """What an object names; of the request's own objects it is found out once."""
        old = value is self.request.old_object
        if not old and value is not self.request.object:
            return self._named(value)
        found = self._references.get(old)
        if found is None:
            found = self._references[old] = self._named(value)
        return found

    def _named(self, value: Object) -> list[Object]:
        builtin = str(value.get("apiVersion", "")).rpartition("/")[0] in BUILT_IN_GROUPS
        around = self.tenancy.surroundings if builtin else self.surroundings
        found = references(value, self.namespace, around)
        return [
            LOCATED[reference["kind"]](self, reference) if reference["kind"] in LOCATED else reference
            for reference in found
        ]

    def _located(self, reference: Object) -> Object:
        """`db.bar` as a Service where there is a namespace `bar`: the search path of pods makes it one.

        `web-0.db.bar` is a pod of it, where there is the Service: names outside have three labels as well.
        """
        before, _, namespace = reference["name"].rpartition(".")
        pod, _, service = before.rpartition(".")
        if not self._is_known(namespace) or (pod and self.cluster.get(SERVICE, namespace, service) is None):
            return reference
        return {**reference, "kind": "Service", "name": service.rpartition(".")[2], "namespace": namespace}

    def _qualified(self, reference: Object) -> Object:
        """`bar/db` as an object of `bar`, where there is a namespace of that name."""
        namespace, _, name = reference["name"].partition("/")
        if not self._is_known(namespace):
            return reference
        return {**reference, "kind": "Object", "name": name, "namespace": namespace}

    def _owned(self, reference: Object) -> Object:
        """`bar-invoices` as another tenant's, where one claims a namespace `bar`; not `foo-bar` of `foo`."""
        own, parts = self.tenant(), SEPARATOR.split(reference["name"].lower())[:MOST_PARTS]
        names = ["-".join(parts[:count]) for count in range(1, len(parts))]
        if own is None or own.name in names:
            return reference
        found = [{**reference, "kind": "Object", "namespace": name} for name in names if self._is_known(name)]
        if any(self.permits(own, each) for each in found):
            return reference
        foreign = (each for each in found if not self.permits(own, {**each, "how": PODS}))
        return next(foreign, reference)

    def _sited(self, reference: Object) -> Object:
        """A name by which something is served as another tenant's, where it is no own one."""
        own = self.tenant()
        if own is None or own.owns_hostname(reference["name"]):
            return reference
        others = [each.name for each in self.tenancy.hosts.near(reference["name"]) if each.name != own.name]
        return {**reference, "kind": "Host", "namespace": ANYWHERE} if others else reference

    def _separated(self, reference: Object) -> Object:
        """Traefik's `foo-bar-auth` as of another tenant's namespace, where there is one that it may be of."""
        kind = {"kind": "Middleware"}
        parts = reference["name"][: LONGEST_NAME + 1].split("-")
        for count in range(1, len(parts)):
            namespace = "-".join(parts[:count])
            if namespace != self.namespace and self._is_known(namespace):
                located = {**reference, **kind, "namespace": namespace}
                tenant = self.tenant()
                if tenant is not None and not self.permits(tenant, located):
                    return located
        return {**reference, **kind}

    def _is_known(self, namespace: str) -> bool:
        """Whether a namespace is claimed by its name, or exists; a look-up of one may assume that it does."""
        if not self._names:
            self._names.update(found["metadata"]["name"] for found in self.cluster.list(NAMESPACE))
        try:
            return namespace in self._names or self.tenancy.claimant(namespace, lambda _name: {}) is not None
        except ContestedNamespace:
            return True

    def is_trusted(self, user: UserInfo) -> bool:
        """Whether a user is of the platform: by settings, or as a ServiceAccount of a trusted tenant.

        What brings a control plane's objects down is of its tenant, wherever it runs, and what deploys for a
        tenant is of that one.
        """
        if user.username in self.tenancy.syncers:
            return False
        if self._is_named(user):
            return True
        home = self._home(user)
        return home is not None and home.trusted and not self.deploys_for(user)

    def deploys_for(self, user: UserInfo) -> list[str]:
        """The tenants that had an account of the platform's deploy what it writes, by the marks on it."""
        home = self._deputy_of(user)
        if home is None or home.copies_marks:
            return []
        owners = (self._owner(namespace) for namespace in self._marked if namespace != HOME)
        return sorted({owner.name for owner in owners if owner is not None and not owner.trusted})

    def is_vouched(self, user: UserInfo) -> bool:
        """Whether somebody of the platform stands behind what an account writes that also writes for tenants.

        That is the account's Tenant by `clusterWide`, which names our own documents by their exact group, or
        an object of the platform's by its mark. Everybody else is judged by other rules.
        """
        home, kind = self._deputy_of(user), self.request.kind
        if home is None:
            return True
        if self.deploys_for(user):
            return False
        granted = any(
            grant.covers(kind.group, kind.kind) and (kind.group != GROUP or grant.group == GROUP)
            for grant in home.cluster_wide
        )
        told = bears_marks(kind) and not home.copies_marks
        return granted or (told and any(map(self._is_trusted, self._marked)))

    def _is_trusted(self, namespace: str) -> bool:
        owner = self._owner(namespace) if namespace != HOME else None
        return namespace == HOME or (owner is not None and owner.trusted)

    def _deputy_of(self, user: UserInfo) -> Tenant | None:
        """The trusted tenant of an account that writes as tenants, where that is not its own work."""
        request = self.request
        if self.tenancy.landlord is not None or self._is_named(user) or user.username in self.tenancy.syncers:
            return None
        if request.operation == "CONNECT" or request.subresource in KEPT_SUBRESOURCES:
            return None
        home = self._home(user)
        return home if home is not None and home.trusted and not home.writes_as_platform else None

    @property
    def _marked(self) -> frozenset[str]:
        return marked_namespaces(self.request.object or self.request.old_object or {}, self._is_known)

    def is_platform(self, user: UserInfo) -> bool:
        """Whether a user acts for the platform in this request, rather than for a tenant.

        Two kinds of trusted accounts act for others. A controller of the control plane makes what an object's
        template says: that is judged as its owner's. An account of a trusted tenant that deploys what others
        wrote (GitOps) is judged in a tenant's namespace as that tenant, unless `writesAs` says otherwise.
        """
        if self.tenancy.landlord is not None and self._holds_for_the_cluster:
            return True
        return self.is_trusted(user) and not self._acts_for_a_tenant(user)

    @property
    def _holds_for_the_cluster(self) -> bool:
        """Whether the request is about what is in no namespace: in its own control plane the tenant's own."""
        return not self.request.namespace or self.request.kind == NAMESPACE

    def control_plane_of(self, user: UserInfo) -> str:
        """The name of the control plane whose objects a user brings down; empty for anybody else."""
        plane = self.tenancy.syncers.get(user.username)
        return "" if plane is None else plane.name

    def _is_named(self, user: UserInfo) -> bool:
        settings = self.tenancy.settings
        return user.username in settings.platform_users or not set(user.groups).isdisjoint(
            settings.platform_groups
        )

    def _acts_for_a_tenant(self, user: UserInfo) -> bool:
        request = self.request
        copies = user.username in COPYISTS and request.operation == "CREATE" and not request.subresource
        own = (
            request.operation == "CONNECT" or request.subresource in KEPT_SUBRESOURCES or self._is_named(user)
        )
        if request.kind == NAMESPACE or (own and not copies):
            return False
        tenant = self.tenant()
        if tenant is None or tenant.trusted:
            return False
        if copies:
            return request.kind[::2] in MADE_FROM_TEMPLATES and not self._is_made_for_the_platform()
        home = self._home(user)
        return home is not None and not home.writes_as_platform

    def _is_made_for_the_platform(self) -> bool:
        made = self.request.object
        return made is not None and self.protection.covers_maker(made)

    @property
    def protection(self) -> Protection:
        """What is protected in the request's namespace."""
        return Protection(self.cluster, self.namespace)

    def is_cluster_wide(self, owner: Mapping[str, Any]) -> bool:
        """Whether an ownerReference names what lies in no namespace.

        So does, of Kubernetes' own groups, what it does not serve: nobody can tell what an alpha version
        makes of it. A custom kind that nobody has defined here may lie in a namespace.
        """
        kind = GroupVersionKind.parse(str(owner.get("apiVersion", "")), str(owner.get("kind", "")))
        served = self.cluster.served(kind)
        if served is not None:
            return not served.namespaced
        known = Kinds.builtin().is_namespaced(kind.group, kind.kind)
        return kind.group in BUILT_IN_GROUPS and not known and (kind.group, kind.kind) not in BEHIND_GATES

    def reached(self, value: Object) -> list[Object]:
        """What is protected and reached by an object."""
        return [reach._asdict() for reach in reached(value, self.protection)]

    def reaching(self, value: Object) -> list[Object]:
        """What is there and would reach an object that is about to be."""
        return [reach._asdict() for reach in reaching(value, self.protection)]

    def holding_budgets(self, value: Object) -> list[str]:
        """The PodDisruptionBudgets by which a pod is held twice."""
        return holding_budgets(value, self.cluster, self.namespace)

    def marks(self, value: Object) -> list[Object]:
        """The labels and annotations an object hands on; of the request's own objects found out once."""
        found = self._marks.get(id(value))
        if found is None:
            found = [mark._asdict() for mark in islice(marks(value), MAX_REFERENCES)]
            if len(found) == MAX_REFERENCES:
                raise Unreadable(f"the object hands on more than {MAX_REFERENCES} labels: split it")
            if value is self.request.object or value is self.request.old_object:
                self._marks[id(value)] = found
        return found

    def pod_counts(self, value: Object) -> list[Object]:
        """The numbers of pods that a custom resource asks for."""
        found = [count._asdict() for count in islice(counts(value), MAX_REFERENCES)]
        if len(found) == MAX_REFERENCES:
            raise Unreadable(f"the object asks for more than {MAX_REFERENCES} numbers of pods: split it")
        return found

    def concerns_the_platform(self) -> bool:
        """Whether the platform asks, or the request is about what is the platform's."""
        try:
            if self.is_platform(self.request.user):
                return True
            tenant = self.tenant()
        except ContestedNamespace:
            return False
        return tenant is not None and tenant.trusted

    def tenants_of(self, user: UserInfo) -> list[str]:
        """The tenants a user belongs to: those it owns, a ServiceAccount's own; or those it deploys for."""
        if deployed := self.deploys_for(user):
            return deployed
        owned = self.tenancy.owned_by(user.username, user.groups)
        home = self._home(user)
        return owned if home is None or home.name in owned else [*owned, home.name]

    def is_of_declared_tenant(self, user: UserInfo) -> bool:
        """Whether a user belongs to a tenant some document declares."""
        return not self.tenancy.declared.isdisjoint(self.tenants_of(user))

    def _home(self, user: UserInfo) -> Tenant | None:
        if user.username in self.tenancy.syncers:
            return self.tenancy.by_name[self.tenancy.syncers[user.username].tenant]
        if not user.username.startswith(SERVICE_ACCOUNT):
            return None
        return self._owner(user.username.removeprefix(SERVICE_ACCOUNT).partition(":")[0])

    def lacks_runtime_class(self, name: str) -> bool:
        """Whether the cluster is known to have no RuntimeClass of a name; the empty name asks for none."""
        return name != "" and self.runtime_class(name) is None and self.cluster.knows(RUNTIME_CLASS)

    def runtime_class(self, name: str) -> Object | None:
        """The RuntimeClass of a name."""
        return self.cluster.get(RUNTIME_CLASS, "", name)


def _keeps_account(request: AdmissionRequest) -> bool:
    """Whether an object that exists only tells how it is, loses its finalizers, or is a Namespace itself."""
    metadata = (request.old_object or {}).get("metadata") or {}
    return (
        request.subresource in ACCOUNTS
        or "deletionTimestamp" in metadata
        or (request.kind == NAMESPACE and request.operation == "UPDATE")
    )


SEPARATOR = re.compile(r"[^a-z0-9]+")
MOST_PARTS = 8
"""Parts of a name that may say whose it is."""
LOCATED: Mapping[str, Callable[[Context, Object], Object]] = {
    DESTINATION: Context._located,
    JOINED: Context._separated,
    OWNED: Context._owned,
    QUALIFIED: Context._qualified,
    SITE: Context._sited,
}
"""References of which only the namespaces that exist, or the tenants, tell what they name."""


def _stays_inside(tenant: Tenant, selector: object) -> bool:
    """Whether whatever a selector of namespaces selects is the tenant's, by labels no tenant can forge."""
    if not isinstance(selector, dict):
        return False
    try:
        asked = Selector.of(selector)
        named = only_values(asked, TENANT_LABEL)
        if named is not None and named == {tenant.name}:
            return True
        return any(_implies(asked, claim) for claim in tenant.claim.selectors)
    except (SelectorError, AttributeError, TypeError):
        return False


def _implies(asked: Selector, claimed: Selector) -> bool:
    return all(_demands(asked, requirement) for requirement in claimed.requirements)


def _demands(asked: Selector, requirement: Requirement) -> bool:
    if requirement.operator != "In":
        return requirement in asked.requirements
    values = only_values(asked, requirement.key)
    return values is not None and values <= requirement.values
