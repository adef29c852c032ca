"""The shape of tenancy documents, once: the loader checks by it and CustomResourceDefinitions carry it.

Shapes are OpenAPI v3 structural schemas as a CustomResourceDefinition has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatekeeper_py.objects.schema import OpenAPI
from gatekeeper_py.tenancy.isolation import LEVELS
from gatekeeper_py.tenancy.virtual_nodes import FEATURES, VOLUMES

__all__ = ["CONTROL_PLANE_SPEC", "SETTINGS_SPEC", "TENANT_SPEC", "WAIVER_SPEC", "definitions"]

TENANT_NAME = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
TENANT_NAME_LENGTH = 53
"""A label value holds 63 characters; ten are kept for the prefix of an unclaimed namespace's tenant."""
LABEL_VALUE = "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"
PORTS = r"^([0-9]{1,5}(-[0-9]{1,5})?|\*)$"
QUANTITY = "^[0-9]+(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
SIZE = "^[0-9]+(k|M|G|Ki|Mi|Gi)?$"
NAMESPACE_PATTERN = r"^[-a-z0-9*]+$"
SOME_NAMESPACES = r"^[-a-z0-9*]*[a-z0-9][-a-z0-9*]*$"
"""A pattern that does not stand for every name there is."""
KIND = r"^[A-Za-z][A-Za-z0-9]*(\.[-a-z0-9.]+)?$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
WORDED = r"[^ \t\n]"
"""A text that says something."""
LONGEST_TEXT = 1024
GROUP_PATTERN = r"^[-a-z0-9.*]+$"
NODE_NAME_PATTERN = r"^[-a-z0-9.*]*[a-z0-9][-a-z0-9.*]*$"
"""A pattern that does not stand for every node there is."""
LEVEL_NAMES = [*LEVELS, "virtual-node"]
LONGEST_LIST = 256
LONGEST_AUDIENCE = 1024
"""Characters of an audience: those of federations are whole URLs."""


def _text(description: str, **rules: Any) -> OpenAPI:
    return {"type": "string", "description": description, **rules}


def _texts(description: str, **rules: Any) -> OpenAPI:
    return {
        "type": "array",
        "description": description,
        "maxItems": LONGEST_LIST,
        "items": {"type": "string", "minLength": 1, "maxLength": 253, **rules},
    }


def _some(description: str, **rules: Any) -> OpenAPI:
    """Texts of which there must be one: an empty list is more likely a slip than meant."""
    return {**_texts(description, **rules), "minItems": 1}


def _count(description: str) -> OpenAPI:
    return {"type": "integer", "description": description, "minimum": 0, "maximum": 100_000}


def _quantity(description: str) -> OpenAPI:
    return _text(description, pattern=QUANTITY, maxLength=20)


def _flag(description: str) -> OpenAPI:
    return {"type": "boolean", "description": description}


def _mapping(description: str, **rules: Any) -> OpenAPI:
    return {
        "type": "object",
        "description": description,
        "additionalProperties": {"type": "string", "maxLength": 253, **rules},
    }


def _object(description: str, properties: Mapping[str, OpenAPI], *required: str, **rules: Any) -> OpenAPI:
    schema = {"type": "object", "description": description, "properties": dict(properties), **rules}
    return {**schema, "required": list(required)} if required else schema


def _list(description: str, items: OpenAPI) -> OpenAPI:
    return {"type": "array", "description": description, "maxItems": LONGEST_LIST, "items": items}


def _choice(what: str) -> OpenAPI:
    return _object(
        f"Which {what} may be used, and which is used when none is named.",
        {
            "allowed": _texts("Exact names; * allows every one."),
            "default": _text("Used when none is named.", minLength=1, maxLength=253),
        },
    )


