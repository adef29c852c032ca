"""A process that tries sheets, one after the other: what a sheet costs it costs there, and it can be ended.

One JSON document a line goes in, and one comes out.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from gatekeeper_py.authoring.playground.sheet import NotASheet, Sheet

__all__ = ["Busy", "TooSlow", "Worker"]

SECONDS = 10.0
"""Until a process that does not answer is ended; its first answer takes as long as loading the language."""
MEMORY = 2 << 30
"""Bytes of address space: the language takes a quarter of it."""
LONGEST_ANSWER = 16 << 20
MOST_WAITING = 8
"""Sheets that may wait: a page sends one at a time, and few pages are open."""

PACKAGES = Path(__file__).parents[3]
"""Where this package is, so that the process runs the same."""


class TooSlow(Exception):
    """The sheet took too long, or too much memory: nothing is known of it."""


class Busy(Exception):
    """Too many sheets wait."""


class Worker:
    """The process; it begins with the first sheet, and anew after one that was too much."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def ask(self, sheet: Sheet) -> Any:
        """What becomes of a sheet; raises `TooSlow` and `Busy`."""
        if self._waiting >= MOST_WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._turn:
                return await self._answer(orjson.dumps(sheet.plain))
        finally:
            self._waiting -= 1

    async def _answer(self, line: bytes) -> Any:
        process = self._process or await self._begin()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._seconds):
                process.stdin.write(line + b"\n")
                await process.stdin.drain()
                answer = await process.stdout.readline()
        except (TimeoutError, ConnectionError, ValueError, asyncio.CancelledError) as error:
            await self.close()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise TooSlow from error
        if not answer:
            await self.close()
            raise TooSlow
        return orjson.loads(answer)

    async def _begin(self) -> asyncio.subprocess.Process:
        path = os.pathsep.join(filter(None, (str(PACKAGES), os.environ.get("PYTHONPATH"))))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            limit=LONGEST_ANSWER,
        )
        return self._process

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def serve(asked: BinaryIO, answered: BinaryIO) -> None:
    """Answer every line until there are no more."""
    for line in asked:
        answered.write(orjson.dumps(_tried(line)) + b"\n")
        answered.flush()


def _tried(line: bytes) -> Any:
    from gatekeeper_py.authoring.playground.tryout import try_out

    try:
        return try_out(Sheet.read(orjson.loads(line)))
    except NotASheet as error:
        return _failed(str(error))
    except MemoryError:
        return _failed("this needs more memory than a page may take")
    except Exception as error:  # whatever it is: the page shows it, and goes on
        return _failed(f"internal error: {type(error).__name__}: {error}")


def _failed(text: str) -> dict[str, Any]:
    problem = {"pane": "", "line": 0, "column": 0, "text": text, "code": ""}
    return {"problems": [problem], "notices": [], "requests": []}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    serve(sys.stdin.buffer, sys.stdout.buffer)
