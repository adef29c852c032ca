"""AdmissionReview (admission.k8s.io/v1) to `AdmissionRequest` and back, and `Decision` to AdmissionReview.

The API server checks an answer (apiserver/pkg/admission/plugin/webhook/request/admissionreview.go)
and drops or cuts what does not fit; what we answer always fits.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import accumulate
from typing import Any, TypeVar

import orjson

from gatekeeper_py.objects.resource import GroupVersion, GroupVersionKind, GroupVersionResource, Object
from gatekeeper_py.policy.admission.decision import Decision, Status
from gatekeeper_py.policy.admission.request import OPERATIONS, AdmissionRequest, Operation, UserInfo

__all__ = ["API_VERSION", "KIND", "ReviewError", "parse_review", "render_request", "render_review"]

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"

WARNING_TOTAL = 4096
WARNING_LENGTH = 256
"""Once all warnings together are longer than the total, the API server cuts each to the length and drops the
rest (apiserver/pkg/endpoints/filters/warning.go). Counted in code points."""

CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""A warning with one is dropped by the API server: it travels in an HTTP header."""

LINE_BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""What a warning of ours has a space for: control characters, and what else breaks a line."""

ANNOTATION_KEY_LENGTH = 63
"""Longest name part of a qualified name: the API server puts `<webhook>/` before our keys."""

OBJECT_REQUIRED = frozenset({"CREATE", "UPDATE"})
"""CONNECT may come without options, DELETE always comes without an object."""


class ReviewError(Exception):
    """The document is no AdmissionReview that can be answered; the message is the reason, in one line."""


def parse_review(
    document: object,
    conversions: frozenset[GroupVersion] | None = None,
    asked_at: datetime | None = None,
) -> AdmissionRequest:
    """The request of an AdmissionReview; raises `ReviewError`.

    `conversions` are the versions in which the API server asks about the same request besides; a review does
    not say when it is asked.
    """
    if not isinstance(document, dict):
        raise ReviewError(f"an AdmissionReview is a JSON object, not {_type(document)}")
    if document.get("kind") != KIND:
        raise ReviewError(f'kind must be "{KIND}", got {_quote(document.get("kind"))}')
    if document.get("apiVersion") != API_VERSION:
        raise ReviewError(f'apiVersion must be "{API_VERSION}", got {_quote(document.get("apiVersion"))}')
    return _parse_request(_Fields(document, "").mapping("request", required=True), conversions, asked_at)


def render_request(request: AdmissionRequest) -> Object:
    """The AdmissionReview an API server would send: what `parse_review` reads."""
    rendered: Object = {
        "uid": request.uid,
        "kind": request.kind._asdict(),
        "resource": request.resource._asdict(),
        "requestKind": (request.request_kind or request.kind)._asdict(),
        "requestResource": (request.request_resource or request.resource)._asdict(),
        "operation": request.operation,
        "userInfo": _render_user(request.user),
        "object": request.object,
        "oldObject": request.old_object,
        "dryRun": request.dry_run,
        "options": request.options,
    }
    optional = {
        "subResource": request.subresource,
        "requestSubResource": request.request_subresource or request.subresource,
        "name": request.name,
        "namespace": request.namespace,
    }
    rendered |= {name: value for name, value in optional.items() if value}
    return {"apiVersion": API_VERSION, "kind": KIND, "request": rendered}


def _render_user(user: UserInfo) -> Object:
    rendered: Object = {"username": user.username, "groups": list(user.groups)}
    if user.uid:
        rendered["uid"] = user.uid
    if user.extra:
        rendered["extra"] = {name: list(values) for name, values in user.extra.items()}
    return rendered


def render_review(uid: str, decision: Decision, *, patch: bool, in_tree: bool = False) -> Object:
    """The AdmissionReview that answers request `uid`; `patch` says whether the caller may be sent one.

    `in_tree` gives what a client gets where the in-tree plugin decides, for people and tools that compare the
    two: audit annotations are named `<policy>/<key>`, though an API server takes no slash from a webhook, and
    a warning that no HTTP header can carry is left out, where a webhook had better make it fit.
    """
    response: Object = {"uid": uid, "allowed": decision.allowed}
    if decision.status is not None and not decision.allowed:
        response["status"] = _render_status(decision.status)
    if warnings := (_in_tree_warnings if in_tree else _fit_warnings)(decision.warnings):
        response["warnings"] = warnings
    if decision.audit_annotations:
        response["auditAnnotations"] = {
            key if in_tree else _annotation_key(key): value
            for key, value in sorted(decision.audit_annotations.items())
        }
    if patch and decision.allowed and decision.patch:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(orjson.dumps(list(decision.patch))).decode("ascii")
    return {"apiVersion": API_VERSION, "kind": KIND, "response": response}


class _Fields:
    """Reads typed fields of one JSON object; a wrong type is a `ReviewError` that names the field."""

    __slots__ = ("_path", "_values")

    def __init__(self, values: Mapping[str, Any], path: str) -> None:
        self._values = values
        self._path = path

    def _get(self, name: str, kind: type, words: str, required: bool) -> Any:
        value = self._values.get(name)
        if value is None:
            if required:
                raise ReviewError(f"{self._path}{name} is missing")
            return None
        if not isinstance(value, kind):
            raise ReviewError(f"{self._path}{name} must be {words}, not {_type(value)}")
        return value

    def text(self, name: str, *, required: bool = False) -> str:
        """A string; empty when absent."""
        value = self._values.get(name)
        if value.__class__ is not str:
            value = self._get(name, str, "a string", required) or ""
        if required and not value:
            raise ReviewError(f"{self._path}{name} is empty")
        return value

    def flag(self, name: str) -> bool:
        """A boolean; false when absent."""
        return bool(self._get(name, bool, "a boolean", required=False))

    def object(self, name: str) -> Object | None:
        """A JSON object or None; its metadata are one, too: an API server sends none that it cannot read."""
        value: Object | None = self._get(name, dict, "a JSON object", required=False)
        metadata = value.get("metadata") if value is not None else None
        if metadata is not None and metadata.__class__ is not dict:
            raise ReviewError(f"{self._path}{name}.metadata must be a JSON object, not {_type(metadata)}")
        return value

    def mapping(self, name: str, *, required: bool = False) -> _Fields:
        """The fields of a JSON object; none when absent."""
        value = self._values.get(name)
        if value.__class__ is not dict:
            value = self._get(name, dict, "a JSON object", required) or {}
        return _Fields(value, f"{self._path}{name}.")

    def present(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._values.get(name) is not None

    def equal(self, one: str, other: str) -> bool:
        """Whether two fields say the same."""
        return bool(self._values.get(one) == self._values.get(other))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty when absent."""
        values = self._get(name, list, "a list", required=False) or ()
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise ReviewError(f"{self._path}{name}[{index}] must be a string, not {_type(value)}")
        return tuple(values)

    def names(self) -> Iterable[str]:
        """The names of all fields."""
        return self._values


