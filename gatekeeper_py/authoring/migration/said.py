"""What Kyverno's policies have in common, and what is said of what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatekeeper_py.authoring.entry import PREFIX
from gatekeeper_py.manifests.manifest import Manifest

__all__ = ["POLICY_LEFT_OUT", "RULE_LEFT_OUT", "named", "severity"]

SEVERITY = "policies.kyverno.io/severity"
RULE_LEFT_OUT = "The rule is left out: write it by hand, or nothing enforces it"
POLICY_LEFT_OUT = "The policy is left out: write it by hand, or nothing enforces it"


def named(items: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """Expressions by their names."""
    return {each["name"]: each["expression"] for each in items or ()}


def severity(manifest: Manifest) -> dict[str, str]:
    """Its severity as an annotation of ours."""
    annotations = (manifest.object.get("metadata") or {}).get("annotations") or {}
    stated = annotations.get(SEVERITY)
    return {f"{PREFIX}severity": stated} if stated in ("low", "medium", "high", "critical") else {}
