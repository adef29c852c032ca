"""Ask who may do what: `authorizer.group('apps').resource('deployments').check('create').allowed()`
(apiserver/pkg/cel/library/authz.go, with field and label selectors).

The variables `authorizer` and `authorizer.requestResource` are values of this module; who puts them into the
activation gives them an `Authorizer`, which answers each check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import BOOL, STRING, Type, object_type
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import costs
from gatekeeper_py.cel.library.format import dns1123_label, dns1123_subdomain

__all__ = [
    "AUTHORIZER_TYPE",
    "DECISION_TYPE",
    "GROUP_CHECK_TYPE",
    "LIBRARY",
    "PATH_CHECK_TYPE",
    "RESOURCE_CHECK_TYPE",
    "AccessDecision",
    "AccessReview",
    "Authorizer",
    "AuthorizerValue",
    "GroupCheck",
    "PathCheck",
    "ResourceCheck",
    "Subject",
]

AUTHORIZER_TYPE = object_type("kubernetes.authorization.Authorizer", {})
PATH_CHECK_TYPE = object_type("kubernetes.authorization.PathCheck", {})
GROUP_CHECK_TYPE = object_type("kubernetes.authorization.GroupCheck", {})
RESOURCE_CHECK_TYPE = object_type("kubernetes.authorization.ResourceCheck", {})
DECISION_TYPE = object_type("kubernetes.authorization.AccessDecision", {})

CHECK_COST = 350_000
"""Units of one check: an expression can afford two."""
REQUIREMENT_LENGTH = 2
"""Characters of the shortest requirement of a selector."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose rights are asked about."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class AccessReview:
    """One question: may `subject` do this? With a `path` it is about a URL, else about a resource.

    It says what the spec of a SubjectAccessReview says.
    """

    subject: Subject
    verb: str
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """The answer to an access review."""

    cel_type: ClassVar[Type] = DECISION_TYPE

    allowed: bool
    reason: str = ""
    """In the words of who decided; empty when there is nothing to say."""
    error: str = ""
    """What kept the authorizer from an answer; empty when nothing did."""


class Authorizer(Protocol):
    """Who answers access reviews. Pure and safe to call from many threads, as all evaluation is."""

    def authorize(self, review: AccessReview) -> AccessDecision:
        """May this be done? An answer that cannot be found is a decision with an error, not an exception."""


@dataclass(frozen=True, slots=True)
class AuthorizerValue:
    """`authorizer`: checks about one subject."""

    cel_type: ClassVar[Type] = AUTHORIZER_TYPE

    authorizer: Authorizer
    subject: Subject

    def path(self, path: str) -> PathCheck:
        """A check of a URL path that is no resource."""
        if not path.strip():
            raise EvaluationError("path must not be empty")
        return PathCheck(self, path)

    def group(self, group: str) -> GroupCheck:
        """Checks of resources of an API group."""
        return GroupCheck(self, group)

    def service_account(self, namespace: str, name: str) -> AuthorizerValue:
        """Checks about a service account instead."""
        if dns1123_subdomain(name):
            raise EvaluationError("Invalid service account name")
        if dns1123_label(namespace):
            raise EvaluationError("Invalid service account namespace")
        subject = Subject(
            f"system:serviceaccount:{namespace}:{name}",
            ("system:serviceaccounts", f"system:serviceaccounts:{namespace}"),
        )
        return AuthorizerValue(self.authorizer, subject)


@dataclass(frozen=True, slots=True)
class PathCheck:
    """A check of a URL path."""

    cel_type: ClassVar[Type] = PATH_CHECK_TYPE

    asking: AuthorizerValue
    path: str

    def check(self, verb: str) -> AccessDecision:
        """May the subject send this HTTP verb to the path?"""
        return self.asking.authorizer.authorize(AccessReview(self.asking.subject, verb, path=self.path))


@dataclass(frozen=True, slots=True)
class GroupCheck:
    """Checks of resources of an API group."""

    cel_type: ClassVar[Type] = GROUP_CHECK_TYPE

    asking: AuthorizerValue
    group: str

    def resource(self, resource: str) -> ResourceCheck:
        """A check of one of its resources, by plural name."""
        if not resource.strip():
            raise EvaluationError("resource must not be empty")
        return ResourceCheck(self, resource)


