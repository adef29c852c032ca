"""The two webhook configurations: what the API server asks about, and what it never does.

It asks about what the policies in force need (`questions`), but never about what the control plane writes to
bring nodes, network, storage and this engine back: `exemptions.yaml` lists that by exact user and kind, with
a reason each. Every entry becomes a match condition, which the API server evaluates by itself (KEP-3716). So
a cluster heals while the engine is gone, and tenants are refused. `docs/registration.md` shows the list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import yaml

from gatekeeper_py.objects.resource import GroupVersion, Object
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.model import Rule
from gatekeeper_py.tenancy.deputies import NAMESPACES, RELEASE, TRACKING
from gatekeeper_py.tenancy.tenant import GROUP, PLATFORM_USERS, Settings, Tenancy
from gatekeeper_py.tenancy.usage import word_is_used
from gatekeeper_py.webhook.phrases import in_namespaces, one_of, text, texts, who
from gatekeeper_py.webhook.questions import RESOURCE, Questions, everything, fingerprint, questions

__all__ = [
    "EXEMPT_NAMESPACES",
    "SERVICE",
    "Client",
    "Exemption",
    "Registered",
    "Site",
    "asked_by",
    "asks_for",
    "configurations",
    "control_plane_site",
    "conversions_of",
    "exemptions",
    "origin_of",
    "purpose",
    "segment",
    "trial",
]

EXEMPT_NAMESPACES = ("kube-system", "gatekeeper-system")
"""Never asked about, whoever writes: the control plane's own namespace and the engine's."""

TIMEOUT_SECONDS = 10
"""How long the API server waits for an answer before it refuses; it takes at most 30."""

TRIAL_SECONDS = 3
"""The same for the trial, which answers unread."""

MOST_CONDITIONS = 64
"""Match conditions of one webhook (apis/admissionregistration/validation, maxWebhookMatchConditions)."""

DOMAIN = "gatekeeper-py.dev"

Door = Literal["mutate", "validate"]

REACH = "gatekeeper-reach"
"""The ConfigMap in the engine's namespace that the trial is about."""

DOORS: tuple[Door, ...] = ("mutate", "validate")

KINDS: Mapping[Door, str] = {
    "mutate": "MutatingWebhookConfiguration",
    "validate": "ValidatingWebhookConfiguration",
}

OPERATIONS: Mapping[Door, tuple[str, ...]] = {
    "mutate": ("CREATE", "UPDATE", "CONNECT"),
    "validate": ("CREATE", "UPDATE", "DELETE", "CONNECT"),
}
"""CONNECT is exec, attach, port-forward and proxy."""


@dataclass(frozen=True, slots=True)
class Client:
    """Where the API server finds the server, a URL or (none) its Service, and whose certificate it trusts."""

    url: str = ""
    """Without a path."""
    authority: str = ""
    """PEM certificates in base64; empty when cert-manager fills them in."""

    def config(self, path: str) -> Object:
        """The clientConfig of a webhook."""
        service = {"name": "gatekeeper", "namespace": "gatekeeper-system", "path": f"/{path}", "port": 443}
        where: Object = {"url": f"{self.url}/{path}"} if self.url else {"service": service}
        return {**where, "caBundle": self.authority} if self.authority else where


SERVICE = Client()
NO_TENANCY = Tenancy()


@dataclass(frozen=True, slots=True)
class Site:
    """Where the webhooks are registered: at the host, or at a tenant's own control plane."""

    name: str = "gatekeeper"
    """Of both configurations."""
    path: str = ""
    """What comes before a door, with a slash at its end."""
    exempt: tuple[str, ...] = EXEMPT_NAMESPACES
    """Namespaces that are not asked about, whoever writes."""
    is_host: bool = True
    is_filed: bool = False
    """Whether it stands in files of the API server, which nobody but their writer sets right."""

    @property
    def exemptions(self) -> tuple[Exemption, ...]:
        """What is not asked about there. The host's own accounts are nobody's at a tenant's."""
        if self.is_host:
            return exemptions()
        return (*(each for each in exemptions() if each.name != "engine"), BOOTSTRAP)


