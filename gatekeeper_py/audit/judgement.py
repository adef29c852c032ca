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
from gatekeeper_py.manifests.undefined import Undefined, undefined
from gatekeeper_py.objects.resource import Objects
from gatekeeper_py.policy.admission.changes import Change
from gatekeeper_py.policy.admission.decision import Finding

__all__ = ["Further", "Judged", "Selection", "Validation", "judge_all"]

BATCH = 64
"""Objects that a worker judges at a time: enough to be worth the way there and back, and few enough that no
worker waits long for the last one."""

TOGETHER = 32
"""Objects that go through each step together: their data fit the second cache of a processor."""

BATCH_BYTES = 4 << 20
"""Bytes on disk after which a batch ends: its objects are in memory together, and take ten times as much."""

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
    undefined: list[Undefined] = field(default_factory=list)


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
        """All of some numbers, a few together: see `Auditor.judge_all`."""
        judged = Judged(len(numbers))
        for begin in range(0, len(numbers), TOGETHER):
            self._few(numbers[begin : begin + TOGETHER], judged)
        return judged

    def _few(self, numbers: range, judged: Judged) -> None:
        told: dict[int, Sequence[Problem]] = {}
        read = zip(numbers, self.spool.read(numbers), strict=True)
        chosen = [each for each in read if self.selection.has(each[1])]
        judged.undefined += undefined((manifest for _, manifest in chosen), self.kinds)
        fit = [(number, each) for number, each in chosen if self._is_fit(number, each, judged, told)]
        answers = self.auditor.judge_all(manifest for _, manifest in fit)
        for (number, _), answer in zip(fit, answers, strict=True):
            if isinstance(answer, ManifestError):
                told[number] = self._exact_problems(number)
                continue
            said = self._exactly(number, self._said(answer))
            judged.items += (self._shared(each) for each in said if isinstance(each, Audited))
            told[number] = [each for each in said if isinstance(each, Problem)]
        judged.problems += (problem for number in sorted(told) for problem in told[number])

    def _exactly(self, number: int, said: list[Audited | Problem]) -> list[Audited | Problem]:
        """The same, with the places of parts should something be told that is no finding."""
        if not any(isinstance(each, Problem) for each in said):
            return said
        return self._said(self.auditor.judge(self.spool.exactly(number)))

    def _said(self, audited: Audited) -> list[Audited | Problem]:
        said: Iterable[Audited | Problem] = (audited,)
        for judge in self.further:
            said = judge(said)
        return list(said)

    def _shared(self, item: Audited) -> Audited:
        """The same with what is found of many objects kept once: it is sent once, too."""
        findings, reserved = (
            tuple(self.found.setdefault((each.policy, each.binding, each.message), each) for each in found)
            for found in (item.findings, item.reserved)
        )
        changes = tuple(self.changed.setdefault(repr(change), change) for change in item.changes)
        return replace(item, findings=findings, reserved=reserved, changes=changes, manifest=None)

    def _is_fit(
        self, number: int, manifest: Manifest, judged: Judged, told: dict[int, Sequence[Problem]]
    ) -> bool:
        """Whether an object may be judged, by its fields."""
        if self.validation == "ignore" or not validated(manifest, self.kinds):
            return True
        wrong = validated(self.spool.exactly(number), self.kinds)
        if self.validation == "warn":
            judged.warnings += wrong
            return True
        told[number] = wrong
        return False

    def _exact_problems(self, number: int) -> Sequence[Problem]:
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
    return spread(judge.batch, spool.batches(BATCH, BATCH_BYTES), workers)
