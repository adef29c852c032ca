"""A name server for pods that knows one name, the API server's: the cluster's DNS as far as the engine asks it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

from tests.e2e.harness import INNER_ADDRESS

__all__ = ["DOMAIN", "SERVER", "name_server"]

SERVER = "192.0.2.1"
"""The machine's own address in an enclosure, which pods reach by way of their bridge."""
PORT = 53
DOMAIN = "cluster.local"
KNOWN = {f"kubernetes.default.svc.{DOMAIN}": IPv4Address(INNER_ADDRESS)}
ADDRESS_TYPE = 1
"""A record of an IPv4 address (RFC 1035, 3.2.2)."""
HEADER = struct.Struct(">6H")
ANSWERS, NO_SUCH_NAME = 0x8580, 0x8583
"""A final answer, with and without success (RFC 1035, 4.1.1)."""
SECONDS_TO_LIVE = 5


@contextmanager
def name_server() -> Iterator[None]:
    """Answers until the end of the block."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((SERVER, PORT))
        thread = threading.Thread(target=_serve, args=(listening,))
        thread.start()
        try:
            yield
        finally:
            listening.sendto(b"", (SERVER, PORT))
            thread.join(10)


def _serve(listening: socket.socket) -> None:
    """Until an empty question comes."""
    while True:
        question, client = listening.recvfrom(512)
        if not question:
            return
        listening.sendto(_answer(question), client)


def _answer(question: bytes) -> bytes:
    name, end = _name(question)
    (kind,) = struct.unpack_from(">H", question, end)
    identity = int.from_bytes(question[:2], "big")
    asked = question[HEADER.size : end + 4]
    address = KNOWN.get(name.lower())
    if address is None or kind != ADDRESS_TYPE:
        return HEADER.pack(identity, ANSWERS if address else NO_SUCH_NAME, 1, 0, 0, 0) + asked
    record = struct.pack(">3HIH", 0xC000 | HEADER.size, ADDRESS_TYPE, 1, SECONDS_TO_LIVE, 4) + address.packed
    return HEADER.pack(identity, ANSWERS, 1, 1, 0, 0) + asked + record


def _name(question: bytes) -> tuple[str, int]:
    """The name that is asked for, and where it ends."""
    labels, place = [], HEADER.size
    while length := question[place]:
        labels.append(question[place + 1 : place + 1 + length].decode("ascii", "replace"))
        place += 1 + length
    return ".".join(labels), place + 1
