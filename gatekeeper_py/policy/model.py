"""Native policies and their bindings, read, checked and compiled (admissionregistration.k8s.io/v1).

Everything is immutable and shared by all requests. `loading` makes these from manifests; a value of
these classes has passed the checks of the API server, so whoever reads it need not check again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from gatekeeper_py.cel import Program
from gatekeeper_py.manifests.manifest import Source
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.selector import EVERYTHING, Selector
from gatekeeper_py.policy.admission.decision import Action

__all__ = [
    "AuditAnnotation",
    "Binding",
    "Expression",
    "FailurePolicy",
    "MatchCondition",
    "MatchResources",
    "MutatingBinding",
    "MutatingPolicy",
    "Mutation",
    "ParamRef",
    "Policy",
    "Rule",
    "Scope",
    "ValidatingBinding",
    "ValidatingPolicy",
    "Validation",
    "Variable",
]

FailurePolicy = Literal["Fail", "Ignore"]
MatchPolicy = Literal["Exact", "Equivalent"]
Scope = Literal["*", "Cluster", "Namespaced"]
PatchType = Literal["JSONPatch", "ApplyConfiguration"]
PATCH_FIELDS: Mapping[PatchType, str] = {"JSONPatch": "jsonPatch", "ApplyConfiguration": "applyConfiguration"}
ReinvocationPolicy = Literal["Never", "IfNeeded"]
NotFoundAction = Literal["Allow", "Deny"]


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A text of CEL as its author wrote it, and what it compiled to.

    Expressions of one load that mean the same are one object: the same text, which reads the same variables.
    """

    text: str
    program: Program
    reads: tuple[str, ...] = ()
    """The variables it may read."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which operations on which resources (NamedRuleWithOperations); `*` is any."""

    operations: tuple[str, ...]
    groups: tuple[str, ...]
    versions: tuple[str, ...]
    resources: tuple[str, ...]
    """`pods`, `pods/status`, `pods/*`, `*`, `*/scale`, `*/*`."""
    scope: Scope = "*"
    names: tuple[str, ...] = ()
    """resourceNames; empty is any."""


@dataclass(frozen=True, slots=True)
class MatchResources:
    """What a policy or a binding is about."""

    rules: tuple[Rule, ...] = ()
    """Empty is everything; only a binding may have none."""
    exclude_rules: tuple[Rule, ...] = ()
    namespace_selector: Selector = EVERYTHING
    object_selector: Selector = EVERYTHING
    match_policy: MatchPolicy = "Equivalent"


@dataclass(frozen=True, slots=True)
class ParamRef:
    """Which objects of the policy's paramKind a binding gives to it: by `name` or by `selector`."""

    name: str = ""
    selector: Selector | None = None
    namespace: str = ""
    """Empty: the namespace of the request."""
    not_found: NotFoundAction = "Deny"


@dataclass(frozen=True, slots=True)
class MatchCondition:
    """A condition on the request; a policy applies when all of its conditions are true."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Variable:
    """`variables.<name>`, evaluated when first read."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Validation:
    """An expression that must be true, and how to say that it is not."""

    expression: Expression
    message: str = ""
    message_expression: Expression | None = None
    reason: str = ""
    """Forbidden, Invalid or RequestEntityTooLarge; empty is Invalid."""


@dataclass(frozen=True, slots=True)
class AuditAnnotation:
    """A value to write into the audit log under `{policy}/{key}`."""

    key: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change: an expression that gives a list of JSONPatch operations or an `Object`."""

    patch_type: PatchType
    expression: Expression

    @property
    def field(self) -> str:
        """The field of the mutation that the expression stands in."""
        return PATCH_FIELDS[self.patch_type]


@dataclass(frozen=True, slots=True)
class _Policy:
    name: str
    source: Source
    match: MatchResources
    param_kind: GroupVersionKind | None = None
    match_conditions: tuple[MatchCondition, ...] = ()
    variables: tuple[Variable, ...] = ()
    failure_policy: FailurePolicy = "Fail"
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def declared(self) -> dict[str, Expression]:
        """The expressions of the variables by their names."""
        return {variable.name: variable.expression for variable in self.variables}

    @property
    def ignores_errors(self) -> bool:
        """Whether an error of an expression, a binding or a param lets the request pass."""
        return self.failure_policy == "Ignore"


@dataclass(frozen=True, slots=True)
class _Binding:
    name: str
    source: Source
    policy_name: str
    param_ref: ParamRef | None = None
    match: MatchResources | None = None
    """None: whatever the policy matches."""
    actions: tuple[Action, ...] = ("Deny",)
    """What a failure does. A MutatingAdmissionPolicyBinding names none: its failures always deny."""


@dataclass(frozen=True, slots=True)
class ValidatingBinding(_Binding):
    """ValidatingAdmissionPolicyBinding."""


@dataclass(frozen=True, slots=True)
class MutatingBinding(_Binding):
    """MutatingAdmissionPolicyBinding."""


@dataclass(frozen=True, slots=True)
class ValidatingPolicy(_Policy):
    """ValidatingAdmissionPolicy with the bindings that put it in force, sorted by name."""

    validations: tuple[Validation, ...] = ()
    audit_annotations: tuple[AuditAnnotation, ...] = ()
    bindings: tuple[ValidatingBinding, ...] = ()


@dataclass(frozen=True, slots=True)
class MutatingPolicy(_Policy):
    """MutatingAdmissionPolicy with the bindings that put it in force, sorted by name."""

    mutations: tuple[Mutation, ...] = ()
    reinvocation_policy: ReinvocationPolicy = "Never"
    bindings: tuple[MutatingBinding, ...] = ()


Policy: TypeAlias = ValidatingPolicy | MutatingPolicy
Binding: TypeAlias = ValidatingBinding | MutatingBinding