_SELECTOR = _object(
    "A label selector over Namespaces; it must ask for at least one label.",
    {
        "matchLabels": _mapping("Labels that must have these values."),
        "matchExpressions": _list(
            "Demands on labels.",
            _object(
                "One demand.",
                {
                    "key": _text("The label.", minLength=1),
                    "operator": _text("How it is compared.", enum=["In", "NotIn", "Exists", "DoesNotExist"]),
                    "values": _texts("What it is compared with."),
                },
                "key",
                "operator",
            ),
        ),
    },
)
_TOLERATION = _object(
    "A toleration of core/v1.",
    {
        "key": _text("The taint.", minLength=1),
        "operator": _text("How it is compared.", enum=["Equal", "Exists"]),
        "value": _text("The taint's value."),
        "effect": _text("The taint's effect.", enum=["NoSchedule", "PreferNoSchedule", "NoExecute"]),
    },
    "key",
)
_NODES = _object(
    "Where pods run; added to every pod of the tenant.",
    {
        "profile": _text(
            "Virtual nodes of this kind, by their profile: one that ships, or one of the settings.",
            minLength=1,
            maxLength=63,
        ),
        "selector": _mapping("Node labels every pod must select."),
        "tolerations": _list(
            "Tolerations every pod gets, and the only ones of dedicated nodes.", _TOLERATION
        ),
    },
)
_RUNTIME_CLASSES = _object(
    "The runtime classes pods may name, and how well they must isolate.",
    {
        "allowed": _texts(
            "Exact names of RuntimeClasses. Whatever is named, its handler must isolate well enough."
        ),
        "default": _text("Given to pods that name none.", minLength=1, maxLength=253),
        "isolation": _text("The least level of isolation a pod's handler must give.", enum=LEVEL_NAMES),
    },
)
_KINDS = _object(
    "Kinds of one API group.",
    {
        "group": _text(
            "The API group; * stands for any characters.",
            minLength=1,
            maxLength=253,
            pattern=GROUP_PATTERN,
        ),
        "kinds": _texts("Kinds as HelmChart; * for all of the group.", maxLength=63),
    },
    "group",
    "kinds",
)
_USAGE: dict[str, OpenAPI] = {
    "runtimeClasses": _RUNTIME_CLASSES,
    "storageClasses": _choice("StorageClasses"),
    "ingressClasses": _choice("IngressClasses"),
    "gatewayClasses": _choice("GatewayClasses"),
    "priorityClasses": _choice("PriorityClasses"),
    "snapshotClasses": _choice("VolumeSnapshotClasses"),
    "volumeAttributesClasses": _choice("VolumeAttributesClasses"),
    "deviceClasses": _choice("DeviceClasses"),
    "loadBalancerClasses": _choice("load balancer classes"),
    "schedulers": _choice("schedulers"),
    "extendedResources": _texts(
        "Extended resources pods may ask for, such as nvidia.com/gpu; * stands for anything."
    ),
    "csiDrivers": _texts("CSI drivers pods may use in line."),
    "hostnames": _texts(
        "DNS names that may be served: exact, *.example.com for all below a name, or * for all."
    ),
    "registries": _texts("Where images come from: a registry, a path in one, or * for all."),
    "identities": _texts("Cloud identities ServiceAccounts may carry; * stands for anything."),
    "externalIPs": _texts("CIDRs of the addresses Services may claim."),
    "clusterIssuers": _texts(
        "Cluster-wide issuers, stores and signers that may be named, as Kind/name; Kind/* for all of a kind."
    ),
    "customResources": _list(
        "Custom kinds that nobody may use without a grant: those that hold power beyond a namespace, and, "
        "where the settings refuse them, those that the catalogue does not know.",
        _KINDS,
    ),
    "nodes": _NODES,
    "podSecurity": _text(
        "restricted makes the checks of that Pod Security level binding.", enum=["baseline", "restricted"]
    ),
    "requireLimits": _flag("Refuse containers without requests and limits, rather than warn."),
    "limits": _object(
        "How much of what no ResourceQuota bounds so; 0 is no limit.",
        {
            "namespaces": _count("Namespaces of the tenant."),
            "loadBalancers": _count("Services of type LoadBalancer in one namespace."),
            "snapshots": _count("VolumeSnapshots in one namespace."),
            "nodePorts": _count("Ports that Services of one namespace take on every node."),
            "replicas": _count("Pods of one workload, however it is scaled."),
            "cpu": _quantity("Processors of one container."),
            "memory": _quantity("Memory of one container."),
            "hugePages": _quantity("Huge pages of one size of one container."),
            "objectSize": _text("Bytes of one object, as JSON.", pattern=SIZE, maxLength=10),
        },
    ),
    "ceiling": _object(
        "How much all pods may ask for together, over all namespaces, with the overhead of their runtime "
        "classes; 0 is no limit.",
        {
            "pods": _count("Pods that have not ended."),
            "cpu": _quantity("Processors."),
            "memory": _quantity("Memory."),
        },
    ),
    "annotations": _texts(
        "Annotations by which shared controllers take orders, besides the ordinary ones; a * may end them."
    ),
    "hostlessRoutes": _flag(
        "Whether an Ingress, a listener or a route may serve every host that nobody else does."
    ),
    "nameservers": _texts(
        "CIDRs of the DNS servers that pods may ask in place of the cluster's; any when absent."
    ),
    "populators": _texts(
        "What fills a new volume besides claims and snapshots, as VolumePopulator.example.com; * for all."
    ),
    "roleRules": _texts(
        "Verbs and subresources that Roles may hold though they reach beyond ordinary work; * for all."
    ),
    "tokenAudiences": _texts(
        "Audiences of ServiceAccount tokens, besides the API server's own; * stands for anything.",
        maxLength=LONGEST_AUDIENCE,
    ),
    "topologyKeys": _texts(
        "Labels of nodes by which pods may be kept together, apart or spread; * for all. The ordinary ones "
        "when absent."
    ),
    "nodePorts": _texts(
        "Ports of the nodes that Services may choose, as 30080 or 30000-30099; * for all.", pattern=PORTS
    ),
    "openTraffic": _list(
        "Directions in which network policies may open everything though the platform has closed it.",
        _text("A direction of traffic.", enum=["ingress", "egress"]),
    ),
    "manualSelectors": _flag("Whether a Job may choose its pods by a selector of its own."),
    "quota": _mapping(
        "Of the ResourceQuota that each namespace gets when a frame is rendered: how much, by resource.",
        pattern=QUANTITY,
    ),
    "silencedWarnings": _texts("Policies whose warnings are kept to audits; what they refuse stays refused."),
    "labels": _mapping(
        "Labels of all workloads, besides the one that names the tenant.", maxLength=63, pattern=LABEL_VALUE
    ),
}
_ENFORCEMENT = _text(
    "Whether what policies find is recorded only, told as warnings, or changed and refused.",
    enum=["observe", "warn", "enforce"],
)
_VIRTUAL_NODES = _list(
    "Profiles of virtual nodes: changes of those that ship, and others.",
    _object(
        "How virtual nodes of one kind are known, and what they cannot honour. Of a profile that ships, what "
        "is not said here stays as it ships.",
        {
            "name": _text("How Tenants call it.", minLength=1, maxLength=63, pattern=TENANT_NAME),
            "isolation": _text(
                "vm where each pod on them is a virtual machine; nothing unless said so.", enum=["none", "vm"]
            ),
            "selector": {
                **_mapping("Labels that all of these nodes have, and no other."),
                "minProperties": 1,
            },
            "tolerations": _list("Of the taints that keep other pods off.", _TOLERATION),
            "nodeNames": _some(
                "How they are called; * stands for any characters. Tells those that are not known yet.",
                pattern=NODE_NAME_PATTERN,
            ),
            "scheduler": _text(
                "What sends pods there, if not the cluster's own.", minLength=1, maxLength=253
            ),
            "volumes": _list(
                "Kinds of volumes that pods may mount there; no other.",
                _text("A kind of volume.", enum=list(VOLUMES)),
            ),
            "csiDrivers": _texts("Drivers of CSI volumes in line, where csi is among the volumes."),
            "extendedResources": _texts("Devices that pods may ask for there; * stands for anything."),
            "lacks": _list("What they cannot honour.", _text("A feature.", enum=list(FEATURES))),
        },
        "name",
    ),
)
TENANT_SPEC = _object(
    "What a tenant is.",
    {
        "trusted": _flag("A part of the platform: nothing is forced on it."),
        "enforcement": _ENFORCEMENT,
        "writesAs": _text(
            "As whose a trusted tenant's writes into another tenant's namespace are judged: as that tenant's "
            "own (tenant, the default), or as the platform's (platform).",
            enum=["tenant", "platform"],
        ),
        "clusterWide": _list(
            "Of a trusted tenant that writes as others: kinds that hold for the whole cluster and that its "
            "accounts write for the platform, where no mark says that a tenant has them deployed.",
            _KINDS,
        ),
        "copiesMarks": _flag(
            "Of a trusted tenant: its accounts copy the marks of GitOps controllers from what tenants wrote, "
            "as Crossplane does, so that they do not tell who had an object deployed."
        ),
        "namespaces": _object(
            "The namespaces the tenant owns.",
            {
                "names": _texts("Exact names.", maxLength=63, pattern=TENANT_NAME),
                "patterns": _texts(
                    "Names in which * stands for any characters.", maxLength=63, pattern=NAMESPACE_PATTERN
                ),
                "selector": _SELECTOR,
                "capsuleTenant": _text(
                    "The Capsule tenant whose namespaces these are.", minLength=1, maxLength=63
                ),
                "rancherProject": _text(
                    "The id of the Rancher project (p-abcde) whose namespaces these are.",
                    minLength=1,
                    maxLength=63,
                ),
            },
            minProperties=1,
        ),
        "owners": _list(
            "Who runs the tenant.",
            _object(
                "A user, a group or a ServiceAccount.",
                {
                    "kind": _text("What it is.", enum=["User", "Group", "ServiceAccount"]),
                    "name": _text("Its name.", minLength=1, maxLength=253),
                    "namespace": _text("Of a ServiceAccount, its namespace.", minLength=1, maxLength=63),
                },
                "kind",
                "name",
                **{
                    "x-kubernetes-validations": [
                        {
                            "rule": "(self.kind == 'ServiceAccount') == has(self.__namespace__)",
                            "message": "namespace is for ServiceAccounts, and they need one",
                        }
                    ]
                },
            ),
        ),
        **_USAGE,
        "sharing": _list(
            "What other tenants may name.",
            _object(
                "A grant.",
                {
                    "to": _texts("Tenants; * for all.", maxLength=63),
                    "kinds": _texts(
                        "Kinds as Service or Gateway.gateway.networking.k8s.io, Namespace for the namespace "
                        "itself, * for all."
                    ),
                    "names": _texts("Names in which * stands for any characters; all when absent."),
                    "namespaces": _texts("Of this tenant's namespaces, those it holds for; all when absent."),
                },
                "to",
                "kinds",
            ),
        ),
    },
    "namespaces",
    **{
        "x-kubernetes-validations": [
            {
                "rule": "!has(self.runtimeClasses) || !has(self.runtimeClasses.default) || "
                "!has(self.runtimeClasses.allowed) || '*' in self.runtimeClasses.allowed || "
                "self.runtimeClasses.default in self.runtimeClasses.allowed",
                "message": "the default runtime class must be one of the allowed",
            },
        ]
    },
)
SETTINGS_SPEC = _object(
    "What holds for the cluster and every tenant.",
    {
        "enforcement": _ENFORCEMENT,
        "unclaimed": _text(
            "What a namespace is that no tenant claims: a tenant of its own, closed to everybody, "
            "or outside all rules.",
            enum=["own-tenant", "refuse", "ignore"],
        ),
        "handlers": _mapping(
            "Runtime handlers and how well they isolate, added to the built-in list.", enum=list(LEVELS)
        ),
        "virtualNodes": _VIRTUAL_NODES,
        "platform": _object(
            "Who acts for the platform, besides the ServiceAccounts of trusted tenants.",
            {
                "users": _texts("User names, besides those of the control plane."),
                "groups": _texts("Groups; system:masters unless said otherwise."),
            },
        ),
        "reservedPrefixes": _texts("How names of namespaces begin that only the platform makes."),
        "protectedCIDRs": _texts("Addresses of pods, Services and nodes that no tenant may name by address."),
        "clusterDomain": _text("The DNS domain of the cluster.", minLength=1, maxLength=253),
        "unknownKinds": _text(
            "What becomes of custom kinds that the catalogue does not know and no Tenant grants: they are "
            "scanned, scanned and warned of, or refused.",
            enum=["scan", "warn", "refuse"],
        ),
        "defaults": _object(
            "What a tenant may use where its document says nothing, and what unclaimed namespaces may use.",
            _USAGE,
        ),
    },
)