@dataclass(frozen=True, slots=True)
class ResourceCheck:
    """A check of a resource; what is empty is not narrowed down."""

    cel_type: ClassVar[Type] = RESOURCE_CHECK_TYPE

    group: GroupCheck
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""

    def check(self, verb: str) -> AccessDecision:
        """May the subject do this to the resource?"""
        asking = self.group.asking
        return asking.authorizer.authorize(
            AccessReview(
                asking.subject,
                verb,
                group=self.group.group,
                resource=self.resource,
                subresource=self.subresource,
                namespace=self.namespace,
                name=self.name,
                field_selector=self.field_selector,
                label_selector=self.label_selector,
            )
        )


def _selector_cost(_: ResourceCheck, selector: str) -> int:
    """Units to read a selector and to make as many requirements of it as it may hold."""
    requirements = -(-len(selector) // REQUIREMENT_LENGTH)
    each = costs.LIST + costs.STRUCT
    return costs.LIST + costs.traversal(selector) + requirements * each


def _method(
    name: str,
    identifier: str,
    parameters: tuple[Type, ...],
    result: Type,
    run: Callable[..., object],
    cost: Callable[..., int] | None = None,
) -> Function:
    return Function(name, (Overload(identifier, parameters, result, run, member=True, cost=cost),))


def _narrowing(
    name: str,
    identifier: str,
    narrow: Callable[[ResourceCheck, str], ResourceCheck],
    cost: Callable[..., int] | None = None,
) -> Function:
    """A method of a resource check that sets one more part of it."""
    return _method(name, identifier, (RESOURCE_CHECK_TYPE, STRING), RESOURCE_CHECK_TYPE, narrow, cost)


def _asking(identifier: str, receiver: Type, run: Callable[..., AccessDecision]) -> Overload:
    return Overload(
        identifier, (receiver, STRING), DECISION_TYPE, run, member=True, cost=lambda *_: CHECK_COST
    )


LIBRARY = Library(
    "kubernetes.authz",
    functions=(
        _method("path", "authorizer_path", (AUTHORIZER_TYPE, STRING), PATH_CHECK_TYPE, AuthorizerValue.path),
        _method(
            "group", "authorizer_group", (AUTHORIZER_TYPE, STRING), GROUP_CHECK_TYPE, AuthorizerValue.group
        ),
        _method(
            "serviceAccount",
            "authorizer_serviceaccount",
            (AUTHORIZER_TYPE, STRING, STRING),
            AUTHORIZER_TYPE,
            AuthorizerValue.service_account,
        ),
        _method(
            "resource",
            "groupcheck_resource",
            (GROUP_CHECK_TYPE, STRING),
            RESOURCE_CHECK_TYPE,
            GroupCheck.resource,
        ),
        _narrowing(
            "subresource", "resourcecheck_subresource", lambda check, value: replace(check, subresource=value)
        ),
        _narrowing(
            "namespace", "resourcecheck_namespace", lambda check, value: replace(check, namespace=value)
        ),
        _narrowing("name", "resourcecheck_name", lambda check, value: replace(check, name=value)),
        _narrowing(
            "fieldSelector",
            "authorizer_fieldselector",
            lambda check, value: replace(check, field_selector=value),
            _selector_cost,
        ),
        _narrowing(
            "labelSelector",
            "authorizer_labelselector",
            lambda check, value: replace(check, label_selector=value),
            _selector_cost,
        ),
        Function(
            "check",
            (
                _asking("pathcheck_check", PATH_CHECK_TYPE, PathCheck.check),
                _asking("resourcecheck_check", RESOURCE_CHECK_TYPE, ResourceCheck.check),
            ),
        ),
        _method("errored", "decision_errored", (DECISION_TYPE,), BOOL, lambda decision: bool(decision.error)),
        _method("error", "decision_error", (DECISION_TYPE,), STRING, lambda decision: decision.error),
        _method("allowed", "decision_allowed", (DECISION_TYPE,), BOOL, lambda decision: decision.allowed),
        _method("reason", "decision_reason", (DECISION_TYPE,), STRING, lambda decision: decision.reason),
    ),
)
