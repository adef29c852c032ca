"""What mends a finding with one key: the word that was meant, a binding, a comment that lets it pass."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from gatekeeper_py.authoring.editor.vocabulary import FIELDS, FUNCTIONS, MACROS, VARIABLES
from gatekeeper_py.authoring.lint.codes import CODES
from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.manifests import yamltext
from gatekeeper_py.manifests.place import ManifestError

__all__ = ["QuickFix", "quick_fixes"]

MEANT = re.compile(r"Did you mean ([\w./*-]+?)(?: of [\w./-]+)?\?")
UNKNOWN = re.compile(r"undeclared reference to '(\w+)'|undefined field '(\w+)'")
WORD, DOTTED = re.compile(r"\w[\w/*-]*"), re.compile(r"\w[\w./*-]*")
Misspelling: TypeAlias = tuple[re.Match[str], str]
"""The word at fault, and the one that was meant."""

ALIKE = 0.6
"""How alike a word and the one that was meant are, so that it is surely the one at fault."""

NAMES = sorted({*VARIABLES, *FUNCTIONS, *MACROS, *(name for fields in FIELDS.values() for name in fields)})

BINDING = """\
---
apiVersion: admissionregistration.k8s.io/v1
kind: {kind}Binding
metadata:
  name: {name}
spec:
  policyName: {name}
"""
ACTIONS = "  validationActions: [Deny]\n"


@dataclass(frozen=True, slots=True)
class QuickFix:
    """A change of one file."""

    title: str
    start: int
    end: int
    """Which characters of the text are replaced."""
    text: str
    preferred: bool = False
    """Whether it surely is what was meant."""


def quick_fixes(finding: Finding, text: str) -> list[QuickFix]:
    """What may be done about a finding in the text it was made of."""
    return [*_meant(finding, text), *_binding(finding, text), *_silence(finding, text)]


def _meant(finding: Finding, text: str) -> Iterator[QuickFix]:
    """The word that was meant, in the place of the one at fault."""
    found = _misspelt(finding, text) or _unknown(finding, text)
    if found is not None:
        word, meant = found
        yield QuickFix(f"Write {meant}", word.start(), word.end(), meant, preferred=True)


def _misspelt(finding: Finding, text: str) -> Misspelling | None:
    """The word that the remedy names, and the first one on the line that is like it."""
    found = MEANT.search(finding.problem.remedy)
    if found is None or not finding.problem.line:
        return None
    meant, index = found[1], _index(finding, text)
    for word in (DOTTED if "." in meant else WORD).finditer(text, index, _line_end(text, index)):
        alike = difflib.SequenceMatcher(None, word[0].lower(), meant.lower()).ratio()
        if word[0] != meant and alike >= ALIKE:
            return word, meant
    return None


def _unknown(finding: Finding, text: str) -> Misspelling | None:
    """A name that the language does not know, and the one that is like it."""
    found = UNKNOWN.search(finding.problem.what)
    if found is None:
        return None
    name, index = found[1] or found[2], _index(finding, text)
    near = difflib.get_close_matches(name, NAMES, 1)
    words = re.compile(rf"\b{name}\b").finditer(text, text.rfind("\n", 0, index) + 1, _line_end(text, index))
    nearest = min(words, key=lambda word: abs(word.start() - index), default=None)
    return (nearest, near[0]) if near and nearest is not None else None


def _binding(finding: Finding, text: str) -> Iterator[QuickFix]:
    if finding.code != "GK101":
        return
    policy = _document(finding, text)
    kind, name = policy.get("kind"), (policy.get("metadata") or {}).get("name")
    if isinstance(name, str):
        made = BINDING.format(kind=kind, name=name) + (ACTIONS if kind == "ValidatingAdmissionPolicy" else "")
        start = "" if text.endswith("\n") else "\n"
        yield QuickFix(f"Add a binding of {name}", len(text), len(text), start + made, preferred=True)


def _document(finding: Finding, text: str) -> dict[str, Any]:
    field = yamltext.field_at(text, _index(finding, text))
    values = _values(text)
    value = values[field.document] if field is not None and field.document < len(values) else None
    return value if isinstance(value, dict) else {}


def _silence(finding: Finding, text: str) -> Iterator[QuickFix]:
    """A comment on the line before; where a comment would be a part of the text, none."""
    if not CODES[finding.code].suppressible or not finding.problem.line:
        return
    index = _index(finding, text)
    start = text.rfind("\n", 0, index) + 1
    line = text[start : _line_end(text, index)]
    indent = line[: len(line) - len(line.lstrip())]
    comment = f"{indent}# gatekeeper: ignore {finding.code}\n"
    before, after = _values(text), _values(text[:start] + comment + text[start:])
    if before == after:
        yield QuickFix(f"Ignore {finding.code} here", start, start, comment)


def _values(text: str) -> list[Any]:
    values: list[Any] = []
    with suppress(ManifestError):
        values.extend(value for value, _, _ in yamltext.documents("", text))
    return values


def _index(finding: Finding, text: str) -> int:
    lines = text.split("\n")
    before = lines[: finding.problem.line - 1]
    return min(sum(len(line) + 1 for line in before) + finding.problem.column - 1, len(text))


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end
