"""What is said twice is told where it is said again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import POLICY, TRUE, found

VALIDATION = f'    - {{expression: "{TRUE}", message: "no"}}\n'
RULE = '      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}\n'
AGAIN = POLICY[POLICY.index("---") :].replace("metadata: {name: p}", "metadata: {name: q}")
MISTAKES = {
    "a validation": (
        POLICY.replace(VALIDATION, VALIDATION * 2),
        "12:21: GK507 warning: spec.validations[0] asks this already. Remove it, or write what was meant",
    ),
    "a rule": (
        POLICY.replace(RULE, RULE * 2),
        "8:9: GK507 warning: spec.matchConstraints.resourceRules[0] says this already. Remove it, or write what was meant",
    ),
    "a part": (
        POLICY.replace(TRUE, f"{TRUE} && {TRUE}"),
        "11:65: GK507 warning: this stands on both sides. Remove it, or write what was meant",
    ),
    "a binding": (
        POLICY + AGAIN,
        '20:18: GK507 warning: binding "p" binds policy "p" to the same already. '
        "Remove one, or let it be about something else",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(mistake: str, tmp_path: Path) -> None:
    text, expected = MISTAKES[mistake]
    told = [line.removeprefix("p.yaml:") for line in found(tmp_path, {"p.yaml": text}) if "GK507" in line]
    assert told == [expected]


def test_a_binding_that_warns_beside_one_that_denies_is_not_told(tmp_path: Path) -> None:
    text = POLICY + AGAIN.replace("[Deny]", "[Warn]")
    assert not [line for line in found(tmp_path, {"p.yaml": text}) if "GK507" in line]
