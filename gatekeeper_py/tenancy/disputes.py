"""Claims of two tenants on one namespace, found before any namespace is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gatekeeper_py.objects.selector import Selector
from gatekeeper_py.tenancy.patterns import Globs, glob_matches, globs_overlap
from gatekeeper_py.tenancy.tenant import Claim, Tenant

__all__ = ["Overlap", "overlaps"]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two tenants claim the same."""

    one: Tenant
    other: Tenant
    what: str
    """`the namespace 'foo'`."""

    def __str__(self) -> str:
        """Both names, where the first one stands, what is contested, and the remedy."""
        return (
            f"the tenants {self.one.name!r} ({self.one.source}) and {self.other.name!r} "
            f"both claim {self.what}; leave it to one of them"
        )


def overlaps(tenants: Sequence[Tenant]) -> Iterator[Overlap]:
    """Every claim that two tenants have in common; the later one of each pair is `other`."""
    for one, other in _suspects(tenants):
        for what in _shared_claims(one.claim, other.claim):
            yield Overlap(one, other, what)


def _suspects(tenants: Sequence[Tenant]) -> Iterator[tuple[Tenant, Tenant]]:
    """The pairs whose claims may overlap: of thousands of tenants not every pair can be looked at."""
    claims = Globs((text, at) for at, each in enumerate(tenants) for text in _texts(each.claim))
    selecting: dict[Selector, list[int]] = {}
    for at, each in enumerate(tenants):
        for selector in each.claim.selectors:
            selecting.setdefault(selector, []).append(at)
    pairs = {(min(pair), max(pair)) for pair in claims.akin() if pair[0] != pair[1]}
    pairs |= {pair for places in selecting.values() for pair in pairwise(dict.fromkeys(places))}
    yield from ((tenants[at], tenants[other]) for at, other in sorted(pairs))


def _texts(claim: Claim) -> tuple[str, ...]:
    return (*claim.names, *claim.patterns)


def _shared_claims(one: Claim, other: Claim) -> Iterator[str]:
    yield from (f"the namespace {name!r}" for name in one.names if name in other.names)
    for names, patterns in ((one.names, other.patterns), (other.names, one.patterns)):
        for name in names:
            for pattern in patterns:
                if glob_matches(pattern, name):
                    yield f"the namespace {name!r}, by name and by the pattern {pattern!r}"
    for left in one.patterns:
        for right in other.patterns:
            if globs_overlap(left, right):
                yield f"namespaces that fit both {left!r} and {right!r}"
    if any(selector in other.selectors for selector in one.selectors):
        yield "the namespaces of the same selector"
