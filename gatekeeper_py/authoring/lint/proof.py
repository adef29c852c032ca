"""What shows that policies do what they say: their suites (GK6xx)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.shapes import parts_of
from gatekeeper_py.authoring.lint.structure import meant
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.fieldvalidation import field_problems
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.fieldpath import field_text
from gatekeeper_py.objects.schema import builtin_schema
from gatekeeper_py.policy.model import Policy

__all__ = ["proof"]


def proof(subject: Subject) -> Iterator[Finding]:
    """Policies without a suite, objects of suites that no case uses, and those that no server would take."""
    tested = {path.resolve() for suite in subject.suites for path in suite.policies}
    tested |= {_beside(Path(file)).resolve() for file in subject.files}
    for policy in subject.every:
        file = Path(policy.source.path).resolve()
        if not any(place in tested for place in (file, *file.parents)):
            yield without_suite(policy, file)
    for suite in subject.suites:
        yield from (Finding(problem, "GK602") for problem in suite.unused)
        view = Snapshot(suite.cluster)
        for manifest in (*suite.written, *suite.parts):
            yield from (Finding(problem, "GK603") for problem in field_problems(manifest, view))
            yield from _unknown_values(manifest)


def _unknown_values(manifest: Manifest) -> Iterator[Finding]:
    """Texts that a field never holds."""
    for path, value, shape in parts_of((), manifest.object, builtin_schema(manifest.kind)):
        if shape.choices and isinstance(value, str) and value and value not in shape.choices:
            what = f'{field_text(path)} is never "{value}"'
            yield Finding(manifest.source.problem(path, what, meant(value, shape.choices)), "GK603")


def _beside(suite: Path) -> Path:
    """The policy that a suite is called after."""
    return suite.with_name(suite.name.replace("_test.", "."))


def without_suite(policy: Policy, file: Path) -> Finding:
    """A policy that no case shows."""
    what = f'no suite shows what policy "{policy.name}" does'
    remedy = f"Write {file.stem}_test.yaml beside it"
    return Finding(policy.source.problem(("metadata", "name"), what, remedy), "GK601")
