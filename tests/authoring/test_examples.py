from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.authoring.examples import examples

CASES = {
    "allow": "{name: allow, object: o, expect: allow}",
    "warn": "{name: warn, object: o, expect: warn}",
    "deny": "{name: deny, object: o, expect: deny}",
    "later": "{name: later, object: o, expect: deny}",
    "patched": "{name: patched, object: o, patched: {a: b}, expect: allow}",
}


@pytest.mark.parametrize(
    ("cases", "refused", "admitted"),
    [
        (["allow", "deny", "later"], "deny", "allow"),
        (["warn", "deny"], "deny", None),
        (["warn", "allow"], "warn", "allow"),
        (["allow", "patched"], None, "patched"),
    ],
)
def test_the_first_case_of_either_kind_is_shown(
    cases: list[str], refused: str | None, admitted: str | None, tmp_path: Path
) -> None:
    suite = "objects: {o: {apiVersion: v1, kind: Pod, metadata: {name: x}}}\ncases:\n"
    suite += "".join(f"  - {CASES[case]}\n" for case in cases)
    (tmp_path / "p_test.yaml").write_text(suite, encoding="utf-8")
    shown = examples(tmp_path / "p.yaml")
    assert (shown.refused and shown.refused.name) == refused
    assert (shown.admitted and shown.admitted.name) == admitted
