"""Containers that a policy leaves out: of a pod's three lists it looks at one or two (GK804, GK805)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.cel import tree
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.policy.matching.match import selects
from gatekeeper_py.policy.model import ValidatingPolicy

__all__ = ["containers"]

CONTAINERS: Final = "containers"
INIT: Final = "initContainers"
EPHEMERAL: Final = "ephemeralContainers"
LISTS: Final = (CONTAINERS, INIT, EPHEMERAL)
COMPARED: Final = frozenset({"startsWith", "matches", "allowsImage"})
"""By which it is asked where an image comes from; what its tag is makes no container dangerous."""
NO_CONTAINER: Final = frozenset({"object", "oldObject", "variables", "params", "tenant"})

Read = tuple[Statement, tree.Node]


def containers(subject: Subject) -> Iterator[Finding]:
    """Validating policies about registries or privileges that do not look at every container."""
    for policy in subject.policies.validating:
        said = list(statements(policy))
        if any(_is_of_container(node) for each in said for node in tree.nodes(each.expression.program.tree)):
            read = _lists(said)
            yield from _left_out(policy, read, subject.kinds)
            yield from _unasked(policy, read, subject.kinds)
            for statement in said:
                yield from _one_of_many(statement)


def _lists(said: list[Statement]) -> Mapping[str, Read]:
    """The lists that are read, each where it is first."""
    read: dict[str, Read] = {}
    for statement in said:
        for node in tree.nodes(statement.expression.program.tree):
            if (name := _list_of(node)) and not _root_is_old(node):
                read.setdefault(name, (statement, node))
    return read


def _list_of(node: tree.Node) -> str:
    """The list of containers that a node reads: `spec.containers`, `spec[?'containers']`."""
    name = ""
    if isinstance(node, tree.Select):
        name = node.field
    elif isinstance(node, tree.Call) and node.function in ("_[_]", "_[?_]"):
        key = node.arguments[1]
        name = str(key.value) if isinstance(key, tree.Literal) else ""
    return name if name in LISTS else ""


def _root_is_old(node: tree.Node) -> bool:
    return any(isinstance(each, tree.Identifier) and each.name == "oldObject" for each in tree.nodes(node))


def _is_of_container(node: tree.Node) -> bool:
    """Whether a node asks for a container's privileges, or where its image comes from."""
    if isinstance(node, tree.Call) and node.function in COMPARED:
        return any(_is_field(each, "image") for each in (node.target, *node.arguments))
    return _is_field(node, "securityContext")


def _is_field(node: tree.Node | None, name: str) -> bool:
    """Whether a node is a field of what a macro goes through, or of one of a list."""
    if not isinstance(node, tree.Select) or node.field != name:
        return False
    holder = node.operand
    if isinstance(holder, tree.Identifier):
        return holder.name not in NO_CONTAINER
    return isinstance(holder, tree.Call) and holder.function == "_[_]" and bool(_list_of(holder.arguments[0]))


def _left_out(policy: ValidatingPolicy, read: Mapping[str, Read], kinds: Kinds) -> Iterator[Finding]:
    if CONTAINERS not in read:
        return
    lacking = [INIT] if INIT not in read else []
    if EPHEMERAL not in read and _reaches(policy, kinds, "", "ephemeralcontainers"):
        lacking.append(EPHEMERAL)
    if lacking:
        statement, node = read[CONTAINERS]
        what = f"nothing looks at {' and '.join(lacking)}, which run images with privileges as well"
        remedy = f"Judge .?{lacking[0]}.orValue([]) as well"
        yield Finding(statement.problem(node, what, remedy), "GK804")


def _unasked(policy: ValidatingPolicy, read: Mapping[str, Read], kinds: Kinds) -> Iterator[Finding]:
    if EPHEMERAL not in read or not _reaches(policy, kinds, ""):
        return
    if not _reaches(policy, kinds, "ephemeralcontainers"):
        statement, node = read[EPHEMERAL]
        what = "ephemeral containers come by pods/ephemeralcontainers, which the rules do not name"
        yield Finding(statement.problem(node, what, "Add pods/ephemeralcontainers to resources"), "GK805")


def _reaches(policy: ValidatingPolicy, kinds: Kinds, *subresources: str) -> bool:
    """Whether a policy is about pods, by themselves or by one of these subresources."""
    return any(
        selects(rule, named, resource.served, subresource)
        for resource in kinds
        if (resource.served.kind.group, resource.served.kind.kind) == ("", "Pod")
        for rule in policy.match.rules
        for named in rule.resources
        for subresource in subresources
    )


def _one_of_many(statement: Statement) -> Iterator[Finding]:
    """Where one container that is right is enough, or only the first is looked at."""
    if statement.path[1] != "validations" or statement.path[-1] != "expression":
        return
    for node in tree.nodes(statement.expression.program.tree):
        if isinstance(node, tree.Call) and node.function == "_[_]" and _list_of(node.arguments[0]):
            index = node.arguments[1]
            if isinstance(index, tree.Literal) and isinstance(index.value, int):
                what = f"this looks at one container, and others may stand beside it: [{index.value}]"
                yield Finding(statement.problem(node, what, "Ask all()"), "GK804")
    enough = (each for each in _satisfied(statement.expression.program.tree) if _list_of(each.range))
    for each in enough:
        what = "one container for which this holds is enough, whatever stands beside it"
        yield Finding(statement.problem(each, what, "Ask all()"), "GK804")


def _satisfied(node: tree.Node) -> Iterator[tree.Comprehension]:
    """Each exists() that admits by being true and asks for something dangerous to be right."""
    match node:
        case tree.Call(function="_&&_" | "_||_"):
            for argument in node.arguments:
                yield from _satisfied(argument)
        case tree.Comprehension(kind=tree.ComprehensionKind.EXISTS) if any(
            map(_is_of_container, tree.nodes(node))
        ):
            yield node
