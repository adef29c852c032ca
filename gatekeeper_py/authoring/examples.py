"""What a policy refuses and what it admits, each shown by the first such case of its suite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gatekeeper_py.authoring.suite import Case, read_suite

__all__ = ["Examples", "examples"]


@dataclass(frozen=True, slots=True)
class Examples:
    """Two cases of a suite."""

    refused: Case | None
    """The first that is denied or, where none is, warned of; None where nothing is."""
    admitted: Case | None
    """The first that is admitted without a word; for a policy that mutates, the first that it changes."""


def examples(policy: Path) -> Examples:
    """The examples of the suite beside a policy's file. Raises `ManifestError` when it cannot be read."""
    cases = read_suite(policy.with_name(f"{policy.stem}_test{policy.suffix}")).cases
    admitted = [case for case in cases if case.expect == "allow"]
    return Examples(
        refused=_first([case for wanted in ("deny", "warn") for case in cases if case.expect == wanted]),
        admitted=_first([case for case in admitted if case.patched] or admitted),
    )


def _first(cases: list[Case]) -> Case | None:
    return cases[0] if cases else None