WAIVER_SPEC = _object(
    "Violations that are admitted until a day.",
    {
        "policies": _some("ValidatingAdmissionPolicies whose refusals are waived, by exact name."),
        "tenants": _some("Tenants whose objects it is about, by exact name; any when absent.", maxLength=63),
        "namespaces": _some(
            "Namespaces in which it holds, in which * stands for any characters; any when absent.",
            maxLength=63,
            pattern=SOME_NAMESPACES,
        ),
        "kinds": _some("Kinds it is about, as Pod or Deployment.apps; any when absent.", pattern=KIND),
        "names": _some("Names it is about, in which * stands for any characters; any when absent."),
        "condition": _text(
            "A CEL expression over the names of match conditions; where it is not true nothing is waived.",
            minLength=1,
            maxLength=8192,
        ),
        "reason": _text("Why.", minLength=1, maxLength=LONGEST_TEXT, pattern=WORDED),
        "approvedBy": _text("Who has agreed.", minLength=1, maxLength=LONGEST_TEXT, pattern=WORDED),
        "expires": _text("The last day on which it holds, in UTC: 2027-01-31.", pattern=DAY, maxLength=10),
    },
    "policies",
    "reason",
    "approvedBy",
    "expires",
    **{
        "x-kubernetes-validations": [
            {
                "rule": "has(self.tenants) || has(self.namespaces)",
                "message": "say whose violations are waived: give tenants, namespaces or both",
            }
        ]
    },
)


