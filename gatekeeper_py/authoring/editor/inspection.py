"""What lint says of a folder while it is edited: after an edit only what that touches is looked at.

The policies are loaded whole each time, which is what tells of files that depend on each other; their
expressions compile once. Findings of a policy are kept until it changes, or a binding of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from gatekeeper_py.authoring.lint.casework import casework
from gatekeeper_py.authoring.lint.entitlements import entitlements
from gatekeeper_py.authoring.lint.exemptions import exemptions
from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.linting import FAMILIES, kinds_among, loadable, plainest, suite_problems
from gatekeeper_py.authoring.lint.proof import proof
from gatekeeper_py.authoring.lint.recipients import recipients
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.authoring.lint.suppression import unknown_codes, unsuppressed
from gatekeeper_py.authoring.lint.trial import trials
from gatekeeper_py.authoring.suite import Suite, read_suite
from gatekeeper_py.manifests.folder import content, files
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem, Reading, read_all_text
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION
from gatekeeper_py.policy.loading.load import KUSTOMIZATIONS, LARGEST_FILE, PolicySet, is_test
from gatekeeper_py.policy.model import Policy
from gatekeeper_py.policy.sharing.index import PolicyIndex
from gatekeeper_py.tenancy.documents import is_tenancy_document

__all__ = ["Inspection"]

Stamp: TypeAlias = tuple[int, int] | str
"""What tells that a file has changed: its time and length, or the text that an editor has of it."""

NOTHING = Reading()
OF_THE_WHOLE = (trials, proof, casework, recipients, entitlements, exemptions)
"""What more follows from than a policy and its bindings; all are fast."""
OF_POLICIES = tuple(family for family in FAMILIES if family not in OF_THE_WHOLE)


@dataclass(frozen=True, slots=True)
class _File:
    stamp: Stamp
    text: str
    reading: Reading = NOTHING
    """Of policies and tenants."""
    suite: Suite | None = None
    problems: tuple[Problem, ...] = ()
    """Why a suite cannot be read."""


class Inspection:
    """One folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policies = PolicySet()
        """Those that load."""
        self._files: dict[Path, _File] = {}
        self._found: dict[str, list[Finding]] = {}
        """By the file of the policy."""
        self._tried: dict[Path, tuple[object, tuple[Problem, ...]]] = {}
        """Why suites do not run, each with what they were tried on."""

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """Everything that can be read but suites."""
        return tuple(each for file in self._files.values() for each in file.reading.manifests)

    def text_of(self, path: str) -> str:
        """A file as it was looked at."""
        file = self._files.get(Path(path))
        return file.text if file is not None else ""

    def look(self, edited: Mapping[Path, str]) -> list[Finding]:
        """What is wrong now, by place; `edited` are texts that are not saved yet."""
        before = self._files
        try:
            self._files = {path: self._file(path, edited.get(path)) for path in self._present(edited)}
        except ManifestError as error:
            return [Finding(problem, "GK001") for problem in error.problems]
        changed = {path for path in before.keys() | self._files.keys() if self._differs(before, path)}
        manifests = self.manifests
        former, (self.policies, problems) = self.policies, loadable(manifests)
        subject = self._subject(manifests)
        self._renew(subject, former, changed, before)
        read = [problem for file in self._files.values() for problem in file.reading.problems]
        told = [Finding(problem, "GK001") for problem in (*read, *problems)]
        told += [
            Finding(problem, "GK002") for problem in self._failures() if problem not in {*read, *problems}
        ]
        told += [finding for findings in self._found.values() for finding in findings]
        told += [finding for family in OF_THE_WHOLE for finding in family(subject)]
        told += unknown_codes(map(str, self._files), self.text_of)
        return sorted(set(unsuppressed(plainest(told), self.text_of)))

    def _present(self, edited: Mapping[Path, str]) -> Iterator[Path]:
        """The files of the folder, and those that are about to be in it."""
        found = [path for path in files(self.folder) if path.name not in KUSTOMIZATIONS]
        new = [path for path in edited if path not in found and path.is_relative_to(self.folder)]
        yield from sorted((*found, *(path for path in new if path.name not in KUSTOMIZATIONS)))

    def _file(self, path: Path, text: str | None) -> _File:
        """A file, read anew if it has changed."""
        stamp: Stamp = text if text is not None else _stamp(path)
        kept = self._files.get(path)
        if kept is not None and kept.stamp == stamp:
            return kept
        return _read(path, stamp, text)

    def _differs(self, before: Mapping[Path, _File], path: Path) -> bool:
        return before.get(path) is not self._files.get(path)

    def _subject(self, manifests: tuple[Manifest, ...]) -> Subject:
        suites = tuple(file.suite for file in self._files.values() if file.suite is not None)
        tests = frozenset(str(path) for path in self._files if is_test(path))
        return Subject(manifests, self.policies, kinds_among(manifests), suites, tests)

    def _renew(
        self, subject: Subject, former: PolicySet, changed: set[Path], before: Mapping[Path, _File]
    ) -> None:
        """Look again at the policies that a change concerns."""
        if any(_defines(before, path) or _defines(self._files, path) for path in changed):
            self._found.clear()
        known = set(map(_identity, _every(former)))
        loaded = {policy.source.path for policy in subject.every}
        new = {policy.source.path for policy in subject.every if _identity(policy) not in known}
        for path in self._found.keys() - (loaded - new):
            del self._found[path]
        for path in loaded - self._found.keys():
            part = replace(subject, policies=_only(self.policies, path))
            self._found[path] = [finding for family in OF_POLICIES for finding in family(part)]

    def _failures(self) -> Iterator[Problem]:
        """Why suites cannot be read, or not be run: on policies as they are saved."""
        tenancy = tuple(manifest for manifest in self.manifests if is_tenancy_document(manifest))
        for path, file in self._files.items():
            yield from file.problems
            if file.suite is not None:
                yield from self._failure(path, file.suite, () if file.suite.named else tenancy)

    def _failure(self, path: Path, suite: Suite, tenancy: tuple[Manifest, ...]) -> tuple[Problem, ...]:
        basis = (suite, tenancy, tuple(map(_stamps, suite.policies)))
        kept = self._tried.get(path)
        if kept is None or kept[0] != basis:
            kept = self._tried[path] = (basis, suite_problems(suite, tenancy))
        return kept[1]


