"""One JSON line an event. Text of tenants cannot forge a line, move a terminal's cursor or fill a disk.

Objects are never logged: they may be Secrets.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TextIO, TypeAlias, cast

import orjson
import structlog
from structlog.typing import EventDict

from gatekeeper_py.policy.admission.decision import Decision, Finding
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.webhook.answer import Answer, Incident
from gatekeeper_py.webhook.outbox import Outbox
from gatekeeper_py.webhook.sink import Sink

__all__ = [
    "Log",
    "Output",
    "Seldom",
    "bounded",
    "lines_dropped",
    "make_log",
    "route_library_logs",
    "route_stray_errors",
]

MAX_TEXT: Final = 1024
"""Characters of one value: names are at most 253, messages are cut here."""

MAX_ITEMS: Final = 20
"""Entries of one list: groups, findings."""

SELDOM: Final = 1.0
"""Seconds between two lines that a stranger can cause."""

Log = structlog.typing.FilteringBoundLogger
Output: TypeAlias = Sink | Outbox | TextIO


def make_log(output: Output) -> Log:
    """A logger that writes JSON lines."""
    log: Log = structlog.wrap_logger(
        structlog.WriteLogger(cast(TextIO, output)),  # of a file it knows write and flush
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    return log


def lines_dropped(lines: int) -> str:
    """The line that stands where lines are missing; the log's output writes it by itself."""
    written = io.StringIO()
    make_log(written).warning("lines dropped", lines=lines)
    return written.getvalue()


def decision(
    output: Output, webhook: str, tenant: str, answer: Answer, seconds: float, control_plane: str = ""
) -> None:
    """The line of one decision: who asked for what, and what became of it."""
    event = _subject(webhook, tenant, answer.request, control_plane)
    event |= _outcome(answer, seconds)
    event |= {"event": "decision", "level": "info", "timestamp": _now()}
    output.write(f"{_line(event)}\n")


def _now() -> str:
    """As the log's other lines have the time."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def incident(log: Log, webhook: str, tenant: str, answer: Answer, control_plane: str = "") -> None:
    """The line of an error of ours."""
    assert answer.incident is not None
    log.error(
        "internal error",
        incident=answer.incident.identifier,
        error=answer.incident.error,
        frames=answer.incident.frames,
        **_subject(webhook, tenant, answer.request, control_plane),
    )


def route_library_logs(log: Log) -> None:
    """Send what the HTTP server itself logs through `log`."""
    handler = _Handler(log)
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler] if name == "uvicorn" else []
        logger.setLevel(logging.INFO)
        logger.propagate = name != "uvicorn"


def route_stray_errors(log: Log) -> None:
    """Send through `log` what Python itself would print to standard error, which may be stalled, too."""

    def stray(error: BaseException | None) -> None:
        if error is not None:
            incident = Incident.of(error)
            log.error("stray error", error=incident.error, frames=incident.frames)

    threading.excepthook = lambda arguments: stray(arguments.exc_value)
    sys.unraisablehook = lambda arguments: stray(arguments.exc_value)
    logging.lastResort = _Handler(log, logging.WARNING)
    logging.captureWarnings(True)


@dataclass(slots=True)
class Seldom:
    """One kind of event that strangers cause: a line now and then, which says how many it stands for."""

    log: Log
    event: str
    _count: int = 0
    _next: float = 0.0

    def warn(self, reason: str) -> None:
        """Write the line, or only count it."""
        self._count += 1
        now = time.monotonic()
        if now >= self._next:
            self.log.warning(self.event, reason=reason, times=self._count)
            self._count, self._next = 0, now + SELDOM


class _Handler(logging.Handler):
    """Turns records of the standard library's logging into events."""

    def __init__(self, log: Log, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        write = self._log.error if record.levelno >= logging.ERROR else self._log.info
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        write("server", message=record.getMessage(), **({"error": error} if error else {}))


def _subject(webhook: str, tenant: str, request: AdmissionRequest, control_plane: str) -> dict[str, Any]:
    return {
        **({"control_plane": control_plane} if control_plane else {}),
        "webhook": webhook,
        "tenant": tenant,
        "uid": request.uid,
        "operation": request.operation,
        "group": request.resource.group,
        "version": request.resource.version,
        "resource": request.resource.resource,
        "subresource": request.subresource,
        "namespace": request.namespace,
        "name": request.name,
        "user": request.user.username,
        "groups": request.user.groups[:MAX_ITEMS],
        "dry_run": request.dry_run,
    }


def _outcome(answer: Answer, seconds: float) -> dict[str, Any]:
    decision = answer.decision
    outcome: dict[str, Any] = {"allowed": decision.allowed, "milliseconds": round(seconds * 1000, 3)}
    if decision.status is not None and not decision.allowed:
        outcome |= {
            "code": decision.status.code,
            "reason": decision.status.reason,
            "message": decision.status.message,
        }
    if decision.enforcement != "enforce":
        outcome["enforcement"] = decision.enforcement
    if decision.withheld is not None:
        outcome |= _withheld(decision.withheld)
    if decision.findings:
        outcome["findings"] = [
            {"policy": f.policy, "binding": f.binding, "actions": f.actions[:MAX_ITEMS], "message": f.message}
            for f in decision.findings[:MAX_ITEMS]
        ]
    if waived := [finding for finding in decision.findings if finding.waived is not None]:
        outcome["waived"] = [_waived(finding) for finding in waived[:MAX_ITEMS]]
    outcome["patch_operations"] = len(decision.patch)
    outcome["warnings"] = len(decision.warnings)
    if answer.incident is not None:
        outcome["incident"] = answer.incident.identifier
    return outcome


def _waived(finding: Finding) -> dict[str, str]:
    """By which waiver what is admitted."""
    assert finding.waived is not None
    return {"policy": finding.policy, "waiver": finding.waived.waiver, "expires": str(finding.waived.expires)}


def _withheld(decision: Decision) -> dict[str, Any]:
    """What would have become of it were policies enforced. Of a patch the places: values are the object's."""
    would: dict[str, Any] = {"would_patch": [operation["path"] for operation in decision.patch[:MAX_ITEMS]]}
    if decision.status is not None and not decision.allowed:
        status = decision.status
        would["would_deny"] = {"code": status.code, "reason": status.reason, "message": status.message}
    return would


def _render(_logger: object, _method: str, event: EventDict) -> str:
    return _text(bounded(event))


def _line(event: EventDict) -> str:
    """The same of an event whose lists are cut already: nothing in a short line is too long."""
    with suppress(orjson.JSONEncodeError):  # half a character, a number beyond 64 bits
        line = orjson.dumps(event)
        if len(line) <= MAX_TEXT and line.isascii() and DELETE not in line:
            return line.decode("ascii")
    return _text(bounded(event))


def _text(event: Any) -> str:
    """One line of printable ASCII: json escapes every other character, DEL among them."""
    return json.dumps(event, ensure_ascii=True, separators=(",", ":"))


DELETE: Final = b"\x7f"
"""What orjson leaves as it is though no terminal shows it."""


def bounded(value: Any) -> Any:
    """A value with its texts and lists cut to what a line may hold."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else value[: MAX_TEXT - 3] + "..."
    if isinstance(value, dict):
        return {key: bounded(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [bounded(item) for item in list(value)[:MAX_ITEMS]]
    return value
