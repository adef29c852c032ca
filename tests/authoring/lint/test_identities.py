"""Names that no request says of itself are told; names that anybody may have are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import CONDITION, linted

NAME = "request.userInfo.username"
GROUPS = "request.userInfo.groups"
MISTAKES = {
    "request.operation in ['CREATE', 'update']": 'GK214 error: no request has the operation "update". Did you mean UPDATE?',
    f"{NAME} != 'system:masters'": (
        "GK214 error: \"system:masters\" is a group, and no user is called so. Ask '...' in request.userInfo.groups"
    ),
    f"{NAME} != 'system:serviceaccount:ops'": (
        'GK214 error: "system:serviceaccount:ops" is no service account. Write system:serviceaccount:NAMESPACE:NAME'
    ),
    f"!{NAME}.startsWith('system:serviceaccounts:')": (
        "GK214 error: no user's name begins with system:serviceaccounts:. Did you mean system:serviceaccount:?"
    ),
    f"!('system:master' in {GROUPS})": 'GK214 error: Kubernetes has no group "system:master". Did you mean system:masters?',
    f"!{GROUPS}.exists(g, g == 'system:node')": 'GK214 error: Kubernetes has no group "system:node". Did you mean system:nodes?',
    f"!('system:serviceaccount:ops' in {GROUPS})": (
        'GK214 error: no group is called "system:serviceaccount:ops". Did you mean system:serviceaccounts:ops?'
    ),
    "request.namespace != 'kube-*'": 'GK214 error: no namespace is called "kube-*". Ask startsWith() or endsWith()',
    "!request.namespace.startsWith('kube-*')": (
        'GK214 error: no namespace has "kube-*" in its name. Write small letters, digits and \'-\': this is no pattern'
    ),
    "!('team name' in object.metadata.?labels.orValue({}))": (
        'GK211 error: no label can be called "team name": name part must consist of alphanumeric'
    ),
    "object.metadata.?labels[?'team'].orValue('') != 'a b'": 'GK211 error: no label can be "a b": a valid label must be',
}  # fmt: skip


@pytest.mark.parametrize("expression", MISTAKES)
def test_a_mistake_is_told(expression: str, tmp_path: Path) -> None:
    told = [line.partition(": ")[2] for line in linted(tmp_path, CONDITION, expression) if "GK21" in line]
    assert len(told) == 1
    assert told[0].startswith(MISTAKES[expression])


@pytest.mark.parametrize(
    "expression",
    [
        "request.operation in ['CREATE', 'UPDATE']",
        f"{NAME} != 'system:serviceaccount:ops:operator'",
        f"{NAME} != 'system:admin'",
        f"!('system:serviceaccounts:ops' in {GROUPS})",
        f"!('system:openshift-nodes' in {GROUPS})",
        "!request.namespace.startsWith('kube-')",
        "object.metadata.?annotations[?'Example.com/A'].orValue('') != 'a b'",
    ],
)
def test_what_may_be_is_not_told(expression: str, tmp_path: Path) -> None:
    assert not [line for line in linted(tmp_path, CONDITION, expression) if "GK21" in line]
