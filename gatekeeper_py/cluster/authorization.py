"""What RBAC allows, decided as kube-apiserver decides it (plugin/pkg/auth/authorizer/rbac).

The default roles of every cluster (`cluster-admin`, `edit`, `system:basic-user`, ...) are known here, from
`data/roles.json`, for views that do not hold all there is; objects of the same name in a view stand for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, NamedTuple, Protocol, TypeAlias

import orjson

from gatekeeper_py.cel import AccessDecision, AccessReview
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.selector import Selector, SelectorError, labels_of

__all__ = [
    "ANY",
    "CLUSTER_ROLE",
    "CLUSTER_ROLE_BINDING",
    "ROLE",
    "ROLE_BINDING",
    "Authorizer",
    "Objects",
    "StatedRule",
    "controllers",
    "names_resource",
]

GROUP = "rbac.authorization.k8s.io"
ROLE = GroupVersionKind(GROUP, "v1", "Role")
ROLE_BINDING = GroupVersionKind(GROUP, "v1", "RoleBinding")
CLUSTER_ROLE = GroupVersionKind(GROUP, "v1", "ClusterRole")
CLUSTER_ROLE_BINDING = GroupVersionKind(GROUP, "v1", "ClusterRoleBinding")

SUPERUSERS = "system:masters"
"""The group every API server lets do everything, before it asks RBAC."""

ANY = "*"


class Objects(Protocol):
    """The part of a `ClusterView` that RBAC reads."""

    def get(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        """The object, or None."""

    def list(self, kind: GroupVersionKind, namespace: str | None = None) -> Iterable[Object]:
        """All objects of a kind, in one namespace or in all."""


class _Grant(NamedTuple):
    """A binding and the subject of it that is the user."""

    binding: Object
    subject: Mapping[str, Any]


class StatedRule(NamedTuple):
    """A rule, and where it stands."""

    role: Object
    """The Role or ClusterRole that states it: of an aggregated one the part."""
    number: int
    """Counted from 0, as in `rules[0]`."""
    rule: Mapping[str, Any]


class Authorizer:
    """Answers access reviews from the RBAC objects of one immutable view."""

    def __init__(self, objects: Objects, *, defaults: bool = True) -> None:
        self._objects = objects
        self._defaults = _defaults() if defaults else NO_DEFAULTS

    def authorize(self, review: AccessReview) -> AccessDecision:
        """Whether the access is allowed, and why, in RBAC's words."""
        if SUPERUSERS in review.subject.groups:
            return AccessDecision(True)
        errors: list[str] = []
        for grant in self._grants(review):
            try:
                rules = self.rules(grant.binding)
            except LookupError as error:
                errors.append(str(error.args[0]))
                continue
            if any(_allows(each.rule, review) for each in rules):
                return AccessDecision(True, f"RBAC: allowed by {_describe(grant)}")
        return AccessDecision(False, f"RBAC: {_aggregate(errors)}" if errors else "")

    def _grants(self, review: AccessReview) -> Iterator[_Grant]:
        """Bindings that name the user: those of the whole cluster, then those of the namespace."""
        for binding in self._cluster_role_bindings:
            yield from _granted(binding, review, "")
        if review.namespace:
            for binding in self._role_bindings(review.namespace):
                yield from _granted(binding, review, review.namespace)

    @cached_property
    def _cluster_role_bindings(self) -> tuple[Object, ...]:
        held = self._objects.list(CLUSTER_ROLE_BINDING)
        return tuple(_replaced(self._default("ClusterRoleBinding"), held).values())

    @cached_property
    def _cluster_roles(self) -> Mapping[str, Object]:
        return _replaced(self._default("ClusterRole"), self._objects.list(CLUSTER_ROLE))

    def _role_bindings(self, namespace: str) -> Iterable[Object]:
        held = self._objects.list(ROLE_BINDING, namespace)
        default = self._default("RoleBinding", namespace)
        return _replaced(default, held).values() if default else held

    def _role(self, namespace: str, name: str) -> Object | None:
        return self._objects.get(ROLE, namespace, name) or self._default("Role", namespace).get(name)

    def _default(self, kind: str, namespace: str = "") -> Mapping[str, Object]:
        return self._defaults.get((kind, namespace), {})

    def rules(self, binding: Object) -> Iterable[StatedRule]:
        """The rules a binding grants; LookupError when the role does not exist."""
        reference = _mapping(binding.get("roleRef"))
        kind, name = reference.get("kind"), reference.get("name")
        if kind == "ClusterRole":
            role = self._cluster_roles.get(str(name))
        elif kind == "Role":
            role = self._role(_namespace(binding), str(name))
        else:
            raise LookupError(f'unsupported role reference kind: "{kind or ""}"')
        if role is None:
            raise LookupError(f'{str(kind).lower()}.{GROUP} "{name}" not found')
        return self._aggregated(role, frozenset()) if kind == "ClusterRole" else _stated(role)

    def _aggregated(self, role: Object, above: frozenset[str]) -> Iterator[StatedRule]:
        """A role's rules; with an aggregationRule those of the roles it selects."""
        selectors = _mappings(_mapping(role.get("aggregationRule")).get("clusterRoleSelectors"))
        if not selectors:
            yield from _stated(role)
            return
        above |= {_name(role)}
        for name, other in sorted(self._cluster_roles.items()):
            if name not in above and any(_selects(selector, other) for selector in selectors):
                yield from self._aggregated(other, above)


