"""Objects on disk, in their order: memory holds where each stands, not what it is.

An audit asks about every object while all others exist, and there may be more of them than memory holds. So
they are read twice: once off the wire or out of text, into one file of JSON, and once out of that.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from struct import Struct
from typing import NamedTuple

import orjson

from gatekeeper_py.cel import AccessDecision, AccessReview
from gatekeeper_py.cluster.snapshot import DEFAULT_NAMESPACE, NAMESPACE, Snapshot
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.manifests.pieces import Piece, read_piece
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object, Served
from gatekeeper_py.tenancy.tenant import GROUP

__all__ = ["Record", "Spool", "SpooledCluster", "is_kept"]

LENGTH = Struct(">II")
"""Bytes of what is known of an object's place, and of the object."""

READ_AHEAD = 8192
"""Bytes read at once: most objects are smaller."""

NONE: Mapping[tuple[str, str], int] = {}
"""The objects of a kind that has none."""

REMEMBERED = 2048
"""Objects kept that were looked up, of which a policy looks the same ones up again and again: about 20 MB."""


class Record(NamedTuple):
    """An object on its way to the disk."""

    kind: GroupVersionKind
    namespace: str
    name: str
    place: tuple[str, int, int, int]
    """Path, line, column, and which object of its piece it is."""
    body: bytes

    @classmethod
    def of(cls, manifest: Manifest, number: int = 0) -> Record:
        """Of an object as it was read."""
        source = manifest.source
        place = (source.path, source.line, source.column, number)
        body = orjson.dumps(manifest.object)
        return cls(manifest.kind, manifest.namespace, manifest.name, place, body)


class Spool:
    """Objects in a file without a name: it is gone with the process, and read by all that it forks."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="gatekeeper-audit-")  # noqa: SIM115 - closed with the spool
        self._end = 0
        self._offsets = array("Q")
        self._named: dict[GroupVersionKind, dict[tuple[str, str], int]] = {}

    def __enter__(self) -> Spool:
        """The spool, which is closed in the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the disk back."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, records: Iterable[Record], text: int = 0) -> None:
        """Append objects; `text` is what `add_text` gave for the piece that they stand in."""
        for record in records:
            offset = self._write(orjson.dumps((*record.place, text)), record.body)
            if not is_kept(record.kind):
                named = self._named.setdefault(record.kind, {})
                named[_shared(record.namespace), record.name] = len(self._offsets)
            self._offsets.append(offset)

    def add_text(self, piece: Piece) -> int:
        """Append a piece of text, of which exact places are asked should something be wrong."""
        return self._write(orjson.dumps((piece.path, piece.above)), piece.data)

    def _write(self, head: bytes, body: bytes) -> int:
        offset = self._end
        self._file.write(LENGTH.pack(len(head), len(body)))
        self._file.write(head)
        self._file.write(body)
        self._end += LENGTH.size + len(head) + len(body)
        return offset

    def flush(self) -> None:
        """Let those who are forked read all of it."""
        self._file.flush()

    def batches(self, count: int, size: int) -> Iterator[range]:
        """All numbers in order, at most `count` at a time, and few where their objects take `size` bytes."""
        begin = 0
        for number, offset in enumerate(self._offsets):
            if number - begin == count or offset - self._offsets[begin] > size:
                yield range(begin, number)
                begin = number
        if begin < len(self._offsets):
            yield range(begin, len(self._offsets))

    def read(self, numbers: Iterable[int]) -> Iterator[Manifest]:
        """The objects of these numbers, with the places of their beginnings."""
        for number in numbers:
            head, body = self._read(self._offsets[number])
            path, line, column, _, _ = orjson.loads(head)
            yield Manifest(orjson.loads(body), Source(path, line, column))

    def exactly(self, number: int) -> Manifest:
        """One object as it was first read, which knows the places of all its parts."""
        head, body = self._read(self._offsets[number])
        path, line, column, index, text = orjson.loads(head)
        if not line:
            return Manifest(orjson.loads(body), Source(path, line, column))
        (path, above), data = self._piece(text)
        found: Manifest = read_piece(Piece(path, data, above)).manifests[index]
        return found

    def _piece(self, offset: int) -> tuple[tuple[str, int], bytes]:
        head, data = self._read(offset)
        return orjson.loads(head), data

    def _read(self, offset: int) -> tuple[bytes, bytes]:
        descriptor = self._file.fileno()
        start = os.pread(descriptor, READ_AHEAD, offset)
        head, body = LENGTH.unpack_from(start)
        end = LENGTH.size + head + body
        while len(start) < end:
            start += os.pread(descriptor, end - len(start), offset + len(start))
        return start[LENGTH.size : LENGTH.size + head], start[LENGTH.size + head : end]

    def numbers(self, kind: GroupVersionKind) -> Mapping[tuple[str, str], int]:
        """The objects of a kind by namespace and name, the last of several; none of what `is_kept`."""
        return self._named.get(kind, NONE)


