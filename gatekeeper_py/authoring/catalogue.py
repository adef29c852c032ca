"""The page that lists all policies of a folder: what each does, what it stops, what becomes of a violation.

Everything comes from the files: their comment blocks, annotations and bindings.
Printed by `python -m gatekeeper_py.authoring.catalogue policies > docs/policies.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.policy.loading.load import read

__all__ = ["Entry", "entries", "render"]

PREFIX = "policy.gatekeeper-py.dev/"
HEAD = """\
# Shipped policies

Made from the files in `policies/`; do not edit. `python -m gatekeeper_py.authoring.catalogue policies >
docs/policies.md` makes it anew.

A portable policy uses no word of ours and runs in kube-apiserver itself, too.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One policy."""

    concept: str
    """Its folder."""
    name: str
    summary: str
    """The first sentences of its comment block."""
    stops: str
    """The attack it stops."""
    severity: str
    action: str
    """`Mutate`, or the validation actions of its bindings."""
    portable: bool


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


def _entry(manifest: Manifest, actions: dict[str, str]) -> Entry:
    path = Path(manifest.source.path)
    metadata: dict[str, Any] = manifest.object["metadata"]
    comment = _comment(path)
    return Entry(
        concept=path.parent.name,
        name=metadata["name"],
        summary=" ".join(comment[: comment.index("")] if "" in comment else comment),
        stops=_part(comment, "Stops:"),
        severity=metadata["annotations"][f"{PREFIX}severity"],
        action=actions[metadata["name"]],
        portable=metadata.get("labels", {}).get(f"{PREFIX}portable") == "true",
    )


def _comment(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("#").removeprefix(" ") for line in lines if line.startswith("#")]


def _part(comment: list[str], label: str) -> str:
    """The text after a label, with the lines indented below it."""
    start = next(index for index, line in enumerate(comment) if line.startswith(label))
    text = [comment[start].removeprefix(label).strip()]
    for line in comment[start + 1 :]:
        if not line.startswith("  "):
            break
        text.append(line.strip())
    return " ".join(text)


def render(folder: Path) -> str:
    """The page, as Markdown."""
    return HEAD + "".join(_sections(entries(folder)))


def _sections(found: list[Entry]) -> Iterator[str]:
    for concept, group in groupby(found, key=lambda entry: entry.concept):
        yield f"\n## {concept}\n\n| policy | what it does | what it stops | severity | action |\n"
        yield "|---|---|---|---|---|\n"
        for entry in group:
            mark = " (portable)" if entry.portable else ""
            cells = (f"`{entry.name}`{mark}", entry.summary, entry.stops, entry.severity, entry.action)
            yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n"


if __name__ == "__main__":
    print(render(Path(sys.argv[1])), end="")
