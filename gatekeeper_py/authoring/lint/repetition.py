"""What is said twice, so that one of the two was meant to say something else (GK507)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Final

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.cel import tree
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.objects.fieldpath import field_text
from gatekeeper_py.policy.model import Binding, MatchResources, Policy

__all__ = ["repetition"]

REMEDY: Final = "Remove it, or write what was meant"


def repetition(subject: Subject) -> Iterator[Finding]:
    """Expressions, rules and bindings of a policy that are there already."""
    for policy in subject.every:
        for problem in (*_expressions(policy), *_rules(policy), *_bindings(policy)):
            yield Finding(problem, "GK507")


def _expressions(policy: Policy) -> Iterator[Problem]:
    first: dict[tuple[object, ...], Statement] = {}
    for statement in statements(policy):
        if statement.path[1] in ("matchConditions", "validations") and statement.path[-1] == "expression":
            same = (statement.path[1], " ".join(statement.expression.text.split()))
            earlier = first.setdefault(same, statement)
            if earlier is not statement:
                what = f"{field_text(earlier.path[:3])} asks this already"
                yield statement.problem(statement.expression.program.tree, what, REMEDY)
        yield from _operands(statement, statement.expression.program.tree)


def _operands(statement: Statement, node: tree.Node) -> Iterator[Problem]:
    """`a && a`: each part of a chain but the first of its kind."""
    if isinstance(node, tree.Call) and node.function in ("_&&_", "_||_"):
        seen: set[str] = set()
        for part in tree.operands(node, node.function):
            text = " ".join(statement.expression.text[part.span.start : part.span.end].split()).strip("()")
            if text in seen and not isinstance(part, tree.Literal):
                yield statement.problem(part, "this stands on both sides", REMEDY)
            seen.add(text)
            yield from _operands(statement, part)
    else:
        for child in tree.children(node):
            yield from _operands(statement, child)


def _rules(policy: Policy) -> Iterator[Problem]:
    path = ("spec", "matchConstraints", "resourceRules")
    for index, earlier in _repeated(policy.match.rules):
        what = f"{field_text((*path, earlier))} says this already"
        yield policy.source.problem((*path, index), what, REMEDY)


def _bindings(policy: Policy) -> Iterator[Problem]:
    """Bindings that refuse, warn or mutate the same once more."""
    for index, earlier in _repeated(map(_bound, policy.bindings)):
        first, binding = policy.bindings[earlier], policy.bindings[index]
        what = f'binding "{first.name}" binds policy "{policy.name}" to the same already'
        yield binding.source.problem(
            ("metadata", "name"), what, "Remove one, or let it be about something else"
        )


def _bound(binding: Binding) -> Hashable:
    reference = binding.param_ref
    params = reference and (reference.name, repr(reference.selector), reference.namespace)
    return _reach(binding.match), params, binding.actions


def _reach(match: MatchResources | None) -> Hashable:
    return match and repr(match)


def _repeated(values: Iterable[Hashable]) -> Iterator[tuple[int, int]]:
    """The places of values that were there before, each with the first place."""
    first: dict[Hashable, int] = {}
    for index, value in enumerate(values):
        if (earlier := first.setdefault(value, index)) != index:
            yield index, earlier
