"""cel.bind: with the option only."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel import CompileError
from tests.cel.library.expressions import compiled, evaluate


def test_a_name_stands_for_a_value() -> None:
    assert evaluate("cel.bind(x, object + 1, x * x)", 2, extras=True) == 9


def test_kubernetes_does_not_have_it() -> None:
    with pytest.raises(CompileError):
        compiled("cel.bind(x, 1, x)")
