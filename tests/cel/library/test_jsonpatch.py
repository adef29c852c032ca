"""Keys become parts of JSON Pointers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel import Budget
from gatekeeper_py.cel.checking.types import DYN
from gatekeeper_py.cel.environment import kubernetes_environment
from gatekeeper_py.cel.library import jsonpatch

PROGRAM = (
    kubernetes_environment()
    .extend(libraries=(jsonpatch.LIBRARY,), variables={"object": DYN})
    .compile("jsonpatch.escapeKey(object)")
)


def escape(key: str) -> str:
    return str(PROGRAM.evaluate({"object": key}, Budget(10**9)))


def test_slashes_and_tildes_are_escaped_once() -> None:
    assert escape("k8s.io/my~label") == "k8s.io~1my~0label"
    assert escape("~1") == "~01"


@given(st.text(alphabet="a/~01", max_size=12))
def test_unescaping_gives_the_key_back(key: str) -> None:
    assert "/" not in escape(key)
    assert escape(key).replace("~1", "/").replace("~0", "~") == key
