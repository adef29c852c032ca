"""JSON patches as the API server applies them (evanphx/json-patch v4), and the patch between two objects.

The library differs from RFC 6902 and what it does is what policies get: `replace` and `copy` of an absent key
take it for null, an index may be negative, `add` without a value adds null. Messages are the library's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import jsonpatch

from gatekeeper_py.cel import equal
from gatekeeper_py.golang.quoting import quote
from gatekeeper_py.objects.resource import ABSENT, Object
from gatekeeper_py.policy.admission.decision import PatchOperation
from gatekeeper_py.policy.immutable import immutable

__all__ = ["Operation", "PatchError", "TestFailed", "apply", "copied", "difference", "pointed", "same"]

INDEX = re.compile(r"[+-]?[0-9]+", re.ASCII)
"""What Go's strconv.Atoi reads."""

INTEGER_LIMIT = 2**63


class PatchError(ValueError):
    """A patch that does not apply."""


class TestFailed(PatchError):
    """A `test` operation found another value; the patch as a whole is then skipped."""

    __test__ = False


@immutable(frozen=True, slots=True)
class Operation:
    """One operation of a patch; an absent path or origin is empty."""

    op: str
    path: str
    origin: str = ""
    """`from`: where move and copy take the value."""
    value: Any = ABSENT


Container: TypeAlias = "dict[str, Any] | list[Any]"


class _Draft:
    """A document being patched: containers on the way to a change are copies, all others the original's."""

    __slots__ = ("_own", "root")

    def __init__(self, document: Container) -> None:
        self._own: dict[int, Container] = {}
        self.root: Container = self._copied(document)

    def enter(self, container: Container, key: str) -> Container:
        """The container under a key of one that is the draft's own, which it is from now on too."""
        inner = _container(_read(container, key))
        if id(inner) in self._own:
            return inner
        made = self._copied(inner)
        container[key if isinstance(container, dict) else _position(container, key)] = made  # type: ignore[index]
        return made

    def _copied(self, container: Container) -> Container:
        made = container.copy()
        self._own[id(made)] = made
        return made


def apply(document: Object, operations: Sequence[Operation]) -> Any:
    """Apply a patch; raise `PatchError` when it does not apply.

    The document stays as it is; the result shares with it what the patch did not touch. It need not be an
    object: a patch may replace the root.
    """
    draft = _Draft(document)
    for operation in operations:
        _step(draft, operation)
    return draft.root


def _step(draft: _Draft, operation: Operation) -> None:
    if operation.op == "replace" and operation.path == "":
        draft.root = _new_root(operation.value)
        return
    step = STEPS.get(operation.op)
    if step is None:
        raise PatchError(f"Unexpected kind: {operation.op}")
    step(draft, operation)


def _new_root(value: object) -> Container:
    if isinstance(value, (dict, list)):
        root: Container = copied(value)
        return root
    raise PatchError("replace operation value must be object or array: %!w(<nil>)")


def _add(draft: _Draft, operation: Operation) -> None:
    container, key = _parent(draft, operation.path, 'add operation does not apply: doc is missing path: "{}"')
    try:
        _insert(container, key, _written(operation))
    except PatchError as error:
        raise PatchError(f"error in add for path: '{operation.path}': {error}") from None


def _remove(draft: _Draft, operation: Operation) -> None:
    missing = 'remove operation does not apply: doc is missing path: "{}"'
    container, key = _parent(draft, operation.path, missing)
    try:
        _delete(container, key)
    except PatchError as error:
        raise PatchError(f"error in remove for path: '{operation.path}': {error}") from None


def _replace(draft: _Draft, operation: Operation) -> None:
    path = operation.path
    container, key = _parent(draft, path, "replace operation does not apply: doc is missing path: {}")
    value = _written(operation)
    if isinstance(container, dict):
        container[key] = value
        return
    try:
        container[_position(container, key)] = value
    except PatchError:
        raise PatchError(f"replace operation does not apply: doc is missing key: {path}: {MISSING}") from None


