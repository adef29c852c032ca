"""Whatever becomes of the log's output, who writes does not wait, and what is missing is counted and said."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gatekeeper_py.webhook import sink as outputs
from gatekeeper_py.webhook.sink import MAX_BYTES, Sink

LINE = "x" * 1023 + "\n"


def missing(lines: int) -> str:
    return f"{lines} lines dropped\n"


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "STALLED", 0.1)
    monkeypatch.setattr(outputs, "PAUSE", 0.01)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        with suppress(OSError):
            os.close(descriptor)


def read(descriptor: int, size: int) -> str:
    """So many bytes, once they have come."""
    data = b""
    while len(data) < size:
        data += os.read(descriptor, size - len(data))
    return data.decode()


def test_lines_come_out_in_order(tmp_path: Path) -> None:
    lines = [f"line {number}\n" for number in range(1000)]
    with (tmp_path / "log").open("wb") as file:
        with closing(Sink(file.fileno(), missing)) as output:
            for line in lines:
                output.write(line)
        assert (tmp_path / "log").read_text() == "".join(lines)
        assert (output.dropped, output.problem) == (0, "")


def fill(output: Sink) -> int:
    """Write more than there is room for; how many lines that were."""
    lines = 2 * MAX_BYTES // len(LINE)
    for _ in range(lines):
        output.write(LINE)
    return lines


def test_a_stalled_output_drops_what_finds_no_room_and_says_so_when_it_goes_on(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    with closing(Sink(writing, missing)) as output:
        written = fill(output)
        assert output.dropped >= written // 2 - MAX_BYTES // len(LINE) // 2
        eventually(lambda: output.problem.startswith("the log's output has taken nothing for "))
        kept = written - output.dropped
        told = missing(output.dropped)
        before, found, after = read(reading, len(LINE * kept + told)).partition(told)
        assert (before + after, found) == (LINE * kept, told)
        eventually(lambda: output.problem == "")
        output.write("again\n")
        assert read(reading, 6) == "again\n"


def test_an_output_that_does_not_wait_is_waited_for(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
    with closing(Sink(writing, missing)) as output:
        for _ in range(200):
            output.write(LINE)
        assert read(reading, 200 * len(LINE)) == 200 * LINE
    assert output.dropped == 0


def broken_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def nothing() -> None:
    return None


@pytest.mark.parametrize(
    ("descriptor", "problem"),
    [
        (broken_pipe, "the log's output fails: Broken pipe"),
        (lambda: os.open("/dev/full", os.O_WRONLY), "the log's output fails: No space left on device"),
        (nothing, "the log's output fails: Bad file descriptor"),
    ],
    ids=["broken", "full", "closed"],
)
def test_an_output_that_fails_drops_every_line(descriptor: Callable[[], int | None], problem: str) -> None:
    number = descriptor()
    with closing(Sink(number, missing)) as output:
        output.write("a\n")
        output.write("b\n")
        eventually(lambda: output.dropped == 2)
        assert output.problem == problem
    if number is not None:
        os.close(number)


def test_a_line_cut_by_a_full_disk_does_not_spoil_the_next(tmp_path: Path) -> None:
    """The first lines go to a file of no room for the last; then there is room again."""
    file = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    full: list[bool] = []

    def write(number: int, data: bytes) -> int:
        if full:
            raise OSError(28, "No space left on device")
        if b"two" in data:
            full.append(True)
            return real(number, data[: data.index(b"two") + 1])
        return real(number, data)

    real = os.write
    with pytest.MonkeyPatch.context() as patch, closing(Sink(file, missing)) as output:
        patch.setattr(os, "write", write)
        output.write("one\n")
        output.write("two\n")
        eventually(lambda: output.dropped > 0)
        patch.setattr(os, "write", real)
        output.write("three\n")
        eventually(lambda: "dropped" in (tmp_path / "log").read_text())
    os.close(file)
    assert (tmp_path / "log").read_text() == "one\nt\nthree\n1 lines dropped\n"


def test_closing_does_not_wait_for_a_stalled_output(pipe: tuple[int, int]) -> None:
    output = Sink(pipe[1], missing)
    fill(output)
    output.close()
    dropped = output.dropped
    output.write("too late\n")
    assert output.dropped == dropped + 1
    assert read(pipe[0], 10) == "x" * 10


def test_lines_of_others_come_out_as_they_came_and_what_they_dropped_is_told(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        output = Sink(file.fileno(), missing)
        output.miss(3)
        output.take(b"a\nb\n", 2)
        output.close()
    assert output.dropped == 3
    assert (tmp_path / "log").read_text() == "a\nb\n" + missing(3)
