"""What a forked process has, and what it must not have."""

from __future__ import annotations

import functools
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import uvloop

from gatekeeper_py.tenancy.tenant import Tenancy
from gatekeeper_py.webhook.forking import become_a_worker, end_with_parent, fork, prepare_to_fork


def in_a_fork(work: Callable[[], Any], *kept: int) -> Any:
    """What the work gives in a worker's process, which keeps these descriptors."""
    reading, writing = os.pipe()
    parent = os.getpid()
    if (child := fork()) == 0:
        try:
            become_a_worker(parent, [writing, *kept])
            os.write(writing, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return json.loads(said)


def test_it_has_open_only_what_it_needs() -> None:
    with open(os.devnull, "rb") as file:
        assert not in_a_fork(lambda: os.path.exists(f"/proc/self/fd/{file.fileno()}"))


def test_what_it_opens_is_what_its_own_forks_have(tmp_path: Path) -> None:
    """libuv closes a pipe of its own in every fork, by numbers that it remembers."""
    uvloop.new_event_loop().close()

    def changed_in_a_fork() -> list[int]:
        opened = [os.dup(source) for _ in range(64)]
        reading, writing = socket.socketpair()
        if fork() == 0:
            others = [each for each in opened if not os.path.sameopenfile(each, source)]
            writing.send(json.dumps(others).encode())
            os._exit(0)
        os.wait()
        return list(json.loads(reading.recv(4096)))

    with (tmp_path / "file").open("wb+") as file:
        source = file.fileno()
        assert in_a_fork(changed_in_a_fork, source) == []


def test_it_leaves_signals_to_its_parent() -> None:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    assert in_a_fork(lambda: [signal.getsignal(number) == signal.SIG_IGN for number in numbers]) == [True] * 3


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there is no such lock any more")
def test_a_property_that_another_thread_computes_at_that_moment_can_be_computed() -> None:
    prepare_to_fork()
    lock = Tenancy.__dict__["by_name"].lock
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            over.wait(20)

    holding = threading.Thread(target=hold)
    holding.start()
    held.wait(20)
    try:
        assert in_a_fork(lambda: list(Tenancy().by_name)) == []
    finally:
        over.set()
        holding.join()
    assert isinstance(Tenancy.__dict__["by_name"], functools.cached_property)


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """A grandchild whose parent is killed."""
    reading, writing = os.pipe()
    if (child := fork()) == 0:
        parent = os.getpid()
        if fork() == 0:
            end_with_parent(parent)
            os.write(writing, b"there")
            signal.pause()
        signal.pause()
    os.close(writing)
    assert os.read(reading, 5) == b"there"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert os.read(reading, 1) == b"", "the pipe is closed: whoever wrote is gone"
    os.close(reading)


def test_an_orphan_does_not_even_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    monkeypatch.setattr("ctypes.CDLL", lambda _name: Mock())
    end_with_parent(os.getppid() + 1)
    assert left == [1]
