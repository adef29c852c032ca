"""Texts that no request says of itself: operations, users, namespaces, tenants, marks (GK214, GK211)."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.cel import tree
from gatekeeper_py.objects.naming import dns_subdomain, label_value, qualified_name
from gatekeeper_py.policy.admission.request import OPERATIONS
from gatekeeper_py.tenancy.reading import is_tenancy_document, is_tenant

__all__ = ["doubted_group", "identities"]

Doubt: TypeAlias = tuple[str, str] | None
"""What is wrong with a text, and what to do."""

SYSTEM_GROUPS: Final = (
    "system:masters",
    "system:authenticated",
    "system:unauthenticated",
    "system:nodes",
    "system:serviceaccounts",
    "system:monitoring",
    "system:bootstrappers",
)
"""Groups of Kubernetes' own (apiserver/pkg/authentication/user/user.go); the last two may be longer."""
ACCOUNT: Final = "system:serviceaccount:"
OF_ACCOUNTS: Final = "system:serviceaccounts:"
NAMESPACES: Final = frozenset(
    {
        "request.namespace",
        "object.metadata.namespace",
        "oldObject.metadata.namespace",
        "namespaceObject.metadata.name",
    }
)
MARKS: Final = {
    f"{name}.metadata.{mark}": mark
    for name in ("object", "oldObject", "namespaceObject")
    for mark in ("labels", "annotations")
}
USERNAME: Final = "request.userInfo.username"
GROUPS: Final = "request.userInfo.groups"
TENANT: Final = "tenant.name"
PARTS: Final = frozenset({"startsWith", "endsWith", "contains"})


def identities(subject: Subject) -> Iterator[Finding]:
    """Comparisons with what cannot be."""
    tenants = {
        manifest.name
        for manifest in subject.manifests
        if is_tenancy_document(manifest) and is_tenant(manifest)
    }
    for policy in subject.every:
        for statement in statements(policy):
            for path, literal, function in _compared(statement.expression.program.tree, {}):
                yield from _told(statement, path, literal, function, tenants)


def _told(
    statement: Statement, path: str, literal: tree.Literal, function: str, tenants: set[str]
) -> Iterator[Finding]:
    text = str(literal.value)
    if path in MARKS or path.rpartition(".")[0] in MARKS:
        if doubt := _mark(path, text, function):
            yield Finding(statement.problem(literal, *doubt), "GK211")
        return
    if function in PARTS:
        doubt = _part(path, text, function)
    elif path == TENANT:
        doubt = _tenant(text, tenants)
    else:
        asks = ASKED.get(path) or (_namespace if path in NAMESPACES else None)
        doubt = asks(text) if asks else None
    if doubt:
        yield Finding(statement.problem(literal, *doubt), "GK214")


def _operation(text: str) -> Doubt:
    if text in OPERATIONS:
        return None
    near = [each for each in OPERATIONS if each == text.upper()] or (
        ["UPDATE"] if text.upper() == "PATCH" else []
    )
    remedy = f"Did you mean {near[0]}?" if near else f"It is one of {', '.join(OPERATIONS)}"
    return f'no request has the operation "{text}"', remedy


def _user(text: str) -> Doubt:
    if text.startswith(OF_ACCOUNTS) or text in SYSTEM_GROUPS:
        return f'"{text}" is a group, and no user is called so', "Ask '...' in request.userInfo.groups"
    if text.startswith(ACCOUNT) and len(list(filter(None, text.split(":")))) != 4:
        return f'"{text}" is no service account', f"Write {ACCOUNT}NAMESPACE:NAME"
    return None


def doubted_group(text: str) -> Doubt:
    """What is wrong with the name of a group of Kubernetes' own."""
    if text.startswith(ACCOUNT) or text == ACCOUNT.removesuffix(":"):
        remedy = "Compare request.userInfo.username" if text.count(":") > 2 else f"Did you mean {text}s?"
        if text.count(":") == 2:  # the namespace alone
            remedy = f"Did you mean {OF_ACCOUNTS}{text.removeprefix(ACCOUNT)}?"
        return f'no group is called "{text}"', remedy
    known = text in SYSTEM_GROUPS or text.startswith((OF_ACCOUNTS, "system:bootstrappers:"))
    near = difflib.get_close_matches(text, SYSTEM_GROUPS, 1, 0.85)
    if text.startswith("system:") and not known and near:
        return f'Kubernetes has no group "{text}"', f"Did you mean {near[0]}?"
    return None


