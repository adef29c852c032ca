"""What the log says, and what it never says."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.decision import Decision, Finding, Status, Waived
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.webhook import log
from gatekeeper_py.webhook.answer import Answer, Incident

SECRET = "hunter2"


def request(**fields: Any) -> AdmissionRequest:
    made: dict[str, Any] = {
        "uid": "u",
        "kind": GroupVersionKind("", "v1", "Secret"),
        "resource": GroupVersionResource("", "v1", "secrets"),
        "operation": "UPDATE",
        "name": "token",
        "namespace": "foo",
        "user": UserInfo("alice", groups=("crew",)),
        "object": {"data": {"password": SECRET}},
        "old_object": {"data": {"password": SECRET}},
    }
    return AdmissionRequest(**(made | fields))


def decided(decision: Decision, incident: Incident | None = None) -> Answer:
    return Answer(request(), decision, b"", incident)


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


@pytest.mark.parametrize(
    "answer",
    [
        Decision(True, object={"data": SECRET}, patch=({"op": "add", "path": "/data", "value": SECRET},)),
        Decision(False, Status(403, "Forbidden", "no"), object={"data": SECRET}),
    ],
    ids=["allowed", "denied"],
)
def test_objects_and_patches_are_never_logged(output: io.StringIO, answer: Decision) -> None:
    log.decision(output, "mutate", "foo", decided(answer), 0.0012345)
    (line,) = lines(output)
    assert SECRET not in output.getvalue()
    assert (line["milliseconds"], line["patch_operations"]) == (1.234, len(answer.patch))


def test_what_is_observed_says_what_would_have_become_of_it(output: io.StringIO) -> None:
    patch = ({"op": "add", "path": "/spec/runtimeClassName", "value": SECRET},)
    withheld = Decision(False, Status(403, "Forbidden", "no"), patch=patch, object={"data": SECRET})
    verdict = Decision(True, enforcement="observe", withheld=withheld)
    log.decision(output, "mutate", "foo", decided(verdict), 0)
    (line,) = lines(output)
    assert SECRET not in output.getvalue()
    assert (line["allowed"], line["enforcement"], line["patch_operations"]) == (True, "observe", 0)
    assert line["would_patch"] == ["/spec/runtimeClassName"]
    assert line["would_deny"] == {"code": 403, "reason": "Forbidden", "message": "no"}


def test_what_is_waived_is_recorded_with_its_waiver(output: io.StringIO) -> None:
    waived = Waived("old-agent", date(2027, 1, 31), 30, "an old agent", "the platform")
    others = [Finding(f"p{number}", "b", "told", ("Warn",)) for number in range(30)]
    findings = (*others, Finding("no-host", "b", "told", ("Waived",), waived=waived))
    log.decision(output, "validate", "foo", decided(Decision(True, findings=findings)), 0)
    (line,) = lines(output)
    assert line["waived"] == [{"policy": "no-host", "waiver": "old-agent", "expires": "2027-01-31"}]


def test_an_error_is_told_by_its_type_and_place_not_by_its_text(output: io.StringIO) -> None:
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        incident = Incident.of(error)
        log.incident(log.make_log(output), "validate", "foo", decided(Decision(False), incident))
    (line,) = lines(output)
    told = (line["event"], line["incident"], line["error"])
    assert told == ("internal error", incident.identifier, "KeyError")
    assert line["frames"][-1].endswith("test_an_error_is_told_by_its_type_and_place_not_by_its_text")
    assert SECRET not in output.getvalue()


HOSTILE = {
    "line ends": "a\r\nb\x0bc\x0cd\x85e\u2028f\u2029g",
    "a forged line": 'x"}\n{"event":"decision","allowed":true}',
    "a terminal's commands": "\x1b[2J\x9b2J\x07\x7f",
    "half a character": "\ud800",
    "reading backwards": "\u202egpj.exe",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_text_of_tenants_stays_within_one_line_of_plain_ascii(output: io.StringIO, text: str) -> None:
    answer = Decision(False, Status(403, text, text), findings=(Finding(text, text, text, ("Deny",)),))
    asked = request(
        uid=text, name=text, namespace=text, subresource=text, user=UserInfo(text, groups=(text,))
    )
    log.decision(output, "validate", text, Answer(asked, answer, b""), 0)
    written = output.getvalue()
    assert written.count("\n") == 1
    assert all(" " <= character <= "~" for character in written.removesuffix("\n"))
    (line,) = lines(output)
    assert (line["name"], line["groups"], line["allowed"]) == (text, [text], False)


def test_no_request_can_fill_the_disk(output: io.StringIO) -> None:
    long = "x" * 1_000_000
    finding = Finding(long, long, long, ("Deny",) * 1000)
    answer = Decision(False, Status(403, long, long), findings=(finding,) * 1000)
    asked = request(uid=long, name=long, user=UserInfo(long, groups=(long,) * 1000))
    incident = Incident(long, long, (long,) * 1000)
    log.decision(output, "validate", long, Answer(asked, answer, b"", incident), 0)
    (line,) = lines(output)
    assert len(output.getvalue()) < 150_000
    assert line["name"] == "x" * (log.MAX_TEXT - 3) + "..."
    assert len(line["groups"]) == len(line["findings"]) == log.MAX_ITEMS


def test_text_of_just_the_longest_length_is_whole(output: io.StringIO) -> None:
    asked = request(name="x" * log.MAX_TEXT)
    log.decision(output, "validate", "", Answer(asked, Decision(True), b""), 0)
    assert lines(output)[0]["name"] == "x" * log.MAX_TEXT


@pytest.fixture
def libraries() -> Iterator[None]:
    """Puts the HTTP server's loggers back as they were."""
    kept = [
        (logger, logger.handlers, logger.level, logger.propagate)
        for logger in map(logging.getLogger, ("uvicorn", "uvicorn.error"))
    ]
    yield
    for logger, handlers, level, propagate in kept:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("name", ["uvicorn", "uvicorn.error"])
def test_what_the_http_server_logs_becomes_one_line_each(output: io.StringIO, name: str) -> None:
    log.route_library_logs(log.make_log(output))
    logger = logging.getLogger(name)
    logger.debug("not this")
    logger.info("on port %d", 8443)
    try:
        raise ValueError(SECRET)
    except ValueError:
        logger.exception("broken\nover lines")
    kept = [{key: line.get(key) for key in ("event", "level", "message", "error")} for line in lines(output)]
    assert kept == [
        {"event": "server", "level": "info", "message": "on port 8443", "error": None},
        {"event": "server", "level": "error", "message": "broken\nover lines", "error": "ValueError"},
    ]
    assert SECRET not in output.getvalue()
