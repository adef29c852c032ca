"""Cases that show nothing of what they were written for are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import POLICY, SUITE, found

MISTAKES = {
    "a user": (
        SUITE.replace("cases:", "user: alicia\ncases:") + "    groups: []\n",
        'GK604 warning: nobody is called "alicia", who owns no tenant. Did you mean alice?',
    ),
    "a namespace": (
        SUITE.replace("namespace: foo", "namespace: fooo"),
        'GK604 warning: no tenant owns the namespace "fooo". Did you mean foo?',
    ),
    "a group": (
        SUITE + '    user: root\n    groups: ["system:master"]\n',
        'GK604 warning: Kubernetes has no group "system:master". Did you mean system:masters?',
    ),
    "strangers alone": (
        SUITE + "    user: zoe\n",
        "GK604 warning: nobody who asks owns a tenant: zoe. Write one of alice, bob",
    ),
    "an object without a name": (
        SUITE.replace("cases:", "cluster: [{apiVersion: v1, kind: Service, metadata: {}}]\ncases:"),
        "GK605 error: an object of the cluster has a name. Write metadata.name",
    ),
    "a part of what nobody changes": (
        SUITE + "    patched: {metadata: {name: a}}\n",
        "GK606 warning: no policy of this suite changes an object, so patched shows nothing. Remove it",
    ),
    "a change that is none": (
        SUITE + "    change: {metadata: {name: a}}\n",
        "GK606 warning: this changes nothing, so the case is that of the object as it is. Correct it, or remove it",
    ),
    "a field in a change": (
        SUITE + "    change: {spec: {hostnetwork: true}}\n",
        "GK603 error: spec.hostnetwork is unknown. Did you mean hostNetwork?",
    ),
    "a value in a change": (
        SUITE + "    change: {spec: {restartPolicy: always}}\n",
        'GK603 error: spec.restartPolicy is never "always". Did you mean Always?',
    ),
    "an empty message": (
        SUITE + '    message: ""\n',
        "GK002 error: an empty message is in every text. Write a part of what is told, or remove it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(mistake: str, tmp_path: Path) -> None:
    suite, expected = MISTAKES[mistake]
    lines = found(tmp_path, {"p.yaml": POLICY, "p_test.yaml": suite})
    assert expected in [line.partition(": ")[2] for line in lines]


@pytest.mark.parametrize("more", ["    user: alice\n", "    change: {metadata: {labels: null, name: b}}\n"])
def test_what_is_right_is_not_told(more: str, tmp_path: Path) -> None:
    assert found(tmp_path, {"p.yaml": POLICY, "p_test.yaml": SUITE + more}) == []
