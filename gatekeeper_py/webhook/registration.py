"""The two webhook configurations: what the API server asks about, and what it never does.

It asks about everything but what the control plane writes to bring nodes, network, storage and this engine
back: `exemptions.yaml` lists that by exact user and kind, with a reason each. Every entry becomes a match
condition, which the API server evaluates by itself (KEP-3716). So a cluster heals while the engine is gone,
and tenants are refused. `docs/registration.md` shows the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from gatekeeper_py.objects.resource import GroupVersion, Object
from gatekeeper_py.tenancy.tenant import GROUP, PLATFORM_USERS, Settings, Tenancy

__all__ = [
    "EXEMPT_NAMESPACES",
    "SERVICE",
    "Client",
    "Exemption",
    "Registered",
    "configurations",
    "conversions_of",
    "exemptions",
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

KINDS: Mapping[Door, str] = {
    "mutate": "MutatingWebhookConfiguration",
    "validate": "ValidatingWebhookConfiguration",
}

OPERATIONS: Mapping[Door, tuple[str, ...]] = {
    "mutate": ("CREATE", "UPDATE"),
    "validate": ("CREATE", "UPDATE", "DELETE", "CONNECT"),
}
"""CONNECT is exec, attach, port-forward and proxy."""

RESOURCE = "request.resource.resource + (has(request.subResource) ? '/' + request.subResource : '')"
"""The API server leaves empty fields of a request out (admission/v1, omitempty)."""


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
        demands = [f"request.resource.group == '{self.group}'", f"{RESOURCE} in {_texts(self.resources)}"]
        if self.operations:
            demands.append(f"request.operation in {_texts(self.operations)}")
        if self.namespace:
            demands.append(_in_namespaces([self.namespace]))
        if self.names:
            demands.append(f"has(request.name) && request.name in {_texts(self.names)}")
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
        what = _any(each.expression for each in self.what)
        who = _any(_who(self.users, self.prefixes, self.groups))
        return _unless(self.name, f"{who} &&\n{what}" if who else what)


@cache
def exemptions() -> tuple[Exemption, ...]:
    """The table, in its order."""
    text = files("gatekeeper_py.webhook").joinpath("exemptions.yaml").read_bytes()
    return tuple(_exemption(entry) for entry in yaml.safe_load(text))


def _exemption(entry: Mapping[str, Any]) -> Exemption:
    what = tuple(Registered(**{key: _frozen(value) for key, value in part.items()}) for part in entry["what"])
    who = {key: tuple(entry.get(key, ())) for key in ("users", "prefixes", "groups")}
    return Exemption(entry["name"], entry["reason"], what, **who)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def configurations(
    client: Client = SERVICE, tenancy: Tenancy = NO_TENANCY, conversions: Iterable[GroupVersion] = ()
) -> list[Object]:
    """Both configurations, the mutating one first, for these trusted tenants and this platform.

    `conversions` are the versions in which policies judge what may be sent in others (`versions_needed`).
    Raises `ValueError` when there are more exemptions than the API server takes.
    """
    versions = tuple(sorted(conversions))
    trusted = [name for tenant in tenancy.tenants if tenant.trusted for name in tenant.claim.names]
    mending = _mending(tenancy.settings)
    kept_out = [each.condition for each in exemptions()]
    conditions = [*kept_out, *_among_trusted(trusted), _unless("mending", mending)]
    needed = len(conditions) + bool(versions)
    if needed > MOST_CONDITIONS:
        raise ValueError(f"{needed} match conditions; the API server takes {MOST_CONDITIONS}")
    asking = _Asking(client, tuple(conditions), versions)
    mutating = _configuration("mutate", asking.webhooks("mutate"))
    validating = _configuration("validate", [*asking.webhooks("validate"), _mended(client, mending)])
    return [mutating, validating]


@dataclass(frozen=True, slots=True)
class _Asking:
    """The webhooks of a door: one about everything as it was sent, and one for each version to convert to.

    What matches a webhook as it was sent is not converted, and then it is not asked about again. All say by
    their path to which versions the API server converts: the engine knows what it will be asked besides.
    """

    client: Client
    conditions: tuple[Object, ...]
    conversions: tuple[GroupVersion, ...]

    def webhooks(self, door: Door) -> list[Object]:
        """In the order in which they are called."""
        path = "/".join([door, *map(segment, self.conversions)])
        sent = _webhook(door, self.client, self.conditions)
        sent["clientConfig"] = self.client.config(path)
        return [sent, *(self._converted(sent, version) for version in self.conversions)]

    def _converted(self, sent: Object, version: GroupVersion) -> Object:
        (rule,) = sent["rules"]
        return {
            **sent,
            "name": f"{segment(version)}.{sent['name']}",
            "rules": [{**rule, "apiGroups": [version.group], "apiVersions": [version.version]}],
            "matchConditions": [CONVERTED, *self.conditions],
        }


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
    who = _any(_who(PLATFORM_USERS, ("system:node:",), homes))
    return [_unless("trusted", f"{who} && {_in_namespaces(named)}")]


def _mending(settings: Settings) -> str:
    """Whether the platform writes a document of tenancy."""
    who = _who(settings.platform_users, (), settings.platform_groups)
    return f"request.resource.group == '{GROUP}' && {_any(who)}"


def _mended(client: Client, mending: str) -> Object:
    """Judges the platform's documents while the engine answers, and lets them be mended while it does not.

    A Tenant that does harm could otherwise not be deleted before the engine is back. One that is wrong and
    came in that way costs only itself.
    """
    condition = {"name": "platform-mends", "expression": mending}
    ruled = {**_rule("validate"), "apiGroups": [GROUP]}
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


def _configuration(door: Door, webhooks: Sequence[Object]) -> Object:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": KINDS[door],
        "metadata": {"name": "gatekeeper"},
        "webhooks": list(webhooks),
    }


def _webhook(door: Door, client: Client, conditions: Sequence[Object]) -> Object:
    """One webhook, failing closed; another mutating webhook may add containers or labels after ours."""
    by_name = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(EXEMPT_NAMESPACES)}
    return {
        "name": f"{door}.{DOMAIN}",
        "admissionReviewVersions": ["v1"],
        "clientConfig": client.config(door),
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        **({"reinvocationPolicy": "IfNeeded"} if door == "mutate" else {}),
        "sideEffects": "None",
        "timeoutSeconds": TIMEOUT_SECONDS,
        "rules": [_rule(door)],
        # The API server itself sets this label on every namespace and resets it on every write: no tenant
        # chooses it. Namespace objects are matched by their own labels, and by this one only.
        "namespaceSelector": {"matchExpressions": [by_name]},
        "matchConditions": list(conditions),
    }


def _rule(door: Door) -> Object:
    """Everything: `*` alone would leave subresources out."""
    return {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "operations": list(OPERATIONS[door]),
        "resources": ["*/*"],
        "scope": "*",
    }


# --- CEL ------------------------------------------------------------------------------------------------


def _unless(name: str, expression: str) -> Object:
    return {"name": f"no-{name}", "expression": f"!({expression})"}


def _who(users: Sequence[str], prefixes: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Ways to tell that one of them asks."""
    ways = [f"request.userInfo.username in {_texts(users)}"] if users else []
    ways += [f"request.userInfo.username.startsWith('{prefix}')" for prefix in prefixes]
    if groups:
        ways.append(f"request.userInfo.groups.exists(group, group in {_texts(groups)})")
    return ways


def _in_namespaces(names: Sequence[str]) -> str:
    return f"has(request.namespace) && request.namespace in {_texts(names)}"


def _any(expressions: Iterable[str]) -> str:
    """One of them holds; nothing when there are none. `&&` binds closer than `||`."""
    found = list(expressions)
    joined = " ||\n".join(found)
    return f"({joined})" if len(found) > 1 else joined


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(_text(value) for value in values)}]"


def _text(value: str) -> str:
    """A literal; names of users may hold anything."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"
