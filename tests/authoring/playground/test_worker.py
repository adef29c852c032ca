"""The process that tries sheets."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path

import orjson
import pytest

from gatekeeper_py.authoring.playground import worker as workers
from gatekeeper_py.authoring.playground.sheet import Sheet
from gatekeeper_py.authoring.playground.worker import Busy, TooSlow, Worker, serve
from tests.authoring.playground.sheets import DENIED, SHEET


def test_lines_are_answered_one_by_one() -> None:
    answered = io.BytesIO()
    serve(io.BytesIO(b"\n".join([orjson.dumps(SHEET.plain), b"[]", b"no json", b""])), answered)
    good, no_sheet, no_json = map(orjson.loads, answered.getvalue().splitlines())
    assert good["requests"][0]["verdict"] == "changed"
    assert no_sheet["problems"][0]["text"] == "a sheet is an object"
    assert no_json["problems"][0]["text"].startswith("internal error: JSONDecodeError")


def test_what_the_process_says_is_what_the_sheet_gives() -> None:
    async def twice() -> list[str]:
        worker = Worker()
        try:
            return [(await worker.ask(sheet))["requests"][0]["verdict"] for sheet in (SHEET, DENIED)]
        finally:
            await worker.close()

    assert asyncio.run(twice()) == ["changed", "denied"]


def test_a_process_that_takes_too_long_is_ended() -> None:
    async def slow() -> None:
        worker = Worker(seconds=0.01)
        process = await worker._begin()
        with pytest.raises(TooSlow):
            await worker.ask(SHEET)
        assert process.returncode is not None
        assert worker._process is None

    asyncio.run(slow())


def test_a_process_that_has_ended_is_begun_anew() -> None:
    async def twice() -> str:
        worker = Worker()
        process = await worker._begin()
        os.kill(process.pid, 9)
        await process.wait()
        with pytest.raises(TooSlow):
            await worker.ask(SHEET)
        try:
            answer = await worker.ask(Sheet())
        finally:
            await worker.close()
        return str(answer["notices"][0]["text"])

    assert asyncio.run(twice()) == "write a policy and its binding"


def test_the_process_may_take_so_much_memory_and_no_more() -> None:
    async def limits() -> str:
        worker = Worker()
        await worker.ask(Sheet())
        assert worker._process is not None
        try:
            return Path(f"/proc/{worker._process.pid}/limits").read_text(encoding="ascii")
        finally:
            await worker.close()

    (line,) = [line for line in asyncio.run(limits()).splitlines() if line.startswith("Max address space")]
    assert line.split()[3:5] == [str(workers.MEMORY)] * 2


def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MOST_WAITING", 0)
    with pytest.raises(Busy):
        asyncio.run(Worker().ask(SHEET))