HOST = Site()


def control_plane_site(name: str, namespaces: Sequence[str] = (), suffix: str = "") -> Site:
    """A tenant's own, where no namespace is exempt but those that its document names.

    The `suffix` is that by which an API server knows what came from its files (KEP-5793).
    """
    title = f"gatekeeper-control-plane{suffix}"
    return Site(title, f"t/{name}/", tuple(namespaces), is_host=False, is_filed=bool(suffix))


@dataclass(frozen=True, slots=True)
class Registered:
    """Resources of one API group, as far as an exemption covers them."""

    group: str
    resources: tuple[str, ...]
    """`nodes`, `nodes/status`: a subresource counts only when it is named."""
    operations: tuple[str, ...] = ()
    """Empty: every operation."""
    namespace: str = ""
    names: tuple[str, ...] = ()

    @property
    def expression(self) -> str:
        """Whether a request is about one of them, in CEL."""
        demands = [f"request.resource.group == '{self.group}'", f"{RESOURCE} in {texts(self.resources)}"]
        if self.operations:
            demands.append(f"request.operation in {texts(self.operations)}")
        if self.namespace:
            demands.append(in_namespaces([self.namespace]))
        if self.names:
            demands.append(f"has(request.name) && request.name in {texts(self.names)}")
        return " && ".join(demands)


@dataclass(frozen=True, slots=True)
class Exemption:
    """Who may write what without the engine being asked, and why."""

    name: str
    reason: str
    what: tuple[Registered, ...]
    users: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    """How names of users begin that the API server's authenticators reserve."""
    groups: tuple[str, ...] = ()

    @property
    def condition(self) -> Object:
        """The match condition that keeps it out."""
        what = one_of(each.expression for each in self.what)
        whoever = one_of(who(self.users, self.prefixes, self.groups))
        return _unless(self.name, f"{whoever} &&\n{what}" if whoever else what)


BOOTSTRAP: Final = Exemption(
    "own-apiserver",
    "an API server makes these before it is ready, and could not become so if they were refused",
    (
        Registered("rbac.authorization.k8s.io", ("roles", "rolebindings"), namespace="kube-system"),
        Registered(
            "",
            ("configmaps",),
            namespace="kube-system",
            names=(
                "extension-apiserver-authentication",
                "kube-apiserver-legacy-service-account-token-tracking",
            ),
        ),
    ),
    users=("system:apiserver",),
)
"""Of an API server whose kube-system is asked about; the host's is exempt."""


@cache
def exemptions() -> tuple[Exemption, ...]:
    """The table, in its order."""
    text = files("gatekeeper_py.webhook").joinpath("exemptions.yaml").read_bytes()
    return tuple(_exemption(entry) for entry in yaml.safe_load(text))


