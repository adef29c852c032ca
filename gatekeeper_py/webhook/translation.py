"""Match conditions of policies as the API server can evaluate them: without the words of tenancy.

A condition is not translated but bounded. What comes out holds whenever the condition does, and often when it
does not: where it is false, the policy surely has no say. What cannot be said in Kubernetes' words counts as
true, and so does what could fail: a match condition of a webhook that fails refuses the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from gatekeeper_py.cel import tree
from gatekeeper_py.policy.model import Expression
from gatekeeper_py.tenancy.context import COPYISTS, KEPT_SUBRESOURCES, SERVICE_ACCOUNT
from gatekeeper_py.tenancy.tenant import Tenancy, Tenant
from gatekeeper_py.webhook.phrases import in_namespaces, one_of, texts, who

__all__ = ["Translation"]

SAFE_PATHS = frozenset(
    (
        "object",
        "oldObject",
        "request.operation",
        "request.userInfo.username",
        *(f"request.{about}.group" for about in ("kind", "resource")),
        *(f"request.{about}.version" for about in ("kind", "resource")),
        *("request.kind.kind", "request.resource.resource"),
    )
)
"""What every request has: the API server leaves out of `request` what is empty but for these."""
SAFE_ROOTS = frozenset({"object", "oldObject"})
DEEPEST = 2
"""Fields below one another that may be looked at: `object.?metadata.?labels`. Other fields of a custom
resource may hold anything, and to look into a text is an error."""


@dataclass(frozen=True)
class Translation:
    """For the tenants of these documents."""

    tenancy: Tenancy

    def necessary(self, conditions: Iterable[Expression]) -> frozenset[str]:
        """Expressions of Kubernetes' CEL that all hold whenever all the conditions do; none fails."""
        found: set[str] = set()
        for condition in conditions:
            found.update(_Bounds(self, condition.text).necessary(condition.program.tree))
        return frozenset(found)

    @cached_property
    def known(self) -> Mapping[str, str]:
        """What Kubernetes' CEL can surely tell of tenancy, by the names that stand for it.

        Each stands after those that it uses.
        """
        known: dict[str, str] = {}
        if trusted := one_of([*self._named, *self._accounts(lambda _: True)]):
            known |= {PLATFORM_ACCOUNT: trusted, TRUSTED_USER: self._trusted, PLATFORM_USER: self._platform}
        if namespaces := self._names(lambda _: True):
            known[TRUSTED_NAMESPACE] = in_namespaces(namespaces)
        return known

    @property
    def syncers(self) -> str:
        """`requester.syncs`, which documents say by exact names."""
        return one_of(who(sorted(self.tenancy.syncers), (), ())) or "false"

    def with_names(self, expression: str) -> str:
        """An expression with what its names stand for: a list of one is CEL's way to say something once."""
        for name, text in reversed(list(self.known.items())):
            if name in expression:
                expression = f"[{text}].exists({name},\n{expression})"
        return expression

    def _names(self, counts: Callable[[Tenant], bool]) -> list[str]:
        """The namespaces that trusted tenants own by their exact names: nothing in a cluster changes that."""
        owners = {name: tenant for tenant in self.tenancy.tenants for name in tenant.claim.names}
        return sorted(name for name, tenant in owners.items() if tenant.trusted and counts(tenant))

    @property
    def _named(self) -> list[str]:
        """Ways to tell the users and groups of the settings."""
        settings = self.tenancy.settings
        return who(settings.platform_users, (), settings.platform_groups)

    def _accounts(self, counts: Callable[[Tenant], bool]) -> list[str]:
        homes = self._names(counts)
        if not homes:
            return []
        own = f"request.userInfo.username.startsWith('{SERVICE_ACCOUNT}' + home + ':')"
        return [f"{texts(homes)}.exists(home, {own})"]

    @property
    def _trusted(self) -> str:
        """`Context.is_trusted`, but for accounts that may deploy for a tenant: that depends on marks."""
        return one_of([f"{PLATFORM_ACCOUNT} && {DOES_ITS_OWN}", *([self._writers] if self._writers else [])])

    @property
    def _platform(self) -> str:
        """`Context.is_platform`, but for what depends on whose the namespace is."""
        copies = f"request.operation == 'CREATE' && request.userInfo.username in {texts(sorted(COPYISTS))}"
        writers = [f"{self._writers} && !({copies})"] if self._writers else []
        return one_of([f"{PLATFORM_ACCOUNT} && {DOES_ITS_OWN}", *writers])

    @property
    def _writers(self) -> str:
        """Whoever writes as the platform, wherever it writes."""
        return one_of([*self._named, *self._accounts(lambda tenant: tenant.writes_as_platform)])


