"""What a server and its workers say to each other (`channel`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gatekeeper_py.objects.resource import GroupVersion, Object
from gatekeeper_py.webhook.counting import Tally
from gatekeeper_py.webhook.exchange import Callers
from gatekeeper_py.webhook.health import Topic
from gatekeeper_py.webhook.revision import Webhook

__all__ = [
    "Accept",
    "Ask",
    "Count",
    "Counted",
    "Decide",
    "Denied",
    "End",
    "Find",
    "Forward",
    "Forwarded",
    "Guests",
    "Lines",
    "News",
    "Ready",
    "RenewCertificate",
    "Retire",
]


class Accept(NamedTuple):
    """Let callers in."""


class RenewCertificate(NamedTuple):
    """The files of the certificate have changed."""


class End(NamedTuple):
    """Finish what is under way, and end."""


class Retire(NamedTuple):
    """Question. Accept and begin nothing any more; the answer says that it is so."""


class Count(NamedTuple):
    """Question. What has been counted, now (`Counted`)."""


class Decide(NamedTuple):
    """Question to the server. A review that came to who has retired; the answer is an `Answer`."""

    webhook: Webhook
    conversions: frozenset[GroupVersion]
    body: bytes
    deadline: float


class News(NamedTuple):
    """What has happened in the cluster (`cluster.view.Followed`)."""

    content: bytes


class Find(NamedTuple):
    """Question to the server. A namespace that is not known yet; the answer is the object, or None."""

    namespace: str


class Forward(NamedTuple):
    """Question to the server. A request at a control plane's door; the answer is `Forwarded`."""

    method: str
    path: str
    query: bytes
    caller: frozenset[str]
    """The names in the certificate that was shown."""
    body: bytes


class Forwarded(NamedTuple):
    """The answer, as ASGI has it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Guests(NamedTuple):
    """Whose certificates are whose: documents of control planes say so."""

    callers: Callers


class Ask(NamedTuple):
    """Question to the server. What operators ask a worker is for the server to say (`Told`)."""

    topic: Topic


class Ready(NamedTuple):
    """The worker could accept."""


class Lines(NamedTuple):
    """Of the log."""

    data: bytes
    lines: int
    dropped: int


class Denied(NamedTuple):
    """Something was denied: in a few words, and as an Event where it has a place."""

    denial: Mapping[str, Any] | None
    event: Object | None


class Counted(NamedTuple):
    """What a worker has counted since it began."""

    tally: Tally
    registered: frozenset[GroupVersion] | None
    """In which versions the API server asks, by the last review since what was counted was told last."""
