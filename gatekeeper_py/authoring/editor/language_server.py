"""The language server: editors ask over their protocol (LSP 3.17), and the rest of this folder answers.

Findings are lint's. They are made a moment after the last key, in a thread, while completion goes on by the
text as it is. Columns here count characters; editors count UTF-16 units unless they agree on something else.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from gatekeeper_py import __version__
from gatekeeper_py.authoring.editor.cursor import Cursor, cursor_at, index_of
from gatekeeper_py.authoring.editor.fieldhelp import field_note, field_proposals, value_proposals
from gatekeeper_py.authoring.editor.fragment import fragment
from gatekeeper_py.authoring.editor.inspection import Inspection
from gatekeeper_py.authoring.editor.outline import outline
from gatekeeper_py.authoring.editor.proposals import Proposal, proposals
from gatekeeper_py.authoring.editor.quickfixes import QuickFix, quick_fixes
from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.manifests import yamltext
from gatekeeper_py.manifests.folder import SUFFIXES
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.manifests.place import position_of

__all__ = ["make_server"]

REST = 0.1
"""Seconds without a key before the folder is looked at: with fewer each letter would be."""

POLICIES = "policies"
"""The folder of a workspace that is looked at when none is named."""

SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}
SORTS = {
    "variable": types.CompletionItemKind.Variable,
    "field": types.CompletionItemKind.Field,
    "function": types.CompletionItemKind.Function,
    "macro": types.CompletionItemKind.Snippet,
    "keyword": types.CompletionItemKind.Keyword,
}
NAME = re.compile(r"\w*")
MARKED = re.compile(r"\w+")
OWN_VARIABLE = re.compile(r"\bvariables\s*\.\s*\??\s*\Z")


class PolicyServer(LanguageServer):
    """What is known of the folders that an editor has open."""

    def __init__(self, policies: Path | None) -> None:
        super().__init__("gatekeeper", __version__)
        self.named = policies
        self.inspections: dict[Path, Inspection] = {}
        self.findings: dict[Path, list[Finding]] = {}
        """Of all files that have some."""
        self._due: set[Path] = set()
        self._busy = False

    # --- which folder ---------------------------------------------------------------------------------

    def folder_of(self, path: Path) -> Path | None:
        """The policies that a file is one of; None when it is none of the policies that are named."""
        if self.named is not None:
            return self.named if path.is_relative_to(self.named) else None
        for root in self._roots:
            if path.is_relative_to(root / POLICIES):
                return root / POLICIES
        return path.parent

    @property
    def _roots(self) -> list[Path]:
        found = [to_fs_path(folder.uri) for folder in self.workspace.folders.values()]
        return [Path(path) for path in (*found, self.workspace.root_path) if path]

    def begin(self) -> None:
        """Look at what there is before a file is opened."""
        named = [self.named] if self.named is not None else [root / POLICIES for root in self._roots]
        self._due |= {folder for folder in named if folder.is_dir()}

    def watch(self) -> None:
        """Have the editor tell of files that change on disk, if it can."""
        workspace = self.client_capabilities.workspace
        watched = workspace.did_change_watched_files if workspace is not None else None
        if watched is not None and watched.dynamic_registration:
            watchers = [types.FileSystemWatcher(f"**/*{suffix}") for suffix in SUFFIXES]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            registration = types.Registration("watch", method, options)
            self.client_register_capability(types.RegistrationParams([registration]))

    def text_of(self, path: Path) -> str:
        """A file as the editor has it, or as it is saved."""
        return str(self.workspace.get_text_document(str(from_fs_path(str(path)))).source)

    def beside(self, path: Path) -> tuple[Manifest, ...]:
        """What stands beside a file."""
        folder = self.folder_of(path)
        inspection = self.inspections.get(folder) if folder is not None else None
        return inspection.manifests if inspection is not None else ()

    # --- findings -------------------------------------------------------------------------------------

    def touch(self, path: Path) -> None:
        """A file has changed."""
        folder = self.folder_of(path)
        if folder is not None:
            self._due.add(folder)
        else:
            told = f"{path} is not in {self.named}: nothing is said of it"
            self.window_log_message(types.LogMessageParams(types.MessageType.Info, told))

    async def settle(self) -> None:
        """Look at what has changed, once no more keys come."""
        if self._busy:
            return
        self._busy = True
        try:
            while self._due:
                await asyncio.sleep(REST)
                due, self._due = self._due, set()
                for folder in due:
                    await self._inspect(folder)
        finally:
            self._busy = False

    async def _inspect(self, folder: Path) -> None:
        inspection = self.inspections.setdefault(folder, Inspection(folder))
        edited = dict(self._open_in(folder))
        found = await asyncio.get_running_loop().run_in_executor(None, inspection.look, edited)
        self._publish(inspection, found)

    def _open_in(self, folder: Path) -> Iterator[tuple[Path, str]]:
        for uri, document in self.workspace.text_documents.items():
            path = _path(uri)
            if path.suffix.lower() in SUFFIXES and self.folder_of(path) == folder:
                yield path, str(document.source)

    def _publish(self, inspection: Inspection, found: Iterable[Finding]) -> None:
        """Say what is wrong, and of the files that were mended that nothing is."""
        by_file: dict[Path, list[Finding]] = {}
        for finding in found:
            by_file.setdefault(Path(finding.problem.path), []).append(finding)
        mended = [path for path in self.findings if path.is_relative_to(inspection.folder)]
        for path in dict.fromkeys((*mended, *by_file)):
            findings = by_file.get(path, [])
            lines = inspection.text_of(str(path)).split("\n")
            shown = [self._diagnostic(finding, lines) for finding in findings]
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(str(from_fs_path(str(path))), shown)
            )
            self.findings[path] = findings
        self.findings = {path: findings for path, findings in self.findings.items() if findings}

    def _diagnostic(self, finding: Finding, lines: list[str]) -> types.Diagnostic:
        problem = finding.problem
        return types.Diagnostic(
            range=self.range_in(lines, *_marked(finding, lines)),
            message=f"{problem.what}. {problem.remedy}" if problem.remedy else problem.what,
            severity=SEVERITIES[finding.severity],
            code=finding.code,
            source="gatekeeper",
        )

    # --- places ---------------------------------------------------------------------------------------

    @cached_property
    def _codec(self) -> Any:
        return self.workspace.position_codec

    def range_in(self, lines: list[str], line: int, column: int, end_line: int, end: int) -> types.Range:
        """A stretch of a text as the editor counts; lines and columns from 0, columns in characters."""
        start, stop = types.Position(line, column), types.Position(end_line, end)
        made: types.Range = self._codec.range_to_client_units(lines, types.Range(start, stop))
        return made

    def range_of(self, text: str, start: int, end: int) -> types.Range:
        """The characters from `start` to before `end`."""
        first, last = position_of(text, start), position_of(text, end)
        return self.range_in(
            text.split("\n"), first.line - 1, first.column - 1, last.line - 1, last.column - 1
        )

    def index_in(self, text: str, position: types.Position) -> int:
        """Which character of a text an editor's place is before."""
        place = self._codec.position_from_client_units(text.split("\n"), position)
        return index_of(text, place.line, place.character)


