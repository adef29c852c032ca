"""A folder of policies as ConfigMaps, one a folder, and the volume that makes a folder of them again.

All ConfigMaps go into one volume, which the kubelet replaces whole: an edit of several is in force at once.
A file keeps its folder as the beginning of its name (`isolation.nodes.yaml`), because a volume of
ConfigMaps has no folders unless it lists every key, and a key that somebody adds but does not list would be
no policy, without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from gatekeeper_py.installation.identifiers import BACKGROUND, LABELS, NAME, NAMESPACE, POLICIES_LABEL
from gatekeeper_py.objects.resource import Object

__all__ = ["PART", "BadFile", "component", "config_maps", "key", "volume"]

PREFIX: Final = "gatekeeper-policies"
VOLUME: Final = "policies"
MOUNT: Final = "/policies"
SERVED: Final = f"{NAME}|{BACKGROUND}"
"""The Deployments that take policies, as kustomize matches names."""

LARGEST: Final = 1 << 20
"""Bytes that a ConfigMap may hold (apis/core/validation, MaxSecretSize)."""

PART: Final = 192 << 10
"""Bytes after which a folder goes on in another ConfigMap. `kubectl apply` keeps a copy in an annotation of
at most 256 KiB (apimachinery/pkg/api/validation, TotalAnnotationSizeLimitB), in JSON with its escapes."""

KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")
"""k8s.io/apimachinery/pkg/util/validation, IsConfigMapKey."""

KUSTOMIZE: Final = "kustomize.config.k8s.io/v1alpha1"


class BadFile(Exception):
    """A file that no ConfigMap can hold; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What one ConfigMap holds."""

    folder: str
    number: int
    files: Mapping[str, str]
    """Path below the policies folder to text."""

    @property
    def name(self) -> str:
        """`gatekeeper-policies-host-access`, `gatekeeper-policies-a.b`, `gatekeeper-policies-a.b--2`."""
        folder = f"-{'.'.join(map(_slug, self.folder.split('/')))}" if self.folder else ""
        return f"{PREFIX}{folder}{f'--{self.number}' if self.number > 1 else ''}"

    @property
    def object(self) -> Object:
        """The ConfigMap."""
        labels = {**LABELS, POLICIES_LABEL: re.sub(r"[^a-zA-Z0-9]+", "-", self.folder).strip("-")[:63]}
        metadata = {"name": self.name, "namespace": NAMESPACE, "labels": labels}
        data = {key(path): text for path, text in self.files.items()}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def config_maps(files: Mapping[str, str]) -> list[Object]:
    """The files (path below the policies folder to text) as ConfigMaps; raises `BadFile`."""
    return [part.object for part in _parts(files)]


def volume(files: Mapping[str, str]) -> Object:
    """The volume that holds them all."""
    return _volume(_parts(files))


def key(path: str) -> str:
    """A file's name in its ConfigMap: `isolation/nodes.yaml` is `isolation.nodes.yaml`."""
    return path.replace("/", ".")


def component(files: Mapping[str, str]) -> Object:
    """A component that makes the same of the files where they lie, with an entry for each."""
    parts = _parts(files)
    return {
        "apiVersion": KUSTOMIZE,
        "kind": "Component",
        "configMapGenerator": [_generator(part) for part in parts],
        "patches": [
            {"target": {"group": "apps", "kind": "Deployment", "name": SERVED}, "patch": _patch(parts)}
        ],
    }


def _generator(part: _Part) -> Object:
    return {
        "name": part.name,
        "namespace": NAMESPACE,
        "files": [f"{key(path)}={path}" for path in part.files],
        # With a suffix an edit would be another ConfigMap and every pod would be replaced for it.
        "options": {"disableNameSuffixHash": True, "labels": part.object["metadata"]["labels"]},
    }


def _patch(parts: Sequence[_Part]) -> str:
    """What mounts the volume into the Deployment, as a JSON patch in YAML that people read."""
    lines = [
        "- op: add",
        "  path: /spec/template/spec/containers/0/volumeMounts/-",
        f"  value: {{name: {VOLUME}, mountPath: {MOUNT}, readOnly: true}}",
        "- op: add",
        "  path: /spec/template/spec/volumes/-",
        "  value:",
        f"    name: {VOLUME}",
        "    projected:",
        "      sources:",
        *(f"        - configMap: {{name: {part.name}}}" for part in parts),
    ]
    return "\n".join(lines)


def _volume(parts: Sequence[_Part]) -> Object:
    sources = [{"configMap": {"name": part.name}} for part in parts]
    return {"name": VOLUME, "projected": {"sources": sources}}


def _parts(files: Mapping[str, str]) -> list[_Part]:
    """Every folder in as many parts as its size needs; raises `BadFile`."""
    for path, text in files.items():
        _check(path, text)
    _check_different(files)
    by_folder: dict[str, dict[str, str]] = {}
    for path in sorted(files):
        by_folder.setdefault(_folder(path), {})[path] = files[path]
    found = [part for folder, held in by_folder.items() for part in _split(folder, held)]
    _check_names(found)
    return found


def _slug(name: str) -> str:
    """A folder's name with the letters that a ConfigMap's name may have."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _folder(path: str) -> str:
    parent = str(PurePosixPath(path).parent)
    return "" if parent == "." else parent


def _split(folder: str, files: Mapping[str, str]) -> Iterator[_Part]:
    held: dict[str, str] = {}
    number = size = 0
    for path, text in files.items():
        more = len(text.encode()) + len(key(path))
        if held and size + more > PART:
            number += 1
            yield _Part(folder, number, held)
            held, size = {}, 0
        held[path] = text
        size += more
    yield _Part(folder, number + 1, held)


def _check(path: str, text: str) -> None:
    name = key(path)
    nameless = not all(map(_slug, path.split("/")))
    if not KEY.fullmatch(name) or name.startswith("..") or nameless:
        allowed = "letters, digits, '-', '_' and '.'"
        raise BadFile(f"{path}: a ConfigMap takes names of {allowed}, at most 253. Rename the file")
    if len(text.encode()) > LARGEST - len(name):
        raise BadFile(f"{path}: a ConfigMap holds at most {LARGEST} bytes. Split the file")


def _check_different(files: Mapping[str, str]) -> None:
    by_key: dict[str, str] = {}
    for path in sorted(files):
        other = by_key.setdefault(key(path), path)
        if other != path:
            raise BadFile(f"{path}: is called {key(path)} in a ConfigMap, like {other}. Rename one")


def _check_names(parts: Sequence[_Part]) -> None:
    by_name: dict[str, str] = {}
    for part in parts:
        other = by_name.setdefault(part.name, part.folder)
        if other != part.folder:
            raise BadFile(
                f"{part.folder}: its ConfigMap is called {part.name}, like that of {other}. Rename one"
            )