def _read(path: Path, stamp: Stamp, text: str | None) -> _File:
    try:
        held = content(path, LARGEST_FILE) if text is None else text
    except ManifestError as error:
        return _File(stamp, "", Reading((), error.problems))
    shown = held if isinstance(held, str) else held.decode("utf-8", "replace")
    if not is_test(path):
        return _File(stamp, shown, read_all_text(held, str(path), blank=False))
    try:
        return _File(stamp, shown, suite=read_suite(path, text))
    except ManifestError as error:
        return _File(stamp, shown, problems=error.problems)


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return ""
    return status.st_mtime_ns, status.st_size


def _stamps(path: Path) -> tuple[Stamp, ...]:
    """Of a file, or of all files of a folder."""
    try:
        return tuple(map(_stamp, files(path)))
    except ManifestError:
        return ()


def _defines(files: Mapping[Path, _File], path: Path) -> bool:
    """Whether a file says which kinds there are."""
    file = files.get(path)
    return file is not None and any(
        manifest.kind == CUSTOM_RESOURCE_DEFINITION for manifest in file.reading.manifests
    )


def _every(policies: PolicySet) -> tuple[Policy, ...]:
    return (*policies.validating, *policies.mutating)


def _identity(policy: Policy) -> tuple[int, ...]:
    """What tells a policy and its bindings from those of another text, as long as both are there."""
    return id(policy.source), *(id(binding.source) for binding in policy.bindings)


def _only(policies: PolicySet, path: str) -> PolicySet:
    """The policies that stand in a file."""

    def stands(policy: Policy) -> bool:
        return policy.source.path == path

    return replace(
        policies,
        validating=PolicyIndex(filter(stands, policies.validating)),
        mutating=PolicyIndex(filter(stands, policies.mutating)),
    )
