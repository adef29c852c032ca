"""What the file of a shipped policy says of it: its comment block, its annotations, its bindings.

A comment block is a summary, a list of labelled parts (`Fields:`, `Allowed:`, `Stops:`) and, where there is
more to say, notes. Blank lines stand between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.policy.loading.load import read

__all__ = ["Entry", "entries"]

PREFIX = "policy.gatekeeper-py.dev/"
STOPS = "Stops"


@dataclass(frozen=True, slots=True)
class Entry:
    """One policy."""

    path: Path
    name: str
    summary: str
    parts: Mapping[str, str]
    """What the labels of the comment block say: the fields, the allowed values, the attack."""
    notes: str
    severity: str
    action: str
    """`Mutate`, or the validation actions of its bindings."""
    portable: bool
    since: str
    """The version that shipped it first, or `unreleased`."""

    @property
    def concept(self) -> str:
        """Its folder."""
        return self.path.parent.name

    @property
    def stops(self) -> str:
        """The attack it stops."""
        return self.parts.get(STOPS, "")

    @property
    def mutates(self) -> bool:
        """Whether it changes objects; otherwise it refuses some, or warns of them."""
        return self.action == "Mutate"


def entries(folder: Path) -> list[Entry]:
    """All policies of a folder, by concept and name."""
    manifests = read([folder])
    actions = _actions(manifests)
    found = [_entry(m, actions) for m in manifests if m.object["kind"].endswith("AdmissionPolicy")]
    return sorted(found, key=lambda entry: (entry.concept, entry.name))


def _actions(manifests: Iterable[Manifest]) -> dict[str, str]:
    actions: dict[str, str] = {}
    for manifest in manifests:
        if manifest.object["kind"].endswith("PolicyBinding"):
            spec = manifest.object["spec"]
            actions[spec["policyName"]] = ", ".join(spec.get("validationActions", ["Mutate"]))
    return actions


def _entry(manifest: Manifest, actions: Mapping[str, str]) -> Entry:
    path = Path(manifest.source.path)
    metadata: dict[str, Any] = manifest.object["metadata"]
    annotations = metadata["annotations"]
    summary, parts, notes = _comment(path)
    return Entry(
        path=path,
        name=metadata["name"],
        summary=summary,
        parts=parts,
        notes=notes,
        severity=annotations[f"{PREFIX}severity"],
        action=actions[metadata["name"]],
        portable=metadata.get("labels", {}).get(f"{PREFIX}portable") == "true",
        since=annotations.get(f"{PREFIX}since", ""),
    )


def _comment(path: Path) -> tuple[str, dict[str, str], str]:
    """The summary, the labelled parts and the notes of a file's comment block."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = [line.removeprefix("#").removeprefix(" ") for line in lines if line.startswith("#")]
    summary, parts, *notes = [*"\n".join(comment).split("\n\n"), ""]
    return _flowing(summary), _parts(parts), "\n\n".join(map(_flowing, filter(None, notes)))


def _flowing(paragraph: str) -> str:
    return " ".join(paragraph.split())


def _parts(paragraph: str) -> dict[str, str]:
    """Label and text; lines that are indented go on."""
    parts: dict[str, str] = {}
    label = ""
    for line in paragraph.splitlines():
        if not line.startswith(" "):
            label, _, line = line.partition(":")
        parts[label] = f"{parts.get(label, '')} {line.strip()}".strip()
    return parts
