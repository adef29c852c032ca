"""What a policy under way lets its expressions say: names, types, and what the matched kinds look like.

Read from the document as it stands, finished or not: what is wrong in one place costs only that place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gatekeeper_py.authoring.lint.linting import kinds_among
from gatekeeper_py.authoring.lint.shapes import Shapes, matched, params_of
from gatekeeper_py.authoring.lint.structure import Walk
from gatekeeper_py.authoring.lint.subject import Statement, Subject
from gatekeeper_py.cel import CompileError, Environment, Program, tree
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.evaluation.compilation import (
    Compiler,
    Environments,
    ExpressionKind,
    InvalidExpression,
)
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.loading.shape import GROUP
from gatekeeper_py.policy.model import Expression, MatchResources, Rule, ValidatingPolicy
from gatekeeper_py.tenancy.library import extension
from gatekeeper_py.tenancy.tenant import Tenancy

__all__ = ["Known", "Outline", "expression_kind", "outline"]

NOWHERE = Source("")
NOTHING = ValidatingPolicy("", NOWHERE, MatchResources())
OBJECTS = ("object", "oldObject")
PARAMS = "params"
EXPRESSIONS: Mapping[tuple[str, ...], ExpressionKind] = {
    ("matchConditions", "expression"): ExpressionKind.MATCH_CONDITION,
    ("variables", "expression"): ExpressionKind.VARIABLE,
    ("validations", "expression"): ExpressionKind.VALIDATION,
    ("validations", "messageExpression"): ExpressionKind.MESSAGE,
    ("auditAnnotations", "valueExpression"): ExpressionKind.AUDIT_ANNOTATION,
    ("mutations", "jsonPatch", "expression"): ExpressionKind.JSON_PATCH,
    ("mutations", "applyConfiguration", "expression"): ExpressionKind.APPLY_CONFIGURATION,
}


def expression_kind(path: FieldPath) -> ExpressionKind | None:
    """Which kind of expression stands in a field of a policy; None where none does."""
    steps = tuple(step for step in path[1:] if isinstance(step, str))
    return EXPRESSIONS.get(steps) if path[:1] == ("spec",) else None


@dataclass(frozen=True, slots=True)
class Known:
    """A variable of the policy."""

    text: str
    shapes: Shapes


@dataclass(frozen=True, slots=True)
class Outline:
    """What may be said in one expression."""

    environment: Environment
    """Its names and functions."""
    shapes: Mapping[str, Shapes]
    """What `object`, `oldObject` and `params` look like."""
    variables: Mapping[str, Known]
    """The policy's own, those before."""

    def program(self, text: str) -> Program | None:
        """An expression compiled, or None when it is none."""
        try:
            return self.environment.compile(text)
        except CompileError:
            return None

    def look(self, program: Program) -> Mapping[tree.Node, Shapes]:
        """What the value of each part of an expression looks like."""
        return _walk(program, self.shapes, self.variables).seen


def outline(document: Any, path: FieldPath, beside: tuple[Manifest, ...]) -> Outline | None:
    """What may be said in the expression of a policy at `path`; None when none stands there.

    `beside` is what stands beside the policy: definitions of custom kinds for one.
    """
    kind = expression_kind(path)
    if kind is None or not isinstance(document, Mapping):
        return None
    if not str(document.get("apiVersion")).startswith(f"{GROUP}/"):
        return None
    spec = _mapping(document.get("spec"))
    written = [_mapping(each) for each in _list(spec.get("variables"))]
    before = written[: int(path[2])] if kind is ExpressionKind.VARIABLE else written
    environments = Environments.shared((extension(Tenancy()),))
    composed = bool(written) or document.get("kind") != "ValidatingAdmissionPolicy"
    compiler = Compiler(environments, params=bool(spec.get("paramKind")), composed=composed)
    shapes = _shapes(spec, beside)
    variables = dict(_variables(compiler, before, shapes))
    return Outline(compiler.environment(kind), shapes, variables)


def _shapes(spec: Mapping[str, Any], beside: tuple[Manifest, ...]) -> Mapping[str, Shapes]:
    """What the objects look like that the policy is about, and its params."""
    subject = Subject(beside, PolicySet(), kinds_among(beside), (), frozenset())
    policy = replace(NOTHING, match=MatchResources(_rules(spec)), param_kind=_param_kind(spec))
    return {**dict.fromkeys(OBJECTS, matched(policy, subject)), PARAMS: params_of(policy, subject)}


def _param_kind(spec: Mapping[str, Any]) -> GroupVersionKind | None:
    kind = _mapping(spec.get("paramKind"))
    return GroupVersionKind.parse(str(kind.get("apiVersion")), str(kind.get("kind"))) if kind else None


def _variables(
    compiler: Compiler, written: Sequence[Mapping[str, Any]], shapes: Mapping[str, Shapes]
) -> Iterator[tuple[str, Known]]:
    """Each variable; one that does not compile is dyn."""
    known: dict[str, Known] = {}
    for variable in written:
        name, text = str(variable.get("name", "")), str(variable.get("expression", ""))
        looks: Shapes = None
        try:
            program = compiler.variable(name, text).program
            looks = _walk(program, shapes, known).seen[program.tree]
        except InvalidExpression:
            pass
        known[name] = Known(text, looks)
        yield name, known[name]


def _walk(program: Program, shapes: Mapping[str, Shapes], variables: Mapping[str, Known]) -> Walk:
    statement = Statement(NOTHING, (), Expression(program.text, program))
    walk = Walk(statement, {name: known.shapes for name, known in variables.items()})
    walk.shapes(program.tree, shapes)
    return walk


def _rules(spec: Mapping[str, Any]) -> tuple[Rule, ...]:
    constraints = _mapping(spec.get("matchConstraints"))
    return tuple(
        Rule(
            _texts(rule.get("operations")),
            _texts(rule.get("apiGroups")),
            _texts(rule.get("apiVersions")),
            _texts(rule.get("resources")),
        )
        for rule in map(_mapping, _list(constraints.get("resourceRules")))
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(each for each in _list(value) if isinstance(each, str))
