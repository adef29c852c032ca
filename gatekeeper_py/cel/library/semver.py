"""Semantic versions: `semver`, `isSemver` and their order (apiserver/pkg/cel/library/semverlib.go).

Versions are read as github.com/blang/semver/v4 reads them. Build metadata count in no comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import BOOL, INT, STRING, Type, object_type
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import costs
from gatekeeper_py.golang.quoting import quote

__all__ = ["LIBRARY", "SEMVER_TYPE", "Semver", "parse"]

SEMVER_TYPE = object_type("kubernetes.Semver", {})

Part: TypeAlias = tuple[bool, int, str]
"""A part of a pre-release, in its order: numbers before words."""

_LONGEST_NUMBER = 20
"""Digits of the largest uint64."""
_DIGITS = frozenset("0123456789")
_WORD = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")


@dataclass(frozen=True, slots=True)
class Semver:
    """A version; equal to another of the same precedence."""

    cel_type: ClassVar[Type] = SEMVER_TYPE

    major: int
    minor: int
    patch: int
    prerelease: tuple[Part, ...] = ()
    build: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        """The version as it is written."""
        text = f"{self.major}.{self.minor}.{self.patch}"
        if self.prerelease:
            text += "-" + ".".join(word or str(number) for _, number, word in self.prerelease)
        return text + ("+" + ".".join(self.build) if self.build else "")

    def compare(self, other: Semver) -> int:
        """-1, 0 or 1."""
        left, right = self._rank(), other._rank()
        return int(left > right) - int(left < right)

    def _rank(self) -> tuple[int, int, int, bool, tuple[Part, ...]]:
        return self.major, self.minor, self.patch, not self.prerelease, self.prerelease


def parse(text: str, normalize: bool = False) -> Semver:
    """The version `text` spells; raise `EvaluationError` in the words of the Go library."""
    if normalize:
        text = _normalize(text)
    if not text:
        raise EvaluationError("Version string empty")
    parts = text.split(".", 2)
    if len(parts) != 3:
        raise EvaluationError("No Major.Minor.Patch elements found")
    major = _number(parts[0], "major", "Major")
    minor = _number(parts[1], "minor", "Minor")
    rest, plus, build = parts[2].partition("+")
    rest, dash, prerelease = rest.partition("-")
    patch = _number(rest, "patch", "Patch")
    return Semver(
        major,
        minor,
        patch,
        tuple(map(_part, prerelease.split("."))) if dash else (),
        tuple(map(_build, build.split("."))) if plus else (),
    )


def _normalize(text: str) -> str:
    """`v1.02` as `1.2.0`."""
    parts = [_trim_zeros(part) for part in text.removeprefix("v").split(".", 2)]
    if len(parts) < 3:
        if "+" in parts[-1] or "-" in parts[-1]:
            raise EvaluationError("short version cannot contain PreRelease/Build meta data")
        parts += ["0"] * (3 - len(parts))
    return ".".join(parts)


def _trim_zeros(part: str) -> str:
    if len(part) < 2:
        return part
    trimmed = part.lstrip("0")
    return trimmed if trimmed[:1] in _DIGITS else "0" + trimmed


def _number(text: str, name: str, title: str) -> int:
    if not _DIGITS.issuperset(text):
        raise EvaluationError(f"Invalid character(s) found in {name} number {quote(text)}")
    if len(text) > 1 and text[0] == "0":
        raise EvaluationError(f"{title} number must not contain leading zeroes {quote(text)}")
    return _unsigned(text)


def _unsigned(text: str) -> int:
    """A number of 64 bits, as strconv.ParseUint reads it."""
    if not text:
        raise EvaluationError('strconv.ParseUint: parsing "": invalid syntax')
    if len(text) > _LONGEST_NUMBER or int(text) >= 2**64:
        raise EvaluationError(f"strconv.ParseUint: parsing {quote(text)}: value out of range")
    return int(text)


def _part(text: str) -> Part:
    if not text:
        raise EvaluationError("Prerelease is empty")
    if _DIGITS.issuperset(text):
        if len(text) > 1 and text[0] == "0":
            raise EvaluationError(f"Numeric PreRelease version must not contain leading zeroes {quote(text)}")
        return False, _unsigned(text), ""
    if not _WORD.issuperset(text):
        raise EvaluationError(f"Invalid character(s) found in prerelease {quote(text)}")
    return True, 0, text


def _build(text: str) -> str:
    if not text:
        raise EvaluationError("Build meta data is empty")
    if not _WORD.issuperset(text):
        raise EvaluationError(f"Invalid character(s) found in build meta data {quote(text)}")
    return text


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        parse(text, normalize)
    except EvaluationError:
        return False
    return True


def _signed(number: int) -> int:
    """A uint64 as Go converts it to an int64."""
    return number - 2**64 if number >= 2**63 else number


def _text_cost(text: str, *_: object) -> int:
    return costs.traversal(text)


def _compare_work(left: Semver, right: Semver) -> int:
    return min(len(left.prerelease), len(right.prerelease))


def _comparison(name: str, identifier: str, result: Type, answer: Any) -> Function:
    """A method that compares two versions; `answer` makes its result of their order."""

    def compare(left: Semver, right: Semver) -> object:
        return answer(left.compare(right))

    overload = Overload(
        identifier, (SEMVER_TYPE, SEMVER_TYPE), result, compare, member=True, work=_compare_work
    )
    return Function(name, (overload,))


def _reading(name: str, identifier: str) -> Function:
    def read(version: Semver) -> int:
        return _signed(getattr(version, name))

    return Function(name, (Overload(identifier, (SEMVER_TYPE,), INT, read, member=True),))


LIBRARY = Library(
    "kubernetes.Semver",
    functions=(
        Function(
            "semver",
            (
                Overload("string_to_semver", (STRING,), SEMVER_TYPE, parse, cost=_text_cost),
                Overload("string_bool_to_semver", (STRING, BOOL), SEMVER_TYPE, parse, cost=_text_cost),
            ),
        ),
        Function(
            "isSemver",
            (
                Overload("is_semver_string", (STRING,), BOOL, _is_semver, cost=_text_cost),
                Overload("is_semver_string_bool", (STRING, BOOL), BOOL, _is_semver, cost=_text_cost),
            ),
        ),
        _comparison("isGreaterThan", "semver_is_greater_than", BOOL, lambda order: order > 0),
        _comparison("isLessThan", "semver_is_less_than", BOOL, lambda order: order < 0),
        _comparison("compareTo", "semver_compare_to", INT, lambda order: order),
        _reading("major", "semver_major"),
        _reading("minor", "semver_minor"),
        _reading("patch", "semver_patch"),
    ),
)
