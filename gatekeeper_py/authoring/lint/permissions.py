"""Authorizer checks that no role grants and no request asks for: a name is misspelt (GK303)."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.cel import tree
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.objects.kinds import Kinds, ServedResource

__all__ = ["permissions"]

VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
SPECIAL: Final = ("use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "proxy")
"""Verbs that only some resources have (plugin/pkg/auth/authorizer/rbac, KEP-1205 and others)."""
MEANT: Final[Mapping[str, str]] = {
    "read": "get",
    "view": "get",
    "write": "update",
    "edit": "update",
    "modify": "update",
    "put": "update",
    "apply": "patch",
    "post": "create",
    "add": "create",
    "exec": "create",
    "remove": "delete",
}
"""Words that are taken for a verb; `exec` is the creation of pods/exec."""
PATH_VERBS: Final = ("get", "post", "put", "patch", "delete", "head", "options")
"""Of paths that are no resource's, in small letters (apiserver/pkg/endpoints/request/requestinfo.go)."""

Links = Mapping[str, tree.Literal]
"""The arguments of a chain of calls, by the call's name."""


def permissions(subject: Subject) -> Iterator[Finding]:
    """What is asked of `authorizer` that is never so."""
    for policy in subject.every:
        for statement in statements(policy):
            for node in _checks(statement.expression.program.tree):
                for problem in _asked(statement, _links(node), subject.kinds):
                    yield Finding(problem, "GK303")


def _checks(node: tree.Node) -> Iterator[tree.Call]:
    return (each for each in tree.nodes(node) if isinstance(each, tree.Call) and each.function == "check")


def _links(node: tree.Call) -> Links:
    """`authorizer.group('').resource('pods').check('get')`, as far as texts are constant."""
    found: dict[str, tree.Literal] = {}
    link: tree.Node | None = node
    while isinstance(link, tree.Call):
        if len(link.arguments) == 1 and isinstance(argument := link.arguments[0], tree.Literal):
            found[link.function] = argument
        link = link.target
    return found


def _asked(statement: Statement, links: Links, kinds: Kinds) -> Iterator[Problem]:
    path = links.get("path")
    if path is not None:
        if not str(path.value).startswith("/"):
            yield statement.problem(path, f'"{path.value}" is no path', "Begin it with /")
        yield from _verb(statement, links["check"], PATH_VERBS, ()) if "check" in links else ()
        return
    yield from _verb(statement, links["check"], VERBS, SPECIAL) if "check" in links else ()
    if "resource" in links and "group" in links:
        yield from _resource(statement, links, kinds)


def _verb(
    statement: Statement, verb: tree.Literal, known: Collection[str], special: Collection[str]
) -> Iterator[Problem]:
    """A verb that is a slip of one; others may be of roles that were made for a policy."""
    text = str(verb.value)
    if text in known or text in special or text == "*":
        return
    near = difflib.get_close_matches(text.lower(), [*known, *special], 1, 0.75)
    if meant := MEANT.get(text.lower()) or next(iter(near), ""):
        yield statement.problem(verb, f'no request has the verb "{text}"', f"Did you mean {meant}?")


def _resource(statement: Statement, links: Links, kinds: Kinds) -> Iterator[Problem]:
    group, name = links["group"], links["resource"]
    served = {each.served.resource.group for each in kinds}
    if group.value not in served:
        if "/" in str(group.value):
            meant = str(group.value).partition("/")[0]
            yield statement.problem(
                group, f'"{group.value}" is no group', f"Did you mean {meant}? A version is none"
            )
        elif near := difflib.get_close_matches(str(group.value), served - {""}, 1):
            yield statement.problem(group, f'no group is called "{group.value}"', f"Did you mean {near[0]}?")
        return
    here = [each for each in kinds if each.served.resource.group == group.value]
    if found := [each for each in here if each.served.resource.resource == name.value]:
        yield from _below(statement, links, found)
        return
    yield from _unserved(statement, group, name, here, kinds)


def _unserved(
    statement: Statement, group: tree.Literal, name: tree.Literal, here: list[ServedResource], kinds: Kinds
) -> Iterator[Problem]:
    text = str(name.value)
    what = f'no resource of the group "{group.value}" is called "{text}"'
    resource, _, subresource = text.partition("/")
    elsewhere = [each.served.resource.group for each in kinds if each.served.resource.resource == text]
    of_kind = [
        each.served.resource.resource for each in here if each.served.kind.kind.lower() == text.lower()
    ]
    names = [each.served.resource.resource for each in here]
    if subresource:
        yield statement.problem(name, what, f"Write resource('{resource}').subresource('{subresource}')")
    elif elsewhere:
        yield statement.problem(name, what, f'It is of the group "{elsewhere[0]}"')
    elif near := (of_kind or difflib.get_close_matches(text, names, 1)):
        yield statement.problem(name, what, f"Did you mean {near[0]}?")


def _below(statement: Statement, links: Links, found: list[ServedResource]) -> Iterator[Problem]:
    """The subresource, and a namespace where there is none."""
    subresource, name = links.get("subresource"), links["resource"].value
    known = [each for resource in found for each in resource.subresources]
    if subresource is not None and subresource.value not in ("", *known):
        near = difflib.get_close_matches(str(subresource.value), known, 1)
        remedy = f"Did you mean {near[0]}?" if near else f"Write one of {', '.join(known) or 'none'}"
        what = f'{name} has no subresource "{subresource.value}"'
        yield statement.problem(subresource, what, remedy)
    namespace = links.get("namespace")
    if namespace is not None and namespace.value and not any(each.served.namespaced for each in found):
        yield statement.problem(namespace, f"{name} are in no namespace", "Leave namespace() out")
