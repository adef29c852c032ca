"""Small pieces of CEL as text, for match conditions of webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["in_namespaces", "one_of", "texts", "who"]


def who(users: Sequence[str], prefixes: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Ways to tell that one of them asks."""
    ways = [f"request.userInfo.username in {texts(users)}"] if users else []
    ways += [f"request.userInfo.username.startsWith({text(prefix)})" for prefix in prefixes]
    if groups:
        ways.append(f"request.userInfo.groups.exists(group, group in {texts(groups)})")
    return ways


def in_namespaces(names: Sequence[str]) -> str:
    """Whether a request belongs to one of these namespaces."""
    return f"has(request.namespace) && request.namespace in {texts(names)}"


def one_of(expressions: Iterable[str]) -> str:
    """One of them holds; nothing when there are none. `&&` binds closer than `||`."""
    found = list(expressions)
    joined = " ||\n".join(found)
    return f"({joined})" if len(found) > 1 else joined


def texts(values: Sequence[str]) -> str:
    """A list of literals."""
    return f"[{', '.join(text(value) for value in values)}]"


def text(value: str) -> str:
    """A literal; names of users may hold anything."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"