def _exemption(entry: Mapping[str, Any]) -> Exemption:
    what = tuple(Registered(**{key: _frozen(value) for key, value in part.items()}) for part in entry["what"])
    whoever = {key: tuple(entry.get(key, ())) for key in ("users", "prefixes", "groups")}
    return Exemption(entry["name"], entry["reason"], what, **whoever)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def configurations(
    client: Client = SERVICE,
    tenancy: Tenancy = NO_TENANCY,
    conversions: Iterable[GroupVersion] = (),
    policies: PolicySet | None = None,
    site: Site = HOST,
) -> list[Object]:
    """Both configurations, the mutating one first, for these trusted tenants and this platform.

    They ask about what the `policies` need, or about everything. `conversions` are the versions in which
    policies judge what may be sent in others (`versions_needed`). Raises `ValueError` when there are more
    exemptions than the API server takes.
    """
    asked = asked_by(policies, tenancy)
    versions = tuple(sorted(conversions))
    trusted = [name for tenant in tenancy.tenants if tenant.trusted for name in tenant.claim.names]
    mending = _mending(tenancy.settings)
    kept_out = [each.condition for each in site.exemptions]
    own = [_unless("mending", mending)] if site.is_host else []
    conditions = [*kept_out, *_among_trusted(trusted), *own]
    needed = len(conditions) + bool(versions) + max(len(each.conditions) for each in asked.values())
    if needed > MOST_CONDITIONS:
        raise ValueError(f"{needed} match conditions; the API server takes {MOST_CONDITIONS}")
    told = versions if policies is None else (*versions, purpose(policies, tenancy))
    told = (*told, origin_of(client)) if site.is_filed else told
    mutating, validating = (
        _Asking(door, client, asked[door], tuple(conditions), versions, told, site).webhooks()
        for door in DOORS
    )
    mended = [_mended(client, mending)] if site.is_host else []
    deployed = _deployed(validating[0], tenancy) if site.is_host and _minds_deputies(policies) else []
    return [
        _configuration("mutate", mutating, site),
        _configuration("validate", [*validating, *deployed, *mended], site),
    ]


def _minds_deputies(policies: PolicySet | None) -> bool:
    """Whether a policy asks who stands behind what is written."""
    return policies is None or any(word_is_used(each, "requester.vouched") for each in policies.validating)


def asked_by(policies: PolicySet | None, tenancy: Tenancy) -> Mapping[Door, Questions]:
    """What each webhook has to ask about for these policies."""
    if policies is None:
        return {door: everything(OPERATIONS[door]) for door in DOORS}
    return {
        "mutate": questions(policies.mutating, OPERATIONS["mutate"], tenancy),
        "validate": questions(policies.validating, OPERATIONS["validate"], tenancy, [DOCUMENTS]),
    }


DOCUMENTS = Rule(("CREATE", "UPDATE"), (GROUP,), ("*",), ("*",))
"""Those of tenancy are judged whatever the policies say."""

PURPOSE = "asks-"
"""How the version begins that no API serves, and by which a path says for which policies is asked."""


def purpose(policies: PolicySet, tenancy: Tenancy) -> GroupVersion:
    """What a path says besides versions, when it was made for these policies."""
    return GroupVersion("", PURPOSE + fingerprint(asked_by(policies, tenancy).values()))


WHERE = "finds-"
"""How the version begins by which a path says where, and with what CA, the engine was to be found."""


def origin_of(client: Client) -> GroupVersion:
    """What a path says besides versions, when it stands in a file, which the engine may not see."""
    digest = hashlib.sha256(f"{client.url} {client.authority}".encode()).hexdigest()
    return GroupVersion("", WHERE + digest[:16])


def asks_for(told: Iterable[GroupVersion], wanted: GroupVersion) -> bool:
    """Whether a path tells that it is asked about what is wanted, or about everything."""
    purposes = [each for each in told if each.version.startswith(PURPOSE)]
    return not purposes or wanted in purposes


@dataclass(frozen=True, slots=True)
class _Asking:
    """The webhooks of a door: one about what is sent, as it is sent, one for each version to convert to.

    What matches a webhook as it was sent is not converted, and then it is not asked about again. All say by
    their path to which versions the API server converts: the engine knows what it will be asked besides.
    """

    door: Door
    client: Client
    asked: Questions
    conditions: tuple[Object, ...]
    """Of both doors."""
    conversions: tuple[GroupVersion, ...]
    told: tuple[GroupVersion, ...]
    """By the path."""
    site: Site

    def webhooks(self) -> list[Object]:
        """In the order in which they are called."""
        conditions = [*self.conditions, *self.asked.conditions]
        sent = _webhook(self.door, self.client, conditions, self.site.exempt)
        path = "/".join([self.door, *map(segment, self.told)])
        sent["clientConfig"] = self.client.config(self.site.path + path)
        sent["rules"] = list(self.asked.rules)
        return [sent, *(self._converted(sent, version) for version in self.conversions)]

    def _converted(self, sent: Object, version: GroupVersion) -> Object:
        rules = [
            {**rule, "apiGroups": groups, "apiVersions": [version.version]}
            for rule in self.asked.rules
            if (groups := _common(rule["apiGroups"], version.group))
        ]
        return {
            **sent,
            "name": f"{segment(version)}.{sent['name']}",
            "rules": rules,
            "matchConditions": [CONVERTED, *sent["matchConditions"]],
        }