def _namespace(text: str) -> Doubt:
    if text and (dns_subdomain(text) or "." in text):
        remedy = "Ask startsWith() or endsWith()" if "*" in text else "Write small letters, digits and '-'"
        return f'no namespace is called "{text}"', remedy
    return None


def _tenant(text: str, tenants: set[str]) -> Doubt:
    if not tenants or text in tenants:
        return None
    near = difflib.get_close_matches(text, tenants, 1)
    return (
        f'no Tenant is called "{text}"',
        f"Did you mean {near[0]}?" if near else "Write the name of a Tenant",
    )


def _part(path: str, text: str, function: str) -> Doubt:
    """A beginning, an end or a middle that no name has."""
    if path in NAMESPACES and text and dns_subdomain(f"a{text}a".replace(".", "A")):
        return (
            f'no namespace has "{text}" in its name',
            "Write small letters, digits and '-': this is no pattern",
        )
    if path == USERNAME and function == "startsWith" and text.startswith(OF_ACCOUNTS):
        return (
            f"no user's name begins with {text}",
            f"Did you mean {ACCOUNT}{text.removeprefix(OF_ACCOUNTS)}?",
        )
    return None


def _mark(path: str, text: str, function: str) -> Doubt:
    """A key that no label or annotation has, or a value that no label has."""
    if path in MARKS:
        word = MARKS[path].removesuffix("s")
        faults = qualified_name(text.lower() if word == "annotation" else text) if function in KEYS else []
        return (f'no {word} can be called "{text}": {faults[0]}', "Correct it") if faults else None
    if path.rpartition(".")[0].endswith("labels") and function in EQUALITY and (faults := label_value(text)):
        return f'no label can be "{text}": {faults[0]}', "Correct it"
    return None


EQUALITY: Final = frozenset({"_==_", "_!=_", "among"})
KEYS: Final = frozenset({"key", "in"})
ASKED: Final[dict[str, Callable[[str], Doubt]]] = {
    "request.operation": _operation,
    USERNAME: _user,
    GROUPS: doubted_group,
}
Names: TypeAlias = dict[str, str]
"""What variables of macros go through, by their names."""


def _compared(node: tree.Node, names: Names) -> Iterator[tuple[str, tree.Literal, str]]:
    """What is compared with which text, and how."""
    if isinstance(node, tree.Call):
        yield from _of_call(node, names)
    if isinstance(node, tree.Comprehension):
        inner = {**names, node.variables[0]: _path(node.range, names)}
        yield from _compared(node.range, names)
        for part in (node.condition, node.result):
            if part is not None:
                yield from _compared(part, inner)
        return
    for child in tree.children(node):
        yield from _compared(child, names)


def _of_call(node: tree.Call, names: Names) -> Iterator[tuple[str, tree.Literal, str]]:
    match node.function, node.arguments:
        case ("_==_" | "_!=_") as function, (one, other):
            for value, literal in ((one, other), (other, one)):
                yield from _pair(value, literal, function, names)
        case "@in", (value, tree.ListLiteral() as many):
            for each in many.elements:
                yield from _pair(value, each, "among", names)
        case "@in", (literal, holder):
            yield from _pair(holder, literal, "in", names)
        case (("_[_]" | "_[?_]"), (holder, literal)):
            yield from _pair(holder, literal, "key", names)
        case function, (literal,) if function in PARTS and node.target is not None:
            yield from _pair(node.target, literal, function, names)


def _pair(
    value: tree.Node, literal: tree.Node, function: str, names: Names
) -> Iterator[tuple[str, tree.Literal, str]]:
    path = _path(value, names)
    if path and isinstance(literal, tree.Literal) and isinstance(literal.value, str):
        yield path, literal, function


def _path(node: tree.Node, names: Names) -> str:
    """`object.metadata.labels.team`, however it is read; empty for what is no chain."""
    match node:
        case tree.Identifier():
            return names.get(node.name, node.name)
        case tree.Select():
            before = _path(node.operand, names)
            return f"{before}.{node.field}" if before else ""
        case tree.Call(function="orValue" | "value"):
            return _path(node.target, names) if node.target is not None else ""
        case tree.Call(function="_[_]" | "_[?_]", arguments=(holder, tree.Literal(value=str() as key))):
            before = _path(holder, names)
            return f"{before}.{key.replace('.', '_')}" if before else ""
    return ""
