"""What a custom resource asks of the machine that its pods would run on, as pods themselves ask for it: the
node's namespaces and files, its ports, and every right over it.

Which controller makes the pods does not matter: the host-access policies refuse them when they come, and
nothing says so to whoever wrote the object. Of a DaemonSet's template they refuse it at once, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["ASKING", "asked_in_text", "asked_of_machine"]

FLAGS = frozenset(("hostIPC", "hostNetwork", "hostNetworking", "hostPID", "hostProcess"))
"""Fields of pods that, when true, give them a part of the node (and ScyllaDB's name for one)."""
ASKING = FLAGS | {"hostPath", "hostPort", "privileged"}
"""Fields of which `asked_of_machine` must be asked."""
SECURITY_CONTEXT = ".securityContext"
HOST = re.compile(r"(?:^host(?:name)?|[a-z]Host|address|server|endpoint)$")
"""How fields are called that hold the host whose port a `hostPort` beside them is."""
PRIVILEGED_TEXT = re.compile(
    r"""(?:^[ \t-]*|[{,][ \t]*)["']?(?:(host(?:IPC|Network|PID|Process)|privileged)["']?"""
    r"""[ \t]*:[ \t]*["']?true["']?[ \t]*(?:$|[,}\r#])"""
    r"""|(hostPath)["']?[ \t]*:[ \t]*(?:\{|\r?\n[ \t]+["']?path))""",
    re.MULTILINE,
)
"""The same, in a pod or a patch of one that is text, in YAML or JSON; not in words about it."""


def asked_of_machine(key: str, value: Any, beside: Mapping[str, Any], around: str) -> str:
    """What a field of a pod asks of its node, in words; nothing when it asks for nothing.

    `beside` is the mapping that the field is in, and `around` the step that leads to it.
    """
    if key in FLAGS:
        return key if value is True else ""
    if key == "privileged":
        return key if value is True and around == SECURITY_CONTEXT else ""
    if key == "hostPort":
        is_port = type(value) is int and value > 0 and not any(map(HOST.search, beside))
        return f"{key} {value}" if is_port else ""
    path = value.get("path") if type(value) is dict else value
    return f"{key} {path}" if key == "hostPath" and type(path) is str and path else ""


def asked_in_text(text: str) -> str:
    """What a pod that stands in a text asks of its node, likewise."""
    match = PRIVILEGED_TEXT.search(text)
    return "" if match is None else match[1] or match[2]
