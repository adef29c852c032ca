"""What the server says of itself: whether it is ready, and on one screen how it is."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

import orjson
from prometheus_client import CONTENT_TYPE_LATEST

from gatekeeper_py import __version__
from gatekeeper_py.tenancy.tenant import Tenancy
from gatekeeper_py.tenancy.waivers import neglected
from gatekeeper_py.webhook import expiry
from gatekeeper_py.webhook.record import Record
from gatekeeper_py.webhook.revision import Policies
from gatekeeper_py.webhook.sink import Sink

__all__ = ["Health", "Informant", "Told", "Topic"]

Topic: TypeAlias = Literal["health", "readiness", "readiness in detail", "metrics", "status"]
"""What operators ask about."""

JSON: Final = "application/json"


class Told(NamedTuple):
    """What they are told, as HTTP has it."""

    code: int
    media_type: str
    body: bytes


class Informant(Protocol):
    """Who can tell them."""

    async def about(self, topic: Topic) -> Told:
        """What there is to tell."""
        raise NotImplementedError


async def _here() -> None:
    """Everything is counted in this process."""


@dataclass(slots=True)
class Health:
    """Answers from what is in memory."""

    policies: Policies
    record: Record
    output: Sink | None = None
    ages: Callable[[], Mapping[str, float]] = dict
    """Seconds since each watched kind was last known whole."""
    certificate_expires: float = expiry.NEVER
    """Seconds since the epoch; 0 while none is served."""
    notices: Callable[[], Iterable[str]] = tuple
    """What is wrong beside the policies and the certificate; empty words are nothing."""
    planes: Callable[[], list[Mapping[str, object]]] = list
    """How the control planes of tenants are."""
    workers: Callable[[], Mapping[str, int]] = lambda: {"answering": 1, "wanted": 1, "replaced": 0}
    """Of the processes that answer reviews, how many do, how many should, and how many had to be replaced."""
    gather: Callable[[], Awaitable[None]] = _here
    """Has what other processes have counted brought here."""

    async def about(self, topic: Topic) -> Told:
        """What there is to tell about a topic."""
        match topic:
            case "health":
                return Told(HTTPStatus.OK, "text/plain", b"ok")
            case "metrics":
                await self.gather()
                return Told(HTTPStatus.OK, CONTENT_TYPE_LATEST, self.record.metrics.exposition())
            case "status":
                return Told(HTTPStatus.OK, JSON, orjson.dumps(self.status()))
        ready, details = self.readiness(verbose=topic == "readiness in detail")
        code = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Told(code, JSON, orjson.dumps(details))

    def readiness(self, *, verbose: bool) -> tuple[bool, Mapping[str, object]]:
        """Whether policies are in force and the certificate has not expired, and in words what is wrong.

        `verbose` tells the rest, too.
        """
        in_force = self.policies.in_force
        expired = expiry.has_expired(self.certificate_expires, time.time())
        ready = in_force is not None and not expired
        details: dict[str, object] = {"ready": ready, "problems": list(self._problems())}
        if in_force is not None:
            details |= {
                "policies": in_force.loaded.count,
                "revision": in_force.revision,
                "loadedAt": in_force.loaded_at,
                "warnings": [
                    *in_force.loaded.warnings(),
                    *neglected(in_force.loaded.tenancy, datetime.now(UTC)),
                ],
            }
        if verbose:
            details |= self._beside()
        return ready, details

    def _problems(self) -> Iterator[str]:
        yield from self.policies.problems
        told = (expiry.problem(self.certificate_expires, time.time()), *self.notices())
        yield from (problem for problem in told if problem)

    def status(self) -> Mapping[str, object]:
        """Everything that a person wants to see at once."""
        _, details = self.readiness(verbose=True)
        in_force = self.policies.in_force
        tenancy = in_force.loaded.tenancy if in_force is not None else Tenancy()
        return {
            "version": __version__,
            "now": time.time(),
            **details,
            "tenants": sorted(tenancy.by_name),
            "waivers": _waivers(tenancy, datetime.now(UTC)),
            "denials": list(self.record.denials),
        }

    def _beside(self) -> Mapping[str, object]:
        """What can be wrong while decisions go on."""
        log = {"dropped": 0, "problem": ""}
        if self.output is not None:
            log = {"dropped": self.output.dropped, "problem": self.output.problem}
        views = {kind: round(age, 1) for kind, age in self.ages().items()}
        return {
            "log": log,
            "views": views,
            "workers": self.workers(),
            "certificateExpires": self.certificate_expires,
            "controlPlanes": self.planes(),
        }


def _waivers(tenancy: Tenancy, now: datetime) -> list[Mapping[str, object]]:
    """What is waived, that which ends first before the rest."""
    return [
        {
            "name": waiver.name,
            "policies": sorted(waiver.policies),
            "expires": str(waiver.expires),
            "daysLeft": waiver.days_left(now),
        }
        for waiver in sorted(tenancy.waivers, key=lambda each: (each.expires, each.name))
    ]
