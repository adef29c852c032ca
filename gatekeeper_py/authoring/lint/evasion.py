"""What somebody who is to be held can get round: prefixes of names, labels of one's own, errors (GK8xx)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.shapes import reaches_namespaced
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.cel import tree
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.policy.model import ValidatingPolicy

__all__ = ["admitting", "evasion"]

IMAGE: Final = "image"
USERNAME: Final = "request.userInfo.username"
GROUPS: Final = "request.userInfo.groups"
EVERYBODY: Final = frozenset({"system:authenticated", "system:serviceaccounts", "system:unauthenticated"})
"""Groups that people and pods of every tenant are in."""
OWN: Final = ("object.metadata.labels", "object.metadata.annotations")
HOST: Final = re.compile(r"[A-Za-z0-9](?:\\?\.|\[\.\])[A-Za-z]{2,}")
"""A hostname in a pattern, its dots escaped or not."""
ANY_CHARACTER: Final = re.compile(r"(?<![\\\[])[A-Za-z0-9]\.[A-Za-z]{2,}")
"""A hostname's dot that stands for any character."""
OPEN_HOST: Final = re.compile(r"(?:\.|\])[A-Za-z]{2,}\)?(?:\$|\.\*|$)")
"""A hostname behind which anything may follow, its own end included."""


def evasion(subject: Subject) -> Iterator[Finding]:
    """Validating policies that whoever they are about can get round."""
    for policy in subject.policies.validating:
        yield from _failing_open(policy)
        yield from _selected_by_labels(policy, subject)
        said = list(statements(policy))
        chosen = reaches_namespaced(policy, subject.kinds) and not _is_about_marks(said)
        for statement in said:
            yield from _loose(statement)
            if chosen and statement.condition:
                yield from _exempting_itself(statement)


def _failing_open(policy: ValidatingPolicy) -> Iterator[Finding]:
    if policy.ignores_errors and any("Deny" in binding.actions for binding in policy.bindings):
        what = "what makes an expression fail is admitted: whoever writes the object chooses what it lacks"
        yield Finding(policy.source.problem(("spec", "failurePolicy"), what, "Write Fail"), "GK803")


def _selected_by_labels(policy: ValidatingPolicy, subject: Subject) -> Iterator[Finding]:
    if not reaches_namespaced(policy, subject.kinds):
        return
    if not policy.match.object_selector.empty:
        yield _forgeable(policy.source.problem(("spec", "matchConstraints", "objectSelector"), *BY_LABELS))
    for binding in policy.bindings:
        if (
            binding.match is not None
            and not binding.match.object_selector.empty
            and "Deny" in binding.actions
        ):
            yield _forgeable(binding.source.problem(("spec", "matchResources", "objectSelector"), *BY_LABELS))


BY_LABELS = (
    "whoever writes the object writes its labels, and so chooses whether it is judged",
    "Select by namespaceSelector, or by what the object does",
)


def _forgeable(problem: Problem) -> Finding:
    return Finding(problem, "GK802")


def _is_about_marks(said: list[Statement]) -> bool:
    """Whether a policy judges labels or annotations: its conditions then pick what it is about."""
    judging = (each for each in said if not each.condition)
    return any(_path(node) in OWN for each in judging for node in tree.nodes(each.expression.program.tree))


def _exempting_itself(statement: Statement) -> Iterator[Finding]:
    """A condition that asks for a mark of the object; one that compares it with before asks what changes."""
    nodes = list(tree.nodes(statement.expression.program.tree))
    if any(isinstance(node, tree.Identifier) and node.name in ("oldObject", "tenant") for node in nodes):
        return
    marks = (node for node in nodes if isinstance(node, tree.Select) and _path(node) in OWN)
    if (mark := next(marks, None)) is not None:
        what = "whoever writes the object writes this, and so chooses whether it is judged"
        remedy = "Ask for something of the namespace, or for who asks"
        yield _forgeable(statement.problem(mark, what, remedy))


