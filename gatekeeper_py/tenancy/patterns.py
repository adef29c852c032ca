"""Patterns of names: `*` in namespaces, wildcards in hostnames, prefixes of images."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

__all__ = [
    "Globs",
    "Hosts",
    "glob_matches",
    "globs_overlap",
    "host_matches",
    "image_matches",
    "image_registry_path",
]

HOST = re.compile(r"\*|(?:\*\.)?[a-z0-9_][-_a-z0-9]*(?:\.[a-z0-9_][-_a-z0-9]*)*")
"""A DNS name, wildcard or not: what holds a space, a bar or a line end may be two names to somebody else."""
DEFAULT_REGISTRY = "docker.io"
DEFAULT_REPOSITORY = "library"


def glob_matches(pattern: str, name: str) -> bool:
    """Whether `name` fits `pattern`, in which `*` stands for any characters, none included."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    *middle, last = rest
    if not name.startswith(first) or len(name) < len(first) + len(last) or not name.endswith(last):
        return False
    position, end = len(first), len(name) - len(last)
    for part in middle:
        position = name.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True


T = TypeVar("T")


class Globs(Generic[T]):
    """Patterns, each with what it stands for, found by how they begin: many do not make it slower."""

    def __init__(self, globs: Iterable[tuple[str, T]]) -> None:
        self._by_beginning: dict[str, list[tuple[str, T]]] = {}
        for pattern, value in globs:
            self._by_beginning.setdefault(pattern.partition("*")[0], []).append((pattern, value))
        self._lengths = sorted(set(map(len, self._by_beginning)))

    def fitting(self, name: str) -> Iterator[T]:
        """What the patterns stand for that `name` fits."""
        return (value for pattern, value in self._beginning_like(name) if glob_matches(pattern, name))

    def akin(self) -> Iterator[tuple[T, T]]:
        """What those patterns stand for that begin and end alike: no others overlap."""
        for beginning, globs in self._by_beginning.items():
            others = list(self._beginning_like(beginning))
            for pattern, value in globs:
                for other, another in others:
                    if _end_alike(pattern, other):
                        yield value, another

    def _beginning_like(self, name: str) -> Iterator[tuple[str, T]]:
        for length in self._lengths:
            if length > len(name):
                return
            yield from self._by_beginning.get(name[:length], ())


def _end_alike(one: str, other: str) -> bool:
    end, another = one.rpartition("*")[2], other.rpartition("*")[2]
    return end.endswith(another) or another.endswith(end)


def globs_overlap(one: str, other: str) -> bool:
    """Whether some name fits both patterns."""
    reachable = {(0, 0)}
    seen = set(reachable)
    while reachable:
        i, j = reachable.pop()
        if i == len(one) and j == len(other):
            return True
        for step in _steps(one, i, other, j):
            if step not in seen:
                seen.add(step)
                reachable.add(step)
    return False


def _steps(one: str, i: int, other: str, j: int) -> list[tuple[int, int]]:
    steps: list[tuple[int, int]] = []
    left = one[i] if i < len(one) else ""
    right = other[j] if j < len(other) else ""
    if left == "*":
        steps += [(i + 1, j)] + ([(i, j + 1)] if right else [])
    if right == "*":
        steps += [(i, j + 1)] + ([(i + 1, j)] if left else [])
    if left and left == right:
        steps.append((i + 1, j + 1))
    return steps


def host_matches(pattern: str, host: str) -> bool:
    """Whether a DNS name lies within a pattern: `*`, an exact name, or `*.example.com` for all below it.

    A wildcard host (`*.foo.example.com`) lies within a pattern only if all it stands for does.
    """
    host = host.lower().removesuffix(".")
    pattern = pattern.lower().rstrip(".")
    if not HOST.fullmatch(host):
        return False
    if pattern == "*":
        return True
    if not pattern.startswith("*."):
        return host == pattern
    suffix = pattern[1:]
    return host.endswith(suffix) and len(host) > len(suffix)


class Hosts(Generic[T]):
    """Patterns of hostnames, each with what it stands for, found without trying all."""

    def __init__(self, patterns: Iterable[tuple[str, T]]) -> None:
        self._within: dict[str, list[T]] = {}
        self._below: dict[str, list[T]] = {}
        for pattern, value in patterns:
            pattern = pattern.lower().rstrip(".")
            if pattern != "*":  # who may serve every name owns none
                self._within.setdefault(pattern, []).append(value)
                for wildcard in _wildcards(pattern):
                    self._below.setdefault(wildcard, []).append(value)

    def near(self, host: str) -> Iterator[T]:
        """What the patterns stand for that a host, wildcard or not, lies within or has below it."""
        host = host.lower().removesuffix(".")
        for pattern in (host, *_wildcards(host)):
            yield from self._within.get(pattern, ())
        yield from self._below.get(host, ())


def _wildcards(host: str) -> Iterator[str]:
    """`*.example.com` and `*.com` for `www.example.com`, as for `*.www.example.com` with one more."""
    name = host.removeprefix("*.")
    if name != host:
        yield host
    labels = name.split(".")
    yield from (f"*.{'.'.join(labels[start:])}" for start in range(1, len(labels)))


def image_registry_path(reference: str) -> str:
    """An image reference with the registry and repository that container runtimes would fill in.

    `nginx` is `docker.io/library/nginx`; tag and digest are dropped.
    """
    name = reference.partition("@")[0]
    head, slash, tail = name.partition("/")
    if not slash:
        return f"{DEFAULT_REGISTRY}/{DEFAULT_REPOSITORY}/{name.partition(':')[0]}"
    path = tail.rpartition("/")
    tail = (path[0] + path[1]) + path[2].partition(":")[0]
    if "." not in head and ":" not in head and head != "localhost" and head == head.lower():
        return f"{DEFAULT_REGISTRY}/{head}/{tail}"
    if head == "index.docker.io":
        head = DEFAULT_REGISTRY
    if head == DEFAULT_REGISTRY and "/" not in tail:
        tail = f"{DEFAULT_REPOSITORY}/{tail}"
    return f"{head}/{tail}"


def image_matches(registry: str, reference: str) -> bool:
    """Whether an image comes from a registry or a path in one; `*` is any.

    `registry.example.com/foo` covers `registry.example.com/foo/web:1`, not `registry.example.com/foobar/web`.
    """
    if registry == "*":
        return True
    prefix = registry.removesuffix("*").rstrip("/")
    path = image_registry_path(reference)
    within = path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")
    return within and ".." not in path.split("/")
