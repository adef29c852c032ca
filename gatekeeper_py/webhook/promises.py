"""What this replica has admitted and the cluster may not show yet: pods that count against a ceiling.

A decision sees the cluster as it was a moment ago. Two pods that are asked about within that moment would
each find the room that is there for one; so each is written down before it is judged, and counts for all that
come after it until it is refused, or until no picture that is still decided by can be older than it. That one
picture shows it is not enough: all processes of a replica share the book, and each has a picture of its own.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import orjson

from gatekeeper_py.objects.requests import Resources, UnreadableQuantity, requests_of
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.admission.decision import Decision, Status
from gatekeeper_py.policy.admission.request import AdmissionRequest, Promise
from gatekeeper_py.policy.immutable import replace
from gatekeeper_py.tenancy.ceiling import ENDED
from gatekeeper_py.webhook.forking import keep_open, keep_open_no_more
from gatekeeper_py.webhook.revision import Reviewer, Webhook

__all__ = ["Book", "BookIsFull", "Entry"]

SIZE: Final = 4 * 1024 * 1024
"""Bytes of the book: ten thousand pods of the longest names."""
HEAD: Final = 16
"""Bytes that say how much of it is written, and how many lines ever were."""
HALF: Final = HEAD // 2
FULL: Final = "more pods were admitted than the cluster has shown yet; try again"

Look = Callable[[str, str], Object | None]
"""The pod of a namespace and a name, as far as the cluster shows it."""


class BookIsFull(Exception):
    """More pods were admitted than the cluster has shown yet, and no more can be written down."""


@dataclass(slots=True)
class Entry:
    """One pod that is being judged."""

    promised: tuple[Promise, ...]
    """The pods before it."""
    kept: bool = False
    """Whether it was admitted."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    uid: str
    until: float
    promise: Promise

    def written(self) -> list[Any]:
        cpu, memory = self.promise.resources.cpu, self.promise.resources.memory
        where = (self.promise.namespace, self.promise.name)
        return [self.number, self.uid, self.until, *where, str(cpu), str(memory)]

    @classmethod
    def read(cls, parts: list[Any]) -> _Line:
        number, uid, until, namespace, name, cpu, memory = parts
        return cls(number, uid, until, Promise(namespace, name, Resources(Fraction(cpu), Fraction(memory))))


class Book:
    """Pods that were admitted, each until `seconds` are over or it is known to have ended.

    After so long a picture of the cluster that does not show it is too old to decide by, or there is none.
    A pod that is promised and shown counts once.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._pages = mmap.mmap(-1, SIZE)
        self._file = _nameless()
        keep_open(self._file)
        weakref.finalize(self, _let_go, self._file)
        self._threads, self._process = threading.Lock(), os.getpid()

    def keeping(self, decide: Reviewer, look: Look, bounded: Callable[[str], bool]) -> Reviewer:
        """A reviewer that writes down the pods of namespaces whose tenant's pods are bounded."""

        def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
            if webhook != "validate" or not _is_pod(request) or not bounded(request.namespace):
                return decide(request, webhook, deadline)
            try:
                with self.entry(request, look) as entry:
                    decision = decide(replace(request, promised=entry.promised), webhook, deadline)
                    entry.kept = decision.allowed
                    return decision
            except BookIsFull:
                return Decision(allowed=False, status=Status(429, "TooManyRequests", FULL))

        return review

    @contextmanager
    def entry(self, request: AdmissionRequest, look: Look) -> Iterator[Entry]:
        """Write a pod down while it is judged, and for longer if it is `kept`; raises `BookIsFull`."""
        number, promised = self._begin(request, look)
        entry = Entry(promised)
        try:
            yield entry
        finally:
            if not entry.kept or request.dry_run:
                self._strike(number)

    def _begin(self, request: AdmissionRequest, look: Look) -> tuple[int, tuple[Promise, ...]]:
        with self._locked():
            now = self._clock()
            lines = [line for line in self._lines() if line.until > now and not _has_ended(line, look)]
            number = 1 + int.from_bytes(self._pages[HALF:HEAD], "big")
            self._pages[HALF:HEAD] = number.to_bytes(HALF, "big")
            mine = _line(request, number, now + self._seconds)
            self._write([*lines, *([] if mine is None else [mine])])
        return number, tuple(line.promise for line in lines)

    def _strike(self, number: int) -> None:
        with self._locked():
            self._write([line for line in self._lines() if line.number != number])

    def _lines(self) -> list[_Line]:
        length = int.from_bytes(self._pages[:HALF], "big")
        return list(map(_Line.read, orjson.loads(self._pages[HEAD : HEAD + length]))) if length else []

    def _write(self, lines: Iterable[_Line]) -> None:
        text = orjson.dumps([line.written() for line in lines])
        if HEAD + len(text) > SIZE:
            raise BookIsFull
        self._pages[:HALF] = len(text).to_bytes(HALF, "big")
        self._pages[HEAD : HEAD + len(text)] = text

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone, among threads and among processes; for well below a millisecond."""
        if self._process != os.getpid():  # a thread of the parent may have held the lock
            self._threads, self._process = threading.Lock(), os.getpid()
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)


def _let_go(file: int) -> None:
    keep_open_no_more(file)
    os.close(file)


def _nameless() -> int:
    """A file that goes with the last process that has it open."""
    file, path = tempfile.mkstemp(prefix="gatekeeper-promises-")
    os.unlink(path)
    return file


def _is_pod(request: AdmissionRequest) -> bool:
    return request.kind[::2] == ("", "Pod") and request.operation in ("CREATE", "UPDATE")


def _line(request: AdmissionRequest, number: int, until: float) -> _Line | None:
    """Of a pod that can be read: what cannot is refused, and needs no room."""
    pod = request.object or {}
    metadata = pod.get("metadata") or {}
    try:
        name = str(metadata.get("name") or f"(number {number})")
        promise = Promise(request.namespace, name, requests_of(pod))
    except (UnreadableQuantity, KeyError, TypeError, AttributeError):
        return None
    return _Line(number, str(metadata.get("uid") or ""), until, promise)


def _has_ended(line: _Line, look: Look) -> bool:
    """Whether the cluster shows that very pod, and that it takes nothing any more."""
    pod = look(line.promise.namespace, line.promise.name) or {}
    uid = (pod.get("metadata") or {}).get("uid")
    return bool(line.uid) and uid == line.uid and (pod.get("status") or {}).get("phase") in ENDED
