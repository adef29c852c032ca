"""Findings that a machine may mend: what is wrong is one word, and what is meant can be no other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final

from gatekeeper_py.authoring.lint.finding import Finding

__all__ = ["Replacement", "mended", "replacement"]

MENDABLE: Final = frozenset({"GK103", "GK201", "GK203"})
"""Codes of names that nothing has, in places where every name is known."""
WRONG = re.compile(r'"([^"]+)"')
MEANT = re.compile(r"Did you mean ([\w/]+)\?")
SURE = 0.8
"""How alike the words must be, whatever their case: of `pod` and `pods` it is 0.86."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """One word in the place of another. Lines and columns are counted from 1, as those of problems."""

    path: str
    line: int
    column: int
    before: str
    after: str


def replacement(finding: Finding) -> Replacement | None:
    """What mends a finding; None where that is not sure."""
    problem = finding.problem
    wrong, meant = WRONG.search(problem.what), MEANT.search(problem.remedy)
    if finding.code not in MENDABLE or wrong is None or meant is None or not problem.line:
        return None
    if SequenceMatcher(None, wrong[1].lower(), meant[1].lower()).ratio() < SURE:
        return None
    return Replacement(problem.path, problem.line, problem.column, wrong[1], meant[1])


def mended(findings: Iterable[Finding]) -> list[Finding]:
    """Write the replacements of findings into their files, and give back those that are mended."""
    by_path: defaultdict[str, list[tuple[Finding, Replacement]]] = defaultdict(list)
    for finding in findings:
        if (made := replacement(finding)) is not None:
            by_path[made.path].append((finding, made))
    return [finding for path, each in by_path.items() for finding in _written(Path(path), each)]


def _written(path: Path, wanted: Sequence[tuple[Finding, Replacement]]) -> list[Finding]:
    """Those whose word stands where they say; from the end of the file, so that no place moves."""
    lines = path.read_bytes().decode().split("\n")
    done: list[Finding] = []
    for finding, each in sorted(wanted, key=lambda pair: (pair[1].line, pair[1].column), reverse=True):
        line = lines[each.line - 1]
        start = each.column - 1 + (line[each.column - 1 : each.column] in ('"', "'"))
        if line.startswith(each.before, start):
            lines[each.line - 1] = line[:start] + each.after + line[start + len(each.before) :]
            done.append(finding)
    path.write_bytes("\n".join(lines).encode())
    return done