def _move(draft: _Draft, operation: Operation) -> None:
    origin = _origin(operation)
    container, key = _parent(draft, origin, "move operation does not apply: doc is missing from path: {}")
    try:
        value = _read(container, key)
        _delete(container, key)
    except PatchError as error:
        raise PatchError(f"error in move for path: '{key}': {error}") from None
    missing = "move operation does not apply: doc is missing destination path: {}"
    container, key = _parent(draft, operation.path, missing)
    try:
        _insert(container, key, value)
    except PatchError as error:
        raise PatchError(f"error in move for path: '{operation.path}': {error}") from None


def _copy(draft: _Draft, operation: Operation) -> None:
    origin = _origin(operation)
    container, key = _parent(draft, origin, "copy operation does not apply: doc is missing from path: {}")
    try:
        value = copied(_read(container, key))
    except PatchError as error:
        raise PatchError(f"error in copy for from: '{origin}': {error}") from None
    missing = "copy operation does not apply: doc is missing destination path: {}"
    container, key = _parent(draft, operation.path, missing)
    try:
        _insert(container, key, value)
    except PatchError as error:
        raise PatchError(f"error while adding value during copy: {error}") from None


def _test(draft: _Draft, operation: Operation) -> None:
    path = operation.path
    if path == "":
        found: object = draft.root
    else:
        container, key = _parent(draft, path, "test operation does not apply: is missing path: {}")
        try:
            found = _read(container, key)
        except PatchError as error:
            raise PatchError(f"error in test for path: '{path}': {error}") from None
    if not _passes(found, operation.value):
        raise TestFailed(f"testing value {path} failed: test failed")