KEPT = texts(sorted(KEPT_SUBRESOURCES))
DOES_ITS_OWN = f"has(request.subResource) && request.subResource in {KEPT}"
PLATFORM_ACCOUNT = "platformAccount"
"""A user or group of the settings, or a ServiceAccount of a trusted tenant."""
TRUSTED_USER = "trustedUser"
"""`requester.trusted`."""
PLATFORM_USER = "platformUser"
"""`requester.platform`."""
TRUSTED_NAMESPACE = "trustedNamespace"
"""`tenant.trusted`."""
SYNCS = "requester.syncs"
WORDS = {
    "requester.trusted": TRUSTED_USER,
    "requester.platform": PLATFORM_USER,
    "tenant.trusted": TRUSTED_NAMESPACE,
}
"""The words of tenancy of which something is surely known."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Of the parts of one expression."""

    translation: Translation
    text: str

    def necessary(self, node: tree.Node) -> frozenset[str]:
        """What holds whenever a node is true, in as many parts as possible."""
        if isinstance(node, tree.Call) and node.function == "_&&_":
            return frozenset().union(*map(self.necessary, node.arguments))
        held = self._above(node)
        return frozenset([held] if held else [])

    def _above(self, node: tree.Node) -> str:
        """What holds whenever the node is true; empty when there is no telling."""
        if _path(node) == SYNCS:
            return self.translation.syncers
        if _is_safe(node):
            return self._written(node)
        if not isinstance(node, tree.Call):
            return ""
        if node.function == "!_":
            below = self._below(node.arguments[0])
            return f"!{below}" if below.isalpha() else f"!({below})" if below else ""
        parts = [self._above(each) for each in node.arguments]
        if node.function == "_||_":
            return one_of(parts) if all(parts) else ""
        return " && ".join(filter(None, parts)) if node.function == "_&&_" else ""

    def _below(self, node: tree.Node) -> str:
        """What holds only if the node is true; empty when there is no telling."""
        if _path(node) == SYNCS:
            return self.translation.syncers
        name = WORDS.get(_path(node), "")
        if name:
            return name if name in self.translation.known else ""
        if _is_safe(node):
            return self._written(node)
        if not isinstance(node, tree.Call):
            return ""
        if node.function == "!_":
            above = self._above(node.arguments[0])
            return f"!({above})" if above else ""
        parts = [self._below(each) for each in node.arguments]
        if node.function == "_&&_":
            return " && ".join(f"({part})" for part in parts) if all(parts) else ""
        return one_of(filter(None, parts)) if node.function == "_||_" else ""

    def _written(self, node: tree.Node) -> str:
        written = self.text[node.span.start : node.span.end]
        return f"({written})"


def _is_safe(node: tree.Node) -> bool:
    """Whether an expression knows Kubernetes' words alone, and always has a value."""
    if not isinstance(node, tree.Call):
        return False
    if node.function in ("_&&_", "_||_", "!_"):
        return all(map(_is_safe, node.arguments))
    if node.function in ("_==_", "_!=_"):
        return all(map(_is_safe_value, node.arguments))
    if node.function == "@in":
        value, container = node.arguments
        return _is_safe_value(value) and _is_literal(container)
    return False


def _is_safe_value(node: tree.Node) -> bool:
    if isinstance(node, tree.Call) and node.function == "orValue" and node.target is not None:
        return _is_safe_field(node.target) and _is_literal(node.arguments[0])
    return _is_literal(node) or _path(node) in SAFE_PATHS or _is_safe_field(node)


def _is_literal(node: tree.Node) -> bool:
    if isinstance(node, tree.ListLiteral):
        return all(map(_is_literal, node.elements))
    return isinstance(node, tree.Literal) or (isinstance(node, tree.MapLiteral) and not node.entries)


def _is_safe_field(node: tree.Node) -> bool:
    """Whether it is `object.?metadata.?labels` or the like."""
    steps: list[str] = []
    while isinstance(node, tree.Select) and node.optional and not node.test:
        steps.append(node.field)
        node = node.operand
    is_root = isinstance(node, tree.Identifier) and node.name in SAFE_ROOTS
    return is_root and (len(steps) == 1 or (len(steps) == DEEPEST and steps[-1] == "metadata"))


def _path(node: tree.Node) -> str:
    """`request.resource.group`; empty for what is no such path."""
    steps: list[str] = []
    while isinstance(node, tree.Select) and not (node.optional or node.test):
        steps.append(node.field)
        node = node.operand
    return ".".join([node.name, *reversed(steps)]) if isinstance(node, tree.Identifier) else ""