CONTROL_PLANE_SPEC = _object(
    "A tenant's own API server.",
    {
        "tenant": _text("The Tenant whose it is.", minLength=1, maxLength=TENANT_NAME_LENGTH),
        "kubeconfig": _object(
            "How it is reached: by a file of the platform's, or by what a Secret holds.",
            {
                "file": _text(
                    "The path of a kubeconfig, where the engine runs.", pattern="^/.+", maxLength=4096
                ),
                "secret": _object(
                    "A Secret with a kubeconfig. Only whom to trust and how to log in are taken from it.",
                    {
                        "namespace": _text("Its namespace.", minLength=1, maxLength=63),
                        "name": _text("Its name.", minLength=1, maxLength=253),
                        "key": _text("In which part it is; config when absent.", minLength=1, maxLength=253),
                    },
                    "namespace",
                    "name",
                ),
            },
            minProperties=1,
            maxProperties=1,
        ),
        "server": _text(
            "Its address, whatever the kubeconfig says: https://HOST:PORT. A Secret needs it.",
            pattern="^https://[^/@?#]+$",
            maxLength=512,
        ),
        "clientNames": _texts(
            "Names (CN or subjectAltName) of the certificates by which it calls; then nobody else may."
        ),
        "subTenants": _list(
            "Namespaces there that are another Tenant's; all others are the tenant's.",
            _object(
                "Some of its namespaces.",
                {
                    "tenant": _text(
                        "The Tenant as which they are judged there.",
                        minLength=1,
                        maxLength=TENANT_NAME_LENGTH,
                    ),
                    "names": _some("Exact names.", maxLength=63, pattern=TENANT_NAME),
                    "patterns": _some(
                        "Names in which * stands for any characters.", maxLength=63, pattern=SOME_NAMESPACES
                    ),
                },
                "tenant",
            ),
        ),
        "platform": _object(
            "Who works for the control plane itself there, besides Kubernetes' own controllers.",
            {
                "users": _texts("User names: a scheduler, a syncer that writes status."),
                "groups": _texts("Groups; none unless said otherwise, not even system:masters."),
                "namespaces": _texts(
                    "Namespaces there that are not the tenant's, by exact name; none unless said otherwise.",
                    maxLength=63,
                    pattern=TENANT_NAME,
                ),
            },
        ),
        "syncer": _object(
            "What brings its objects down to the host.",
            {"users": _some("Its user names at the host, as system:serviceaccount:foo:vc-foo.")},
            "users",
        ),
        "pods": _list(
            "The pods of the host that are this control plane, wherever they are.",
            _object(
                "Some of them.",
                {
                    "namespace": _text(
                        "Their namespace, in which * stands for any characters.",
                        maxLength=63,
                        pattern=NAMESPACE_PATTERN,
                    ),
                    "selector": {**_SELECTOR, "description": "Which pods there."},
                },
                "namespace",
                "selector",
            ),
        ),
        "registration": _text(
            "How its API server is told to ask: by objects there, which are kept (api, the default), by "
            "files that nobody there can delete (static), or by somebody else (none).",
            enum=["api", "static", "none"],
        ),
    },
    "tenant",
    "kubeconfig",
)


