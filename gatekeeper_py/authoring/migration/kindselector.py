"""How Kyverno names kinds, with wildcards: `Pod`, `apps/v1/Deployment`, `networking.k8s.io/*/*`.

The reading is that of kyverno/pkg/utils/kube/kind.go (ParseKindSelector).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from gatekeeper_py.authoring.migration.carried import CannotCarry, glob_condition, rules_for
from gatekeeper_py.authoring.migration.logic import Condition, every, some
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import Served

__all__ = ["KindSelector", "are_known", "are_selected", "parse_kind", "selecting_rules"]

VERSION = re.compile(r"v\d((alpha|beta)\d)?|\*", re.ASCII)
WILDCARD = re.compile(r"[*?]")
ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class KindSelector:
    """A glob for each of group, version and kind."""

    group: str
    version: str
    kind: str

    @property
    def served(self) -> list[Served]:
        """The kinds of Kubernetes that it names one by one; none when it may name others, too."""
        if WILDCARD.search(self.kind):
            return []
        return [each.served for each in Kinds.builtin() if self.selects(each.served)]

    def selects(self, served: Served) -> bool:
        """Whether it selects a kind."""
        kind = served.kind
        pairs = ((kind.group, self.group), (kind.version, self.version), (kind.kind, self.kind))
        return all(fnmatchcase(name, _as_fnmatch(glob)) for name, glob in pairs)

    @property
    def condition(self) -> Condition:
        """CEL that holds for a request about what it selects."""
        return every(
            Condition(glob_condition(f"request.kind.{name}", [glob]), "==")
            for name, glob in (("kind", self.kind), ("group", self.group), ("version", self.version))
            if glob != ANY
        )


def parse_kind(text: str, path: FieldPath) -> KindSelector:
    """One name of `kinds`. Raises `CannotCarry` for subresources."""
    *before, name = text.split("/")
    parts = [*before, *name.split(".")]
    what = CannotCarry(path, f'kinds that are named "{text}"')
    match parts:
        case [kind]:
            made = KindSelector(ANY, ANY, kind)
        case [version, kind] if VERSION.fullmatch(version) and kind.lower() != kind:
            made = KindSelector(ANY, version, kind)
        case [group, version, kind] if not VERSION.fullmatch(group):
            made = KindSelector(group, version, kind)
        case _:
            raise what
    if made.kind[:1].islower() or not made.kind:
        raise what
    return made


def are_selected(kinds: Sequence[KindSelector]) -> Condition:
    """CEL that holds for a request about one of the kinds."""
    return some(each.condition for each in kinds)


def are_known(kinds: Iterable[KindSelector]) -> bool:
    """Whether all are kinds of Kubernetes, named one by one."""
    return all(each.served for each in kinds)


def selecting_rules(kinds: Sequence[KindSelector], operations: Sequence[str]) -> list[dict[str, Any]]:
    """Resource rules that match the kinds, and no others where all are known.

    What is not one of Kubernetes' kinds may be served under any resource of its group.
    """
    rules = []
    for versions in dict.fromkeys(each.version for each in kinds):
        served = [one for each in kinds if each.version == versions for one in each.served]
        rules += rules_for(served, operations, versions=ANY if versions == ANY else "")
    rules += [
        {
            "apiGroups": [_literal_or_any(each.group)],
            "apiVersions": [_literal_or_any(each.version)],
            "operations": list(operations),
            "resources": ["*", "pods/ephemeralcontainers"] if WILDCARD.search(each.kind) else ["*"],
        }
        for each in kinds
        if not each.served
    ]
    return rules


def _literal_or_any(glob: str) -> str:
    return ANY if WILDCARD.search(glob) else glob


def _as_fnmatch(glob: str) -> str:
    """Brackets mean nothing to Kyverno."""
    return glob.replace("[", "[[]")
