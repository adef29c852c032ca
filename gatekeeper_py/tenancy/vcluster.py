"""How vcluster calls the objects of a tenant's own cluster at the host (its pkg/util/translate)."""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["vcluster_name"]

LONGEST: Final = 63
"""Characters of a name; of a longer one a beginning and a digest are kept."""
BEGINNING: Final = 52
DIGEST: Final = 10


def vcluster_name(name: str, namespace: str, vcluster: str) -> str:
    """`web-x-default-x-foo`, or `web-0-x-default-x-...-0123456789`; no dot stays before the digest."""
    whole = "-".join((name, "x", namespace, "x", vcluster))
    if len(whole.encode()) <= LONGEST:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()
    beginning = whole.encode()[:BEGINNING].decode("utf-8", "ignore")
    return f"{beginning}-{digest[:DIGEST]}".replace(".-", "-")
