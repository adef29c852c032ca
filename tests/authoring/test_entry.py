from __future__ import annotations

import re
from pathlib import Path

import pytest

from gatekeeper_py.authoring.entry import Entry, entries

ROOT = Path(__file__).parents[2]
SHIPPED = entries(ROOT / "policies")
VERSIONS = {
    heading.lower()
    for heading in re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.name)
def test_every_policy_says_what_it_stops_and_since_when(entry: Entry) -> None:
    assert entry.summary
    assert entry.stops
    assert entry.severity in ("low", "medium", "high", "critical")
    assert entry.since in VERSIONS


def test_a_comment_block_is_a_summary_labelled_parts_and_notes(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "# Refuses\n# much.\n#\n# Fields:   a,\n#           b: c\n# Stops:    harm\n#\n# One note.\n#\n# And one.\n"
        "apiVersion: admissionregistration.k8s.io/v1\n"
        "kind: MutatingAdmissionPolicy\n"
        "metadata: {name: p, labels: {policy.gatekeeper-py.dev/portable: 'true'},\n"
        "  annotations: {policy.gatekeeper-py.dev/severity: low}}\n"
        "---\n"
        "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicyBinding,\n"
        " metadata: {name: b}, spec: {policyName: p}}\n",
        encoding="utf-8",
    )
    assert entries(tmp_path) == [
        Entry(
            path=tmp_path / "p.yaml",
            name="p",
            summary="Refuses much.",
            parts={"Fields": "a, b: c", "Stops": "harm"},
            notes="One note.\n\nAnd one.",
            severity="low",
            action="Mutate",
            portable=True,
            since="",
        )
    ]
