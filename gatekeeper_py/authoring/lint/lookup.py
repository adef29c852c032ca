"""Look-ups in the cluster that find nothing, or may not be made (GK3xx)."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.cel import tree
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.tenancy.library import UNSEEN_KINDS
from gatekeeper_py.tenancy.lookups import found_look_ups, meant

__all__ = ["lookups"]


def lookups(subject: Subject) -> Iterator[Finding]:
    """Every look-up that can give nothing."""
    for policy in subject.every:
        for statement in statements(policy):
            for node, kind in found_look_ups(statement.expression):
                yield from _looked_up(statement, node, kind, subject.kinds)


def _looked_up(
    statement: Statement, node: tree.Node, kind: GroupVersionKind, kinds: Kinds
) -> Iterator[Finding]:
    if not kind.group and kind.kind in UNSEEN_KINDS:
        what = f"{kind.kind}s are never read, so this finds nothing"
        yield Finding(statement.problem(node, what, "Decide by something else"), "GK302")
    elif kinds.served(kind) is None and _is_kubernetes_group(kind.group):
        near = meant(kind, kinds)
        what = f'kind "{kind.kind}" of "{kind.api_version}" does not exist, so this finds nothing'
        remedy = f"Did you mean {near}?" if near else "Correct it, or add its CustomResourceDefinition"
        yield Finding(statement.problem(node, what, remedy), "GK301")


def _is_kubernetes_group(group: str) -> bool:
    """Whether a group can be no custom one."""
    return "." not in group or any(resource.served.kind.group == group for resource in Kinds.builtin())