def _parse_request(
    fields: _Fields, conversions: frozenset[GroupVersion] | None, asked_at: datetime | None
) -> AdmissionRequest:
    uid = fields.text("uid", required=True)
    operation = _operation(fields.text("operation", required=True))
    kind = _kind(fields.mapping("kind", required=True))
    resource = _resource(fields.mapping("resource", required=True))
    return AdmissionRequest(
        uid=uid,
        kind=kind,
        resource=resource,
        operation=operation,
        name=fields.text("name"),
        namespace=fields.text("namespace"),
        subresource=fields.text("subResource"),
        user=_user(fields.mapping("userInfo")),
        object=_object(fields, operation),
        old_object=fields.object("oldObject"),
        options=fields.object("options"),
        dry_run=fields.flag("dryRun"),
        request_kind=_sent(fields, "requestKind", "kind", kind, _kind),
        request_resource=_sent(fields, "requestResource", "resource", resource, _resource),
        request_subresource=fields.text("requestSubResource"),
        conversions=conversions,
        asked_at=asked_at,
    )


def _operation(text: str) -> Operation:
    for operation in OPERATIONS:
        if text == operation:
            return operation
    raise ReviewError(f"request.operation must be one of {', '.join(OPERATIONS)}, got {_quote(text)}")


def _object(fields: _Fields, operation: Operation) -> Object | None:
    value = fields.object("object")
    if value is None and operation in OBJECT_REQUIRED:
        raise ReviewError(f"request.object is null, but {operation} has an object")
    if value is not None and operation == "DELETE":
        raise ReviewError("request.object must be null, DELETE has only an oldObject")
    return value