def make_server(policies: Path | None) -> LanguageServer:
    """The server, for a folder of policies or for those that are found in the workspace."""
    server = PolicyServer(policies.resolve() if policies is not None else None)
    _keep_findings(server)
    _answer_questions(server)
    return server


def _path(uri: str) -> Path:
    return Path(to_fs_path(uri) or "")


# --- what keeps findings up to date -------------------------------------------------------------------


def _keep_findings(server: PolicyServer) -> None:
    async def touched(uri: str) -> None:
        path = _path(uri)
        if path.suffix.lower() in SUFFIXES:
            server.touch(path)
            await server.settle()

    @server.feature(types.INITIALIZED)
    async def begin(_params: types.InitializedParams) -> None:
        server.watch()
        server.begin()
        await server.settle()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        await touched(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        await touched(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: types.DidSaveTextDocumentParams) -> None:
        await touched(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: types.DidCloseTextDocumentParams) -> None:
        await touched(params.text_document.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def changed_elsewhere(params: types.DidChangeWatchedFilesParams) -> None:
        for change in params.changes:
            await touched(change.uri)


# --- what is asked ------------------------------------------------------------------------------------


def _answer_questions(server: PolicyServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["."]))
    def complete(params: types.CompletionParams) -> types.CompletionList:
        path = _path(params.text_document.uri)
        text = server.text_of(path)
        index = server.index_in(text, params.position)
        start = _word_start(text, index)
        place = server.range_of(text, start, index)
        found = _proposed(text, index, server.beside(path))
        items = [_item(proposal, number, place) for number, proposal in enumerate(found)]
        return types.CompletionList(is_incomplete=False, items=items)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        path = _path(params.text_document.uri)
        text = server.text_of(path)
        index = server.index_in(text, params.position)
        start = _word_start(text, index)
        word = NAME.match(text, start)
        assert word is not None
        found = _meaning(text, word.end(), word[0], server.beside(path)) if word[0] else None
        if found is None:
            return None
        content = types.MarkupContent(types.MarkupKind.Markdown, _markdown(found))
        return types.Hover(content, server.range_of(text, word.start(), word.end()))

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def define(params: types.DefinitionParams) -> types.Location | None:
        text = server.text_of(_path(params.text_document.uri))
        span = _definition(text, server.index_in(text, params.position))
        return types.Location(params.text_document.uri, server.range_of(text, *span)) if span else None

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
    )
    def mend(params: types.CodeActionParams) -> list[types.CodeAction]:
        path = _path(params.text_document.uri)
        text = server.text_of(path)
        return [
            _action(server, params.text_document.uri, text, fix, diagnostic)
            for finding, diagnostic in _at_fault(server, path, params.context.diagnostics)
            for fix in quick_fixes(finding, text)
        ]