def _common(groups: list[str], group: str) -> list[str]:
    """The groups that a rule and a version are both of."""
    if group == "*":
        return groups
    return [group] if group in groups or "*" in groups else []


CONVERTED: Object = {
    "name": "converted",
    "expression": "request.kind.group != request.requestKind.group ||\n"
    "request.kind.version != request.requestKind.version",
}
"""To a match condition `request.resource` is what was sent (plugin/webhook/matchconditions/matcher.go)."""


def segment(version: GroupVersion) -> str:
    """A version as a part of a webhook's path and name, which the API server takes for parts of a domain."""
    group = ANY_GROUP if version.group == "*" else version.group
    return f"{version.version}.{group}" if group else version.version


def conversions_of(path: str) -> frozenset[GroupVersion]:
    """The versions that a path tells of, without its door."""
    return frozenset(_version(part) for part in path.split("/") if part)


def _version(part: str) -> GroupVersion:
    version, _, group = part.partition(".")
    return GroupVersion("*" if group == ANY_GROUP else group, version)


ANY_GROUP = "any"
"""Stands for every group; those of custom resources have a dot, and none of Kubernetes' is called so."""


def _among_trusted(namespaces: Iterable[str]) -> list[Object]:
    """Keeps out what trusted namespaces do among themselves: nothing there is a tenant's.

    Agents of network and storage often run outside kube-system; their pods have to come back, too. Who writes
    there is the control plane, a kubelet, or a ServiceAccount of one of these namespaces.
    """
    named = sorted(set(namespaces) - set(EXEMPT_NAMESPACES))
    if not named:
        return []
    homes = [f"system:serviceaccounts:{name}" for name in sorted({*named, *EXEMPT_NAMESPACES})]
    whoever = one_of(who(PLATFORM_USERS, ("system:node:",), homes))
    return [_unless("trusted", f"{whoever} && {in_namespaces(named)}")]


def _deployed(validating: Object, tenancy: Tenancy) -> list[Object]:
    """Asks about what a tenant has deployed into a namespace of the platform, the exempt ones among them.

    Who deploys there are accounts of trusted tenants that write as tenants, and their marks tell for whom.
    What the platform has deployed by them bears its own marks, and comes back while nobody answers.
    """
    trusted = [tenant for tenant in tenancy.tenants if tenant.trusted]
    homes = sorted({name for each in trusted if not each.writes_as_platform for name in each.claim.names})
    if not homes:
        return []
    named = sorted({*EXEMPT_NAMESPACES, *(name for tenant in trusted for name in tenant.claim.names)})
    by_name = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": named}
    accounts = one_of(who((), [f"system:serviceaccount:{home}:" for home in homes], ()))
    rule = {**_rule_of(["*"]), "scope": "Namespaced"}
    return [
        {
            **validating,
            "name": f"deputies.{DOMAIN}",
            "rules": [rule, {**_rule_of(["namespaces"], [""]), "scope": "Cluster"}],
            "namespaceSelector": {"matchExpressions": [by_name]},
            "matchConditions": [
                {"name": "by-a-deputy", "expression": accounts},
                {"name": "for-a-tenant", "expression": _marked_besides(named)},
            ],
        }
    ]


def _rule_of(resources: list[str], groups: Sequence[str] = ("*",)) -> Object:
    operations = ["CREATE", "UPDATE", "DELETE"]
    return {"apiGroups": list(groups), "apiVersions": ["*"], "operations": operations, "resources": resources}