STEPS: dict[str, Callable[[_Draft, Operation], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}

MISSING = "missing value"


def _written(operation: Operation) -> Any:
    """What add and replace write: null when the operation has no value."""
    return None if operation.value is ABSENT else copied(operation.value)


def _passes(found: object, value: object) -> bool:
    """Whether a test passes. To the library null is an empty container, and nothing but what is not there."""
    if found is None or value is ABSENT:
        return found is None and value is ABSENT
    return found in ({}, []) if value is None else same(found, value)


def _origin(operation: Operation) -> str:
    if not operation.origin:
        raise PatchError(
            f"{operation.op} operation failed to decode from: operation, missing from field: {MISSING}"
        )
    return operation.origin


def _parent(draft: _Draft, path: str, missing: str) -> tuple[Container, str]:
    """The container a path points into and the key there."""
    try:
        *walk, key = pointed(path)
        container = draft.root
        for token in walk:
            container = draft.enter(container, token)
    except ValueError:
        raise PatchError(f"{missing.format(path)}: {MISSING}") from None
    return container, key


def pointed(path: str) -> list[str]:
    """The keys of a path, the outermost first; what stands before the first slash is ignored."""
    _, *tokens = path.split("/")
    return [_decoded(token) for token in tokens] if "~" in path else tokens


def _decoded(token: str) -> str:
    """RFC 6901: in this order what is replaced makes nothing that would be."""
    return token.replace("~1", "/").replace("~0", "~")


def _container(value: object) -> Container:
    if isinstance(value, (dict, list)):
        return value
    raise PatchError("unknown object type")


def _read(container: Container, key: str) -> Any:
    """The value of a key; an absent key of a map reads as null."""
    if isinstance(container, dict):
        return container.get(key)
    return container[_position(container, key)]


def _insert(container: Container, key: str, value: object) -> None:
    if isinstance(container, dict):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        container.insert(_insertion(container, key), value)


def _insertion(container: list[Any], key: str) -> int:
    try:
        index = _number(key)
    except PatchError as error:
        raise PatchError(f"value was not a proper array index: '{key}': {error}") from None
    return _within(index, len(container) + 1)


def _delete(container: Container, key: str) -> None:
    if isinstance(container, dict):
        if key not in container:
            raise PatchError(f"Unable to remove nonexistent key: {key}: {MISSING}")
        del container[key]
    else:
        del container[_position(container, key)]


def _position(container: list[Any], key: str) -> int:
    return _within(_number(key), len(container))


def _within(index: int, length: int) -> int:
    if not -length <= index < length:
        raise PatchError(f"Unable to access invalid index: {index}: invalid index referenced")
    return index + length if index < 0 else index


def _number(key: str) -> int:
    if not INDEX.fullmatch(key):
        raise PatchError(f"strconv.Atoi: parsing {quote(key)}: invalid syntax")
    digits = key.lstrip("+-").lstrip("0")
    if len(digits) > len(str(INTEGER_LIMIT)) or not -INTEGER_LIMIT <= int(key) < INTEGER_LIMIT:
        raise PatchError(f"strconv.Atoi: parsing {quote(key)}: value out of range")
    return int(key)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: numbers by value, a number never equal to a boolean."""
    if one is other:
        return True
    try:
        if one != other:  # Python tells quickly what differs, but takes true for 1
            return False
    except RecursionError:
        pass
    return equal(one, other)


def copied(value: Any) -> Any:
    """A JSON value that shares no container with the original. Does not recurse: data may be nested deep."""
    if not isinstance(value, CONTAINERS):
        return value
    root = [value]
    pending: list[tuple[Any, Any]] = [(root, 0)]
    while pending:
        holder, key = pending.pop()
        source = holder[key]
        if isinstance(source, dict):
            made: Any = dict(source)
            pending.extend((made, name) for name, inner in source.items() if isinstance(inner, CONTAINERS))
        else:
            made = list(source) if isinstance(source, CONTAINERS) else source
            if made is not source:
                pending.extend((made, at) for at, inner in enumerate(made) if isinstance(inner, CONTAINERS))
        holder[key] = made
    return root[0]


CONTAINERS = (dict, list, tuple)


def difference(before: Object, after: Object) -> tuple[PatchOperation, ...]:
    """The RFC 6902 patch that turns one object into another, exactly; empty when they are the same."""
    try:
        return tuple(_differences("", before, after))
    except RecursionError:
        return tuple(_replaced(before, after))


def _differences(path: str, before: Any, after: Any) -> Iterator[PatchOperation]:
    """What differs at a path: by field, or where lists differ as the library finds it."""
    if same(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _fields(path, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _items(path, before, after)
    else:
        yield {"op": "replace", "path": path, "value": after}


def _fields(path: str, before: Object, after: Object) -> Iterator[PatchOperation]:
    for key in before:
        if key not in after:
            yield {"op": "remove", "path": f"{path}/{_encoded(key)}"}
    for key, value in after.items():
        if key not in before:
            yield {"op": "add", "path": f"{path}/{_encoded(key)}", "value": value}
        elif value is not before[key]:
            yield from _differences(f"{path}/{_encoded(key)}", before[key], value)


def _items(path: str, before: list[Any], after: list[Any]) -> Iterator[PatchOperation]:
    """Item by item where there are as many; otherwise the library's patch, if it does what it should."""
    if len(before) == len(after):
        for index, values in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{path}/{index}", *values)
        return
    patch = jsonpatch.make_patch(before, after)
    if not same(patch.apply(before), after):
        yield {"op": "replace", "path": path, "value": after}
        return
    for operation in patch.patch:
        yield {key: path + value if key in ("path", "from") else value for key, value in operation.items()}


def _replaced(before: Object, after: Object) -> Iterator[PatchOperation]:
    """Field by field at the top: the plain patch for objects nested too deep."""
    for key in before:
        if key not in after:
            yield {"op": "remove", "path": f"/{_encoded(key)}"}
    for key, value in after.items():
        if key not in before or not same(before[key], value):
            yield {"op": "add", "path": f"/{_encoded(key)}", "value": value}


def _encoded(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
