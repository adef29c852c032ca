"""One watch for several processes: what one sees of the cluster is passed on to those forked from it.

A process that is forked has the picture of that moment. From then on it is told what has changed, in order,
and how each kind stands: since when it is not known whole. Who hears nothing any more sees every kind grow
old, and can look up nothing that is too old, as if the watch itself were silent.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from gatekeeper_py.cluster.follower import Follower, Picture
from gatekeeper_py.objects.resource import GroupVersionKind, Object

__all__ = ["Changes", "apply", "packed"]


class Standing(NamedTuple):
    """How a kind stands."""

    synced: bool
    problem: str
    confirmed: float
    """When it was last known whole, on a clock that all processes of a machine share (`connection.now`)."""


class Changes:
    """Gathers what changes in a picture, whoever's thread it is that changes it."""

    def __init__(self, picture: Picture, wake: Callable[[], None]) -> None:
        self._gathered: list[tuple[GroupVersionKind, Sequence[Object], Sequence[Object]]] = []
        self._lock = threading.Lock()
        self._wake = wake
        """Called when there is something to take."""
        picture.tell = self._note

    def _note(self, kind: GroupVersionKind, there: Sequence[Object], gone: Sequence[Object]) -> None:
        with self._lock:
            self._gathered.append((kind, there, gone))
            first = len(self._gathered) == 1
        if first:
            self._wake()

    def take(self) -> bytes:
        """What has changed since it was last taken; empty when nothing has."""
        with self._lock:
            gathered, self._gathered = self._gathered, []
        told = [([*kind], [*there], [*gone]) for kind, there, gone in gathered]
        return orjson.dumps(told) if told else b""


def packed(changes: Changes, followers: Iterable[Follower]) -> bytes:
    """What has changed, and how these kinds stand; empty when there is neither.

    What a kind's standing confirms has been gathered before, so it is in the changes.
    """
    standings = {each.kind: Standing(each.synced, each.problem, each.confirmed) for each in followers}
    changed = changes.take()
    return pickle.dumps((changed, standings)) if changed or standings else b""


def apply(news: bytes, picture: Picture, followers: Mapping[GroupVersionKind, Follower]) -> None:
    """Put what was packed into a picture that nobody else changes; of kinds nobody here looks up, nothing."""
    changed, standings = pickle.loads(news)
    for kind, there, gone in orjson.loads(changed) if changed else ():
        if (known := GroupVersionKind(*kind)) in followers:
            picture.change(known, there, gone)
    for kind, standing in standings.items():
        if (follower := followers.get(kind)) is not None:
            follower.synced, follower.problem, follower.confirmed = standing