def _marked_besides(namespaces: Sequence[str]) -> str:
    """Whether an object's marks may name a namespace that is none of these; `deputies` decides it."""
    written, own = "(object != null ? object : oldObject)", texts(namespaces)
    return (
        f"[{written}].exists(written, has(written.metadata) &&\n"
        "(has(written.metadata.labels) && written.metadata.labels.exists(key,\n"
        f"key in {texts(NAMESPACES)} && !(written.metadata.labels[key] in {own}) ||\n"
        "written.metadata.labels[key].contains('_')) ||\n"
        "has(written.metadata.annotations) && written.metadata.annotations.exists(key,\n"
        f"key == {text(TRACKING)} && written.metadata.annotations[key].matches('^[^:]*_') ||\n"
        f"key == {text(RELEASE)} && !(written.metadata.annotations[key] in {own}))))"
    )


def _mending(settings: Settings) -> str:
    """Whether the platform writes a document of tenancy."""
    whoever = who(settings.platform_users, (), settings.platform_groups)
    return f"request.resource.group == '{GROUP}' && {one_of(whoever)}"


def _mended(client: Client, mending: str) -> Object:
    """Judges the platform's documents while the engine answers, and lets them be mended while it does not.

    A Tenant that does harm could otherwise not be deleted before the engine is back. One that is wrong and
    came in that way costs only itself.
    """
    condition = {"name": "platform-mends", "expression": mending}
    (rule,) = everything(OPERATIONS["validate"]).rules
    ruled = {**rule, "apiGroups": [GROUP]}
    webhook = _webhook("validate", client, [condition])
    return {**webhook, "name": GROUP, "failurePolicy": "Ignore", "rules": [ruled]}


def trial(client: Client) -> Object:
    """A webhook about dry runs of one ConfigMap of the engine's: by it the engine sees whether it is reached.

    `/reach` always refuses, so that no answer can be mistaken for the absence of the question.
    """
    dry_run = f"request.name == '{REACH}' && has(request.dryRun) && request.dryRun"
    condition = {"name": "reach", "expression": dry_run}
    ruled = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["UPDATE"],
        "resources": ["configmaps"],
        "scope": "Namespaced",
    }
    own = {"matchLabels": {"kubernetes.io/metadata.name": "gatekeeper-system"}}
    return {
        **_webhook("validate", client, [condition]),
        "name": f"reach.{DOMAIN}",
        "clientConfig": client.config("reach"),
        "timeoutSeconds": TRIAL_SECONDS,
        "rules": [ruled],
        "namespaceSelector": own,
    }


def _configuration(door: Door, webhooks: Sequence[Object], site: Site) -> Object:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": KINDS[door],
        "metadata": {"name": site.name},
        "webhooks": list(webhooks),
    }


def _webhook(
    door: Door, client: Client, conditions: Sequence[Object], exempt: Sequence[str] = EXEMPT_NAMESPACES
) -> Object:
    """One webhook, failing closed; another mutating webhook may add containers or labels after ours."""
    by_name = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(exempt)}
    return {
        "name": f"{door}.{DOMAIN}",
        "admissionReviewVersions": ["v1"],
        "clientConfig": client.config(door),
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        **({"reinvocationPolicy": "IfNeeded"} if door == "mutate" else {}),
        "sideEffects": "None",
        "timeoutSeconds": TIMEOUT_SECONDS,
        "rules": [],
        # The API server itself sets this label on every namespace and resets it on every write: no tenant
        # chooses it. Namespace objects are matched by their own labels, and by this one only.
        "namespaceSelector": {"matchExpressions": [by_name]} if exempt else {},
        "matchConditions": list(conditions),
    }


def _unless(name: str, expression: str) -> Object:
    return {"name": f"no-{name}", "expression": f"!({expression})"}
