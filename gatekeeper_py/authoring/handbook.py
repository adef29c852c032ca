"""What people read of the shipped policies: a list of all, and a page for each.

The list is printed by `python -m gatekeeper_py.authoring.handbook policies > docs/policies.md`; the pages are
made when the site is built (`docs/hooks.py`). Everything comes from the files: comment blocks, annotations,
bindings, expressions and the suite beside each.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from gatekeeper_py.authoring.entry import STOPS, Entry, entries
from gatekeeper_py.authoring.examples import Examples, examples
from gatekeeper_py.authoring.suite import Case
from gatekeeper_py.engine import load_policies
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.policy.model import Policy
from gatekeeper_py.tenancy.usage import document_fields

__all__ = ["HEADINGS", "Page", "handbook", "index"]

INDEX_HEAD = """\
# Shipped policies

Made from the files in `policies/`; do not edit. `python -m gatekeeper_py.authoring.handbook policies >
docs/policies.md` makes it anew. `make docs` builds a page for each: what it refuses and why, an example of
either kind, and the fields of a Tenant that it reads.

A portable policy uses no word of ours and runs in kube-apiserver itself, too.
"""
HEADINGS = ("What it refuses", "Why", "Refused example", "Admitted example", "Settings", "Since")
"""Of every page, in this order."""

ADMINISTRATOR = "a cluster administrator"
UNRELEASED = "unreleased"


@dataclass(frozen=True, slots=True)
class Page:
    """What is to be read of one policy."""

    concept: str
    name: str
    text: str
    """Markdown."""


def index(found: Iterable[Entry], link: Callable[[Entry], str]) -> str:
    """The list of policies as Markdown; `link` gives the address that a policy's name leads to."""
    return INDEX_HEAD + "".join(_sections(found, link))


def _sections(found: Iterable[Entry], link: Callable[[Entry], str]) -> Iterator[str]:
    for concept, group in groupby(found, key=lambda entry: entry.concept):
        yield f"\n## {concept}\n\n| policy | what it does | what it stops | severity | action |\n"
        yield "|---|---|---|---|---|\n"
        for entry in group:
            name = f"[`{entry.name}`]({link(entry)}){' (portable)' if entry.portable else ''}"
            yield _row(name, _text(entry.summary), _text(entry.stops), entry.severity, entry.action)


def handbook(folder: Path) -> list[Page]:
    """The page of every policy of a folder. Raises `ManifestError` for bad policies and suites."""
    policies = load_policies(read([folder]))
    loaded: tuple[Policy, ...] = (*policies.validating, *policies.mutating)
    named = {policy.name: policy for policy in loaded}
    return [
        Page(entry.concept, entry.name, _page(entry, named[entry.name], folder.parent))
        for entry in entries(folder)
    ]


def _page(entry: Entry, policy: Policy, root: Path) -> str:
    shown = examples(entry.path)
    bodies = (
        _rule(entry),
        _reason(entry),
        _refused(entry, shown),
        _admitted(shown),
        _settings(policy),
        _since(entry),
    )
    sections = "".join(f"\n## {heading}\n\n{body}\n" for heading, body in zip(HEADINGS, bodies, strict=True))
    return f"# {entry.name}\n\n{_facts(entry, entry.path.relative_to(root))}\n{sections}"


def _facts(entry: Entry, path: Path) -> str:
    portable = " · portable: runs in kube-apiserver, too" if entry.portable else ""
    return f"`{path.as_posix()}` · severity {entry.severity} · action {entry.action}{portable}"


def _rule(entry: Entry) -> str:
    summary = _text(entry.summary)
    parts = [(label, text) for label, text in entry.parts.items() if label != STOPS]
    table = "| | |\n|---|---|\n" + "".join(_row(_text(label), _text(text)) for label, text in parts)
    return f"{'Nothing; it changes what it is sent. ' if entry.mutates else ''}{summary}\n\n{table}".rstrip()


def _reason(entry: Entry) -> str:
    stops = _text(entry.stops)
    return f"It stops {stops.rstrip('.')}.\n\n{_text(entry.notes)}".rstrip()


def _refused(entry: Entry, shown: Examples) -> str:
    case = shown.refused
    if entry.mutates or case is None:
        return f"None: {'a mutation refuses nothing' if entry.mutates else 'its suite shows none'}."
    outcome = "refused" if case.expect == "deny" else "admitted with a warning"
    said = f" and is told: {_text(case.message)}" if case.message else ""
    return f"{_asked(case)}\n\nThe request is {outcome}{said}."


def _admitted(shown: Examples) -> str:
    if shown.admitted is None:
        return "None: its suite shows none."
    case = shown.admitted
    if not case.patched:
        return f"{_asked(case)}\n\nThe request is admitted without a word."
    return f"{_asked(case)}\n\nWhat is admitted has, in the end:\n\n{_yaml(case.patched)}"


def _asked(case: Case) -> str:
    """A case in words and manifests."""
    target = f" of `{case.subresource}`" if case.subresource else ""
    intro = (
        f"*{_text(case.name)}* ({case.operation or 'CREATE'}{target} by {_text(case.user or ADMINISTRATOR)})"
    )
    stored = f"{_yaml(case.old)}\n\nbecomes\n\n" if case.old is not None else ""
    return f"{intro}\n\n{stored}{_yaml(case.object)}"


def _yaml(value: Mapping[str, Any]) -> str:
    text = yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True, width=100)
    return f"```yaml\n{text}```"


def _settings(policy: Policy) -> str:
    rows = [_row(f"{field.kind} `{field.path}`", _text(field.meaning)) for field in document_fields(policy)]
    if policy.param_kind is not None:
        rows.append(_row(f"params `{policy.param_kind.kind}`", "What the binding's paramRef names."))
    if not rows:
        return "None."
    return "| field | meaning |\n|---|---|\n" + "".join(rows).rstrip()


def _since(entry: Entry) -> str:
    return "Not released yet." if entry.since == UNRELEASED else f"{entry.since}."


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n"


def _text(text: str) -> str:
    """Text as Markdown that shows it as it is; what stands between back-ticks is code already."""
    parts = text.split("`")
    return "`".join(part if place % 2 else _plain(part) for place, part in enumerate(parts))


def _plain(text: str) -> str:
    return re.sub(r"([\\*_\[\]])", r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;")


def source_of(entry: Entry) -> str:
    """The policy's file, from the folder `docs/`."""
    return f"../policies/{entry.concept}/{entry.path.name}"


if __name__ == "__main__":
    print(index(entries(Path(sys.argv[1])), source_of), end="")