_Defaults: TypeAlias = Mapping[tuple[str, str], Mapping[str, Object]]
"""Default objects by kind and namespace, and by name."""
NO_DEFAULTS: _Defaults = {}


CONTROLLER_ROLES = "system:controller:"
"""How the roles begin that Kubernetes' own controllers have (bootstrappolicy/controller_policy.go)."""


@cache
def _defaults() -> _Defaults:
    data = orjson.loads(files("gatekeeper_py.cluster").joinpath("data/roles.json").read_bytes())
    found: dict[tuple[str, str], dict[str, Object]] = {}
    for obj in data["roles"]:
        found.setdefault((obj["kind"], _namespace(obj)), {})[_name(obj)] = obj
    return found


@cache
def controllers() -> tuple[str, ...]:
    """The users of Kubernetes' own controllers: the API server itself binds each to a role of its own."""
    bindings = _defaults().get(("ClusterRoleBinding", ""), {})
    subjects = [
        subject
        for name, binding in bindings.items()
        if name.startswith(CONTROLLER_ROLES)
        for subject in _mappings(binding.get("subjects"))
    ]
    return tuple(sorted(f"system:serviceaccount:{each['namespace']}:{each['name']}" for each in subjects))


def _replaced(defaults: Mapping[str, Object], held: Iterable[Object]) -> dict[str, Object]:
    """Objects by name, in its order, the default ones among them unless replaced."""
    return dict(sorted({**defaults, **{_name(obj): obj for obj in held}}.items()))


def _granted(binding: Object, review: AccessReview, namespace: str) -> Iterator[_Grant]:
    """The first subject of the binding that is the user."""
    for subject in _mappings(binding.get("subjects")):
        if _applies(subject, review, namespace):
            yield _Grant(binding, subject)
            return


def _applies(subject: Mapping[str, Any], review: AccessReview, namespace: str) -> bool:
    kind, name = subject.get("kind"), subject.get("name")
    if kind == "User":
        return review.subject.name == name
    if kind == "Group":
        return name in review.subject.groups
    if kind != "ServiceAccount":
        return False
    home = subject.get("namespace") or namespace
    return bool(home) and review.subject.name == f"system:serviceaccount:{home}:{name}"


def _allows(rule: Mapping[str, Any], review: AccessReview) -> bool:
    if not _holds(rule.get("verbs"), review.verb):
        return False
    if review.path:
        return any(_covers(url, review.path) for url in _texts(rule.get("nonResourceURLs")))
    names = _texts(rule.get("resourceNames"))
    return (
        _holds(rule.get("apiGroups"), review.group)
        and names_resource(_texts(rule.get("resources")), review.resource, review.subresource)
        and (not names or review.name in names)
    )


def _holds(values: object, wanted: str) -> bool:
    return any(value in (ANY, wanted) for value in _texts(values))


def _covers(url: str, path: str) -> bool:
    return url in (ANY, path) or (url.endswith(ANY) and path.startswith(url.rstrip(ANY)))


def names_resource(resources: list[str], resource: str, subresource: str = "") -> bool:
    """`*` is every resource and subresource; `*/scale` that subresource of every resource."""
    if not subresource:
        return _holds(resources, resource)
    wanted = (ANY, f"{resource}/{subresource}", f"*/{subresource}")
    return any(resource in wanted for resource in resources)


def _describe(grant: _Grant) -> str:
    """`ClusterRoleBinding "b" of ClusterRole "r" to User "u"`; a namespace follows the name it belongs to."""
    reference = _mapping(grant.binding.get("roleRef"))
    name, namespace = _name(grant.binding), _namespace(grant.binding)
    cluster = grant.binding["kind"] == "ClusterRoleBinding"
    where = name if cluster else f"{name}/{namespace}"
    who = grant.subject.get("name")
    if grant.subject.get("kind") == "ServiceAccount":
        who = f"{who}/{grant.subject.get('namespace') or ('' if cluster else namespace)}"
    role = f'{reference.get("kind")} "{reference.get("name")}"'
    return f'{grant.binding["kind"]} "{where}" of {role} to {grant.subject.get("kind")} "{who}"'


def _aggregate(errors: list[str]) -> str:
    different = list(dict.fromkeys(errors))
    return different[0] if len(different) == 1 else f"[{', '.join(different)}]"


def _selects(selector: Mapping[str, Any], role: Object) -> bool:
    try:
        return Selector.of(selector).matches(labels_of(role))
    except SelectorError:
        return False


def _stated(role: Object) -> Iterator[StatedRule]:
    rules = role.get("rules")
    for number, rule in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(rule, dict):
            yield StatedRule(role, number, rule)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    """What an API server would have accepted of a list of mappings."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    """What an API server would have accepted of a list of strings."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _name(obj: Object) -> str:
    return _mapping(obj.get("metadata")).get("name") or ""


def _namespace(obj: Object) -> str:
    return _mapping(obj.get("metadata")).get("namespace") or ""