_SHARED: dict[str, str] = {}


def _shared(name: str) -> str:
    """A name that many objects have, kept once."""
    return _SHARED.setdefault(name, name)


SMALL_GROUPS = frozenset(
    (GROUP, CUSTOM_RESOURCE_DEFINITION.group, "node.k8s.io", "rbac.authorization.k8s.io")
)


def is_kept(kind: GroupVersionKind) -> bool:
    """Whether objects of a kind stay in memory: they are few, and nearly every decision asks for them."""
    return kind.group in SMALL_GROUPS or kind == NAMESPACE


class SpooledCluster:
    """Implements `ClusterView`: a snapshot, and all that is on disk beside it, read when it is looked up."""

    def __init__(self, base: Snapshot, spool: Spool) -> None:
        self.base = base
        self._spool = spool
        self._remembered: OrderedDict[int, Object] = OrderedDict()
        self._listed: dict[GroupVersionKind, Mapping[str, Sequence[int]]] = {}

    def get(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        """The object, or None."""
        number = self._number(kind, namespace, name)
        return self.base.get(kind, namespace, name) if number is None else self._read(number)

    def _number(self, kind: GroupVersionKind, namespace: str, name: str) -> int | None:
        for version in self.base.versions(kind):
            named = self._spool.numbers(version)
            for where in (namespace, "") if named and namespace == DEFAULT_NAMESPACE else (namespace,):
                if (number := named.get((where, name))) is not None:
                    return number
        return None

    def list(self, kind: GroupVersionKind, namespace: str | None = None) -> Iterable[Object]:
        """All objects of a kind: those of the snapshot that are not on disk too, then those on disk."""
        listed = self._listed.get(kind)
        if listed is None:
            listed = self._listed[kind] = self._by_namespace(kind)
        wanted = listed if namespace is None else (namespace,)
        spooled = (self._read(number) for each in wanted for number in listed.get(each, ()))
        return (*self._of_snapshot(kind, namespace), *spooled)

    def _of_snapshot(self, kind: GroupVersionKind, namespace: str | None) -> Iterator[Object]:
        for value in self.base.list(kind, namespace):
            metadata = value.get("metadata") or {}
            where = metadata.get("namespace") or ("" if namespace is None else namespace)
            if self._number(kind, where, metadata.get("name") or "") is None:
                yield value

    def _by_namespace(self, kind: GroupVersionKind) -> Mapping[str, Sequence[int]]:
        """The numbers of a kind's objects by namespace, both sorted; made once."""
        held: dict[tuple[str, str], int] = {}
        served = self.base.served(kind)
        elsewhere = DEFAULT_NAMESPACE if served is None or served.namespaced else ""
        for version in self.base.versions(kind):
            for (namespace, name), number in self._spool.numbers(version).items():
                held.setdefault((namespace or elsewhere, name), number)
        listed: dict[str, array[int]] = {}
        for namespace, name in sorted(held):
            listed.setdefault(namespace, array("Q")).append(held[namespace, name])
        return listed

    def _read(self, number: int) -> Object:
        found = self._remembered.get(number)
        if found is None:
            found = next(self._spool.read((number,))).object
            self._remembered[number] = found
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        else:
            self._remembered.move_to_end(number)
        return found

    def knows(self, kind: GroupVersionKind) -> bool:
        """Whether it holds every object of a kind: as a snapshot does, from the first one on."""
        return self.base.knows(kind) or any(map(self._spool.numbers, self.base.versions(kind)))

    def served(self, kind: GroupVersionKind) -> Served | None:
        """How a kind is served, or None when unknown."""
        return self.base.served(kind)

    def resource(self, resource: GroupVersionResource) -> Served | None:
        """The kind a resource serves, or None when unknown."""
        return self.base.resource(resource)

    def equivalents(self, resource: GroupVersionResource, subresource: str = "") -> tuple[Served, ...]:
        """The same resource in its other versions and groups."""
        return self.base.equivalents(resource, subresource)

    def authorize(self, review: AccessReview) -> AccessDecision:
        """Whether RBAC, which the snapshot holds, allows the access."""
        return self.base.authorize(review)
