"""What runs in a child is bounded there, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import resource
import signal

import pytest

from gatekeeper_py.webhook.child import MEMORY, NICE, ChildDied, Work
from gatekeeper_py.webhook.zygote import Zygotes

BODY = bytes(range(256)) * 4096
"""A megabyte: more than a socket holds."""


def run(work: Work, seconds: float = 20, body: bytes = b"") -> bytes:
    async def main() -> bytes:
        zygotes = Zygotes()
        try:
            return await zygotes.ask((), work, b"head", body, seconds)
        finally:
            await zygotes.close()

    return asyncio.run(main())


def test_a_child_is_given_head_and_body_and_its_answer_comes_back() -> None:
    assert run(lambda head, body: head + body + body, body=BODY) == b"head" + BODY + BODY


def test_a_child_keeps_no_connection_open() -> None:
    with open(os.devnull, "rb") as file:
        number = file.fileno()
        assert run(lambda *_: str(os.path.exists(f"/proc/self/fd/{number}")).encode()) == b"False"


def test_a_child_stands_back_and_is_bounded() -> None:
    def limits(*_: bytes) -> bytes:
        processor, memory = resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_AS)
        return repr((os.nice(0), processor[0], memory[0] > MEMORY, signal.alarm(0) > 0)).encode()

    assert run(limits, 7) == repr((min(19, os.nice(0) + NICE), 8, True, True)).encode()


def fails(*_: bytes) -> bytes:
    raise KeyError


def takes_too_much(*_: bytes) -> bytes:
    return b"x" * (2 * MEMORY)


@pytest.mark.parametrize("work", [fails, takes_too_much, lambda *_: os._exit(3), lambda *_: b""])
@pytest.mark.parametrize("body", [b"", BODY])
def test_a_child_without_an_answer_has_died(work: Work, body: bytes) -> None:
    with pytest.raises(ChildDied):
        run(work, body=body)