Named = TypeVar("Named")


def _sent(
    fields: _Fields, name: str, asked: str, known: Named, read: Callable[[_Fields], Named]
) -> Named | None:
    """What the client sent, nearly always what we are asked about, or None when it is not said."""
    if not fields.present(name):
        return None
    return known if fields.equal(name, asked) else read(fields.mapping(name))


def _kind(fields: _Fields) -> GroupVersionKind:
    return GroupVersionKind(
        fields.text("group"), fields.text("version", required=True), fields.text("kind", required=True)
    )


def _resource(fields: _Fields) -> GroupVersionResource:
    return GroupVersionResource(
        fields.text("group"), fields.text("version", required=True), fields.text("resource", required=True)
    )


def _user(fields: _Fields) -> UserInfo:
    extra = fields.mapping("extra")
    return UserInfo(
        username=fields.text("username"),
        uid=fields.text("uid"),
        groups=fields.texts("groups"),
        extra={name: extra.texts(name) for name in extra.names()},
    )


def _type(value: object) -> str:
    """The JSON name of a value's type, with its article."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _quote(value: object) -> str:
    """A value in an error message: one line, of bounded length."""
    text = orjson.dumps(value).decode() if isinstance(value, (str, int, float, bool)) else _type(value)
    return text if len(text) <= 64 else text[:61] + '..."'


def _render_status(status: Status) -> Object:
    """metav1.Status; a code below 400 would be no denial."""
    details: Object = {"name": status.name, "group": status.group, "kind": status.kind}
    rendered = {key: value for key, value in details.items() if value}
    if status.causes:
        rendered["causes"] = [
            {
                key: value
                for key, value in (
                    ("reason", cause.reason),
                    ("message", cause.message),
                    ("field", cause.field),
                )
                if value
            }
            for cause in status.causes
        ]
    return {
        "metadata": {},
        "status": "Failure",
        "message": status.message,
        "reason": status.reason,
        **({"details": rendered} if rendered else {}),
        "code": max(status.code, 400),
    }


def _fit_warnings(warnings: Iterable[str]) -> list[str]:
    """Warnings as the API server lets them through: one line each, no duplicates, within its lengths."""
    lines = list(dict.fromkeys(filter(None, (LINE_BREAK.sub(" ", text).strip() for text in warnings))))
    if sum(map(len, lines)) <= WARNING_TOTAL:
        return lines
    cut = [line if len(line) <= WARNING_LENGTH else line[: WARNING_LENGTH - 1] + "…" for line in lines]
    fitting: list[str] = []
    room = WARNING_TOTAL
    for line in cut:
        room -= len(line)
        if room < 0:
            break
        fitting.append(line)
    return fitting


def _in_tree_warnings(warnings: Iterable[str]) -> list[str]:
    """Warnings as the API server sends its own: cut without a mark, dropped with control characters."""
    lines = [text for text in dict.fromkeys(warnings) if text and not CONTROL_CHARACTER.search(text)]
    if sum(map(len, lines)) <= WARNING_TOTAL:
        return lines
    cut = [line[:WARNING_LENGTH] for line in lines]
    written = accumulate(map(len, cut), initial=0)
    return [line for line, before in zip(cut, written, strict=False) if before < WARNING_TOTAL]


def _annotation_key(key: str) -> str:
    """A bare name for `<policy>/<key>`: the API server adds the webhook's name and a slash of its own."""
    name = key.replace("/", ".")
    if len(name) <= ANNOTATION_KEY_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: ANNOTATION_KEY_LENGTH - 9].rstrip('-_.')}-{digest}"
