"""A headless Chromium, driven over the pipe that its developer tools speak through; no driver, no package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 60
"""Seconds until something that does not happen is a failure."""


def program() -> str | None:
    """The browser, if there is one."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


BEGIN = """\
import os, sys
reads, writes = os.dup(int(sys.argv[1])), os.dup(int(sys.argv[2]))
os.dup2(reads, 3)
os.dup2(writes, 4)
os.set_inheritable(3, True)
os.set_inheritable(4, True)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The browser reads from 3 and writes to 4."""


class Browser:
    """One page of one browser, and everything that it told."""

    def __init__(self, writing: int, reading: int) -> None:
        self._writing, self._reading = writing, reading
        self._rest = b""
        self._asked = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Have the browser do something."""
        self._asked += 1
        message = {"id": self._asked, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._asked:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._reading, 1 << 16)
            assert read, "the browser has ended"
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def run(self, script: str) -> Any:
        """What a script gives in the page."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until something is so in the page."""
        wait = f"""new Promise((done) => {{
            const begin = Date.now();
            const look = () => ({condition}) ? done("")
                : Date.now() - begin > {PATIENCE * 1000} ? done(document.body.innerText) : setTimeout(look, 50);
            look();
        }})"""
        seen = self.run(wait)
        assert seen == "", f"never {condition}: {seen}"

    def go(self, address: str) -> None:
        """Open an address."""
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        """Have the page be seen in a window of so many pixels."""
        method = "Emulation.setDeviceMetricsOverride"
        self.call(method, width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def press(self, key: str, code: str = "", modifiers: int = 0) -> None:
        """Press and release a key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code, modifiers=modifiers)

    def requested(self) -> set[str]:
        """Every address that was asked for."""
        self.run("1")
        return {
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        }

    def complaints(self) -> list[Any]:
        """What the console holds."""
        self.run("1")
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [event["params"] for event in self.events if event.get("method") in kinds]


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """A browser with an empty profile, which is closed in the end."""
    named = program()
    assert named is not None
    asked, asking = os.pipe()
    telling, told = os.pipe()
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe")
    began = [sys.executable, "-c", BEGIN, str(asked), str(told)]
    command = [*began, named, *options, f"--user-data-dir={folder}"]
    nowhere = subprocess.DEVNULL
    passed = (asked, told)
    with subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, pass_fds=passed) as process:
        os.close(asked)
        os.close(told)
        try:
            yield Browser(asking, telling)
        finally:
            process.kill()
            process.wait()
            os.close(asking)
            os.close(telling)
