"""What a set of policies is made of, and what an edit would take away.

An edit that takes something away may be meant, or be half of one: a file that is being written, a folder that
is being copied, a mount that came up empty. What cannot be meant is refused; the rest is believed once the
files have been at rest for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.model import Policy, ValidatingPolicy
from gatekeeper_py.tenancy.reading import declares_tenancy

__all__ = ["Inventory", "contradictions", "losses"]

Name = str
"""`ValidatingAdmissionPolicy "no-host"`."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The names of what is in a set."""

    documents: frozenset[Name] = frozenset()
    """Everything that was read from files."""
    policies: frozenset[Name] = frozenset()
    bound: frozenset[Name] = frozenset()
    """The policies that have a binding."""
    tenancy: frozenset[Name] = frozenset()
    """Tenants and settings that were read from files."""
    living: frozenset[Name] = frozenset()
    """Tenants and settings that are objects of the cluster."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What each file holds."""

    @classmethod
    def of(cls, files: Iterable[Manifest], policies: PolicySet, living: Iterable[Manifest] = ()) -> Inventory:
        """Of what was read from files, made into these policies, and of tenancy documents of the cluster."""
        files = tuple(files)
        every: tuple[Policy, ...] = (*policies.validating, *policies.mutating)
        return cls(
            documents=frozenset(map(_name, files)),
            policies=frozenset(map(_policy, every)),
            bound=frozenset(_policy(policy) for policy in every if policy.bindings),
            tenancy=frozenset(map(_name, filter(declares_tenancy, files))),
            living=frozenset(map(_name, filter(declares_tenancy, living))),
            texts={manifest.source.path: manifest.source.text for manifest in files},
        )


def _name(manifest: Manifest) -> Name:
    where = f"{manifest.namespace}/" if manifest.namespace else ""
    return f'{manifest.kind.kind} "{where}{manifest.name}"'


def _policy(policy: Policy) -> Name:
    kind = "Validating" if isinstance(policy, ValidatingPolicy) else "Mutating"
    return f'{kind}AdmissionPolicy "{policy.name}"'


def contradictions(before: Inventory, after: Inventory, *, demand_tenants: bool = True) -> Iterator[str]:
    """What an edit takes away that nobody takes away in this manner, with the remedy."""
    unbound = sorted(before.bound & after.policies - after.bound)
    yield from (f"{policy} has lost its binding. {LOST_BINDING}" for policy in unbound)
    if not demand_tenants:
        return
    if before.tenancy and not after.tenancy:
        yield f"every tenancy document is gone from the files: {_listed(before.tenancy)}. {LOST_TENANCY}"
    elif before.living and not after.tenancy and not after.living:
        yield f"every tenancy document is gone: {_listed(before.living)}. {LOST_TENANCY}"


LOST_BINDING = "Bring it back, or remove the policy, too"
LOST_TENANCY = "Bring one back; --allow-no-tenants would serve without"


def losses(before: Inventory, after: Inventory) -> Iterator[str]:
    """What an edit takes away that may be meant."""
    gone = sorted(before.documents - after.documents)
    yield from (f"{name} is gone" for name in gone)
    for path, text in sorted(before.texts.items()):
        now = after.texts.get(path)
        if now is not None and len(now) < len(text) and text.startswith(now):
            yield f"{path} has become the beginning of what it was"


LISTED = 3
"""Of many names, so many are told."""


def _listed(names: Iterable[Name]) -> str:
    first, rest = sorted(names)[:LISTED], len(set(names)) - LISTED
    return ", ".join(first) + (f" and {rest} more" if rest > 0 else "")