def definitions() -> list[OpenAPI]:
    """The CustomResourceDefinitions of Tenant, TenancySettings, Waiver and ControlPlane."""
    return [
        _definition(
            "Tenant",
            "tenants",
            TENANT_SPEC,
            columns=[
                _column("Trusted", "boolean", ".spec.trusted", "Whether it is a part of the platform."),
                _column("Enforcement", "string", ".spec.enforcement", "Its own; the settings' when empty."),
                _column(
                    "Isolation",
                    "string",
                    ".spec.runtimeClasses.isolation",
                    "The least isolation of its pods.",
                ),
                _column("Runtime class", "string", ".spec.runtimeClasses.default", "What its pods get."),
                *_READY,
                _column("Namespaces", "string", ".status.namespaces", "Those it owns."),
                _column("Age", "date", ".metadata.creationTimestamp", "Since when."),
            ],
            rule={
                "rule": f"self.metadata.name.size() <= {TENANT_NAME_LENGTH} && "
                "!self.metadata.name.contains('.')",
                "message": f"a tenant's name becomes a label; give at most {TENANT_NAME_LENGTH} characters "
                "without dots",
            },
        ),
        _definition(
            "TenancySettings",
            "tenancysettings",
            SETTINGS_SPEC,
            columns=[
                _column("Enforcement", "string", ".spec.enforcement", "Of tenants that state none."),
                _column("Unclaimed", "string", ".spec.unclaimed", "What unclaimed namespaces are."),
                *_READY,
            ],
            rule={
                "rule": "self.metadata.name == 'settings'",
                "message": "there is one TenancySettings, and its name is settings",
            },
        ),
        _definition(
            "Waiver",
            "waivers",
            WAIVER_SPEC,
            columns=[
                _column("Policies", "string", ".spec.policies", "What it waives."),
                _column("Tenants", "string", ".spec.tenants", "For whom."),
                _column("Expires", "string", ".spec.expires", "The last day on which it holds."),
                _column("Approved by", "string", ".spec.approvedBy", "Who has agreed."),
                *_READY,
            ],
        ),
        _definition(
            "ControlPlane",
            "controlplanes",
            CONTROL_PLANE_SPEC,
            columns=[
                _column("Tenant", "string", ".spec.tenant", "Whose it is."),
                _column("Registration", "string", ".spec.registration", "How its API server is told to ask."),
                *_READY,
            ],
            rule={
                "rule": f"self.metadata.name.size() <= {TENANT_NAME_LENGTH} && "
                "!self.metadata.name.contains('.')",
                "message": f"a control plane's name becomes a label; give at most {TENANT_NAME_LENGTH} "
                "characters without dots",
            },
        ),
    ]