def _loose(statement: Statement) -> Iterator[Finding]:
    if statement.path[1] not in ("matchConditions", "validations") or statement.path[-1] != "expression":
        return
    for node in admitting(statement):
        if problem := _prefix(statement, node):
            yield Finding(problem, "GK801")
        elif _is_everybody(node):
            what = "everybody is in this group, people and pods of all tenants"
            remedy = "Name a group or a user that nobody else can be"
            yield _forgeable(statement.problem(node, what, remedy))


def _is_everybody(node: tree.Call) -> bool:
    if node.function != "@in":
        return False
    group, groups = node.arguments
    return isinstance(group, tree.Literal) and group.value in EVERYBODY and _path(groups) == GROUPS


def _prefix(statement: Statement, node: tree.Call) -> Problem | None:
    """What is wrong with a comparison of an image or a user's name with a text."""
    if node.target is None or len(node.arguments) != 1 or not _is_name(node.target):
        return None
    (argument,) = node.arguments
    if not isinstance(argument, tree.Literal) or not isinstance(argument.value, str):
        return None
    text = argument.value
    if node.function == "startsWith" and text[-1:].isalnum():
        what = f'"{text}" is also how longer names begin: {text}.example.org/, {text}-other'
        if _path(node.target) == USERNAME:
            what = f'"{text}" is also how longer names begin: {text}-other:name'
            return statement.problem(argument, what, "End it with what ends the name: `:`")
        return statement.problem(argument, what, "End it with what ends the name: `/`, `:` or `@`")
    if node.function == "contains" and HOST.search(text):
        what = f'"{text}" may stand anywhere: example.org/{text}'
        return statement.problem(argument, what, "Ask startsWith() with the whole registry and a `/`")
    return (
        statement.problem(argument, *found) if node.function == "matches" and (found := _open(text)) else None
    )


def _open(pattern: str) -> tuple[str, str] | None:
    """What is open in a pattern of a registry."""
    if not HOST.search(pattern):
        return None
    if not pattern.lstrip("(").startswith(("^", "\\A")):
        return "matches() finds the pattern anywhere: example.org/ may stand before it", "Begin it with ^"
    if ANY_CHARACTER.search(pattern):
        return "a dot stands for any character, in a hostname too", "Write [.] where a dot is meant"
    if OPEN_HOST.search(pattern) and "/" not in pattern:
        return "behind the hostname anything may follow: .example.org/", "End the hostname with /"
    return None


def admitting(statement: Statement) -> Iterator[tree.Call]:
    """The calls that let a request through by being true; in a condition, by being false."""
    return _admitting(statement.expression.program.tree, not statement.condition)


def _admitting(node: tree.Node, positive: bool) -> Iterator[tree.Call]:
    if isinstance(node, tree.Call) and node.function not in LOGIC:
        yield from [node] if positive else []
        return
    turned = isinstance(node, tree.Call) and node.function == "!_"
    for part in _parts(node):
        yield from _admitting(part, positive != turned)


LOGIC: Final = frozenset({"_&&_", "_||_", "!_", "_?_:_"})


def _parts(node: tree.Node) -> Iterator[tree.Node]:
    """The parts by which a node is true or false."""
    if isinstance(node, tree.Call):
        yield from node.arguments[1:] if node.function == "_?_:_" else node.arguments
    elif isinstance(node, tree.Comprehension) and node.kind in QUANTIFIERS:
        yield from filter(None, (node.condition, node.result))
    elif isinstance(node, tree.Binding):
        yield node.body


QUANTIFIERS: Final = frozenset({tree.ComprehensionKind.ALL, tree.ComprehensionKind.EXISTS})


def _is_name(node: tree.Node) -> bool:
    """Whether a node is an image, or the name of who asks."""
    return (isinstance(node, tree.Select) and node.field == IMAGE) or _path(node) == USERNAME


def _path(node: tree.Node) -> str:
    """`object.metadata.labels`, whether fields are optional or not; empty for what is no chain."""
    if isinstance(node, tree.Identifier):
        return node.name
    if isinstance(node, tree.Call) and node.function == "orValue" and node.target is not None:
        return _path(node.target)
    if isinstance(node, tree.Select):
        before = _path(node.operand)
        return f"{before}.{node.field}" if before else ""
    return ""
