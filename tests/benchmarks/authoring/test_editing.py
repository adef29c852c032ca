"""How long an author waits for what is wrong, with all shipped policies loaded.

Run with `pytest tests/benchmarks/authoring --override-ini addopts= -s`.
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.authoring.editor.client import editing

ROOT = Path(__file__).parents[3]
POLICY = ROOT / "policies" / "host-access" / "host-path.yaml"
GOOD = POLICY.read_text(encoding="utf-8")
TURNS = 5
SECONDS = 1.0
"""From the key to the answer, all that the protocol needs included."""


def test_an_edit_of_a_shipped_policy_is_answered_within_a_second() -> None:
    took = []
    with editing(ROOT) as editor:
        editor.open(POLICY)
        editor.write(POLICY, GOOD.replace("hostPath)", "hostPat)"))
        assert editor.wrong(POLICY)
        for turn in range(TURNS):
            begin = time.perf_counter()
            editor.write(POLICY, GOOD if turn % 2 == 0 else GOOD.replace("hostPath)", "hostPat)"))
            assert bool(editor.wrong(POLICY)) == bool(turn % 2)
            took.append(time.perf_counter() - begin)
    print(f"\nan edit is answered in {', '.join(f'{each:.2f}' for each in took)} s")
    assert sorted(took)[TURNS // 2] < SECONDS
