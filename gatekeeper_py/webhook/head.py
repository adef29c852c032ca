"""What a review says before its object: whose it is, known long before everything has been read.

The API server writes the fields of a request in the order of their type (k8s.io/api/admission/v1), the object
behind what is asked and by whom. A caller that writes another order has no head, and shares its turns with
all others that have none. Nothing is decided by a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from gatekeeper_py.policy.admission.admission_review import ReviewError, parse_review
from gatekeeper_py.policy.admission.request import AdmissionRequest

__all__ = ["NO_HEAD", "Head", "head_of"]

LONGEST: Final = 16 * 1024
"""Bytes a head may have; the API server's has some hundred, more when a user is of many groups."""

OBJECT: Final = b'"object":'


@dataclass(frozen=True, slots=True)
class Head:
    """The fields before the object, as they are."""

    review: dict[str, Any]

    @property
    def namespace(self) -> str:
        """The request's namespace; empty for cluster-wide objects."""
        return _text(self._request.get("namespace"))

    @property
    def username(self) -> str:
        """Who asks."""
        user = self._request.get("userInfo")
        return _text(user.get("username")) if isinstance(user, dict) else ""

    @property
    def makes_namespace(self) -> bool:
        """Whether it is about a Namespace itself, which need not exist yet."""
        resource = self._request.get("resource")
        return isinstance(resource, dict) and resource.get("resource") == "namespaces"

    @property
    def _request(self) -> dict[str, Any]:
        request = self.review.get("request")
        return request if isinstance(request, dict) else {}

    def request(self) -> AdmissionRequest | None:
        """The request without its object, or None when the head does not say enough."""
        bare = {**self._request, "object": None if self._request.get("operation") == "DELETE" else {}}
        try:
            return parse_review({**self.review, "request": bare})
        except ReviewError:
            return None


NO_HEAD: Final = Head({})


def head_of(body: bytes) -> Head:
    """The head of a review, of which the beginning is enough."""
    end = body.find(OBJECT, 0, LONGEST)
    if end < 0:
        return NO_HEAD
    try:
        review = orjson.loads(body[:end] + OBJECT + b"null}}")
    except orjson.JSONDecodeError:
        return NO_HEAD
    return Head(review) if isinstance(review, dict) else NO_HEAD


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