def _proposed(text: str, index: int, beside: tuple[Manifest, ...]) -> list[Proposal]:
    cursor = cursor_at(text, index)
    if cursor is None:
        return []
    if cursor.is_name:
        return field_proposals(cursor.document, cursor.path[:-1])
    found = _in_expression(cursor, beside)
    if found is None:
        return value_proposals(cursor.document, cursor.path) or field_proposals(cursor.document, cursor.path)
    return found


def _in_expression(cursor: Cursor, beside: tuple[Manifest, ...]) -> list[Proposal] | None:
    """What may stand in an expression; None outside of one."""
    made = None if cursor.is_name else outline(cursor.document, cursor.path, beside)
    if made is None:
        return None
    written = fragment(cursor.before)
    return [] if written is None else proposals(made, written)


def _meaning(text: str, end: int, word: str, beside: tuple[Manifest, ...]) -> Proposal | None:
    """What a word that ends there is."""
    cursor = cursor_at(text, end)
    if cursor is None:
        return None
    found = _in_expression(cursor, beside)
    if found is not None:
        return next((each for each in found if each.label == word), None)
    return field_note(cursor.document, cursor.path) if cursor.is_name else None


def _definition(text: str, index: int) -> tuple[int, int] | None:
    """Where the variable is named that stands there."""
    start = _word_start(text, index)
    word = NAME.match(text, start)
    field = yamltext.field_at(text, index)
    if word is None or field is None or not OWN_VARIABLE.search(text, 0, start):
        return None
    number = 0
    while True:
        span, found = yamltext.find(text, field.document, ("spec", "variables", number, "name"))
        if not found:
            return None
        if span.value == word[0]:
            return span.start, span.end
        number += 1


def _word_start(text: str, index: int) -> int:
    while index and (text[index - 1].isalnum() or text[index - 1] == "_"):
        index -= 1
    return index


def _at_fault(
    server: PolicyServer, path: Path, diagnostics: Iterable[types.Diagnostic]
) -> Iterator[tuple[Finding, types.Diagnostic]]:
    """The findings that an editor asks about."""
    lines = server.text_of(path).split("\n")
    for finding in server.findings.get(path, ()):
        place = server.range_in(lines, *_marked(finding, lines))
        for diagnostic in diagnostics:
            if diagnostic.code == finding.code and diagnostic.range == place:
                yield finding, diagnostic


# --- how answers are written --------------------------------------------------------------------------


def _marked(finding: Finding, lines: list[str]) -> tuple[int, int, int, int]:
    """The word at fault; the first line where a finding has no place."""
    line, column = max(finding.problem.line - 1, 0), max(finding.problem.column - 1, 0)
    text = lines[line] if line < len(lines) else ""
    word = MARKED.match(text, column)
    return line, column, line, word.end() if word is not None else min(column + 1, len(text))


def _item(proposal: Proposal, number: int, place: types.Range) -> types.CompletionItem:
    return types.CompletionItem(
        label=proposal.label,
        kind=SORTS[proposal.sort],
        detail=proposal.detail.partition("\n")[0],
        documentation=types.MarkupContent(types.MarkupKind.Markdown, _markdown(proposal)),
        sort_text=f"{number:04}",
        text_edit=types.TextEdit(place, proposal.label),
    )


def _markdown(proposal: Proposal) -> str:
    """The type, and what it means."""
    joint = "" if proposal.detail.startswith((proposal.label, *"(")) or "->" in proposal.detail else ": "
    head = proposal.detail if not joint else f"{proposal.label}{joint}{proposal.detail}"
    shown = f"```cel\n{head.strip(': ')}\n```" if proposal.detail else ""
    return "\n\n".join(filter(None, (shown, proposal.text)))


def _action(
    server: PolicyServer, uri: str, text: str, fix: QuickFix, diagnostic: types.Diagnostic
) -> types.CodeAction:
    edit = types.TextEdit(server.range_of(text, fix.start, fix.end), fix.text)
    changes: Mapping[str, list[types.TextEdit]] = {uri: [edit]}
    return types.CodeAction(
        title=fix.title,
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[diagnostic],
        is_preferred=fix.preferred,
        edit=types.WorkspaceEdit(changes=dict(changes)),
    )