def _column(name: str, kind: str, path: str, description: str) -> OpenAPI:
    return {"name": name, "type": kind, "jsonPath": path, "description": description}


_READY = [
    _column("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', "Whether it is in force."),
    _column("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', "Why, or why not."),
]
_CONDITION = _object(
    "A condition, as every API of Kubernetes has them (meta/v1).",
    {
        "type": _text("Ready."),
        "status": _text("Whether it is so.", enum=["True", "False", "Unknown"]),
        "reason": _text("Why, in one word."),
        "message": _text("Why, with the remedy."),
        "observedGeneration": {
            "type": "integer",
            "format": "int64",
            "description": "Of what spec this is said.",
        },
        "lastTransitionTime": _text("Since when.", format="date-time"),
    },
    "type",
    "status",
)
_STATUS = _object(
    "How it stands; written by the engine.",
    {
        "conditions": {
            **_list("Whether it is in force, and why not.", _CONDITION),
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
        "namespaces": {
            "type": "array",
            "description": "The first of the namespaces it owns, by name.",
            "items": {"type": "string"},
        },
        "namespaceCount": {"type": "integer", "format": "int32", "description": "How many it owns."},
    },
)


def _definition(
    kind: str, plural: str, spec: OpenAPI, *, columns: list[OpenAPI], rule: OpenAPI | None = None
) -> OpenAPI:
    schema = {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": _STATUS,
        },
        **({} if rule is None else {"x-kubernetes-validations": [rule]}),
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.tenancy.gatekeeper-py.dev"},
        "spec": {
            "group": "tenancy.gatekeeper-py.dev",
            "scope": "Cluster",
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "versions": [
                {
                    "name": "v1alpha1",
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }
