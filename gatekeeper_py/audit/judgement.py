"""Every object of a spool, judged by all processors, in their order."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from gatekeeper_py.audit.scan import Audited, Auditor
from gatekeeper_py.audit.spool import Spool
from gatekeeper_py.audit.workers import spread
from gatekeeper_py.manifests.fieldvalidation import validated
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem
from gatekeeper_py.objects.resource import Objects
from gatekeeper_py.policy.admission.changes import Change
from gatekeeper_py.policy.admission.decision import Finding

__all__ = ["Further", "Judged", "Selection", "Validation", "judge_all"]

BATCH = 128
"""Objects that a worker judges at a time: enough to be worth the way there and back."""

Validation = Literal["strict", "warn", "ignore"]
"""What is done about manifests that no API server would read."""


Further = Callable[[Iterable[Audited | Problem]], Iterable[Audited | Problem]]
"""Says of what policies have judged what else there is to say."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects are judged; all of them exist all the same."""

    shard: int = 0
    shards: int = 1
    since: datetime | None = None
    """The time before which nothing is judged; what does not say when it was made is."""

    def has(self, manifest: Manifest) -> bool:
        """Whether an object is judged."""
        return self._is_in_shard(manifest) and (self.since is None or not _is_before(manifest, self.since))

    def _is_in_shard(self, manifest: Manifest) -> bool:
        """By its name alone, so that every shard of one cluster divides it alike."""
        if self.shards == 1:
            return True
        group, _, kind = manifest.kind
        name = "/".join((group, kind, manifest.namespace, manifest.name))
        return zlib.crc32(name.encode()) % self.shards == self.shard


def _is_before(manifest: Manifest, since: datetime) -> bool:
    created = (manifest.object.get("metadata") or {}).get("creationTimestamp")
    try:
        return datetime.fromisoformat(str(created).replace("Z", "+00:00")) < since
    except (TypeError, ValueError):
        return False


@dataclass(slots=True)
class Judged:
    """Some objects, judged."""

    objects: int = 0
    """How many were looked at, judged or not."""
    items: list[Audited] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Judge:
    auditor: Auditor
    spool: Spool
    kinds: Objects
    validation: Validation
    selection: Selection
    further: Sequence[Further]
    found: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    changed: dict[str, Change] = field(default_factory=dict)

    def batch(self, numbers: range) -> Judged:
        judged = Judged(len(numbers))
        for number, manifest in zip(numbers, self.spool.read(numbers), strict=True):
            if not self.selection.has(manifest):
                continue
            try:
                if self._may_be_judged(number, manifest, judged):
                    self._judge(number, manifest, judged)
            except ManifestError:
                judged.problems += self._exact_problems(number)
        return judged

    def _judge(self, number: int, manifest: Manifest, judged: Judged) -> None:
        said = list(self._said(manifest))
        if any(isinstance(each, Problem) for each in said):
            said = list(self._said(self.spool.exactly(number)))
        for each in said:
            if isinstance(each, Problem):
                judged.problems.append(each)
            else:
                judged.items.append(self._shared(each))

    def _said(self, manifest: Manifest) -> Iterable[Audited | Problem]:
        said: Iterable[Audited | Problem] = (self.auditor.judge(manifest),)
        for judge in self.further:
            said = judge(said)
        return said

    def _shared(self, item: Audited) -> Audited:
        """The same with what is found of many objects kept once: it is sent once, too."""
        findings, reserved = (
            tuple(self.found.setdefault((each.policy, each.binding, each.message), each) for each in found)
            for found in (item.findings, item.reserved)
        )
        changes = tuple(self.changed.setdefault(repr(change), change) for change in item.changes)
        return replace(item, findings=findings, reserved=reserved, changes=changes, manifest=None)

    def _may_be_judged(self, number: int, manifest: Manifest, judged: Judged) -> bool:
        if self.validation == "ignore" or not validated(manifest, self.kinds):
            return True
        told = judged.warnings if self.validation == "warn" else judged.problems
        told += validated(self.spool.exactly(number), self.kinds)
        return self.validation == "warn"

    def _exact_problems(self, number: int) -> Iterable[Problem]:
        """What cannot be asked about, with the places of its parts."""
        try:
            self.auditor.judge(self.spool.exactly(number))
        except ManifestError as error:
            return error.problems
        return ()


def judge_all(
    auditor: Auditor,
    spool: Spool,
    kinds: Objects,
    validation: Validation,
    selection: Selection,
    workers: int,
    further: Sequence[Further] = (),
) -> Iterator[Judged]:
    """All that is selected; `kinds` serves the custom kinds that are given. May raise `WorkerDied`."""
    spool.flush()
    judge = _Judge(auditor, spool, kinds, validation, selection, further)
    batches = (range(at, min(at + BATCH, len(spool))) for at in range(0, len(spool), BATCH))
    return spread(judge.batch, batches, workers)
