"""The words of tenancy: read without a guard, or in a policy that says it needs none (GK4xx)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from gatekeeper_py.authoring.entry import PREFIX
from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.cel import tree
from gatekeeper_py.manifests.manifest import Manifest, ManifestError
from gatekeeper_py.policy.loading.load import load

__all__ = ["words"]

TENANT = "tenant"
COMPARISONS = frozenset({"_==_", "_!=_"})


def words(subject: Subject) -> Iterator[Finding]:
    """Unguarded tenants, and words that Kubernetes does not have where a policy is marked portable."""
    for policy in subject.every:
        said = list(statements(policy))
        if not any(_guards(each.expression.program.tree) for each in said if each.condition):
            yield from filter(None, map(_unguarded, said))
    loaded = {(policy.source.path, policy.name) for policy in subject.every}
    for manifest in subject.manifests:
        is_policy = manifest.kind.kind.endswith("AdmissionPolicy")
        if is_policy and (manifest.source.path, manifest.name) in loaded and _is_portable(manifest):
            yield from _unportable(manifest)


def _unguarded(statement: Statement) -> Finding | None:
    root = statement.expression.program.tree
    read = next(filter(_reads_tenant, tree.nodes(root)), None)
    if read is None or _guards(root):
        return None
    what = "this reads a field of tenant, which is null where no tenant owns the namespace"
    remedy = "Add a match condition with tenant != null, and say there what holds otherwise"
    return Finding(statement.problem(read, what, remedy), "GK401")


def _reads_tenant(node: tree.Node) -> bool:
    if isinstance(node, tree.Select):
        return not node.optional and not node.test and _is_tenant(node.operand)
    return isinstance(node, tree.Call) and node.target is not None and _is_tenant(node.target)


def _is_tenant(node: tree.Node) -> bool:
    return isinstance(node, tree.Identifier) and node.name == TENANT


def _guards(root: tree.Node) -> bool:
    """Whether a tenant is compared with something, null for one, in the expression."""
    return any(
        isinstance(node, tree.Call) and node.function in COMPARISONS and any(map(_is_tenant, node.arguments))
        for node in tree.nodes(root)
    )


def _is_portable(manifest: Manifest) -> bool:
    labels = (manifest.object.get("metadata") or {}).get("labels")
    return isinstance(labels, dict) and labels.get(f"{PREFIX}portable") == "true"


UNDECLARED = re.compile(r"undeclared reference to '(\w+)'")


def _unportable(manifest: Manifest) -> Iterator[Finding]:
    """The first word of each expression that Kubernetes does not know."""
    try:
        load([manifest], extensions=())
    except ManifestError as error:
        top = (manifest.source.line, manifest.source.column)
        for problem in error.problems:
            found = UNDECLARED.search(problem.what)
            if found and (problem.line, problem.column) != top:
                what = f'the policy is marked portable, and Kubernetes does not know "{found[1]}"'
                yield Finding(replace(problem, what=what, remedy=REMEDY), "GK402")


REMEDY = f"Say it without, or remove the label {PREFIX}portable"
