"""Trees printed in one line, so that tests can compare them."""

from __future__ import annotations

from gatekeeper_py.cel.syntax.tree import (
    Binding,
    Call,
    Comprehension,
    Identifier,
    ListLiteral,
    Literal,
    MapLiteral,
    Message,
    Node,
    Select,
)

__all__ = ["outline"]


def outline(node: Node) -> str:
    """The shape of a tree: `function(receiver; arguments)`, `kind<range; variables; condition; result>`."""
    match node:
        case Literal():
            return repr(node.value)
        case Identifier():
            return f".{node.name}" if node.absolute else node.name
        case Select():
            mark = "~" if node.test else "?" if node.optional else ""
            return f"{outline(node.operand)}.{mark}{node.field}"
        case Call():
            target = "" if node.target is None else f"{outline(node.target)}; "
            return f"{node.function}({target}{_joined(node.arguments)})"
        case ListLiteral():
            marks = ["?" if index in node.optional else "" for index in range(len(node.elements))]
            parts = [mark + outline(part) for mark, part in zip(marks, node.elements, strict=True)]
            return f"[{', '.join(parts)}]"
        case MapLiteral():
            parts = [
                f"{'?' if entry.optional else ''}{outline(entry.key)}: {outline(entry.value)}"
                for entry in node.entries
            ]
            return f"{{{', '.join(parts)}}}"
        case Message():
            parts = [
                f"{'?' if field.optional else ''}{field.name}: {outline(field.value)}"
                for field in node.fields
            ]
            return f"{node.type_name}{{{', '.join(parts)}}}"
        case Comprehension():
            parts = [outline(part) if part else "-" for part in (node.condition, node.result)]
            return f"{node.kind.value}<{outline(node.range)}; {','.join(node.variables)}; {'; '.join(parts)}>"
        case Binding():
            return f"let {node.variable} = {outline(node.value)} in {outline(node.body)}"


def _joined(nodes: tuple[Node, ...]) -> str:
    return ", ".join(map(outline, nodes))
