"""Comments that suppress findings: `# gatekeeper: ignore GK501` on the line, or on the one before.

`# gatekeeper: ignore-file GK601` holds for the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from gatekeeper_py.authoring.lint.codes import CODES
from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.manifests.manifest import Problem

__all__ = ["unknown_codes", "unsuppressed"]

COMMENT = re.compile(r"#\s*gatekeeper:\s*ignore(?P<file>-file)?\s+(?P<codes>\w+(?:\s*,\s*\w+)*)")
WHOLE_FILE = 0


def _saved(path: str) -> str:
    """A file as it is; empty when it cannot be read, which is told elsewhere."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def unsuppressed(findings: Iterable[Finding], text_of: Callable[[str], str] = _saved) -> Iterator[Finding]:
    """The findings that no comment suppresses; an error of loading cannot be."""
    for finding in findings:
        path, line = finding.problem.path, finding.problem.line
        comments = _comments(text_of(path))
        said = {code for where, code, _ in comments if where in (WHOLE_FILE, line, line - 1)}
        if finding.code not in said or not CODES[finding.code].suppressible:
            yield finding


def unknown_codes(paths: Iterable[str], text_of: Callable[[str], str] = _saved) -> Iterator[Finding]:
    """Comments that name a code which does not exist, and so suppress nothing."""
    for path in paths:
        for _, code, place in _comments(text_of(path)):
            if code not in CODES:
                what = f'there is no code "{code}"'
                yield Finding(Problem(path, *place, what, "Write one of docs/lint.md"), "GK003")
            elif not CODES[code].suppressible:
                what = f"{code} cannot be suppressed"
                yield Finding(Problem(path, *place, what, "Mend what it tells"), "GK003")


@lru_cache(maxsize=1024)
def _comments(text: str) -> tuple[tuple[int, str, tuple[int, int]], ...]:
    """Line (0 for the whole file), code, and place of each."""
    return tuple(_in_text(text))


def _in_text(text: str) -> Iterator[tuple[int, str, tuple[int, int]]]:
    for number, line in enumerate(text.split("\n"), 1):
        for found in COMMENT.finditer(line):
            where = WHOLE_FILE if found["file"] else number
            for code in re.split(r"\s*,\s*", found["codes"]):
                yield where, code, (number, found.start() + 1)
