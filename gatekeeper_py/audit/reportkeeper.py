"""Reports in a cluster that follow a background audit: what changed is written, what is gone is removed.

What could not be written waits and is tried again; it never holds up the rest, and is told as not audited.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gatekeeper_py.audit.background import Background, Step
from gatekeeper_py.audit.backlog import Key
from gatekeeper_py.audit.publisher import NO_ANSWER, Place, Published, Publisher
from gatekeeper_py.audit.reports.policyreport import report_of, report_of_unread
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.cluster.connection import now
from gatekeeper_py.cluster.view import ClusterError
from gatekeeper_py.manifests.place import Problem

__all__ = ["ReportKeeper"]

RETRY_SECONDS: Final = 10.0
"""After which what was refused, or not answered, is tried again."""

UNREAD_SECONDS: Final = 2.0
"""Between two looks at what is not audited."""


@dataclass(slots=True)
class ReportKeeper:
    """Belongs to one thread, but for `totals` and `problems`."""

    publisher: Publisher
    background: Background
    clock: Callable[[], float] = now
    totals: Counter[str] = field(default_factory=Counter)
    """How many reports were `written` and `removed`, and how many attempts `failed`."""
    problems: tuple[Problem, ...] = ()
    """Why reports are not as they should be."""
    _waiting: dict[Key, Audited] = field(default_factory=dict)
    _refused: dict[Key, Audited] = field(default_factory=dict)
    _leaving: set[Place] = field(default_factory=set)
    _looked: bool = False
    _again: float = 0.0
    """When what was refused is tried again."""
    _unread_at: float = 0.0

    async def follow(self, step: Step) -> None:
        """Have reports say what a step has found."""
        self._take(step)
        if self.clock() >= self._again:
            self._waiting, self._refused = self._refused | self._waiting, {}
        elif not self._looked:
            return
        try:
            await self._keep(over=step.finished_pass)
        except ClusterError as error:
            self._looked = False
            self._fail({str(error): 1})

    def _take(self, step: Step) -> None:
        for item in step.judged:
            key = _key(item)
            self._refused.pop(key, None)
            self._waiting[key] = item
            if self._leaving:  # one of its name has just gone
                self._leaving.discard(self._place(item))
        for item in step.gone:
            self._waiting.pop(_key(item), None)
            self._refused.pop(_key(item), None)
            self._leaving.add(self._place(item))

    async def _keep(self, *, over: bool) -> None:
        if not self._looked or over:
            await self.publisher.look()
            self._looked = True
            self._waiting |= {_key(item): item for item in self.background.ledger.audited()}
            self._leaving |= self._unfounded()
        published = self.publisher.published = Published()
        dialect = self.publisher.dialect
        await self.publisher.keep(report_of(dialect, item) for item in self._waiting.values())
        await self.publisher.remove(self._leaving)
        await self.tell_unread()
        if published.refused:
            self._refused |= {key: item for key, item in self._waiting.items() if not self._holds(item)}
        self._waiting, self._leaving = {}, self._leaving & self.publisher.places()
        self._count(published)

    def _holds(self, item: Audited) -> bool:
        return self.publisher.holds(report_of(self.publisher.dialect, item))

    def _place(self, item: Audited) -> Place:
        return self.publisher.place(report_of(self.publisher.dialect, item))

    def _unfounded(self) -> set[Place]:
        """Reports about objects that are not there; of a kind that is not known now nobody knows that."""
        unknown, kinds = self.background.unknown(), self.background.kinds
        founded = set(map(self._place, self._waiting.values()))
        others = ((place, self.publisher.about(place)) for place in self.publisher.places() - founded)
        return {place for place, kind in others if kind in kinds and kind not in unknown}

    async def tell_unread(self) -> None:
        """Have the report of what is not audited say what is so now; raise `ClusterError`."""
        if self.clock() - self._unread_at < UNREAD_SECONDS:
            return
        self._unread_at = self.clock()
        problems = tuple(self.background.not_audited())
        report = report_of_unread(self.publisher.dialect, problems)
        if problems:
            await self.publisher.keep([report])
        else:
            await self.publisher.remove([self.publisher.place(report)])

    def _count(self, published: Published) -> None:
        self.totals.update(written=published.written, removed=published.removed)
        if published.refused:
            self._fail(published.refused)
            self._looked = self._looked and not any(why.startswith(NO_ANSWER) for why in published.refused)
        elif not self._refused:
            self.problems = ()

    def _fail(self, refused: Mapping[str, int]) -> None:
        self._again = self.clock() + RETRY_SECONDS
        self.totals.update(failed=sum(refused.values()))
        self.problems = tuple(Published(refused=Counter(refused)).problems())


def _key(item: Audited) -> Key:
    target = item.target
    return Key(target.kind, target.home, target.name)
