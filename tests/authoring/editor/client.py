"""An editor: starts the server as editors do and speaks its protocol over standard input and output."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

ROOT = Path(__file__).parents[3]
PATIENCE = 60
"""Seconds until an answer that does not come is a failure."""


class Editor:
    """One editor with a folder open."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.told: Queue[dict[str, Any]] = Queue()
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}
        self.versions: dict[str, int] = {}
        self.watched: list[dict[str, Any]] = []
        """The files of which the server wants to be told."""
        self.asked = 0
        self.about: dict[str, Any] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            length = int(header.removeprefix(b"Content-Length: "))
            while stream.readline().strip():
                pass
            self.told.put(json.loads(stream.read(length)))

    def _send(self, **message: Any) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def notify(self, method: str, params: Any) -> None:
        """Tell the server something."""
        self._send(method=method, params=params)

    def ask(self, method: str, params: Any) -> Any:
        """What the server answers."""
        self.asked += 1
        self._send(id=self.asked, method=method, params=params)
        answer = self._until(lambda message: message.get("id") == self.asked and "method" not in message)
        assert "error" not in answer, answer
        return answer["result"]

    def _until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            message = self.told.get(timeout=PATIENCE)
            if message.get("method") == "textDocument/publishDiagnostics":
                self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
            if message.get("method") == "client/registerCapability":
                self.watched = message["params"]["registrations"][0]["registerOptions"]["watchers"]
                self._send(id=message["id"], result=None)
            if wanted(message):
                return message

    def open(self, path: Path, text: str | None = None) -> None:
        """Open a file."""
        self.versions[path.as_uri()] = 1
        held = path.read_text(encoding="utf-8") if text is None else text
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": held}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def write(self, path: Path, text: str) -> None:
        """Replace what an open file holds."""
        self.versions[path.as_uri()] += 1
        document = {"uri": path.as_uri(), "version": self.versions[path.as_uri()]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def wrong(self, path: Path) -> list[dict[str, Any]]:
        """The next diagnostics of a file."""
        message = self._until(
            lambda each: (
                each.get("method") == "textDocument/publishDiagnostics"
                and each["params"]["uri"] == path.as_uri()
            )
        )
        found: list[dict[str, Any]] = message["params"]["diagnostics"]
        return found

    def message(self, method: str) -> Any:
        """What the server tells next by a method."""
        return self._until(lambda each: each.get("method") == method)["params"]

    def at(self, method: str, path: Path, text: str, after: str) -> Any:
        """Ask about the place behind the last occurrence of a text."""
        before = text[: text.rindex(after) + len(after)]
        line, _, last = f"\n{before}".rpartition("\n")
        position = {"line": line.count("\n"), "character": len(last.encode("utf-16-le")) // 2}
        return self.ask(method, {"textDocument": {"uri": path.as_uri()}, "position": position})


@contextmanager
def editing(folder: Path, *options: str) -> Iterator[Editor]:
    """An editor with a workspace, which is closed in the end."""
    command = [sys.executable, "-W", "error", "-m", "gatekeeper_py", "lsp", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT) as process:
        editor = Editor(process)
        try:
            watches = {"didChangeWatchedFiles": {"dynamicRegistration": True}}
            capabilities = {"general": {"positionEncodings": ["utf-16"]}, "workspace": watches}
            root = {"uri": folder.as_uri(), "name": folder.name}
            params = {
                "processId": None,
                "rootUri": None,
                "workspaceFolders": [root],
                "capabilities": capabilities,
            }
            editor.about = editor.ask("initialize", params)
            editor.notify("initialized", {})
            yield editor
            editor.ask("shutdown", None)
            editor.notify("exit", None)
            assert process.wait(timeout=PATIENCE) == 0
            assert process.stderr is not None
            said = process.stderr.read().decode()
            assert said == "", said
        finally:
            process.kill()
