"""Requests that no API server sends, and reviews that are nearly right; and what must never come of them."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from tests.webhook.support import pod_review

__all__ = ["Request", "requests", "varied"]

Json = Any

HOSTILE = {"hostNetwork": True, "containers": [{"name": "c", "image": "nginx:1"}]}
ODDITIES: tuple[Json, ...] = (
    None, True, False, 0, -1, 2**63, 1e308, "", "x", "\x00", "\u202e", "*", [], {}, [[]], {"": {}}, "x" * 5000,
)  # fmt: skip
PATHS = ("/validate", "/mutate", "/validate?timeout=1s", "/mutate?timeout=-1h", "/validate?timeout=%00")
STRANGE = (
    "/",
    "/healthz",
    "/readyz?verbose",
    "/metrics",
    "/statusz",
    "/../etc/passwd",
    "/validate/",
    "//",
    "/%ff",
)


class Request(NamedTuple):
    """One HTTP request."""

    method: str
    path: str
    body: bytes

    @property
    def is_review(self) -> bool:
        """Whether it came to one of the two doors as it should."""
        return self.method == "POST" and self.path.partition("?")[0] in ("/validate", "/mutate")


def requests(seed: int) -> Iterator[Request]:
    """Requests without end, the same for the same seed."""
    chance = random.Random(seed)
    while True:
        body = _body(chance)
        if chance.random() < 0.05:
            yield Request(
                chance.choice(("GET", "PUT", "DELETE", "HEAD", "OPTIONS")), chance.choice(PATHS), body
            )
        elif chance.random() < 0.05:
            yield Request(chance.choice(("GET", "POST")), chance.choice(STRANGE), body)
        else:
            yield Request("POST", chance.choice(PATHS), body)


def hostile() -> Json:
    """A review that every set of policies worth the name denies."""
    review = pod_review()
    review["request"]["object"]["spec"] = copy.deepcopy(HOSTILE)
    return review


def _body(chance: random.Random) -> bytes:
    review = hostile()
    for _ in range(chance.randrange(4)):
        _bend(review, chance)
    body = orjson.dumps(review)
    if chance.random() < 0.2:
        return _broken(body, chance)
    return body


def _bend(value: Json, chance: random.Random) -> None:
    """Change, remove or add one thing somewhere in a document."""
    while True:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        if not keys:
            return
        key = chance.choice(keys)
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.2:
            break
        value = inner
    if chance.random() < 0.2:
        del value[key]
    else:
        value[key] = copy.deepcopy(chance.choice(ODDITIES))


def _broken(body: bytes, chance: random.Random) -> bytes:
    """Bytes that are no longer JSON, most likely."""
    at = chance.randrange(len(body))
    match chance.randrange(4):
        case 0:
            return body[:at]
        case 1:
            return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
        case 2:
            return body[:at] + body[at:] * 2
        case _:
            return b"[" * chance.randrange(5000)


def varied(seed: int) -> Iterator[bytes]:
    """Good reviews without end, no two alike."""
    chance = random.Random(seed)
    while True:
        name = f"web-{chance.getrandbits(48):x}"
        review = pod_review(
            uid=f"uid-{chance.getrandbits(64):x}", name=name, namespace=chance.choice(("foo", "bar"))
        )
        made = review["request"]["object"]
        made["metadata"] |= {"name": name, "labels": {f"l{chance.randrange(1000)}": name}}
        made["spec"] = {
            "containers": [
                {"name": f"c{number}", "image": f"registry.example.com/{name}:{number}"}
                for number in range(chance.randrange(1, 6))
            ],
            "hostNetwork": chance.random() < 0.3,
        }
        yield orjson.dumps(review)
