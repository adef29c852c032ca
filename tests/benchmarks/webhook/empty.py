"""`python -m tests.benchmarks.webhook.empty CERTIFICATE KEY`: a server that reads reviews and evaluates nothing.

The same uvicorn, TLS and JSON as ours, and the shortest answer there is: what remains of a review's price when
no policy, log, count, bound or tenant is left. Ours is told as a multiple of it.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

import orjson
import uvicorn

__all__ = ["main"]

Message = dict[str, Any]


async def application(_scope: Message, receive: Any, send: Any) -> None:
    """Read a review, allow it."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    uid = orjson.loads(body)["request"]["uid"]
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    answer = orjson.dumps(review | {"response": {"uid": uid, "allowed": True}})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def main(certificate: str, key: str) -> None:
    """Say the port as our server does, and answer until told to stop."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    said = {"event": "listening", "port": listener.getsockname()[1]}
    print(orjson.dumps(said).decode(), flush=True)
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
